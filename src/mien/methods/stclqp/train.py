"""STCLQP's two stages: codebooks of the training clips' patterns, then an SVM on histograms of their entries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError
from mien.methods import _svm
from mien.methods._method import Inputs, IntArray, Method, Probabilities
from mien.methods._svm import TrainedSVM
from mien.methods.stclqp.features import FILE, KINDS, quantised
from mien.motion.descriptors import learn_codebook

__all__ = ["TrainedSTCLQP", "fit", "load"]

Codebooks = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class TrainedSTCLQP:
    """Codebooks, and the SVM on what they make of clips.

    Attributes
    ----------
    codebooks : uint16 array, (9, K)
        The entries for sign, magnitude and orientation, each on XY, XT and YT.
    svm : TrainedSVM
        Whose ``prepare`` applies the codebooks.
    """

    codebooks: Codebooks
    svm: TrainedSVM

    @property
    def parameters(self) -> None:
        """Return None, as of every SVM."""

    def predict(self, inputs: Inputs) -> tuple[IntArray, Probabilities]:
        """Return the SVM's classes (N,) and its calibrated probabilities (N, K)."""
        return self.svm.predict(inputs)

    def save(self, folder: Path) -> None:
        """Write ``codebook.npy`` and ``model.skops``."""
        np.save(folder / FILE, self.codebooks)
        self.svm.save(folder)


def fit(
    method: Method, inputs: Inputs, targets: IntArray, *, settings: Mapping[str, Any], **rest: Any
) -> TrainedSTCLQP:
    """Learn the codebooks on all training clips, without labels, then train the SVM (:func:`mien.methods._svm.fit`).

    The setting ``codebook`` is the number of entries, the others are the SVM's. The machines that calibrate the
    probabilities share these codebooks: of the subjects that they leave out, the codebooks have seen the patterns.
    """
    options = dict(settings)
    size = options.pop("codebook", None)
    if size is None:
        raise MienError("got settings without 'codebook'; expected how many entries it has; 64 is the preset's")
    counts = method.prepare(inputs).sum(axis=(0, 1), dtype=np.float64)
    codebooks = np.stack([learn_codebook(kind, size) for kind in counts])
    return TrainedSTCLQP(codebooks, _svm.fit(_with(method, codebooks), inputs, targets, settings=options, **rest))


def load(method: Method, folder: Path, n_classes: int, parameters: int | None) -> TrainedSTCLQP:
    """Read codebooks and SVM; neither executes code.

    Raises
    ------
    MienError
        If a file is broken or holds something else.
    """
    path = folder / FILE
    try:
        codebooks = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise MienError(
            f"got '{path}', which does not read ({error}); expected codebooks; take a fresh copy"
        ) from error
    if codebooks.dtype != np.uint16 or codebooks.ndim != 2 or len(codebooks) != KINDS:
        raise MienError(
            f"got {codebooks.shape} {codebooks.dtype} in '{path}'; expected ({KINDS}, K) uint16; take a fresh copy"
        )
    return TrainedSTCLQP(codebooks, _svm.load(_with(method, codebooks), folder, n_classes, parameters))


def _with(method: Method, codebooks: Codebooks) -> Method:
    return replace(method, prepare=partial(quantised, codebooks=codebooks))
