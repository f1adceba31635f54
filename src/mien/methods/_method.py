"""What a method is, what it makes, and the registry of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from mien.core import MienError, Registry

__all__ = ["METHODS", "Inputs", "IntArray", "Method", "OnEpoch", "Prepare", "Probabilities", "Trained"]

IntArray = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float64]
Inputs = npt.NDArray[Any]
Prepare = Callable[[Inputs], npt.NDArray[Any]]


class Trained(Protocol):
    """What training gives and :meth:`Method.fit` returns."""

    @property
    def parameters(self) -> int | None:
        """Trainable parameters; None where the method has no such number."""

    def predict(self, inputs: Inputs) -> tuple[IntArray, Probabilities]:
        """Classes (N,) and probabilities (N, K) of what the method's recipe made (N, ...)."""

    def save(self, folder: Path) -> None:
        """Write what was learned into an existing folder."""


OnEpoch = Callable[[int, Trained], None]


@dataclass(frozen=True, slots=True)
class Method:
    """One published way to recognise micro-expressions.

    Attributes
    ----------
    name, title, paper : str
        What the command line takes; one line for a person; the citation.
    kind : {"classic", "network"}
        Scikit-learn or torch.
    recipe : str
        How its input is made, a name in ``mien.recipes.RECIPES``.
    prepare : callable
        ``prepare(inputs (N, ...)) -> float array``: from what the recipe makes to what the learner eats. Uses numpy
        only, so a trained network runs without torch.
    entry : str
        ``module:function`` that trains it (see :meth:`fit`), imported when it is needed.
    presets : mapping of str to mapping
        Named training settings; ``paper`` is the default.
    deviations : tuple of str
        Where we differ from the paper, and why.
    parameters : int or None
        Trainable parameters for three classes; None for a classic method.
    network : str
        ``module:class`` of the network, made as ``class(n_classes)``; empty for a classic method.
    loader : str
        ``module:function`` that reads it from disk, where it is not saved as others of its kind are.
    action_units : tuple of int
        Action units that it can be taught to answer for beside the classes.
    """

    name: str
    title: str
    paper: str
    kind: Literal["classic", "network"]
    recipe: str
    prepare: Prepare
    entry: str
    presets: Mapping[str, Mapping[str, Any]]
    deviations: tuple[str, ...] = ()
    parameters: int | None = None
    network: str = ""
    loader: str = ""
    action_units: tuple[int, ...] = ()

    def settings(self, preset: str | None = None) -> Mapping[str, Any]:
        """Return the settings of a preset (default ``paper``); an unknown one raises :class:`MienError`."""
        name = preset or "paper"
        if name not in self.presets:
            known = ", ".join(self.presets)
            raise MienError(f"got the preset '{name}'; expected one of {known} for '{self.name}'; choose one")
        return MappingProxyType(dict(self.presets[name]))

    def fit(
        self,
        inputs: Inputs,
        targets: npt.ArrayLike,
        groups: Sequence[str],
        classes: Sequence[str],
        *,
        settings: Mapping[str, Any] | None = None,
        seed: int = 0,
        on_epoch: OnEpoch | None = None,
        start: Path | None = None,
        device: str = "auto",
        checkpoint: Path | None = None,
        copies: Inputs | None = None,
    ) -> Trained:
        """Train on these samples, and on nothing else.

        Parameters
        ----------
        inputs : array, (N, ...)
            Made by the recipe; motion maps are uint8 (N, H, W, 3), RGB = u, v, strain.
        targets : int array-like, (N,)
            Classes, 0 to K - 1.
        groups : sequence of str, length N
            Subjects: inner splits go between them.
        classes : sequence of str, length K
            Names of the classes.
        settings : mapping, optional
            Training settings; by default those of the preset ``paper``. Which copies :func:`mien.evaluate` and
            :func:`mien.train` make (``copies``) is of no concern here: what is trained on is what is given.
        seed : int
            Of everything random.
        on_epoch : callable, optional
            ``on_epoch(epoch, trained)`` after each epoch of a network, from 1.
        start : Path, optional
            For a network: a ``weights.safetensors`` to start from.
        device : str
            For a network: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:1``.
        checkpoint : Path, optional
            For a network: a file to go on from, and to write once a minute (:func:`mien.training.loop.fit_network`).
        copies : array, (N, V, ...), optional
            For a network: copies of each sample, of which every epoch draws one in its place.

        Returns
        -------
        Trained
            Ready to predict and to save.

        Raises
        ------
        MienError
            If the input is unfit, a class is alone, the loss diverges, or torch is not installed.
        """
        labels = np.asarray(targets, dtype=np.int64)
        _check(self.recipe, inputs, labels, groups, classes)
        train = load_entry(self.entry)
        chosen = dict(self.settings() if settings is None else settings)
        chosen.pop("copies", None)
        for_networks: dict[str, Any] = {"device": device, "checkpoint": checkpoint} if self.kind == "network" else {}
        if copies is not None:
            _check_copies(self, inputs, copies)
            for_networks["copies"] = copies
        trained: Trained = train(
            self,
            inputs,
            labels,
            groups=list(groups),
            n_classes=len(classes),
            settings=chosen,
            seed=seed,
            on_epoch=on_epoch,
            start=start,
            **for_networks,
        )
        return trained


METHODS: Registry[Method] = Registry("method", "mien.methods", module="method")


def load_entry(entry: str) -> Any:
    """Import ``module:name``; without torch, say how to get it."""
    module, name = entry.split(":")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("torch", "safetensors", "onnx"):
            raise
        raise MienError(
            f"got no {error.name} in this Python; expected it for training a network; run: pip install 'mien[train]'"
        ) from error


def _check(recipe: str, inputs: Inputs, labels: IntArray, groups: Sequence[str], classes: Sequence[str]) -> None:
    is_map = inputs.ndim == 4 and inputs.shape[-1] == 3 and inputs.dtype == np.uint8
    if inputs.ndim < 2 or not len(inputs) or (recipe == "motion-map" and not is_map):
        expected = "(N, H, W, 3) uint8" if recipe == "motion-map" else "(N, ...)"
        raise MienError(
            f"got inputs {inputs.shape} {inputs.dtype}; expected {expected}, N > 0; load them by the recipe '{recipe}'"
        )
    if inputs.dtype.kind == "f" and not np.isfinite(inputs).all():
        raise MienError("got inputs with nan or infinity; expected finite numbers; check the frames they came from")
    if not len(inputs) == len(labels) == len(groups):
        raise MienError(
            f"got {len(inputs)} inputs, {len(labels)} labels, {len(groups)} subjects; expected equal numbers"
        )
    if labels.min() < 0 or labels.max() >= len(classes):
        raise MienError(
            f"got labels {labels.min()} to {labels.max()}; expected 0 to {len(classes) - 1}; check the labels"
        )
    if len(np.unique(labels)) < 2:
        name = classes[int(labels[0])]
        raise MienError(
            f"got only '{name}' to train on; expected two classes or more; use more data or another protocol"
        )


def _check_copies(method: Method, inputs: Inputs, copies: Inputs) -> None:
    if method.kind == "classic":
        raise MienError(f"got copies to draw from for '{method.name}', which has no epochs; expected none; drop them")
    if copies.ndim < 3 or not copies.shape[1] or (len(copies), *copies.shape[2:]) != inputs.shape:
        raise MienError(
            f"got copies {copies.shape} of inputs {inputs.shape}; expected (N, V, ...) of the same N and size; "
            "make them by the same recipe"
        )
