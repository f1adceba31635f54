"""From whole frames to the registered face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mien.faces import Box, apply_affine, canonical_points, eye_centres, invert
from mien.faces.lwm import LocalWeightedMean, fit_lwm
from mien.faces.mapping import jacobian, warp_by_map
from mien.motion.descriptors.mdmo import mdmo, mdmo_regions
from mien.pictures._colour import flow_colours
from mien.pictures._draw import (
    ACCENT,
    FONT,
    INK,
    WARNING,
    about,
    frame_range,
    photo,
    round_scale,
    sheet,
    wheel_legend,
)
from mien.pictures._footage import FACE_PX, SHOWN_PX, Footage
from mien.pictures._registry import picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["PARTS", "draw_crop", "draw_frames", "draw_landmarks", "draw_lwm", "draw_regions"]

PARTS = {
    "jaw 0–16": (range(17), "#0072b2"),
    "brows 17–26": (range(17, 27), "#d55e00"),
    "nose 27–35": (range(27, 36), "#009e73"),
    "eyes 36–47": (range(36, 48), "#cc79a7"),
    "mouth 48–67": (range(48, 68), "#e69f00"),
}
"""Parts of the 68 landmarks: numbers and a colour that colour-blind readers tell apart (Okabe & Ito)."""

_LINE_PX = 14  # distance of the registration's grid lines on a crop of SHOWN_PX
_ASSUMED = "no face was found: the eyes are taken to be where such crops have them"


@picture("frames", "onset, apex and offset frame, with the face found and the crop")
def draw_frames(footage: Footage) -> Figure:
    """Draw the whole frames with the finder's box and the crop that all frames share."""
    numbers = (footage.onset, footage.apex, footage.offset)
    images = [footage.image(number) for number in numbers]
    height, width = images[0].shape[:2]
    panel = 2.75 if width >= height else 2.2
    figure, axes = sheet(
        "Frames", _whole(footage), _note(footage), columns=[panel] * 3, rows=[panel * height / width], under=0.66
    )
    square = _outline(footage)
    names = ("onset", "apex, found" if footage.apex_found else "apex", "offset")
    for axis, image, number, name in zip(axes[0], images, numbers, names, strict=True):
        photo(axis, image, f"{name}: frame {number}{_seconds(footage, number)}")
        axis.plot(*square.T, color="white", lw=2.6)
        axis.plot(*square.T, color=ACCENT, lw=1.5, label="crop by the eyes of the onset frame")
        if footage.face.box is not None:
            box = _corners(footage.face.box)
            axis.plot(*box.T, color="white", lw=2.0)
            axis.plot(*box.T, color=INK, lw=1.0, ls=(0, (3, 2)), label="face found in the onset frame")
        axis.set_xlim(-0.5, width - 0.5)
        axis.set_ylim(height - 0.5, -0.5)
    _key(figure, axes[0, 0], 2)
    return figure


@picture("landmarks", "the 68 landmarks before and after registration to the neutral face")
def draw_landmarks(footage: Footage) -> Figure:
    """Draw the landmarks on the onset frame, and where they come to lie on the registered face."""
    template = canonical_points(SHOWN_PX).astype(np.float64)
    points = np.asarray(footage.face.points, np.float64)
    face_map = fit_lwm(template, points)
    moved = _registered(face_map, template, points)
    rest = float(np.sqrt(((moved - template) ** 2).sum(axis=1).mean()))
    off = f"after: {100 * rest / _eye_px(template):.1f} % of the eye distance off the neutral face (rings)"
    figure, axes = sheet(
        "Landmarks", about(footage, footage.onset, what=off), columns=[3.6, 3.6], rows=[3.6], under=0.66
    )
    photo(axes[0, 0], footage.image(footage.onset), "before: as the camera saw it")
    _look_at_face(axes[0, 0], footage)
    registered = warp_by_map(footage.image(footage.onset), face_map.grid(SHOWN_PX))
    photo(axes[0, 1], registered, _note(footage, "after: registered by the local weighted mean"))
    axes[0, 1].plot(*template.T, "o", ms=6.5, mfc="none", mec="white", mew=0.8)
    for axis, places in ((axes[0, 0], points), (axes[0, 1], moved)):
        for name, (members, colour) in PARTS.items():
            axis.plot(*places[list(members)].T, "o", ms=3.6, mfc=colour, mec="white", mew=0.5, label=name)
    _key(figure, axes[0, 0], len(PARTS))
    return figure


