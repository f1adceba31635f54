"""MDMO: where each of 36 facial regions moves, two numbers a region."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._method import METHODS, Method
from mien.methods.mdmo.features import balanced

MDMO = METHODS.add(
    "mdmo",
    Method(
        name="mdmo",
        title="RBF SVM on the main directional mean optical flow of 36 facial regions",
        paper="Liu, Zhang, Yan, Wang, Zhao, Fu: A main directional mean optical flow feature for spontaneous "
        "micro-expression recognition. IEEE TAC 7(4), 2016",
        kind="classic",
        recipe="mdmo",
        prepare=balanced,
        entry="mien.methods._svm:fit",
        presets=MappingProxyType(
            {"paper": {"C": 1.0, "kernel": "rbf", "class_weight": "balanced", "standardise": False}}
        ),
        deviations=(
            "Ten frames by TIM instead of all frames of the clip; frames are registered by a similarity instead of an "
            "affine map found in the flow; TV-L1 flow.",
            "Lengths are divided by the clip's largest and weigh as much as angles (the paper tunes the balance); C "
            "and gamma are scikit-learn's defaults, never tuned.",
            "The regions follow a public program for 68 points, with the brows' upper edge in eye distances.",
        ),
    ),
)
