"""MS3D: recipe, settings and deviations."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray
from mien.methods._method import METHODS, Method


def prepare(flows: npt.NDArray[np.float32]) -> FloatArray:
    """Turn flow (N, 16, 134, 134, 2), pixels, into (N, 2, 16, 134, 134)."""
    return np.ascontiguousarray(np.moveaxis(flows, -1, 1), dtype=np.float32)


def prepare_frames(frames: npt.NDArray[np.float32]) -> FloatArray:
    """Turn grey frames (N, 16, 134, 134), 0 to 255, into (N, 1, 16, 134, 134), 0 to 1."""
    return np.asarray(frames[:, None], np.float32) / np.float32(255)


_PAPER = {"batch": 8, "lr": 1e-5, "epochs": 100, "copies": "shifts-and-mirror"}
_SMALL = {"batch": 8, "lr": 1e-3, "epochs": 24, "schedule": "cosine", "augment": True}
_REDUCED = {"size": 67, "width": 8}

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
                "small": {**_SMALL, "network": _REDUCED},
                "small-no-attention": {**_SMALL, "network": {**_REDUCED, "attention": False}},
                "small-no-spatial": {**_SMALL, "network": {**_REDUCED, "spatial": False}},
                "small-no-temporal": {**_SMALL, "network": {**_REDUCED, "temporal": False}},
            }
        ),
        deviations=(
            "Basic blocks (3, 4, 6, 3): the 6, 8, 12, 6 convolutions of the text are ResNet-34's, not ResNet-50's "
            "(preset bottleneck). A max pool follows the stem, without which memory is eight times as large.",
            "The head is chosen by the least entropy of its answer; the paper chooses by the loss, which needs the "
            "test label. Training adds up the four cross entropies.",
            "Magnification comes before key frames: its band is in Hz. Key frames by matching pixels of 16 rows; the "
            "paper's own text is that of camera motion. Flow u, v between 17 key frames.",
            "Batches of 8, no weight decay: unstated. Each training clip counts six times: itself, the face box moved "
            'by 15 px to four sides, and mirrored; the paper says four times, and "vertical flip". The small presets '
            "mirror and shift at random instead.",
            "Leave one subject out by default; the paper's text describes leaving one sample out, which leaks "
            "identity.",
        ),
        parameters=69104114,
    ),
)

MS3D_FRAMES = METHODS.add(
    "ms3d-frames",
    replace(
        MS3D,
        name="ms3d-frames",
        title="MS3D on the key frames themselves, without flow",
        recipe="ms3d-frames",
        prepare=prepare_frames,
        network="mien.methods.ms3d.network:ms3d_frames",
        presets=MappingProxyType({"paper": _PAPER, "small": MS3D.presets["small"]}),
        deviations=(
            "Sixteen grey key frames of the magnified clip, 0 to 1: how the paper's arm without flow sees its frames "
            "is unstated. The network is the whole one.",
            *MS3D.deviations,
        ),
        parameters=69094706,
    ),
)
