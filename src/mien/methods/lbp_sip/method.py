"""LBP-SIP: LBP-TOP's intersections, each counted once."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._method import METHODS, Method
from mien.methods._vectors import vectors

LBP_SIP = METHODS.add(
    "lbp-sip",
    Method(
        name="lbp-sip",
        title="linear SVM on local binary patterns with six intersection points",
        paper="Wang, See, Phan, Oh: LBP with six intersection points: reducing redundant information in LBP-TOP for "
        "micro-expression recognition. ACCV 2014",
        kind="classic",
        recipe="lbp-sip",
        prepare=vectors,
        entry="mien.methods._svm:fit",
        presets=MappingProxyType({"paper": {"C": 1.0, "kernel": "linear", "class_weight": "balanced"}}),
        deviations=(
            "Compressed to 20 bins per block, four points in space and two in time, each histogram of sum 1.",
            "Ten frames by TIM, 8 x 8 x 1 blocks, radii 1, 1, 2, as for lbp-top; the multi-resolution pyramid is "
            "left out.",
            "Features are standardised on the training fold and classes weighted.",
        ),
    ),
)
