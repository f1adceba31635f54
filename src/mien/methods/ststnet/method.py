"""STSTNet: recipe, settings and deviations."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from mien.core import FloatArray, UInt8Array
from mien.methods._method import METHODS, Method


def prepare(maps: UInt8Array) -> FloatArray:
    """Turn maps (N, H, W, 3), RGB = u, v, strain, into float32 (N, 3, H, W): strain, v, u, 0 to 255.

    The published code reads its maps with OpenCV, which gives BGR; its weights expect that order and range.
    """
    return np.ascontiguousarray(maps[..., ::-1].transpose(0, 3, 1, 2), dtype=np.float32)


STSTNET = METHODS.add(
    "ststnet",
    Method(
        name="ststnet",
        title="STSTNet: three shallow convolution streams over one motion map",
        paper="Liong, Gan, See, Khor, Huang: Shallow triple stream three-dimensional CNN (STSTNet) for "
        "micro-expression recognition. FG 2019",
        kind="network",
        recipe="motion-map",
        prepare=prepare,
        entry="mien.methods._network:fit",
        network="mien.methods.ststnet.network:STSTNet",
        presets=MappingProxyType(
            {
                "paper": {"epochs": 500, "batch": 256, "lr": 5e-5},
                "small": {"epochs": 40, "batch": 64, "lr": 2e-3},
            }
        ),
        deviations=(
            "Batch norm after each ReLU and dropout .5 in each stream, as in the authors' PyTorch port; "
            "its max pooling has padding 1, without which published weights predict otherwise.",
            "500 epochs as in the MATLAB code (the port: 800); the last epoch is the result.",
            "The published UAR (.7605) is macro-precision: truth and prediction were swapped; recomputed it is .7186.",
        ),
        parameters=1683,
    ),
)
