"""MS3D: recipe, settings and deviations."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray
from mien.methods._method import METHODS, Method


def prepare(flows: npt.NDArray[np.float32]) -> FloatArray:
    """Turn flow (N, 16, 134, 134, 2), pixels, into (N, 2, 16, 134, 134)."""
    return np.ascontiguousarray(np.moveaxis(flows, -1, 1), dtype=np.float32)


_PAPER = {"batch": 8, "lr": 1e-5, "epochs": 100}
_SMALL = {"batch": 8, "lr": 1e-3, "epochs": 10}

MS3D = METHODS.add(
    "ms3d",
    Method(
        name="ms3d",
        title="MS3D: multi-scale 3-D residual network on flow between key frames, fused, with four heads",
        paper="Jin, He, Li, Yang: Micro-expression recognition based on multi-scale 3D residual convolutional neural "
        "network. MBE 21(4), 2024",
        kind="network",
        recipe="ms3d",
        prepare=prepare,
        entry="mien.methods._network:fit",
        network="mien.methods.ms3d.network:MS3D",
        presets=MappingProxyType(
            {
                "paper": _PAPER,
                "bottleneck": {**_PAPER, "network": {"block": "bottleneck"}},
                "cascade": {**_PAPER, "network": {"fusion": "cascade"}},
                "mean": {**_PAPER, "network": {"selector": "mean"}},
                "no-attention": {**_PAPER, "network": {"attention": False}},
                "no-spatial": {**_PAPER, "network": {"spatial": False}},
                "no-temporal": {**_PAPER, "network": {"temporal": False}},
                "small": {**_SMALL, "network": {"width": 8}},
                "small-no-attention": {**_SMALL, "network": {"width": 8, "attention": False}},
                "small-no-spatial": {**_SMALL, "network": {"width": 8, "spatial": False}},
                "small-no-temporal": {**_SMALL, "network": {"width": 8, "temporal": False}},
            }
        ),
        deviations=(
            "Basic blocks (3, 4, 6, 3): the 6, 8, 12, 6 convolutions of the text are ResNet-34's, not ResNet-50's "
            "(preset bottleneck). A max pool follows the stem, without which memory is eight times as large.",
            "The head is chosen by the least entropy of its answer; the paper chooses by the loss, which needs the "
            "test label. Training adds up the four cross entropies.",
            "Magnification comes before key frames: its band is in Hz. Key frames by matching pixels of 16 rows; the "
            "paper's own text is that of camera motion. Flow u, v between 17 key frames.",
            "Batches of 8, no weight decay: unstated. Moved and mirrored copies of training clips are not made yet.",
            "Leave one subject out by default; the paper's text describes leaving one sample out, which leaks "
            "identity.",
        ),
        parameters=69104114,
    ),
)
