"""Copies of a training sample that a face could have made too. Only ever applied to training batches."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

__all__ = ["random_mirror"]


def random_mirror(u_channel: int, top: float) -> Callable[[Tensor, torch.Generator], Tensor]:
    """Return a function that mirrors a random half of a batch of motion maps, left to right.

    A mirrored face moves the other way sideways: u changes its sign. In a map that was min-max stretched to
    [0, top] that is u -> top - u; v and strain stay.

    Parameters
    ----------
    u_channel : int
        Which channel holds u.
    top : float
        The upper end of its range (255 or 1).

    Returns
    -------
    callable
        ``mirror(batch (N, C, H, W), generator) -> (N, C, H, W)``.

    Examples
    --------
    >>> mirror = random_mirror(u_channel=0, top=1.0)
    >>> mirror(torch.zeros(4, 2, 1, 1), torch.Generator().manual_seed(0))[:, 0, 0, 0].tolist()
    [1.0, 0.0, 1.0, 1.0]
    """

    def mirror(batch: Tensor, generator: torch.Generator) -> Tensor:
        chosen = torch.rand(len(batch), generator=generator) < 0.5
        flipped = batch.flip(-1)
        flipped[:, u_channel] = top - flipped[:, u_channel]
        return torch.where(chosen[:, None, None, None], flipped, batch)

    return mirror
