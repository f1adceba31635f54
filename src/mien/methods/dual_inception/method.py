"""Dual-Inception: recipe, settings and deviations."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from mien.core import FloatArray, UInt8Array
from mien.methods._method import METHODS, Method


def prepare(maps: UInt8Array) -> FloatArray:
    """Turn maps (N, H, W, 3), RGB = u, v, strain, into float32 (N, 2, H, W): u, v, 0 to 1."""
    return np.ascontiguousarray(maps[..., :2].transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)


DUAL_INCEPTION = METHODS.add(
    "dual-inception",
    Method(
        name="dual-inception",
        title="Dual-Inception: two Inception streams, for u and for v, joined in one wide layer",
        paper="Zhou, Mao, Xue: Dual-Inception network for cross-database micro-expression recognition. FG 2019",
        kind="network",
        recipe="motion-map",
        prepare=prepare,
        entry="mien.methods._network:fit",
        network="mien.methods.dual_inception.network:DualInception",
        presets=MappingProxyType(
            {
                "paper": {"epochs": 40, "batch": 3, "lr": 1e-4, "class_weights": "balanced"},
                "small": {"epochs": 10, "batch": 64, "lr": 1e-3, "class_weights": "balanced"},
            }
        ),
        deviations=(
            "The maps run from onset to apex; the paper's from onset to the middle frame.",
            "The authors' code asks for class_weight='auto', which the Keras it names (2.2.4) ignores; "
            "here the classes are balanced.",
            "The last epoch is the result. The authors' code validates on the other subjects of the test subject's "
            "corpus, trains on the other corpora, and keeps the epoch that validated best.",
            "The grey pictures of u and v are read as three equal channels, as in the authors' code.",
        ),
        parameters=6449963,
    ),
)
