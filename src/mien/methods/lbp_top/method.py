"""LBP-TOP: the descriptor every micro-expression paper compares with."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._method import METHODS, Method
from mien.methods._vectors import vectors

LBP_TOP = METHODS.add(
    "lbp-top",
    Method(
        name="lbp-top",
        title="linear SVM on local binary patterns from three orthogonal planes",
        paper="Zhao, Pietikainen: Dynamic texture recognition using local binary patterns with an application to "
        "facial expressions. IEEE TPAMI 29(6), 2007",
        kind="classic",
        recipe="lbp-top",
        prepare=vectors,
        entry="mien.methods._svm:fit",
        presets=MappingProxyType({"paper": {"C": 1.0, "kernel": "linear", "class_weight": "balanced"}}),
        deviations=(
            "Ten frames by TIM, 8 x 8 x 1 blocks, radii 1, 1, 2: papers vary from 4 x 4 x 2 to 8 x 8 x 1 and radii "
            "from 1 to 4; with a radius of 4 in time, ten frames would leave two with patterns.",
            "A centre counts only where its circles on all three planes fit; blocks divide the whole clip, so those at "
            "the edge count fewer centres.",
            "Features are standardised on the training fold and classes weighted; the benchmarks do not say.",
        ),
    ),
)
