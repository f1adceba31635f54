"""What descriptors of texture see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mien.core import MienError
from mien.motion.descriptors.lbp_top import plane_codes
from mien.pictures._draw import ACCENT, BAR_IN, BAR_TEXT_IN, colour_bar, frame_range, photo, sheet
from mien.pictures._footage import FACE_PX, Footage
from mien.pictures._registry import picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_lbp"]

_BLOCKS = 8
_RADIUS = 1
_ROW, _COLUMN = 0.64, 0.37  # where XT and YT are cut, as shares of the face: the mouth, and its corner's cheek


@picture("lbp", "local binary patterns on the planes XY, XT and YT, with the grid of blocks")
def draw_lbp(footage: Footage) -> Figure:
    """Draw one cut of the clip along each plane and the codes on it."""
    clip = footage.clip(FACE_PX, grey=True)
    if len(clip) < 2 * _RADIUS + 1:
        raise MienError(f"got {len(clip)} frames of '{footage.name}'; expected at least 3; give a longer clip")
    row, column = round(_ROW * FACE_PX), round(_COLUMN * FACE_PX)
    apex = int(np.clip(footage.apex - footage.onset, _RADIUS, len(clip) - 1 - _RADIUS))
    codes = {plane: plane_codes(clip, plane, radii=(_RADIUS,) * 3) for plane in ("xy", "xt", "yt")}
    note = (
        f"Zhao & Pietikäinen 2007: bit p of a code is set where neighbour p of 8, at radius {_RADIUS}, is at least as "
        f"bright as the centre.\nA histogram is taken of each of the {_BLOCKS} × {_BLOCKS} blocks (lines)."
    )
    wide = 2.6
    figure, axes = sheet(
        "Local binary patterns",
        frame_range(footage),
        note,
        columns=[wide, wide, wide, BAR_IN],
        rows=[wide, wide],
        right=BAR_TEXT_IN,
    )
    number = footage.onset + apex
    cuts = (clip[apex], clip[:, row], clip[:, :, column].T)
    inner = (codes["xy"][apex - _RADIUS], codes["xt"][:, row - _RADIUS], codes["yt"][:, :, column - _RADIUS].T)
    labels = (
        f"XY: frame {number}; blue: the other cuts",
        f"XT: row {row} over time (down)",
        f"YT: column {column} over time (right)",
    )
    for top, bottom, cut, pattern, label, plane in zip(
        *axes[:, :3], cuts, inner, labels, ("xy", "xt", "yt"), strict=True
    ):
        photo(top, cut, label, aspect="auto", interpolation="nearest")
        shown = photo(bottom, pattern, f"codes on {plane.upper()}", aspect="auto", interpolation="nearest")
        for axis, shape in ((top, cut.shape), (bottom, pattern.shape)):
            _blocks(axis, plane, shape)
    axes[0, 0].axhline(row, color=ACCENT, lw=1.2)
    axes[0, 0].axvline(column, color=ACCENT, lw=1.2)
    colour_bar(figure, shown, axes[1, 3], "code, 0–255")
    axes[1, 3].set_yticks([0, 64, 128, 192, 255])
    return figure


def _blocks(axis: Axes, plane: str, shape: tuple[int, ...]) -> None:
    """Lines between the blocks, on the axes of the plane that are space."""
    edges = np.arange(1, _BLOCKS) / _BLOCKS
    for edge in edges:
        if "x" in plane:
            axis.axvline(edge * shape[1] - 0.5, color="white", lw=0.6, alpha=0.7)
        if "y" in plane:
            axis.axhline(edge * shape[0] - 0.5, color="white", lw=0.6, alpha=0.7)
