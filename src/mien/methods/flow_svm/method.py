"""Flow-SVM: what any network on motion maps has to beat."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._method import METHODS, Method
from mien.methods.flow_svm.features import flat

FLOW_SVM = METHODS.add(
    "flow-svm",
    Method(
        name="flow-svm",
        title="StandardScaler and RBF SVM on the flattened motion map (u, v, strain)",
        paper="mien's own reference. Cortes, Vapnik: Support-vector networks. Machine Learning 20, 1995",
        kind="classic",
        recipe="motion-map",
        prepare=flat,
        entry="mien.methods._svm:fit",
        presets=MappingProxyType({"paper": {"C": 1.0, "kernel": "rbf", "class_weight": "balanced"}}),
        deviations=("No paper: scikit-learn's defaults (gamma 'scale') with balanced class weights, never tuned.",),
    ),
)
