"""How the face moves over the whole clip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError, UInt8Array
from mien.motion.long_term import long_term_flow
from mien.motion.magnify import magnify
from mien.motion.slices import key_frames, slice_motion
from mien.pictures._draw import (
    ACCENT,
    BAR_IN,
    BAR_TEXT_IN,
    FONT,
    INK,
    QUIET,
    WARNING,
    about,
    colour_bar,
    frame_range,
    photo,
    round_scale,
    sheet,
    signed,
    wheel_legend,
)
from mien.pictures._footage import FACE_PX, SHOWN_PX, Footage
from mien.pictures._registry import picture
from mien.pictures.stages.motion import flow_panel, largest_inside
from mien.video import write_video

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_long_term_flow", "draw_magnified", "draw_slices", "film_magnified", "shown_key_frames"]

ALPHA, BAND = 10.0, (1.6, 16.0)
_KEY_FRAMES = 17
_SLICES = 16
_ROWS = {"brows": (2, "#d55e00"), "cheeks": (7, "#009e73"), "mouth": (10, "#e69f00")}  # of the 16 that are measured
_FIELDS = 11


def film_magnified(footage: Footage, path: Path) -> None:
    """Write the clip beside its magnified self, frame for frame at the clip's own rate."""
    clip = footage.clip(SHOWN_PX)
    larger = magnify(clip, footage.fps, alpha=ALPHA, band=BAND, as_uint8=True)
    gap = np.full((SHOWN_PX, 8, 3), 255, np.uint8)
    head = _strip(("as recorded", f"motion magnified, α = {ALPHA:g}"), (SHOWN_PX, SHOWN_PX), gap.shape[1])
    pairs = (np.vstack([head, np.hstack([one, gap, two])]) for one, two in zip(clip, larger, strict=True))
    write_video(path, pairs, footage.fps)


@picture("magnified", "onset and apex before and after motion magnification; as .mp4 the whole clip", film_magnified)
def draw_magnified(footage: Footage) -> Figure:
    """Draw onset, apex and their difference, as recorded and magnified."""
    clip = footage.clip(SHOWN_PX)
    larger = magnify(clip, footage.fps, alpha=ALPHA, band=BAND)
    apex = footage.apex - footage.onset
    note = (
        f"Eulerian magnification (Wu et al. 2012): α = {ALPHA:g}, {BAND[0]:g}–{min(BAND[1], 0.45 * footage.fps):g} Hz "
        f"at {footage.fps:g} frames per second."
    )
    figure, axes = sheet(
        "Motion magnification", about(footage, footage.onset, footage.apex), note,
        columns=[2.5, 2.5, 2.5, BAR_IN], rows=[2.5, 2.5], right=BAR_TEXT_IN,
    )  # fmt: skip
    changes = [_luma(frames[apex]) - _luma(frames[0]) for frames in (clip, larger)]
    limit = round_scale(float(np.percentile(np.abs(changes[1]), 99.5)), 4)
    for row, frames, change, name in zip(axes, (clip, larger), changes, ("as recorded", "magnified"), strict=True):
        pictures = np.clip(np.rint(frames[[0, apex]]), 0, 255).astype(np.uint8)
        photo(row[0], pictures[0], f"onset, {name}")
        photo(row[1], pictures[1], f"apex, {name}")
        shown = signed(row[2], change, limit, f"apex − onset, {name}")
    colour_bar(figure, shown, axes[:, 3], "difference, grey levels", extend="both")
    return figure


@picture("slices", "rows of the face over time, the motion they measure, and the key frames chosen by it")
def draw_slices(footage: Footage) -> Figure:
    """Draw three of the slices, the curve of motion under them, and the key frames on both."""
    frames = footage.clip(FACE_PX, grey=True)
    chosen = shown_key_frames(footage)
    motion = slice_motion(frames, _SLICES)
    numbers = np.asarray(footage.numbers)
    note = (
        f"Jin et al. 2024 (MS3D): equal amounts of motion lie between key frames; motion is measured on {_SLICES} rows."
    )
    figure, axes = sheet(
        "Spatio-temporal slices", f"{frame_range(footage)}  ·  {len(chosen)} key frames", note,
        columns=[2.9, 5.4], rows=[1.2, 1.2, 1.2, 1.6], gaps=[0.95], under=(0.12, 0.12, 0.12, 0.5),
    )  # fmt: skip
    face = axes[0, 0]
    high = axes[0, 1].get_position()
    face.set_anchor("NW")
    face.set_position((face.get_position().x0, 0, face.get_position().width, high.y1))
    photo(face, footage.crop(footage.onset), "the rows", extent=(-0.5, FACE_PX - 0.5, FACE_PX - 0.5, -0.5))
    for axis, (name, (place, colour)) in zip(axes[:3, 1], _ROWS.items(), strict=True):
        row = (2 * place + 1) * FACE_PX // (2 * _SLICES)
        face.axhline(row, color="white", lw=3)
        face.axhline(row, color=colour, lw=1.8)
        _slice(axis, frames[:, row], numbers, f"{name}\nrow {row}", colour)
        axis.vlines(numbers[chosen], -0.5, FACE_PX - 0.5, color="white", lw=0.7, alpha=0.75)
    _curve(axes[3, 1], numbers, motion, chosen, footage)
    return figure


