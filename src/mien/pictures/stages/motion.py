"""How the face moves from onset to apex."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray
from mien.motion import motion_map, resize_flow, strain
from mien.pictures._colour import LEVELS, STRENGTHS, flow_colours
from mien.pictures._draw import (
    BAR_IN,
    BAR_TEXT_IN,
    INK,
    about,
    colour_bar,
    photo,
    round_scale,
    sheet,
    strengths,
    wheel_legend,
)
from mien.pictures._footage import FACE_PX, Footage
from mien.pictures._registry import picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["draw_flow", "draw_motion_map", "draw_strain", "flow_panel", "largest_inside"]

_LEAST_PX = 0.2  # a smaller scale would blow up the noise of the flow
_ARROWS = 13  # per side
_ARROW_STEPS = 1.6  # length of an arrow of full scale, in steps of their grid
_ARROW_FROM = 0.3  # share of the scale from which an arrow is drawn
_PERCENTILE, _EDGE = 99.5, FACE_PX // 12  # beyond it a scale is full; flow is no good near the edges
_EXTENT = (-0.5, FACE_PX - 0.5, FACE_PX - 0.5, -0.5)
_MEASURED = f"TV-L1 on the face at {FACE_PX} px, as the motion map's recipe measures it."


@picture("flow", "optical flow from onset to apex: direction as hue, length as colourfulness, and arrows")
def draw_flow(footage: Footage) -> Figure:
    """Draw the flow over the face as arrows and as colours, with the wheel that they are read by."""
    flow = footage.flow
    scale = round_scale(largest_inside(np.hypot(*flow)), _LEAST_PX)
    longer = _ARROW_STEPS * FACE_PX / _ARROWS / scale
    figure, axes = sheet(
        "Optical flow", about(footage, footage.onset, footage.apex), _MEASURED, columns=[3.3, 3.3, 2.2], rows=[3.3]
    )
    photo(
        axes[0, 0],
        footage.crop(footage.onset),
        f"on the onset frame, arrows {longer:.1f} times as long",
        extent=_EXTENT,
    )
    flow_panel(axes[0, 1], flow, scale, "as colours; white is no motion")
    for axis, colour in ((axes[0, 0], "white"), (axes[0, 1], INK)):
        _arrows(axis, flow, scale, colour)
    wheel_legend(axes[0, 2], scale)
    return figure


@picture("strain", "optical strain at the apex: where the skin is stretched")
def draw_strain(footage: Footage) -> Figure:
    """Draw the magnitude of the strain alone and over the face."""
    values = 100 * strain(footage.flow)
    limit = round_scale(largest_inside(values), 1.0)
    note = f"{_MEASURED}\nShreve et al. 2011: stretched or pressed skin; a head that moves as a whole has no strain."

    figure, axes = sheet(
        "Optical strain",
        about(footage, footage.onset, footage.apex),
        note,
        columns=[3.3, 3.3, BAR_IN],
        rows=[3.3],
        right=BAR_TEXT_IN,
    )
    grey = footage.crop(footage.onset) @ np.array([0.299, 0.587, 0.114])
    photo(axes[0, 0], grey, "over the onset frame", extent=_EXTENT)
    smooth = _enlarged(values)
    opacity = 0.9 * np.clip(smooth / (0.6 * limit), 0, 1)
    axes[0, 0].imshow(
        smooth, cmap=STRENGTHS, vmin=0, vmax=limit, alpha=opacity, extent=_EXTENT, interpolation="bilinear"
    )
    shown = strengths(axes[0, 1], values, STRENGTHS, 0, limit, "alone")
    colour_bar(figure, shown, axes[0, 2], "strain, px per 100 px", extend="max")
    return figure


@picture("motion-map", "what the networks see: u, v and strain as a small picture, stretched to 0-255")
def draw_motion_map(footage: Footage) -> Figure:
    """Draw the three channels of the motion map, and all three as one RGB picture."""
    if footage.ready is None:
        made, spans = motion_map(footage.flow), _spans(footage.flow)
        of, note = about(footage, footage.onset, footage.apex), f"{_MEASURED} STSTNet's input (Liong et al. 2019)."
    else:
        made, spans, of = footage.ready, ["", "", ""], about(footage, what="a ready map of the corpus")
        note = "Each channel is stretched by itself: its lowest value is 0, its highest 255."
    figure, axes = sheet("Motion map", of, note, columns=[2.2] * 4 + [BAR_IN], rows=[2.2], right=BAR_TEXT_IN, under=0.5)
    names = ("u: to the right", "v: downwards", "optical strain")
    for axis, channel, name, span in zip(axes[0], np.moveaxis(made, -1, 0), names, spans, strict=False):
        shown = strengths(axis, channel, LEVELS, 0, 255, f"{name}{span}")
    colour_bar(figure, shown, axes[0, 4], "level, 0–255")
    axes[0, 4].set_yticks([0, 64, 128, 192, 255])
    photo(axes[0, 3], made, "all three as RGB" if footage.ready is not None else "all three as RGB\n")
    return figure


def flow_panel(axis: Axes, flow: FloatArray, scale_px: float, label: str = "") -> None:
    """Show a flow field in the colours of the wheel, framed since its ground is white."""
    photo(axis, flow_colours(flow, scale_px), label, extent=_EXTENT, interpolation="bilinear")
    for spine in axis.spines.values():
        spine.set(visible=True, color="#c9ced4", linewidth=0.7)


def largest_inside(values: npt.NDArray[np.floating]) -> float:
    """What a scale should reach: nearly all of what is inside."""
    return float(np.percentile(values[_EDGE:-_EDGE, _EDGE:-_EDGE], _PERCENTILE))


def _enlarged(values: npt.NDArray[np.floating]) -> FloatArray:
    """Four times as large, smoothly: opacity is not interpolated when drawn."""
    import cv2

    return np.asarray(cv2.resize(values, None, fx=4, fy=4, interpolation=cv2.INTER_LINEAR), np.float32)


def _arrows(axis: Axes, flow: FloatArray, scale: float, colour: str) -> None:
    """Arrows of the mean motion on a sparse grid; what hardly moves has none."""
    from matplotlib.patheffects import withStroke

    step = FACE_PX / _ARROWS
    at = (np.arange(_ARROWS) + 0.5) * step - 0.5
    u, v = resize_flow(flow, _ARROWS, _ARROWS) * (FACE_PX / _ARROWS)  # means of the cells, back in pixels of the face
    x, y = np.meshgrid(at, at)
    seen = np.hypot(u, v) > _ARROW_FROM * scale
    longer = _ARROW_STEPS * step / scale
    how: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "pivot": "mid", "color": colour}
    drawn = axis.quiver(
        x[seen], y[seen], longer * u[seen], longer * v[seen], width=0.006, headwidth=4.2, headlength=4.2,
        headaxislength=3.8, minlength=0, **how,
    )  # fmt: skip
    if colour == "white":
        drawn.set_path_effects([withStroke(linewidth=1.6, foreground=INK)])


def _spans(flow: FloatArray) -> list[str]:
    """What the ends of each channel's stretch stand for."""
    small: list[npt.NDArray[Any]] = [
        resize_flow(flow, 28, 28)[0] * FACE_PX / 28, resize_flow(flow, 28, 28)[1] * FACE_PX / 28
    ]  # fmt: skip
    texts = [f"\n0 is {part.min():+.2f} px, 255 is {part.max():+.2f} px".replace("-", "−") for part in small]
    import cv2

    stretched = 100 * cv2.resize(strain(flow), (28, 28), interpolation=cv2.INTER_AREA)
    return [*texts, f"\n0 is {stretched.min():.1f} %, 255 is {stretched.max():.1f} %"]
