"""MS3D's table and ablation figure."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from mien.evaluation.studies._study import STUDIES, Arm, Study

__all__ = ["ABLATION", "COMPARISON"]

_COMMON: dict[str, Any] = {
    "paper": "Jin, He, Li, Yang: Micro-expression recognition based on multi-scale 3D residual convolutional neural "
    "network. MBE 21(4), 2024",
    "corpora": MappingProxyType({"smic": ("smic3",), "samm": ("samm4_ms3d",), "casme2": ("casme2_4_ms3d",)}),
    "sources": ("Jin et al., MS3D",),
    "protocol": "the text leaves one sample out, so that the subject is in the training set, and MS3D's head is chosen "
    "by the loss on the test sample's label",
}

COMPARISON = STUDIES.add(
    "ms3d-comparison",
    Study(
        name="ms3d-comparison",
        table="Table 1: against other methods",
        arms=(
            Arm("LBP-TOP", "lbp-top"),
            Arm("STCLQP", "stclqp"),
            Arm("DisLBP-STIP", "dis-stlbp-rip"),
            Arm("LGCcon", "lgccon"),
            Arm("Bi-WOOF", "bi-woof"),
            Arm("C3D", "c3d"),
            Arm("OFF-ApexNet", "off-apexnet"),
            Arm("DINet", "dual-inception"),
            Arm("CapsuleNet", "capsulenet"),
            Arm("RCN", "rcn-a"),
            Arm("SLSTT", "slstt"),
            Arm("MS3D", "ms3d"),
        ),
        metrics=("accuracy", "f1"),
        **_COMMON,
    ),
)

ABLATION = STUDIES.add(
    "ms3d-ablation",
    Study(
        name="ms3d-ablation",
        table="Figure 11: what flow, attention and the two kinds of scales add",
        arms=(
            Arm("raw frames", "ms3d-frames", variant=None),
            Arm("without attention", "ms3d", "no-attention", None),
            Arm("without spatial multi-scale", "ms3d", "no-spatial", None),
            Arm("without temporal multi-scale", "ms3d", "no-temporal", "without temporal multi-scale"),
            Arm("MS3D", "ms3d"),
        ),
        metrics=("accuracy", "f1"),
        notes=(
            "The figure is a picture without numbers: only the text's gain by temporal multi-scale is known "
            "(and that flow adds about 4 % to raw frames). Here each part is taken out of the whole.",
        ),
        **_COMMON,
    ),
)
