"""Copies of a training sample that a face could have made too. Only ever applied to training batches."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["joint_affine", "joint_colour", "mirror_and_shift", "random_mirror"]


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
    batch: Tensor,
    generator: torch.Generator,
    *,
    degrees: float = 4.0,
    shift_px: float = 4.0,
    mirror: float = 0.5,
    zoom: float = 0.0,
    vectors: tuple[int, int] | None = None,
    nearest: tuple[int, ...] = (),
) -> Tensor:
    """Mirror, turn and shift clips of frames at random, every frame of a clip alike (MMNet, section 4.3 of its report).

    The same map on onset and apex keeps their difference one of motion: where they are equal it stays zero.

    Parameters
    ----------
    batch : Tensor, (N, F, C, H, W)
        Clips of F square frames.
    generator : Generator
        Draws one map per clip.
    degrees, shift_px : float
        Largest turn to either side, and largest shift along each axis, in pixels of 224.
    mirror : float
        Share of clips that are mirrored left to right.
    zoom : float
        Largest share by which a clip is shrunk or enlarged.
    vectors : (int, int), optional
        Channels of u (right) and v (down): they turn and grow with the picture, and a mirror negates u. Strain needs
        nothing: none of these changes it.
    nearest : tuple of int
        Channels that are never blended, such as depth, in which 0 is unknown.

    Returns
    -------
    Tensor
        Like the batch: bilinear but for ``nearest``, the border repeated outwards.

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
    grown = torch.ones(count)
    if zoom:
        grown += zoom * (2 * torch.rand(count, generator=generator) - 1)
    rows = torch.stack(
        [
            torch.stack([flip * angle.cos(), -angle.sin(), shift[:, 0]], dim=1),
            torch.stack([flip * angle.sin(), angle.cos(), shift[:, 1]], dim=1),
        ],
        dim=1,
    )
    rows[:, :, :2] /= grown[:, None, None]
    flat = batch.flatten(0, 1)
    grid = nn.functional.affine_grid(rows.repeat_interleave(frames, dim=0), list(flat.shape), align_corners=False)
    moved = nn.functional.grid_sample(flat, grid, padding_mode="border", align_corners=False)
    if nearest:
        some = flat[:, list(nearest)]
        moved[:, list(nearest)] = nn.functional.grid_sample(some, grid, "nearest", "border", align_corners=False)
    moved = moved.unflatten(0, (count, frames))
    if vectors:
        # The rows lead from the new picture to the old one; their transpose, as often grown, leads back.
        back = rows[:, :, :2] * grown[:, None, None] ** 2
        moved[:, :, list(vectors)] = torch.einsum("nji,nfjhw->nfihw", back, moved[:, :, list(vectors)])
    return moved


def joint_colour(frames: Tensor, generator: torch.Generator, *, strength: float = 0.1) -> Tensor:
    """Change brightness and contrast of clips at random, every frame of a clip alike (MMNet, its text only).

    Frames of a clip share the factors and the grey that the contrast turns about, the mean of the whole clip: where
    they are equal they stay so, and a draw for each frame would look like motion.

    Parameters
    ----------
    frames : Tensor, (N, F, 3, H, W)
        RGB from 0 to 1.
    generator : Generator
        Draws two factors per clip.
    strength : float
        Brightness and contrast are multiplied by 1 - strength to 1 + strength.

    Returns
    -------
    Tensor
        Like the frames, cut off at 0 and 1.

    Examples
    --------
    >>> clip = torch.rand(3, 1, 3, 8, 8).expand(3, 2, 3, 8, 8)
    >>> other = joint_colour(clip, torch.Generator().manual_seed(0))
    >>> bool((other[:, 0] == other[:, 1]).all()), bool((other == clip).all())
    (True, False)
    """
    draw = 1 + strength * (2 * torch.rand(2, len(frames), 1, 1, 1, 1, generator=generator) - 1)
    bright = frames * draw[0]
    grey = bright.mean(dim=(1, 2, 3, 4), keepdim=True)
    return (grey + (bright - grey) * draw[1]).clamp(0, 1)


def mirror_and_shift(
    batch: Tensor, generator: torch.Generator, *, shift_px: int, u_channels: tuple[int, ...] = ()
) -> Tensor:
    """Mirror a random half of motion clips left to right, and shift each at random; nothing moves beyond its edge.

    Parameters
    ----------
    batch : Tensor, (N, C, T, H, W)
        Clips in which 0 is no motion.
    generator : Generator
        Draws a side and a shift per clip.
    shift_px : int
        Largest shift to each side, pixels; the same for all steps of a clip.
    u_channels : tuple of int
        Channels that hold motion to the right, whose sign a mirror turns.

    Returns
    -------
    Tensor
        Like the batch.

    Examples
    --------
    >>> flow = torch.ones(4, 2, 1, 1, 1)
    >>> mirror_and_shift(flow, torch.Generator().manual_seed(0), shift_px=0, u_channels=(0,))[:, :, 0, 0, 0].tolist()
    [[-1.0, 1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, 1.0]]
    """
    chosen = torch.rand(len(batch), generator=generator) < 0.5
    moves = torch.randint(-shift_px, shift_px + 1, (len(batch), 2), generator=generator).tolist()
    sign = batch.new_ones(batch.shape[1])
    sign[list(u_channels)] = -1
    flipped = batch.flip(-1) * sign[:, None, None, None]
    mirrored = torch.where(chosen.to(batch.device)[:, None, None, None, None], flipped, batch)
    padded = nn.functional.pad(mirrored, (shift_px,) * 4)
    height, width = batch.shape[-2:]
    return torch.stack(
        [
            clip[..., shift_px + down : shift_px + down + height, shift_px + right : shift_px + right + width]
            for clip, (down, right) in zip(padded, moves, strict=True)
        ]
    )
