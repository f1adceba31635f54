"""RCN-A: recipe, settings and deviations."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from mien.core import FloatArray, UInt8Array
from mien.methods._method import METHODS, Method


def prepare(maps: UInt8Array) -> FloatArray:
    """Turn maps (N, H, W, 3), RGB = u, v, strain, into float32 (N, 3, H, W): u, v, strain, 0 to 1."""
    return np.ascontiguousarray(maps.transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)


RCN_A = METHODS.add(
    "rcn-a",
    Method(
        name="rcn-a",
        title="RCN-A: a recurrent convolution, weighted by attention that has no parameters of its own",
        paper="Xia, Peng, Khor, Feng, Zhao: Revealing the invisible with model and data shrinking for "
        "composite-database micro-expression recognition. IEEE Transactions on Image Processing 29, 2020",
        kind="network",
        recipe="motion-map",
        prepare=prepare,
        entry="mien.methods._network:fit",
        network="mien.methods.rcn_a.network:RCNA",
        presets=MappingProxyType(
            {
                "paper": {
                    "epochs": 100,
                    "batch": 64,
                    "lr": 5e-4,
                    "schedule": "step",
                    "step_epochs": 10,
                    "gamma": 0.5,
                },
                "small": {"epochs": 15, "batch": 16, "lr": 2e-3},
            }
        ),
        deviations=(
            "Maps of 28 x 28, whose last features (6 x 6) are pooled to 7 x 7, so that neighbours share some; "
            "the flow pictures of the paper are larger (60 x 60 as far as is known).",
            "The channels are u, v and strain; the authors' code reads a flow picture whose channels it does not name.",
            "Adam, its rate halved every 10 epochs. The authors' script has Adam commented out for SGD with momentum "
            ".9, and makes that schedule without ever stepping it.",
            "An attention map without contrast is 0; in the authors' code it is 0 / 0.",
        ),
        parameters=55747,
    ),
)