@picture("long-term-flow", "flow from the onset to each of the frames around the apex")
def draw_long_term_flow(footage: Footage) -> Figure:
    """Draw how the motion from the onset grows and goes, all fields on one scale."""
    apex = footage.apex - footage.onset
    fields = long_term_flow(footage.clip(FACE_PX, grey=True), apex, _FIELDS)
    scale = round_scale(max(largest_inside(np.hypot(*flow)) for flow in fields), 0.2)
    first = footage.onset + max(apex - _FIELDS // 2, 1)
    last = min(first + _FIELDS - 1, footage.offset)
    figure, axes = sheet(
        "Long-term flow", frame_range(footage),
        "Zhang et al. 2022 (SLSTT): Farnebäck's flow from the onset frame to each, all on one scale.",
        columns=[1.8] * 4, rows=[1.8] * 3, under=0.3,
    )  # fmt: skip
    for axis, flow, place in zip(axes.flat, fields, np.linspace(first, last, _FIELDS), strict=False):
        number = f"{place:.1f}".removesuffix(".0")
        flow_panel(axis, flow, scale, f"to frame {number}{', the apex' if place == footage.apex else ''}")
    wheel_legend(axes.flat[-1], scale)
    return figure


def shown_key_frames(footage: Footage) -> npt.NDArray[np.intp]:
    """Indices of the key frames, counted from the onset: 17, or as many as there are frames."""
    frames = footage.clip(FACE_PX, grey=True)
    if len(frames) < 3:
        raise MienError(f"got {len(frames)} frames of '{footage.name}'; expected at least 3; give a longer clip")
    return key_frames(frames, min(_KEY_FRAMES, len(frames)), footage.apex - footage.onset)


def _slice(axis: Axes, values: UInt8Array, numbers: npt.NDArray[np.int_], label: str, colour: str) -> None:
    """One row of the face, time to the right."""
    extent = (numbers[0] - 0.5, numbers[-1] + 0.5, FACE_PX - 0.5, -0.5)
    photo(axis, values.T, extent=extent, aspect="auto", interpolation="nearest")
    axis.set_ylabel(label, size=9, color=INK, family=FONT, rotation=0, ha="right", va="center", labelpad=6)
    axis.axis("on")
    axis.spines["left"].set(visible=True, color=colour, linewidth=3)


def _curve(
    axis: Axes, numbers: npt.NDArray[np.int_], motion: npt.NDArray[np.float64], chosen: Any, footage: Footage
) -> None:
    """Motion from frame to frame, with the key frames as ticks under it."""
    axis.axis("on")
    axis.plot(numbers[1:], motion, color=INK, lw=1.2)
    axis.set_xlim(numbers[0] - 0.5, numbers[-1] + 0.5)
    top = round_scale(float(motion.max()), 0.1)
    axis.set_ylim(-0.16 * top, 1.05 * top)
    axis.plot(numbers[chosen], np.full(len(chosen), -0.08 * top), "^", ms=5, color=ACCENT, label="key frames")
    axis.axvline(footage.apex, color=WARNING, lw=1, ls=(0, (3, 2)))
    late = footage.apex > numbers[0] + 0.85 * len(numbers)
    place, side = footage.apex + (-0.01 if late else 0.01) * len(numbers), "right" if late else "left"
    axis.text(place, 1.04 * top, "apex", color=WARNING, size=8.5, va="top", ha=side, family=FONT)
    axis.set_yticks([0, top / 2, top])
    axis.tick_params(labelsize=8, colors=INK, width=0.6, length=3)
    text: dict[str, Any] = {"size": 9, "color": INK, "family": FONT}
    rate = f" ({footage.take.fps:g} per second)" if footage.take.fps else ""
    axis.set_xlabel(f"frame{rate}; triangles: key frames", **text)
    axis.set_ylabel("motion to the\nframe before, px", **text)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axis.spines[side].set(color=QUIET, linewidth=0.6)


def _luma(frame: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    return np.asarray(frame @ np.array([0.299, 0.587, 0.114]), np.float64)


def _strip(labels: tuple[str, str], widths: tuple[int, int], gap: int) -> UInt8Array:
    """A heading for each half of a film, 28 px high."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height, dpi = sum(widths) + gap, 28, 100
    figure = Figure(figsize=(width / dpi, height / dpi), dpi=dpi, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    for label, left in zip(labels, (0, widths[0] + gap), strict=True):
        figure.text((left + 4) / width, 0.5, label, size=10, color=INK, va="center", family=FONT)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
