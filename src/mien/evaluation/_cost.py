"""About how long a training takes, from a measured step."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError
from mien.evaluation._gpus import devices_for
from mien.methods import METHODS
from mien.recipes import copies_of

__all__ = ["PAIR", "announced", "duration", "seconds_per_step", "steps"]

PAIR = 2  # clips that are trained on first to measure a step,
EPOCHS = 2  # in so many steps, the first not counted; then, while a step of
GROWTH = 4  # times as many clips
LONGEST_S = 2.0  # surely takes no longer than this, up to a whole batch


def seconds_per_step(method: str, settings: Mapping[str, Any], pair: npt.NDArray[Any], device: str = "auto") -> float:
    """Measure one training step of a network on a batch of its size, made of two clips over and over.

    A GPU gets the whole batch at once. On a processor a small network spends most of a step on two clips on what does
    not grow with the clips, so the batch grows as far as a few seconds allow; what is left is multiplied.

    Parameters
    ----------
    method : str
        A network.
    settings : mapping
        Its training settings.
    pair : array, (2, ...)
        Two inputs as its recipe makes them; they are given two classes.
    device : str
        As in :func:`mien.evaluate`.

    Notes
    -----
    It is a step of the common training loop (:func:`mien.training.loop.fit_network`). Where a method does more in each
    epoch that is watched (``ast-svm``: features and SVM of the batch), that is in it, too.
    """
    batch = max(PAIR, int(settings.get("batch", 32)))
    on_gpu = bool(devices_for(METHODS[method], device))
    clips = batch if on_gpu else PAIR
    step_s = _timed(method, settings, pair, clips, device)
    while clips < batch and GROWTH * step_s <= LONGEST_S:
        clips = min(GROWTH * clips, batch)
        step_s = _timed(method, settings, pair, clips, device)
    return step_s * settings.get("batch", 32) / clips


def _timed(method: str, settings: Mapping[str, Any], pair: npt.NDArray[Any], clips: int, device: str) -> float:
    """Seconds of a step on so many clips, without the first: that also pays for what is made only once."""
    rows = np.arange(clips) % PAIR
    ends: list[float] = []
    METHODS[method].fit(
        pair[rows],
        rows,
        ["ab"[row] for row in rows],
        ["a", "b"],
        settings={**settings, "epochs": EPOCHS, "batch": clips},
        on_epoch=lambda _epoch, _trained: ends.append(time.perf_counter()),
        device=device,
    )
    return (ends[-1] - ends[0]) / (EPOCHS - 1)


def steps(settings: Mapping[str, Any], sizes: Sequence[int]) -> int:
    """Return how many steps the trainings on so many clips each take.

    Examples
    --------
    >>> steps({"epochs": 10, "batch": 32}, [33, 64])
    40
    >>> steps({"epochs": 10, "batch": 32, "copies": "shifts-and-mirror"}, [33, 64])
    190
    """
    per_clip = copies_of(settings["copies"]).per_epoch if "copies" in settings else 1
    return sum(int(settings["epochs"]) * math.ceil(size * per_clip / settings.get("batch", 32)) for size in sizes)


def duration(seconds: float) -> str:
    """Return a time as a person says it.

    Examples
    --------
    >>> duration(45), duration(5400), duration(200000)
    ('45 s', '1.5 h', '2.3 days')
    """
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def announced(
    method: str,
    settings: Mapping[str, Any],
    inputs: npt.NDArray[Any],
    targets: npt.NDArray[np.int64],
    sizes: Sequence[int],
    device: str,
    jobs: int | None,
) -> str:
    """Say in a line what is to be trained, folds of so many clips each, and about how long that takes."""
    import joblib

    line = f"{method}: {len(sizes)} folds x {settings['epochs']} epochs"
    others = np.flatnonzero(targets != targets[0])
    if not len(others):
        return line
    try:
        step_s = seconds_per_step(method, settings, inputs[[0, others[0]]], device)
    except MienError:
        return line  # the run itself will say why
    gpus = len(devices_for(METHODS[method], device))
    at_once = min(len(sizes), gpus or jobs or joblib.cpu_count())
    where = f"{at_once} {'GPUs, a fold each' if gpus else 'cores'}"
    took = duration(steps(settings, sizes) * step_s / at_once)
    return f"{line}: about {took} of training on {where} (by a timed step)"
