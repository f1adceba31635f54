"""The registry of flow estimators: a new one is one file in this room."""

from __future__ import annotations

from typing import Protocol

from mien.core import FloatArray, Registry, UInt8Array

__all__ = ["FLOWS", "FlowEstimator"]


class FlowEstimator(Protocol):
    """Dense motion between two grey frames (H, W) uint8 -> (2, H, W) float32, u right, v down, pixels."""

    def __call__(self, first: UInt8Array, second: UInt8Array) -> FloatArray:
        """Estimate the motion from ``first`` to ``second``."""
        ...


FLOWS: Registry[FlowEstimator] = Registry("flow estimator", "mien.motion.flows")