@picture("crop", "the face cut out by the eyes of the onset frame")
def draw_crop(footage: Footage) -> Figure:
    """Draw the three key frames through the one crop, with what the crop is measured by."""
    note = _note(
        footage,
        "d: distance of the eye centres. The box reaches 1.1 d to both sides, 0.6 d up and 1.9 d down; "
        "then it is made square.",
    )
    figure, axes = sheet("Crop", frame_range(footage), note, columns=[2.7] * 3, rows=[2.7])
    keys = (("onset", footage.onset), ("apex", footage.apex), ("offset", footage.offset))
    for axis, (name, number) in zip(axes[0], keys, strict=True):
        photo(axis, footage.crop(number), f"{name}: frame {number}")
    left, right = eye_centres(footage.points(SHOWN_PX))
    middle = (left + right) / 2
    _measure(axes[0, 0], left, right, "d", above=True)
    span = float(np.hypot(*(right - left)))
    _measure(axes[0, 0], middle, middle + np.array([0, 1.9 * span]), "1.9 d")
    return figure


@picture("lwm", "the registration's grid on the frame, the registered face, and folds")
def draw_lwm(footage: Footage) -> Figure:
    """Draw the grid of the local weighted mean where it comes from and where it goes."""
    grid = fit_lwm(canonical_points(SHOWN_PX), footage.face.points).grid(SHOWN_PX)
    folded = jacobian(grid) <= 0
    share = f"{100 * folded.mean():.1f} % of the picture"
    says = f"red: folded over itself, {share}" if folded.any() else "no folds"
    note = _note(footage, "Goshtasby 1988, 12 neighbours: one map, fitted on the onset frame, for all frames.")
    figure, axes = sheet(
        "Registration by the local weighted mean", about(footage, footage.onset, what=says), note,
        columns=[3.6, 3.6], rows=[3.6],
    )  # fmt: skip
    photo(axes[0, 0], footage.image(footage.onset), "where the grid lies on the frame")
    photo(axes[0, 1], warp_by_map(footage.image(footage.onset), grid), "the registered face")
    y, x = np.mgrid[:SHOWN_PX, :SHOWN_PX].astype(np.float64)
    for axis, places in ((axes[0, 0], grid), (axes[0, 1], np.stack([x, y], axis=-1))):
        lines = [places[row] for row in _lines()] + [places[:, column] for column in _lines()]
        for line in lines:
            axis.plot(*line.T, color="white", lw=0.7, alpha=0.8)
    axes[0, 0].plot(*grid[folded].T, "o", ms=1.6, color=WARNING, mew=0)
    axes[0, 1].imshow(np.dstack([np.full((*folded.shape, 3), _rgb(WARNING)), 0.75 * folded]), interpolation="nearest")
    _look_at_face(axes[0, 0], footage, 0.18)
    return figure


@picture("regions", "the 36 regions of MDMO on the face, and how each moves")
def draw_regions(footage: Footage) -> Figure:
    """Draw the regions with their numbers, and each in the colour of its main motion."""
    from matplotlib.patches import Polygon

    points = footage.points(FACE_PX)
    length, angle = mdmo(footage.flow[None], points).reshape(2, 36)
    vectors = np.stack([length * np.cos(angle), length * np.sin(angle)])
    scale = round_scale(float(length.max()), 0.2)
    colours = flow_colours(vectors[:, None], scale)[0]
    note = _note(footage, "Liu et al. 2016. Main motion: the mean vector of the fullest of 8 directions, TV-L1 flow.")
    figure, axes = sheet(
        "Regions of MDMO", about(footage, footage.onset, footage.apex), note, columns=[3.4, 3.4, 2.1], rows=[3.4]
    )
    face = footage.crop(footage.onset, 2 * SHOWN_PX)
    for axis, label in ((axes[0, 0], "the 36 regions"), (axes[0, 1], "main motion, onset to apex")):
        photo(axis, face, label, extent=(-0.5, FACE_PX - 0.5, FACE_PX - 0.5, -0.5))
        axis.set_autoscale_on(False)
    for number, (corners, colour) in enumerate(zip(mdmo_regions(points), colours, strict=True)):
        axes[0, 0].add_patch(Polygon(corners, fc=(1, 1, 1, 0.12), ec="white", lw=0.9))
        axes[0, 0].text(*corners.mean(axis=0), str(number + 1), size=7, color="white", **_CENTRED, path_effects=_halo())
        axes[0, 1].add_patch(Polygon(corners, fc=colour / 255, ec="white", lw=0.6, alpha=0.9))
    wheel_legend(axes[0, 2], scale)
    return figure


