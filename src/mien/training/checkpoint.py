"""A training that was stopped goes on at its last checkpoint, with the very numbers of an unbroken one."""

from __future__ import annotations

import hashlib
import pickle
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mien.core import MienError, MienWarning, atomic_path
from mien.training.settings import Settings

__all__ = ["EVERY_S", "Checkpoint", "identity", "seconds_spent"]

EVERY_S = 60.0
# What torch.load raises of a file that is none depends on its first bytes.
UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RuntimeError,
    pickle.UnpicklingError,
)


class Checkpoint:
    """Everything that the next epoch depends on, in a file.

    Parameters
    ----------
    path : Path or None
        The file; None keeps nothing.
    name : str
        Which training it is (:func:`identity`): a file of another one is left alone until it is written over.
    every_s : float
        Seconds between two writings; it is written at the end of an epoch, whole or not at all.
    generator : Generator
        Draws order and augmentation.
    parts : Module, Optimizer, GradScaler
        What has a ``state_dict``, by name.
    """

    def __init__(self, path: Path | None, name: str, every_s: float, generator: torch.Generator, **parts: Any) -> None:
        self._path, self._name, self._every_s = path, name, every_s
        self._generator, self._parts = generator, parts
        self._written = self._begun = time.monotonic()
        self._spent = 0.0

    def restore(self, device: torch.device) -> int:
        """Put back what the file holds; return its epoch, 0 where there is none.

        Nothing of the file is run (``weights_only``). One that does not open or is of another training is told by a
        :class:`MienWarning`, and the training begins anew; one that was tampered with raises :class:`MienError`.
        """
        if self._path is None or not self._path.exists():
            return 0
        try:
            state: Mapping[str, Any] = torch.load(self._path, map_location="cpu", weights_only=True)
            if state["name"] != self._name:
                raise ValueError("of another training")
        except UNREADABLE as error:
            text = f"got '{self._path}' to go on from ({_first_line(error)}); expected a checkpoint of this training; "
            warnings.warn(text + "it begins anew", MienWarning, stacklevel=3)
            return 0
        try:
            for name, part in self._parts.items():
                part.load_state_dict(state["parts"][name])
            self._generator.set_state(state["order"])
            torch.set_rng_state(state["cpu"])
            if device.type == "cuda" and state["cuda"] is not None:
                torch.cuda.set_rng_state(state["cuda"], device)
            self._spent = float(state.get("seconds", 0.0))
            return int(state["epoch"])
        except UNREADABLE as error:
            raise MienError(
                f"got '{self._path}', which does not fit ({_first_line(error)}); expected it unchanged; delete it"
            ) from error

    def save(self, epoch: int, device: torch.device) -> None:
        """Write the file if the last writing is long enough ago."""
        if self._path is None or time.monotonic() - self._written < self._every_s:
            return
        state = {
            "name": self._name,
            "epoch": epoch,
            "seconds": self._spent + time.monotonic() - self._begun,
            "parts": {name: part.state_dict() for name, part in self._parts.items()},
            "order": self._generator.get_state(),
            "cpu": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
        }
        with atomic_path(self._path) as temporary:
            torch.save(state, temporary)
        self._written = time.monotonic()


def seconds_spent(path: Path) -> float:
    """Return how long a training had taken when its checkpoint was written; 0 where the file does not tell."""
    try:
        return float(torch.load(path, map_location="cpu", weights_only=True, mmap=True).get("seconds", 0.0))
    except UNREADABLE:
        return 0.0


def identity(network: nn.Module, inputs: Tensor, targets: Tensor, settings: Settings, seed: int) -> str:
    """Return a digest of all that a training begins with: weights, samples, settings, seed."""
    digest = hashlib.sha256(f"{sorted(asdict(settings).items())} {seed}".encode())
    for name, tensor in (*network.state_dict().items(), ("inputs", inputs), ("targets", targets)):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().data)
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:100]
