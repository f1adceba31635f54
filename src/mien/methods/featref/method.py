"""FeatRef: recipe, settings and deviations."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._method import METHODS, Method
from mien.methods.dual_inception.method import prepare

METHODS.add(
    "featref",
    Method(
        name="featref",
        title="FeatRef: shared flow features, refined by one attention branch per expression",
        paper="Zhou, Mao, Huang, Zhang, Zhang: Feature refinement: an expression-specific feature learning and fusion "
        "method for micro-expression recognition. Pattern Recognition 122, 2022",
        kind="network",
        recipe="motion-map",
        prepare=prepare,
        entry="mien.methods._network:fit",
        network="mien.methods.featref.network:FeatRef",
        presets=MappingProxyType(
            {
                "paper": {"epochs": 40, "batch": 3, "lr": 1e-4},
                "small": {"epochs": 10, "batch": 64, "lr": 1e-3},
            }
        ),
        deviations=(
            "Invented, since no layer table or code was to be had: Dual-Inception's features as the shared ones, an "
            "attention of 6272 to 128 to 6272 per expression, one proposal unit each, the mean as fusion, the "
            "proposals' loss and its weight.",
            "Settings are Dual-Inception's, by the same first author.",
        ),
        parameters=11304878,
    ),
)
