"""Splits, label maps, prediction files, pooled metrics, statistics: pure functions on tables.

The functions named like their module are imported from it: ``from mien.protocols.metrics import metrics``,
``from mien.protocols.splits import splits``, ``from mien.protocols.audit import audit``.
"""

from mien.protocols.agreement import agree
from mien.protocols.audit import random_best_of
from mien.protocols.calibration import (
    ReliabilityBin,
    brier_score,
    classwise_calibration_error,
    expected_calibration_error,
    measure_calibration,
    reliability_curve,
)
from mien.protocols.comparison import compare
from mien.protocols.confidence import RiskPoint, area_under_risk, coverage_by_class, measure_rejection, risk_coverage
from mien.protocols.intervals import Span, read_intervals
from mien.protocols.labels import LABEL_MAPS, LabelMap, label_map
from mien.protocols.metrics import confusion
from mien.protocols.predictions import read_predictions, write_predictions
from mien.protocols.scores import score
from mien.protocols.splits import Fold, protocol_leaks
from mien.protocols.spotting import match_intervals, spotting_scores
from mien.protocols.spotting_legacy import legacy_spotting_scores
from mien.protocols.statistics import majority, random_baseline

__all__ = [
    "LABEL_MAPS",
    "Fold",
    "LabelMap",
    "ReliabilityBin",
    "RiskPoint",
    "Span",
    "agree",
    "area_under_risk",
    "brier_score",
    "classwise_calibration_error",
    "compare",
    "confusion",
    "coverage_by_class",
    "expected_calibration_error",
    "label_map",
    "legacy_spotting_scores",
    "majority",
    "match_intervals",
    "measure_calibration",
    "measure_rejection",
    "protocol_leaks",
    "random_baseline",
    "random_best_of",
    "read_intervals",
    "read_predictions",
    "reliability_curve",
    "risk_coverage",
    "score",
    "spotting_scores",
    "write_predictions",
]
