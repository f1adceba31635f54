"""The networks on motion maps beside each other: no table of one paper, but of what they are compared with."""

from __future__ import annotations

from types import MappingProxyType

from mien.evaluation.studies._study import STUDIES, Arm, Study

__all__ = ["MAP_NETWORKS"]

MAP_NETWORKS = STUDIES.add(
    "map-networks",
    Study(
        name="map-networks",
        paper="STSTNet, OFF-ApexNet, Dual-Inception (FG and SPIC 2019) and RCN (TIP 2020)",
        table="networks on motion maps, presets small, and the SVM that needs none",
        arms=(
            Arm("flow-svm (no network)", "flow-svm", variant=None),
            Arm("STSTNet", "ststnet", "small", small="small"),
            Arm("OFF-ApexNet", "off-apexnet", "small", small="small"),
            Arm("Dual-Inception", "dual-inception", "small", small="small"),
            Arm("RCN-A", "rcn-a", "small", small="small"),
        ),
        corpora=MappingProxyType({"motion-npz": ("megc2019",)}),
        metrics=("uf1", "uar"),
        sources=("Liong et al., STSTNet", "See et al., MEGC 2019", "Zhou et al., Dual-Inception", "Xia et al., RCN"),
        protocol="one subject left out of 68 in three corpora, the epoch kept mostly unstated",
        notes=("The published numbers are those of the composite of CASME II, SAMM and SMIC.",),
        quoted_corpus="megc2019",
    ),
)
