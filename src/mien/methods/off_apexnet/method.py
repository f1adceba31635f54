"""OFF-ApexNet: recipe, settings and deviations."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from mien.core import FloatArray, UInt8Array
from mien.methods._method import METHODS, Method


def prepare(maps: UInt8Array) -> FloatArray:
    """Turn maps (N, H, W, 3), RGB = u, v, strain, into float32 (N, 2, H, W): u, v, 0 to 1."""
    return np.ascontiguousarray(maps[..., :2].transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)


OFF_APEXNET = METHODS.add(
    "off-apexnet",
    Method(
        name="off-apexnet",
        title="OFF-ApexNet: two convolution streams, for u and for v between onset and apex",
        paper="Gan, Liong, Yau, Huang, Tan: OFF-ApexNet on micro-expression recognition system. "
        "Signal Processing: Image Communication 74, 2019",
        kind="network",
        recipe="motion-map",
        prepare=prepare,
        entry="mien.methods._network:fit",
        network="mien.methods.off_apexnet.network:OFFApexNet",
        presets=MappingProxyType(
            {
                "paper": {"epochs": 3000, "batch": 256, "lr": 5e-5},
                "small": {"epochs": 20, "batch": 64, "lr": 5e-4},
            }
        ),
        deviations=(
            "2,664,475 parameters for three classes; the paper prints 2.77 million.",
            "Learning rate, batch and epochs follow the authors' STSTNet code; the paper tried up to 3000 epochs.",
        ),
        parameters=2664475,
    ),
)
