"""Splits, label maps, prediction files, pooled metrics, statistics: pure functions on tables.

The functions named like their module are imported from it: ``from mien.protocols.metrics import metrics``,
``from mien.protocols.splits import splits``.
"""

from mien.protocols.labels import LABEL_MAPS, LabelMap, label_map
from mien.protocols.metrics import confusion
from mien.protocols.predictions import read_predictions, write_predictions
from mien.protocols.scores import score
from mien.protocols.splits import Fold, protocol_leaks
from mien.protocols.statistics import majority, random_baseline

__all__ = [
    "LABEL_MAPS",
    "Fold",
    "LabelMap",
    "confusion",
    "label_map",
    "majority",
    "protocol_leaks",
    "random_baseline",
    "read_predictions",
    "score",
    "write_predictions",
]
