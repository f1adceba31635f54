"""Corpora as `Sample` records: one plain-named file per dataset, no pixels read."""

from mien.datasets._corpus import Corpus
from mien.datasets._counts import label_counts
from mien.datasets._dataset import DATASETS, Dataset
from mien.datasets._doctor import check
from mien.datasets._faults import Finding
from mien.datasets._fixture import Fixture, write_fixture

__all__ = ["DATASETS", "Corpus", "Dataset", "Finding", "Fixture", "check", "label_counts", "write_fixture"]