_CENTRED: dict[str, Any] = {"ha": "center", "va": "center", "weight": "bold"}


def _halo() -> list[Any]:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=1.8, foreground=INK)]


def _rgb(colour: str) -> tuple[float, float, float]:
    from matplotlib.colors import to_rgb

    return to_rgb(colour)


def _whole(footage: Footage) -> str:
    height, width = footage.image(footage.onset).shape[:2]
    rate = f", {footage.take.fps:g} frames per second" if footage.take.fps else ""
    return f"{frame_range(footage)}  ·  {width} × {height} px{rate}"


def _note(footage: Footage, text: str = "") -> str:
    return text if footage.face.found else f"{text} ({_ASSUMED})".strip()


def _seconds(footage: Footage, number: int) -> str:
    """Time after the onset, where the rate is known."""
    after = number - footage.onset
    return f", {1000 * after / footage.take.fps:+.0f} ms" if footage.take.fps and after else ""


def _outline(footage: Footage) -> npt.NDArray[np.float64]:
    """Corners of the crop in the frame, closed."""
    edge = SHOWN_PX - 0.5
    return apply_affine(
        invert(footage.matrix(SHOWN_PX)), [[-0.5, -0.5], [edge, -0.5], [edge, edge], [-0.5, edge], [-0.5, -0.5]]
    )


def _corners(box: Box) -> npt.NDArray[np.float64]:
    left, top, right, bottom = box.x, box.y, box.x + box.w, box.y + box.h
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]], np.float64)


def _look_at_face(axis: Axes, footage: Footage, margin: float = 0.1) -> None:
    """Zoom a whole frame to a square around the crop; beyond the frame it is grey."""
    outline = _outline(footage)
    middle = (outline.min(axis=0) + outline.max(axis=0)) / 2
    half = float(np.ptp(outline, axis=0).max()) * (0.5 + margin)
    axis.set_xlim(middle[0] - half, middle[0] + half)
    axis.set_ylim(middle[1] + half, middle[1] - half)
    axis.set_facecolor("#e6e8eb")


def _registered(
    face_map: LocalWeightedMean, template: npt.NDArray[np.float64], points: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Where image points come to lie after the map: Newton's steps from the template's own points."""
    places = template.copy()
    for _ in range(4):
        steps = [(face_map(places + offset) - face_map(places - offset)) for offset in ((0.5, 0.0), (0.0, 0.5))]
        slopes = np.stack(steps, axis=-1)
        sound = np.abs(np.linalg.det(slopes)) > 1e-3
        miss = points - face_map(places)
        places[sound] += np.clip(np.linalg.solve(slopes[sound], miss[sound][..., None])[..., 0], -8, 8)
    return places


def _eye_px(points: npt.NDArray[np.float64]) -> float:
    left, right = eye_centres(points)
    return float(np.hypot(*(right - left)))


def _lines() -> range:
    return range(_LINE_PX // 2, SHOWN_PX, _LINE_PX)


def _measure(axis: Axes, start: Any, stop: Any, text: str, *, above: bool = False) -> None:
    """Draw a dimension line."""
    arrow = {"arrowstyle": "<->", "color": "white", "lw": 1.3, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", start, stop, arrowprops=arrow)
    x, y = (np.asarray(start) + np.asarray(stop)) / 2
    place = (x, y - 5) if above else (x + 5, y)
    align = ("center", "bottom") if above else ("left", "center")
    axis.text(*place, text, color="white", size=9.5, ha=align[0], va=align[1], weight="bold", path_effects=_halo())


def _key(figure: Figure, axis: Axes, count: int) -> None:
    """One row of labels under all panels."""
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="lower left", bbox_to_anchor=(0, 0), ncols=count, frameon=False,
        prop={"family": FONT, "size": 8.5},
        handlelength=1.4, columnspacing=1.6, handletextpad=0.5, borderaxespad=0.5, labelcolor=INK,
    )  # fmt: skip
