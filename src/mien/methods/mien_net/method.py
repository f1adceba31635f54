"""mien-net: recipe, settings and what is our own about it."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from mien.core import FloatArray, UInt8Array
from mien.methods._method import METHODS, Method
from mien.methods.mien_net.units import UNITS
from mien.methods.motion_svm.features import levelled


def prepare(maps: UInt8Array) -> FloatArray:
    """Level the u and v channels of motion maps: (N, 28, 28, 3) uint8 to (N, 2, 28, 28) float32, of deviation 1."""
    return levelled(maps).reshape(len(maps), 2, *maps.shape[1:3]).astype(np.float32)


_TUNED = {
    "epochs": 15,
    "batch": 32,
    "lr": 5e-4,
    "optimizer": "adamw",
    "weight_decay": 1e-2,
    "schedule": "cosine",
    "class_weights": "balanced",
    "augment": True,
}

MIEN_NET = METHODS.add(
    "mien-net",
    Method(
        name="mien-net",
        title="Small convolutional networks on the levelled motion map, taught by synthetic motion before real clips",
        paper="mien's own: the network of the default recogniser",
        kind="network",
        recipe="motion-map",
        prepare=prepare,
        entry="mien.methods.mien_net.train:fit",
        network="mien.methods.mien_net.network:MienNet",
        presets=MappingProxyType(
            {
                "paper": _TUNED,
                "small": {**_TUNED, "epochs": 5},
                "scratch": {**_TUNED, "epochs": 40, "lr": 2e-3, "synthetic": False},
                "synthetic": {**_TUNED, "epochs": 10, "batch": 64, "lr": 2e-3, "synthetic": False},
            }
        ),
        deviations=(
            "No paper. Training starts from the bundled default recogniser, which learnt from synthetic motion alone "
            "(docs/model-card.md); its batch norms stay as they are. The preset `scratch` starts from nothing; "
            "`synthetic` is what the default itself was trained with.",
            "Strain is left out: what estimators make of it differs most between corpora.",
        ),
        parameters=741666,
        action_units=UNITS,
    ),
)
