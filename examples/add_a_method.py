"""Add a method of your own and evaluate it like any other.

This one describes a motion map by the mean of each of its blocks and classifies it with an SVM. In the package it
would be a folder in `src/mien/methods`; CONTRIBUTING.md shows it.
"""

from pathlib import Path
from types import MappingProxyType

import numpy as np

import mien
from mien.methods import METHODS, Method

OUT = Path("build/examples")


def block_means(maps: np.ndarray) -> np.ndarray:
    """Average motion maps (N, 28, 28, 3) over blocks of 7 x 7: (N, 48) in [0, 1]."""
    return maps.reshape(len(maps), 4, 7, 4, 7, 3).mean(axis=(2, 4)).reshape(len(maps), -1) / 255


METHODS.add(
    "block-mean",
    Method(
        name="block-mean",
        title="SVM on the block means of the motion map",
        paper="none: an example",
        kind="classic",
        recipe="motion-map",
        prepare=block_means,
        entry="mien.methods._svm:fit",
        presets=MappingProxyType({"paper": {"C": 1.0, "kernel": "rbf", "class_weight": "balanced"}}),
    ),
)

maps = mien.generate_motion(OUT / "maps.npz", per_class=40, seed=1)
for method in ("block-mean", "flow-svm"):
    # jobs=1: other processes would not know a method that only this script has added
    scores = mien.evaluate(
        method, "motion-npz", maps, out=OUT / f"my-{method}", protocol="kfold:3", jobs=1, progress=False
    )
    print(f"{method:<11} UF1 {scores['uf1']:.3f}")
