"""HOOF: histograms of the directions in which the face moves."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._method import METHODS, Method
from mien.methods._vectors import vectors

HOOF = METHODS.add(
    "hoof",
    Method(
        name="hoof",
        title="linear SVM on histograms of oriented optical flow",
        paper="Chaudhry, Ravichandran, Hager, Vidal: Histograms of oriented optical flow and Binet-Cauchy kernels on "
        "nonlinear dynamical systems for the recognition of human actions. CVPR 2009",
        kind="classic",
        recipe="hoof",
        prepare=vectors,
        entry="mien.methods._svm:fit",
        presets=MappingProxyType({"paper": {"C": 1.0, "kernel": "linear", "class_weight": "balanced"}}),
        deviations=(
            "As micro-expression papers use it: 8 directions over the full circle in 5 x 5 blocks, not folded about "
            "the vertical as for actions of the whole body.",
            "TV-L1 flow from each of ten interpolated frames to the next; the mean histogram and a linear SVM stand "
            "for the paper's dynamical system.",
        ),
    ),
)
