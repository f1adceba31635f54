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
        notes=("The two rows are one network; the reproduction has its own weight decay and class weights.",),
        **_COMMON,
    ),
)

INPUTS = STUDIES.add(
    "mmnet-inputs",
    Study(
        name="mmnet-inputs",
        table="Table 2: what goes into MMNet, on CAS(ME)^3",
        arms=(
            Arm("RGB difference", "mmnet", "reproduction", "reproduction, rgb difference", small="small"),
            Arm("Optical flow", "mmnet-flow", variant="reproduction, optical flow", quoted="mmnet"),
            Arm("Depth difference", "mmnet-depth", variant="reproduction, depth difference", quoted="mmnet"),
            Arm("RGBD difference", "mmnet-rgbd", variant="reproduction, rgbd difference", quoted="mmnet"),
        ),
        corpora=MappingProxyType({"casme3": ("casme3_4",)}),
        **_COMMON,
    ),
)
