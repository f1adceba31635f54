"""AM3F-FlowNet: recipe, settings and deviations."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from mien.core import FloatArray, UInt8Array
from mien.methods._method import METHODS, Method


def prepare(maps: UInt8Array) -> FloatArray:
    """Turn maps (N, H, W, 3), RGB = u, v, strain, into float32 (N, 3, H, W), 0 to 1."""
    return np.ascontiguousarray(maps.transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)


METHODS.add(
    "am3f-flownet",
    Method(
        name="am3f-flownet",
        title="AM3F-FlowNet: three flow branches, fused over scales and re-weighted by attention",
        paper="Fu, Yang, Chen, Wei: AM3F-FlowNet: attention-based multi-scale multi-branch flow network. Entropy "
        "25(7), 2023",
        kind="network",
        recipe="motion-map",
        prepare=prepare,
        entry="mien.methods._network:fit",
        network="mien.methods.am3f_flownet.network:AM3FFlowNet",
        presets=MappingProxyType(
            {
                "paper": {"epochs": 100, "batch": 32, "lr": 1e-3, "class_weights": "frequency"},
                "small": {"epochs": 20, "batch": 32, "lr": 2e-3, "class_weights": "frequency"},
            }
        ),
        deviations=(
            "Invented, since only the abstract was to be had: the backbone's widths and depths, the form of both "
            "attentions, the fusion, the head and all settings.",
            "Class weights 'frequency' are the priors of the logit-adjusted loss, not weights.",
        ),
        parameters=100728,
    ),
)
