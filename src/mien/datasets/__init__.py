"""Corpora as `Sample` records: one plain-named file per dataset, no pixels read."""

from mien.datasets._dataset import DATASETS, Dataset

__all__ = ["DATASETS", "Dataset"]
