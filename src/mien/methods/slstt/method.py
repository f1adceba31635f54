"""SLSTT: recipe, settings and deviations."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._frames import channels_first
from mien.methods._method import METHODS, Method

_PAPER = {
    "epochs": 40,
    "batch": 2,
    "lr": 0.01,
    "optimizer": "sgd",
    "weight_decay": 1e-4,
    "schedule": "cosine",
}
_SMALL_NETWORK = {"size": 96, "width": 96, "depth": 3, "heads": 4, "hidden": 64}

METHODS.add(
    "slstt",
    Method(
        name="slstt",
        title="SLSTT: a vision transformer on pictures of long-term flow, aggregated over time",
        paper="Zhang, Hong, Arandjelovic, Zhao: Short and long range relation based spatio-temporal transformer for "
        "micro-expression recognition. IEEE TAC 13(4), 2022",
        kind="network",
        recipe="slstt",
        prepare=channels_first,
        entry="mien.methods._network:fit",
        network="mien.methods.slstt.network:SLSTT",
        presets=MappingProxyType(
            {
                "paper": _PAPER,
                "mean": {**_PAPER, "network": {"aggregate": "mean"}},
                "frozen": {**_PAPER, "network": {"frozen": True}},
                "small": {
                    **_PAPER,
                    "epochs": 12,
                    "batch": 8,
                    "lr": 1e-3,
                    "optimizer": "adam",
                    "network": _SMALL_NETWORK,
                },
            }
        ),
        deviations=(
            "Random initialisation: ViT-B's ImageNet weights cannot be shipped, and without them frozen (as the public "
            "code runs, by no_grad) learns little.",
            "Short clips: fields are interpolated linearly in time, where the authors insert frames by a network.",
            "One cosine over all epochs, where the authors restart it.",
        ),
        parameters=93050627,
    ),
)
