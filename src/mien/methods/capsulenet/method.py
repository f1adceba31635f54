"""CapsuleNet: recipe, settings and deviations."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy.typing as npt

from mien.core import FloatArray
from mien.methods._frames import channels_first
from mien.methods._method import METHODS, Method


def prepare(frames: npt.NDArray[Any]) -> FloatArray:
    """Turn the apex frame (N, 1, 224, 224[, 3]) into (N, 3, 224, 224), 0 to 1."""
    return channels_first(frames)[:, 0]


_PAPER = {"epochs": 30, "batch": 32, "lr": 1e-4, "schedule": "exponential", "gamma": 0.9}

CAPSULENET = METHODS.add(
    "capsulenet",
    Method(
        name="capsulenet",
        title="CapsuleNet: capsules with dynamic routing on the apex frame alone",
        paper="Van Quang, Chun, Tokuyama: CapsuleNet for micro-expression recognition. FG 2019",
        kind="network",
        recipe="capsulenet",
        prepare=prepare,
        entry="mien.methods._network:fit",
        network="mien.methods.capsulenet.network:CapsuleNet",
        presets=MappingProxyType({"paper": _PAPER, "small": {**_PAPER, "epochs": 8, "network": {"size": 136}}}),
        deviations=(
            "Eye-based crop of 224 px; the authors' random crop of 234 x 240, their oversampling with frames around "
            "the apex and their rotation, which also turned test frames, are left out.",
            "The last epoch is the result; the authors keep the best one on the test subject.",
            "Random initialisation, where theirs is ImageNet's. A softmax shares out the capsules' lengths.",
        ),
        parameters=13842496,
    ),
)
