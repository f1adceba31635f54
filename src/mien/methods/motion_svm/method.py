"""Motion-SVM: small, without torch, made to learn from synthetic motion and to read real faces."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._method import METHODS, Method
from mien.methods.motion_svm.features import levelled

MOTION_SVM = METHODS.add(
    "motion-svm",
    Method(
        name="motion-svm",
        title="RBF SVM on the levelled motion map, reduced by principal components",
        paper="mien's own, for the default recogniser. Cortes, Vapnik: Support-vector networks. Machine Learning 20, "
        "1995",
        kind="classic",
        recipe="motion-map",
        prepare=levelled,
        entry="mien.methods._svm:fit",
        presets=MappingProxyType({"paper": {"components": 80, "C": 2.0, "kernel": "rbf", "class_weight": "balanced"}}),
        deviations=("No paper: 80 components and C = 2 were set before any real clip was scored.",),
    ),
)
