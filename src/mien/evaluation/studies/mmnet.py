"""Tables of MMNet's reproduction."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from mien.evaluation.studies._study import STUDIES, Arm, Study

__all__ = ["INPUTS", "REPRODUCTION"]

_COMMON: dict[str, Any] = {
    "paper": "Wang Zihan: reproduction of MMNet. SZU-AdvTech 2022 (in Chinese)",
    "metrics": ("accuracy", "f1"),
    "sources": ("Li et al., MMNet", "Wang, MMNet reproduction"),
    "protocol": "one subject left out, and for each the epoch that is best on that very subject, for accuracy and F1 "
    "apart",
}

REPRODUCTION = STUDIES.add(
    "mmnet-reproduction",
    Study(
        name="mmnet-reproduction",
        table="Table 1: MMNet and its reproduction",
        arms=(
            Arm("original", "mmnet"),
            Arm("reproduction", "mmnet", "reproduction", "reproduction", small="small"),
        ),
        corpora=MappingProxyType({"casme2": ("casme2_3_mmnet", "casme2_5"), "mmew": ("mmew4",)}),
        notes=(
            "The two rows are one network; the reproduction has its own weight decay and class weights. It trained on "
            "MMEW at ten times the learning rate shown here (preset reproduction-mmew).",
        ),
        **_COMMON,
    ),
)

INPUTS = STUDIES.add(
    "mmnet-inputs",
    Study(
        name="mmnet-inputs",
        table="Table 2: what goes into MMNet, on CAS(ME)^3",
        arms=(
            Arm("RGB difference", "mmnet", "reproduction-casme3", "reproduction, rgb difference", small="small"),
            Arm("Optical flow", "mmnet-flow", "reproduction", "reproduction", small="small"),
            Arm("Optical flow, u and v alone", "mmnet-flow", "reproduction-uv", "reproduction", small="small-uv"),
            Arm("Depth difference", "mmnet-depth", "reproduction", "reproduction", small="small"),
            Arm("RGBD difference", "mmnet-rgbd", "reproduction", "reproduction", small="small"),
        ),
        corpora=MappingProxyType({"casme3": ("casme3_4",)}),
        notes=(
            "The paper has one row of optical flow and does not say of which channels: u, v and strain, and u and v "
            "alone, are both shown beside it.",
        ),
        **_COMMON,
    ),
)
