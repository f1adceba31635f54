"""AD-Net's tables."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from mien.evaluation.studies._study import STUDIES, Arm, Study

__all__ = ["ABLATION", "COMPARISON"]

_COMMON: dict[str, Any] = {
    "paper": "Li, Chen, Feng, Wei, Zhang: AD-Net. AIRR 15(2), 593-602, 2026 (in Chinese)",
    "corpora": MappingProxyType({"casme2": ("casme2_3_adnet_literal",), "samm": ("samm3",)}),
    "metrics": ("accuracy", "f1"),
    "sources": ("Li et al., AD-Net",),
    "protocol": "one subject left out, the epoch and the averaging of F1 not said, accuracies that fit no number of "
    "clips (means of folds, of runs or of frames)",
}

ABLATION = STUDIES.add(
    "adnet-ablation",
    Study(
        name="adnet-ablation",
        table="Tables 2 (CASME II) and 3 (SAMM): coordinate attention and adversarial training",
        arms=(
            Arm("Dense", "adnet", "dense", "dense"),
            Arm("Dense+PGD", "adnet", "dense-pgd", "dense + pgd"),
            Arm("Dense+CA", "adnet", "dense-ca", "dense + ca"),
            Arm("AD-Net", "adnet"),
        ),
        **_COMMON,
    ),
)

COMPARISON = STUDIES.add(
    "adnet-comparison",
    Study(
        name="adnet-comparison",
        table="Tables 4 (CASME II) and 5 (SAMM): against other methods",
        arms=(
            Arm("OFF-ApexNet", "off-apexnet"),
            Arm("STSTNet", "ststnet"),
            Arm("SLSTT", "slstt"),
            Arm("AM3F-FlowNet", "am3f-flownet"),
            Arm("MMNet", "mmnet"),
            Arm("AD-Net", "adnet"),
        ),
        notes=(
            "The rows but AD-Net's are copied from their papers, with other clips, classes and metrics; here all rows "
            "see the same clips.",
        ),
        **_COMMON,
    ),
)
