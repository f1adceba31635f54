"""Flow by regions: how the skin of 36 facial regions moves from onset to apex."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._method import METHODS, Method
from mien.methods._vectors import vectors

FLOW_ROI = METHODS.add(
    "flow-roi",
    Method(
        name="flow-roi",
        title="RBF SVM on statistics of the optical flow in 36 facial regions",
        paper="mien's own reference, on the regions of Liu et al.: IEEE TAC 7(4), 2016",
        kind="classic",
        recipe="flow-roi",
        prepare=vectors,
        entry="mien.methods._svm:fit",
        presets=MappingProxyType({"paper": {"C": 1.0, "kernel": "rbf", "class_weight": "balanced"}}),
        deviations=("No paper: scikit-learn's defaults with balanced class weights, never tuned.",),
    ),
)
