"""Several folds at a time on GPUs: as many as their memory holds, each worker on one GPU for good."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from mien.methods import Method
from mien.methods._method import load_entry

__all__ = ["Gpu", "devices_for", "fitting", "spread", "take_place"]

SPARE = 0.9  # of the free memory may be planned with
CONTEXT_MB = 600.0  # what a process holds on a GPU beside what torch counts

_held: dict[Path, tuple[str, IO[str]]] = {}


@dataclass(frozen=True, slots=True)
class Gpu:
    """What a training costs on a GPU; on the processor every number is None.

    Attributes
    ----------
    device : device or None
        The GPU, its memory counted from now on.
    begun : float
        When.
    """

    device: Any
    begun: float = field(default_factory=time.perf_counter)

    @classmethod
    def of(cls, method: Method, name: str) -> Gpu:
        """Return the GPU that a name stands for, for a method."""
        if method.kind == "classic":
            return cls(None)
        device = load_entry("mien.training.devices:choose_device")(name)
        if device.type == "cpu":
            return cls(None)
        load_entry("mien.training.devices:reset_gpu_peak")(device)
        return cls(device)

    def rate(self, samples: int) -> float | None:
        """Return how many samples a second passed, if so many did."""
        return None if self.device is None else samples / (time.perf_counter() - self.begun)

    def peak_mb(self) -> float | None:
        """Return the most memory that torch held on it."""
        if self.device is None:
            return None
        peak: float = load_entry("mien.training.devices:peak_gpu_mb")(self.device)
        return peak


def devices_for(method: Method, name: str) -> list[str]:
    """Return the GPUs that a method's folds may use; none for the processor."""
    if method.kind == "classic":
        return []
    devices: list[str] = load_entry("mien.training.devices:cuda_devices")(name)
    return devices


def fitting(devices: Sequence[str], peak_mb: float, most: int) -> list[str]:
    """Return a device for each fold that fits at a time, GPU by GPU in turn, at least one and ``most`` at most.

    A fold takes what one fold was seen to take (``peak_mb``) and :data:`CONTEXT_MB`; nine tenths of the memory that is
    free now are given out.
    """
    import torch

    room = [int(SPARE * torch.cuda.mem_get_info(device)[0] / 1e6 / (peak_mb + CONTEXT_MB)) for device in devices]
    rounds = [
        device for turn in range(max(room)) for device, places in zip(devices, room, strict=True) if turn < places
    ]
    return rounds[:most] or [devices[0]]


def spread(devices: Sequence[str], jobs: int) -> list[str]:
    """Return a device for each of so many folds at a time.

    Examples
    --------
    >>> spread(["cuda:0", "cuda:1"], 3)
    ['cuda:0', 'cuda:1', 'cuda:0']
    """
    return [devices[place % len(devices)] for place in range(jobs)]


def take_place(folder: Path, places: Sequence[str]) -> str:
    """Return the device of this process: that of the first place no other has, kept until the process ends.

    So no GPU ever holds more folds than were planned for it, and no process opens a second one.
    """
    if folder in _held and _held[folder][0] in places:
        return _held[folder][0]
    try:
        import fcntl
    except ImportError:  # Windows has no flock
        return places[os.getpid() % len(places)]
    for number, device in enumerate(places):
        file = (folder / f".place-{number}").open("w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
        else:
            _held[folder] = device, file
            return device
    return places[os.getpid() % len(places)]
