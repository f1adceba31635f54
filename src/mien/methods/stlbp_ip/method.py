"""STLBP-IP: binary patterns of integral projections."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._method import METHODS, Method
from mien.methods._vectors import vectors

STLBP_IP = METHODS.add(
    "stlbp-ip",
    Method(
        name="stlbp-ip",
        title="linear SVM on spatio-temporal binary patterns of integral projections",
        paper="Huang, Wang, Zhao, Pietikainen: Facial micro-expression recognition using spatiotemporal local binary "
        "pattern with integral projection. ICCV Workshops 2015",
        kind="classic",
        recipe="stlbp-ip",
        prepare=vectors,
        entry="mien.methods._svm:fit",
        presets=MappingProxyType({"paper": {"C": 1.0, "kernel": "linear", "class_weight": "balanced"}}),
        deviations=(
            "The one-dimensional patterns have a window of 9 and differences are taken to the first frame, as in "
            "public re-implementations.",
            "5 x 5 blocks and histograms of sum 1: unpublished, chosen. The paper's SVM has a chi-square kernel, ours "
            "is linear on standardised features.",
        ),
    ),
)
