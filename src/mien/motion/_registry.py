"""The registry of flow estimators: a new one is one file in this room."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from mien.core import FloatArray, Registry, UInt8Array

__all__ = ["FLOWS", "FlowEstimator", "Frame"]

Frame: TypeAlias = UInt8Array | FloatArray
"""A grey frame (H, W): uint8, or float32 on the same scale, 0 to 255, as magnification and interpolation leave it."""


class FlowEstimator(Protocol):
    """Dense motion between two grey frames (H, W) of one type -> (2, H, W) float32, u right, v down, pixels."""

    def __call__(self, first: Frame, second: Frame) -> FloatArray:
        """Estimate the motion from ``first`` to ``second``."""
        ...


FLOWS: Registry[FlowEstimator] = Registry("flow estimator", "mien.motion.flows")
