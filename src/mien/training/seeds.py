"""The same seed, machine and threads give the same network, bit for bit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["deterministic", "one_thread", "reproducible"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute a block on one thread: sums over several add up in an order that changes from run to run."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def deterministic(device: torch.device | None = None) -> Iterator[None]:
    """Use torch's deterministic algorithms in a block.

    On a processor an operation without one is an error. On a GPU it is a warning of torch's, since a few have none
    there (3-D max pooling backwards, say): only a network without them is repeated bit for bit on a GPU.
    """
    import torch

    strict = torch.are_deterministic_algorithms_enabled()
    lenient = torch.is_deterministic_algorithms_warn_only_enabled()
    on_gpu = device is not None and device.type == "cuda"
    if on_gpu:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS starts; without, sums may vary
    torch.use_deterministic_algorithms(True, warn_only=on_gpu)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(strict, warn_only=lenient)


@contextmanager
def reproducible(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Run a block with seeded random numbers, one thread and deterministic algorithms; put everything back after.

    Promised: the same numbers for the same seed on the same machine and device; see :func:`deterministic` for GPUs.
    Another device rounds otherwise, and draws dropout from another generator.

    Examples
    --------
    >>> import torch
    >>> with reproducible(1):
    ...     first = torch.rand(3)
    >>> with reproducible(1):
    ...     print(bool((torch.rand(3) == first).all()))
    True
    """
    import torch

    gpus = [device] if device is not None and device.type == "cuda" else []
    with one_thread(), deterministic(device), torch.random.fork_rng(devices=gpus):
        torch.manual_seed(seed)
        yield
