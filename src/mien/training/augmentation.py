"""Copies of a training sample that a face could have made too. Only ever applied to training batches."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["joint_affine", "random_mirror"]


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


def joint_affine(
    batch: Tensor, generator: torch.Generator, *, degrees: float = 4.0, shift_px: float = 4.0, mirror: float = 0.5
) -> Tensor:
    """Mirror, turn and shift clips of frames at random, every frame of a clip alike (MMNet, section 4.3 of its report).

    The same map on onset and apex keeps their difference one of motion: where they are equal it stays zero.

    Parameters
    ----------
    batch : Tensor, (N, F, C, H, W)
        Clips of F frames.
    generator : Generator
        Draws one map per clip.
    degrees, shift_px : float
        Largest turn to either side, and largest shift along each axis, in pixels of 224.
    mirror : float
        Share of clips that are mirrored left to right.

    Returns
    -------
    Tensor
        Like the batch: bilinear, the border repeated outwards.

    Examples
    --------
    >>> clip = torch.rand(3, 1, 3, 8, 8).expand(3, 2, 3, 8, 8)
    >>> turned = joint_affine(clip, torch.Generator().manual_seed(0))
    >>> bool((turned[:, 0] == turned[:, 1]).all()), bool((turned == clip).all())
    (True, False)
    """
    count, frames = batch.shape[:2]
    draw = 2 * torch.rand(count, 4, generator=generator) - 1
    angle = draw[:, 0] * (degrees * torch.pi / 180)
    flip = torch.where(draw[:, 3] < 2 * mirror - 1, -1.0, 1.0)
    shift = draw[:, 1:3] * (2 * shift_px / 224)
    rows = torch.stack(
        [
            torch.stack([flip * angle.cos(), -angle.sin(), shift[:, 0]], dim=1),
            torch.stack([flip * angle.sin(), angle.cos(), shift[:, 1]], dim=1),
        ],
        dim=1,
    )
    flat = batch.flatten(0, 1)
    grid = nn.functional.affine_grid(rows.repeat_interleave(frames, dim=0), list(flat.shape), align_corners=False)
    moved = nn.functional.grid_sample(flat, grid, padding_mode="border", align_corners=False)
    return moved.unflatten(0, (count, frames))
