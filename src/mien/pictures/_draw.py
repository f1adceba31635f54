"""The one quiet style: a title that says what and of what, panels without frames, scales with units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mien.pictures._colour import differences, wheel
from mien.pictures._footage import Footage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

__all__ = [
    "ACCENT",
    "BAR_IN",
    "BAR_TEXT_IN",
    "FONT",
    "INK",
    "QUIET",
    "WARNING",
    "about",
    "caption",
    "colour_bar",
    "frame_range",
    "photo",
    "round_scale",
    "save",
    "sheet",
    "signed",
    "strengths",
    "wheel_legend",
]

INK, QUIET, ACCENT, WARNING = "#1f2328", "#6a727c", "#0b6e99", "#c4001a"
BAR_IN, BAR_TEXT_IN = 0.13, 0.62  # a colour scale, and the numbers and words beside it
FONT = "DejaVu Sans"  # comes with matplotlib, so pictures are the same everywhere
_DPI = 110
_HEAD_IN, _SIDE_IN, _GAP_IN = 0.62, 0.14, 0.13
_SCALES = (1, 1.2, 1.5, 1.8, 2, 2.5, 3, 4, 5, 6, 8, 10)


def sheet(
    title: str,
    about: str,
    note: str = "",
    *,
    columns: Sequence[float],
    rows: Sequence[float],
    gaps: Sequence[float] | None = None,
    under: float | Sequence[float] = 0.36,
    right: float = 0.0,
) -> tuple[Figure, npt.NDArray[Any]]:
    """Make a figure with a heading, a note below, and panels of exactly the inches given.

    ``gaps`` stand between columns, ``under`` every row is room for labels, ``right`` of all for those of a scale.
    The axes (rows, columns) have no frame yet.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    gaps = [_GAP_IN] * (len(columns) - 1) if gaps is None else list(gaps)
    room = [under] * len(rows) if isinstance(under, float) else list(under)
    foot = 0.12 + 0.17 * (note.count("\n") + 1) if note else 0.04
    width = 2 * _SIDE_IN + sum(columns) + sum(gaps) + right
    height = _HEAD_IN + sum(rows) + sum(room) + foot
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")
    FigureCanvasAgg(figure)
    text: dict[str, Any] = {"x": _SIDE_IN / width, "ha": "left", "family": FONT}
    figure.text(y=1 - 0.1 / height, s=title, size=12.5, weight="bold", color=INK, va="top", **text)
    figure.text(y=1 - 0.335 / height, s=about, size=9, color=QUIET, va="top", **text)
    figure.text(y=0.08 / height, s=note, size=8, color=QUIET, va="bottom", **text)
    axes: npt.NDArray[Any] = np.empty((len(rows), len(columns)), object)
    for row, column in np.ndindex(axes.shape):
        left = _SIDE_IN + sum(columns[:column]) + sum(gaps[:column])
        bottom = height - _HEAD_IN - sum(rows[: row + 1]) - sum(room[:row])
        place = (left / width, bottom / height, columns[column] / width, rows[row] / height)
        axis = axes[row, column] = figure.add_axes(place)
        axis.axis("off")
    return figure, axes


def about(footage: Footage, *numbers: int, what: str = "") -> str:
    """Say which clip and which frames."""
    frames = " → ".join(map(str, numbers))
    parts = [footage.name, f"{'frame' if len(numbers) == 1 else 'frames'} {frames}" if numbers else "", what]
    return "  ·  ".join(part for part in parts if part)


def frame_range(footage: Footage) -> str:
    """Say the clip and its whole interval."""
    apex = "apex found" if footage.apex_found else "apex"
    return "  ·  ".join([footage.name, f"frames {footage.onset} to {footage.offset}, {apex} {footage.apex}"])


def photo(axis: Axes, image: npt.NDArray[Any], label: str = "", **how: Any) -> AxesImage:
    """Show a picture with a label under it."""
    how.setdefault("interpolation", "bicubic" if image.shape[0] >= 100 else "nearest")
    if image.ndim == 2:
        how.setdefault("cmap", "gray")
        how.setdefault("vmin", 0)
        how.setdefault("vmax", 255)
    shown = axis.imshow(image, **how)
    caption(axis, label)
    return shown


def caption(axis: Axes, label: str) -> None:
    """Write under a panel what it shows."""
    axis.axis("on")
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)
    if label:
        axis.set_xlabel(label, size=9, color=INK, family=FONT, labelpad=5)


def signed(axis: Axes, values: npt.NDArray[Any], limit: float, label: str = "", **how: Any) -> AxesImage:
    """Show values on both sides of zero."""
    return photo(axis, values, label, cmap=differences(), vmin=-limit, vmax=limit, **how)


def strengths(axis: Axes, values: npt.NDArray[Any], cmap: str, low: float, high: float, label: str = "") -> AxesImage:
    """Show values from ``low`` to ``high``."""
    return photo(axis, values, label, cmap=cmap, vmin=low, vmax=high)


def colour_bar(figure: Figure, shown: AxesImage, axes: npt.ArrayLike, label: str, extend: str = "neither") -> None:
    """Draw a scale with its unit into a narrow column: over the height of all its panels."""
    panels = list(np.atleast_1d(np.asarray(axes, object)))
    top, bottom = panels[0].get_position(), panels[-1].get_position()
    height = top.y1 - bottom.y0
    for axis in panels[1:]:
        axis.remove()
    panels[0].set_position((top.x0, bottom.y0 + 0.06 * height, top.width, 0.88 * height))
    panels[0].axis("on")
    bar = figure.colorbar(shown, cax=panels[0], extend=extend, extendfrac=0.03)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, colors=INK, width=0.6, length=3)
    bar.set_label(label, size=9, color=INK, family=FONT)


def wheel_legend(axis: Axes, scale_px: float) -> None:
    """Draw the wheel with its directions and the length that its rim stands for."""
    caption(axis, "")
    axis.imshow(wheel(240), extent=(-1, 1, 1, -1), interpolation="bilinear")
    axis.set_xlim(-1.75, 1.75)
    axis.set_ylim(1.75, -1.75)
    axis.set_aspect("equal")
    text: dict[str, Any] = {"size": 8.5, "color": INK, "family": FONT}
    for x, y, word in ((1, 0, "right"), (0, 1, "down"), (-1, 0, "left"), (0, -1, "up")):
        align: dict[str, Any] = {"ha": ("right", "center", "left")[x + 1], "va": ("bottom", "center", "top")[y + 1]}
        axis.text(1.1 * x, 1.1 * y, word, **align, **text)
    turn = np.linspace(0, 2 * np.pi, 181)
    axis.plot(np.cos(turn), np.sin(turn), color=INK, lw=0.6, alpha=0.6)
    axis.text(0.76, -0.76, f"{scale_px:g} px", ha="left", va="bottom", **text)


def round_scale(largest: float, least: float = 0.0) -> float:
    """Return a round number, a little above the largest value.

    Examples
    --------
    >>> round_scale(1.9), round_scale(0.032), round_scale(0.0, least=0.5)
    (2.0, 0.04, 0.5)
    """
    largest = max(largest, least, 1e-9)
    unit = 10.0 ** math.floor(math.log10(largest))
    return next(round(step * unit, 12) for step in _SCALES if step * unit >= largest * (1 - 1e-9))


def save(figure: Figure, path: Path) -> None:
    """Write a PNG that is the same every time."""
    figure.savefig(path, format="png", dpi=_DPI, facecolor="white", metadata={"Software": None})
