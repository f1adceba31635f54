"""The same seed, machine and threads give the same network, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_thread", "reproducible"]


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
def reproducible(seed: int) -> Iterator[None]:
    """Run a block with seeded random numbers, one thread and deterministic algorithms; put everything back after.

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

    strict = torch.are_deterministic_algorithms_enabled()
    with one_thread(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True)
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(strict)
