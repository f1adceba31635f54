"""A saved AST+SVMNet: features by onnxruntime, then the SVM; no torch needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import softmax
from sklearn.pipeline import Pipeline

from mien.core import FloatArray, MienError
from mien.methods._method import Inputs, IntArray, Method, Probabilities
from mien.methods._onnx import NETWORK, OnnxNetwork
from mien.methods._onnx import load as load_network
from mien.methods._svm import THREADS, read_skops

__all__ = ["CLASSIFIERS", "SVM_FILE", "SavedAST", "decided", "load"]

CLASSIFIERS = ("svm", "softmax")
SVM_FILE = "model.skops"


@dataclass(frozen=True, slots=True)
class SavedAST:
    """Features by ONNX, classes by SVM."""

    network: OnnxNetwork
    svm: Pipeline
    n_classes: int

    @property
    def parameters(self) -> int | None:
        """Trainable parameters of the network, as the card says."""
        return self.network.parameters

    def predict(self, inputs: Inputs) -> tuple[IntArray, Probabilities]:
        """Return the class with the largest decision value (N,) and the softmax of all (N, K)."""
        with THREADS.limit(limits=1):
            return decided(self.svm, self.network.logits(self.network.prepare(inputs)), self.n_classes)

    def save(self, folder: Path) -> None:
        """Refuse: what was read is a copy."""
        self.network.save(folder)


def decided(svm: Pipeline, features: FloatArray, n_classes: int) -> tuple[IntArray, Probabilities]:
    """Classes and softmax of decision values; a class that the training clips lacked has probability 0."""
    values = np.asarray(svm.decision_function(features.astype(np.float64)))
    if values.ndim == 1:
        values = np.stack([-values, values], axis=1)
    probabilities: npt.NDArray[np.float64] = np.zeros((len(values), n_classes))
    probabilities[:, svm.classes_] = softmax(values, axis=1)
    return np.asarray(svm.classes_)[values.argmax(axis=1)].astype(np.int64), probabilities


def load(method: Method, folder: Path, n_classes: int, parameters: int | None) -> SavedAST | OnnxNetwork:
    """Read a saved model; one trained with ``softmax`` has no SVM and is its network alone.

    Raises
    ------
    MienError
        If a file is broken or holds other types than scikit-learn's own.
    """
    if not (folder / SVM_FILE).is_file():
        return load_network(method, folder, n_classes, parameters)
    content = read_skops(folder / SVM_FILE)
    if not isinstance(content, dict) or not isinstance(content.get("svm"), Pipeline):
        raise MienError(f"got '{folder / SVM_FILE}' without an SVM; expected one written by mien; take a fresh copy")
    return SavedAST(OnnxNetwork.open(method.prepare, folder / NETWORK, parameters), content["svm"], n_classes)
