"""What changed, without asking where it went: differences, depth, the clip in one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mien.core import MienError
from mien.motion.difference import depth_difference, idsf
from mien.motion.dynamic_image import dynamic_image, to_uint8
from mien.motion.sampling import tim
from mien.pictures._colour import DEPTHS
from mien.pictures._draw import (
    BAR_IN,
    BAR_TEXT_IN,
    about,
    colour_bar,
    frame_range,
    photo,
    round_scale,
    sheet,
    signed,
    strengths,
)
from mien.pictures._footage import FACE_PX, Footage
from mien.pictures._registry import picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_depth", "draw_difference", "draw_dynamic_image", "draw_idsf"]

_IDSF_FRAMES, _IDSF_PX = 11, 192  # eleven frames have ten differences, as AST+SVMNet takes them
_UNIT = 1500.0  # what the reproduction of MMNet divides depth by


@picture("difference", "apex minus onset, in grey levels")
def draw_difference(footage: Footage) -> Figure:
    """Draw the onset, the apex and what lies between."""
    first, second = footage.crop(footage.onset), footage.crop(footage.apex)
    change = second @ _LUMA - first @ _LUMA
    limit = _limit(change, 4)
    note = "Orange: brighter at the apex. A moving edge leaves a pair, brighter on one side and darker on the other."
    figure, axes = sheet(
        "Difference of frames", about(footage, footage.onset, footage.apex), note,
        columns=[2.6, 2.6, 2.6, BAR_IN], rows=[2.6], right=BAR_TEXT_IN,
    )  # fmt: skip
    photo(axes[0, 0], first, f"onset: frame {footage.onset}")
    photo(axes[0, 1], second, f"apex: frame {footage.apex}")
    shown = signed(axes[0, 2], change, limit, "apex − onset")
    colour_bar(figure, shown, axes[0, 3], "difference, grey levels", extend="both")
    return figure


@picture("idsf", "inter-frame difference: ten frames of the interpolated clip, each minus the onset")
def draw_idsf(footage: Footage) -> Figure:
    """Draw the ten differences on one scale."""
    clip = footage.clip(_IDSF_PX, grey=True)
    made = idsf(tim(clip, _IDSF_FRAMES))
    limit = _limit(made, 0.01)
    note = (
        f"Xue et al. 2024: (frame − onset) / 255 of {_IDSF_FRAMES} frames that TIM makes of the {len(clip)} there are."
    )
    figure, axes = sheet(
        "Inter-frame difference (IDSF)", frame_range(footage), note,
        columns=[1.45] * 5 + [BAR_IN], rows=[1.45] * 2, right=BAR_TEXT_IN + 0.05, under=0.3,
    )  # fmt: skip
    places = footage.onset + np.linspace(0, len(clip) - 1, _IDSF_FRAMES)[1:]
    for axis, difference, place in zip(axes[:, :5].flat, made, places, strict=True):
        shown = signed(axis, difference, limit, f"at frame {place:.1f}".removesuffix(".0"))
    colour_bar(figure, shown, axes[:, 5], "difference, 1 is 255 grey levels", extend="both")
    return figure


@picture("depth", "depth at onset and apex and their difference (clips with depth images)")
def draw_depth(footage: Footage) -> Figure:
    """Draw the depth images through the clip's crop; where the camera measured nothing they are grey."""
    if footage.take.read_depth is None:
        raise MienError(
            f"got '{footage.name}' without depth images; expected a clip that has them, as in casme3; "
            "choose another stage"
        )
    pair = [_cropped(footage, depth) for depth in footage.take.read_depth([footage.onset, footage.apex])]
    measured = [np.ma.masked_equal(depth, 0).astype(float) for depth in pair]
    change = depth_difference(pair[0], pair[1], 1.0)
    empty = (pair[0] == 0) | (pair[1] == 0)
    limit = _limit(change, 1.0)
    known = np.concatenate([depth[depth > 0] for depth in pair])
    low, high = np.percentile(known, [0.5, 99.5]) if known.size else (0.0, 1.0)
    note = f"A unit is 1 mm in CAS(ME)³. Networks see the difference divided by {_UNIT:g}. Grey: not measured."
    figure, axes = sheet(
        "Depth difference", about(footage, footage.onset, footage.apex), note,
        columns=[2.5, 2.5, BAR_IN, 2.5, BAR_IN], rows=[2.5], gaps=[0.13, 0.13, 0.85, 0.13], right=BAR_TEXT_IN,
    )  # fmt: skip
    for axis, depth, name in zip(axes[0], measured, ("onset", "apex"), strict=False):
        shown = strengths(axis, depth, f"{DEPTHS}_r", float(low), float(high), f"{name}, bright is near")
        axis.patch.set_facecolor("#b9bec5")
    colour_bar(figure, shown, axes[0, 2], "depth, units of the camera", extend="both")
    axes[0, 2].invert_yaxis()
    shown = signed(axes[0, 3], np.ma.masked_array(change, empty), limit, "apex − onset, orange is away")
    axes[0, 3].patch.set_facecolor("#b9bec5")
    colour_bar(figure, shown, axes[0, 4], "difference, units of the camera", extend="both")
    return figure


@picture("dynamic-image", "the whole clip in one image, by approximate rank pooling")
def draw_dynamic_image(footage: Footage) -> Figure:
    """Draw the pooled image on a scale around zero, and as a network sees it."""
    clip = footage.clip(2 * FACE_PX)
    pooled = dynamic_image(clip)
    grey = pooled @ _LUMA
    limit = _limit(grey, 1.0)
    note = "Bilen et al. 2016. Orange grew brighter over the clip, blue darker."
    figure, axes = sheet(
        "Dynamic image", frame_range(footage), note,
        columns=[2.6, 2.6, BAR_IN, 2.6], rows=[2.6], gaps=[0.13, 0.13, 0.85], right=0.0,
    )  # fmt: skip
    photo(axes[0, 0], footage.crop(footage.onset), f"onset: frame {footage.onset}")
    shown = signed(axes[0, 1], grey, limit, "weighted sum of all frames")
    colour_bar(figure, shown, axes[0, 2], "weighted sum, grey levels", extend="both")
    photo(axes[0, 3], to_uint8(pooled), "stretched to 0–255, RGB")
    return figure


_LUMA = np.array([0.299, 0.587, 0.114])


def _limit(values: npt.NDArray[np.floating], least: float) -> float:
    return round_scale(float(np.percentile(np.abs(values), 99.5)), least)


def _cropped(footage: Footage, depth: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    """The crop of a depth image, to the nearest pixel; a mean of a depth and a 0 is no depth."""
    import cv2

    size = 2 * FACE_PX
    matrix = footage.matrix(size)
    height, width = footage.image(footage.onset).shape[:2]
    matrix = matrix * [width / depth.shape[1], height / depth.shape[0], 1]  # a depth image may be smaller
    return np.asarray(cv2.warpAffine(depth, matrix, (size, size), flags=cv2.INTER_NEAREST), np.uint16)
