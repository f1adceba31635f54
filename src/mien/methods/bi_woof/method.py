"""Bi-WOOF: two frames, flow directions weighted by length and by strain."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._method import METHODS, Method
from mien.methods._vectors import vectors

BI_WOOF = METHODS.add(
    "bi-woof",
    Method(
        name="bi-woof",
        title="linear SVM on bi-weighted oriented optical flow from onset to apex",
        paper="Liong, See, Wong, Phan: Less is more: micro-expression recognition from video using apex frame. Signal "
        "Processing: Image Communication 62, 2018",
        kind="classic",
        recipe="bi-woof",
        prepare=vectors,
        entry="mien.methods._svm:fit",
        presets=MappingProxyType(
            {"paper": {"C": 1.0, "kernel": "linear", "class_weight": "balanced", "standardise": False}}
        ),
        deviations=(
            "5 x 5 blocks everywhere; the paper tunes the grid for each corpus (6 x 6, 8 x 8).",
            "Blocks tile the face; in the authors' program they overlap by a pixel or two. The vector has length 1 and "
            "is not standardised; classes are weighted.",
        ),
    ),
)
