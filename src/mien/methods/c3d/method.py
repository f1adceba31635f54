"""C3D: recipe, settings and deviations."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray
from mien.methods._method import METHODS, Method


def prepare(frames: npt.NDArray[Any]) -> FloatArray:
    """Turn frames (N, 16, 112, 112[, 3]), 0 to 255, into (N, 3, 16, 112, 112), 0 to 1; grey is repeated."""
    colour = frames if frames.ndim == 5 else np.repeat(frames[..., None], 3, axis=-1)
    return np.ascontiguousarray(np.moveaxis(colour, -1, 1), dtype=np.float32) / np.float32(255)


METHODS.add(
    "c3d",
    Method(
        name="c3d",
        title="C3D: eight 3-D convolutions on sixteen frames",
        paper="Tran, Bourdev, Fergus, Torresani, Paluri: Learning spatiotemporal features with 3D convolutional "
        "networks. ICCV 2015",
        kind="network",
        recipe="c3d",
        prepare=prepare,
        entry="mien.methods._network:fit",
        network="mien.methods.c3d.network:C3D",
        presets=MappingProxyType(
            {
                "paper": {"epochs": 100, "batch": 8, "lr": 1e-4, "class_weights": "balanced"},
                "small": {"epochs": 10, "batch": 8, "lr": 1e-3, "class_weights": "balanced", "network": {"width": 8}},
            }
        ),
        deviations=(
            "As a baseline of MS3D, which gives no settings: Adam 1e-4, batches of 8, 100 epochs, random "
            "initialisation.",
            "Sixteen frames by TIM on the eye-based crop.",
        ),
        parameters=78008067,
    ),
)
