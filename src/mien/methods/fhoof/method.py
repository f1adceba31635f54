"""FHOFO: fuzzy histograms of flow orientations, whatever the motion's strength."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._method import METHODS, Method
from mien.methods._vectors import vectors

FHOOF = METHODS.add(
    "fhoof",
    Method(
        name="fhoof",
        title="linear SVM on fuzzy histograms of optical flow orientations",
        paper="Happy, Routray: Fuzzy histogram of optical flow orientations for micro-expression recognition. IEEE TAC "
        "10(3), 2019",
        kind="classic",
        recipe="fhoof",
        prepare=vectors,
        entry="mien.methods._svm:fit",
        presets=MappingProxyType({"paper": {"C": 1.0, "kernel": "linear", "class_weight": "balanced"}}),
        deviations=(
            "Ten interpolated frames, TV-L1 flow from each to the next, 5 x 5 blocks; the paper selects regions and "
            "motion models of its own.",
            "Features are standardised on the training fold and classes weighted.",
        ),
    ),
)
