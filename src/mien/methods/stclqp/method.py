"""STCLQP: local patterns of sign, magnitude and orientation, by codebooks learnt from the training clips."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._method import METHODS, Method
from mien.methods.stclqp.features import pattern_counts

STCLQP = METHODS.add(
    "stclqp",
    Method(
        name="stclqp",
        title="linear SVM on spatio-temporal completed local quantised patterns",
        paper="Huang, Zhao, Hong, Zheng, Pietikainen: Spontaneous facial micro-expression analysis using "
        "spatiotemporal completed local quantized patterns. Neurocomputing 175, 2016",
        kind="classic",
        recipe="stclqp",
        prepare=pattern_counts,
        entry="mien.methods.stclqp.train:fit",
        loader="mien.methods.stclqp.train:load",
        presets=MappingProxyType({"paper": {"C": 1.0, "kernel": "linear", "class_weight": "balanced", "codebook": 64}}),
        deviations=(
            "The paper was read in abstract only. Stated there: sign, magnitude and orientation of the difference of "
            "pixels, codebooks for each in space and in time, all histograms fused.",
            "Invented: eight neighbours at radii 1, 1, 2; ten frames by TIM; 5 x 5 x 1 blocks; the magnitude's "
            "threshold (the mean, as in CLBP); orientation as whether the gradient turns by at most 45 degrees.",
            "Invented: nine codebooks of 64 entries, one per component and plane, by k-medians with the number of "
            "differing bits as distance, from a fixed start.",
            "The codebooks are learnt without labels; the paper also selects entries that tell the classes apart.",
            "Histograms of sum 1 are put side by side, standardised on the training fold, for a linear SVM.",
        ),
    ),
)
