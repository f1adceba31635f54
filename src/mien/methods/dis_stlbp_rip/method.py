"""DisSTLBP-RIP: integral projections of the subtle motion, and the blocks that tell people's clips apart."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._method import METHODS, Method
from mien.methods._vectors import vectors

DIS_STLBP_RIP = METHODS.add(
    "dis-stlbp-rip",
    Method(
        name="dis-stlbp-rip",
        title="linear SVM on revisited integral projections of the sparse motion, by the best groups of features",
        paper="Huang, Wang, Liu, Zhao, Feng, Pietikainen: Discriminative spatiotemporal local binary pattern with "
        "revisited integral projection for spontaneous facial micro-expression recognition. IEEE TAC 10(1), 2019",
        kind="classic",
        recipe="dis-stlbp-rip",
        prepare=vectors,
        entry="mien.methods._svm:fit",
        presets=MappingProxyType(
            {"paper": {"C": 1.0, "kernel": "linear", "class_weight": "balanced", "group_size": 630, "keep": 15}}
        ),
        deviations=(
            "The paper was read in abstract only: the sparse part of robust PCA stands for the difference images.",
            "Groups of features are the 25 blocks; the 15 with the least Laplacian score on the training fold are "
            "kept, for all classes at once (the paper may choose for each pair of classes).",
        ),
    ),
)
