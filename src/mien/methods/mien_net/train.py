"""Training of mien-net: on synthetic motion, and from there on real clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from mien.core import MienError, UInt8Array
from mien.methods import _network
from mien.methods._method import Inputs, IntArray, Method, OnEpoch
from mien.methods._model import DEFAULT, WEIGHTS
from mien.methods._network import TrainedNetwork
from mien.methods.mien_net.units import UNITS

__all__ = ["fit", "learn_synthetic"]


def fit(
    method: Method,
    inputs: Inputs,
    targets: IntArray,
    *,
    settings: Mapping[str, Any],
    start: Path | None = None,
    **others: Any,
) -> TrainedNetwork:
    """Train on real clips, from the default recogniser's weights unless others are given.

    The setting ``synthetic`` (default true) says whether to start there; see :meth:`mien.methods.Method.fit`.

    Raises
    ------
    MienError
        If the bundled model is missing, a setting is unknown or the loss diverges.
    """
    options = dict(settings)
    if options.pop("synthetic", True) and start is None:
        start = DEFAULT / WEIGHTS
        if not start.is_file():
            raise MienError(
                f"got no '{start}'; expected the bundled recogniser to start from; install mien anew, or choose the "
                "preset 'scratch'"
            )
    return _network.fit(method, inputs, targets, settings=options, start=start, **others)


def learn_synthetic(
    method: Method,
    maps: UInt8Array,
    labels: IntArray,
    action_units: Sequence[Sequence[int]],
    *,
    shares: Sequence[float],
    held_out: tuple[UInt8Array, IntArray],
    settings: Mapping[str, Any],
    seed: int,
    on_epoch: OnEpoch | None = None,
) -> TrainedNetwork:
    """Train on synthetic clips, classes and action units together.

    Parameters
    ----------
    method : Method
        mien-net.
    maps : uint8 array, (N, V, 28, 28, 3)
        V crops of each clip.
    labels : int array, (N,)
        Classes.
    action_units : sequence of sequences of int
        What moved in each clip.
    shares : sequence of float, length K
        How frequent each class is to be expected; the training clips are even.
    held_out : (uint8 array (H, 28, 28, 3), int array (H,))
        Other synthetic clips: the temperature of the probabilities is chosen on them (Guo et al. 2017).
    settings, seed, on_epoch
        As in :meth:`mien.methods.Method.fit`.

    Returns
    -------
    TrainedNetwork
        That answers for classes and action units.
    """
    options = {name: value for name, value in settings.items() if name != "synthetic"}
    trained = _network.fit(
        method,
        maps[:, 0],
        np.column_stack([labels, _active(action_units)]),
        groups=(),
        n_classes=len(shares),
        settings=options,
        seed=seed,
        on_epoch=on_epoch,
        device="cpu",
        copies=maps,
    )
    network: Any = trained.network
    network.temperature.fill_(_temperature(trained, *held_out))
    network.prior.copy_(torch.log(torch.tensor(shares) * len(shares)))
    network.knows_units.fill_(True)
    return trained


def _active(action_units: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
    """Which units are active, (N, A) of 0 and 1."""
    return np.array([[unit in active for unit in UNITS] for active in action_units], np.int64)


def _temperature(trained: TrainedNetwork, maps: UInt8Array, labels: IntArray) -> float:
    """The temperature under which the held-out labels are likeliest."""
    network: Any = trained.network.eval()
    with torch.inference_mode():
        said = network.say_both(torch.from_numpy(trained.prepare(maps)))[..., : network.n_classes].numpy()

    def surprise(log_temperature: float) -> float:
        chances = np.exp(log_softmax(said / np.exp(log_temperature), axis=-1)).mean(axis=1)
        return float(-np.log(chances[np.arange(len(labels)), labels]).mean())

    return float(np.exp(minimize_scalar(surprise, bounds=(-1, 1.5), method="bounded").x))
