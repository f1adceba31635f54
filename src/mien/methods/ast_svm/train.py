"""AST's two stages: a network learns features, an SVM learns from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from torch import Tensor, nn

from mien.core import MienError
from mien.methods import _network
from mien.methods._method import Inputs, IntArray, Method, OnEpoch, Probabilities
from mien.methods._network import TrainedNetwork
from mien.methods._svm import THREADS
from mien.methods.ast_svm._saved import CLASSIFIERS, SVM_FILE, decided, load
from mien.nn.explain import Looked

__all__ = ["TrainedAST", "fit", "load", "one_vs_rest"]


class Features(nn.Module):
    """The network up to where the SVM begins, for export."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, F)."""
        features: Tensor = self.network.features(x)  # type: ignore[operator]
        return features


@dataclass(frozen=True, slots=True)
class TrainedAST:
    """A trained network, and the SVM on its features.

    Attributes
    ----------
    trained : TrainedNetwork
        With its linear layer, which the SVM replaces.
    extractor : TrainedNetwork
        The same network up to its features.
    svm : Pipeline
        Scaler and one-vs-rest RBF machines, fitted on training clips only.
    n_classes : int
        K.
    """

    trained: TrainedNetwork
    extractor: TrainedNetwork
    svm: Pipeline
    n_classes: int

    @property
    def parameters(self) -> int:
        """Trainable parameters of the network."""
        return self.trained.parameters

    def predict(self, inputs: Inputs) -> tuple[IntArray, Probabilities]:
        """Return the class with the largest decision value (N,) and the softmax of all (N, K)."""
        with THREADS.limit(limits=1):
            return decided(self.svm, self.extractor.outputs(inputs), self.n_classes)

    def where(self, inputs: Inputs, classes: Sequence[int]) -> Looked:
        """Return where the network looked; without attention, what spoke to the linear layer the SVM replaces."""
        return self.trained.where(inputs, classes)

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors``, ``network.onnx`` (up to the features) and the SVM ``model.skops``."""
        import skops.io

        self.extractor.save(folder)  # which also brings the network to the processor
        state = {name: tensor.contiguous() for name, tensor in self.trained.network.state_dict().items()}
        (folder / _network.WEIGHTS).write_bytes(safetensors.torch.save(state))
        skops.io.dump({"svm": self.svm, "n_classes": self.n_classes}, folder / SVM_FILE)


def fit(
    method: Method,
    inputs: Inputs,
    targets: IntArray,
    *,
    groups: Sequence[str],
    n_classes: int,
    settings: Mapping[str, Any],
    seed: int,
    on_epoch: OnEpoch | None = None,
    start: Path | None = None,
    device: str = "auto",
    checkpoint: Path | None = None,
) -> TrainedAST | TrainedNetwork:
    """Train the network with cross entropy, freeze it, train the SVM on its features (section III.D).

    The setting ``classifier`` is ``svm`` (default) or ``softmax``, the paper's ablation: the network's own answer.
    ``squash`` (default false) is the SVM's: see :func:`one_vs_rest`.

    Raises
    ------
    MienError
        If a setting is unknown or the loss diverges.
    """
    options = dict(settings)
    classifier = options.pop("classifier", "svm")
    squash = options.pop("squash", False)
    if classifier not in CLASSIFIERS:
        raise MienError(f"got the classifier '{classifier}'; expected one of {', '.join(CLASSIFIERS)}; choose one")
    per_epoch = on_epoch
    if classifier == "svm" and on_epoch is not None:
        # Each epoch is shown as what it would be with its own SVM, as it is for the last.
        def per_epoch(epoch: int, trained: Any) -> None:
            assert on_epoch is not None
            on_epoch(epoch, _with_svm(trained, inputs, targets, n_classes, squash))

    trained = _network.fit(
        method,
        inputs,
        targets,
        groups=groups,
        n_classes=n_classes,
        settings=options,
        seed=seed,
        on_epoch=per_epoch,
        start=start,
        device=device,
        checkpoint=checkpoint,
    )
    return trained if classifier == "softmax" else _with_svm(trained, inputs, targets, n_classes, squash)


def _with_svm(trained: TrainedNetwork, inputs: Inputs, targets: IntArray, n_classes: int, squash: bool) -> TrainedAST:
    extractor = TrainedNetwork(trained.prepare, Features(trained.network), trained.example)
    with THREADS.limit(limits=1):
        svm = one_vs_rest(squash).fit(extractor.outputs(inputs).astype(np.float64), targets)
    return TrainedAST(trained, extractor, svm, n_classes)


def one_vs_rest(squash: bool = False) -> Pipeline:
    """Return scaler and one RBF machine per class against all others, C = 1, gamma = 1 / (features x variance).

    Parameters
    ----------
    squash : bool
        Send each standardised feature through tanh (ours). A feature that hardly varies over the training clips may
        lie dozens of their deviations away in a person whom they lack; a few of those, and every kernel is 0 and every
        machine answers its own constant, whatever the others of thousands of features say.

    Examples
    --------
    >>> machine = one_vs_rest().fit(np.eye(6), [0, 1, 2, 0, 1, 2])
    >>> len(machine[-1].estimators_), machine.decision_function(np.eye(6)).shape
    (3, (6, 3))
    """
    steps = [StandardScaler(), FunctionTransformer(np.tanh)] if squash else [StandardScaler()]
    return make_pipeline(*steps, OneVsRestClassifier(SVC(C=1.0, kernel="rbf", gamma="scale")))
