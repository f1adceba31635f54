"""Action units as displacement fields on the face: which skin moves where.

Each action unit of the Facial Action Coding System is a sum of smooth local displacements, anchored to landmarks.
Places and directions follow the appearance changes that the FACS manual (Ekman, Friesen & Hager 2002) describes for
each unit (a smile's corner of the mouth goes up at 47 degrees, as Tarantili, Halazonetis & Spyropoulos 2005 measured
it in spontaneous smiles); reaches (how far the skin follows) are ours, of the order of the muscle's width. Everything
is in the face units of :mod:`mien.synthesis.face`, written for the image-right half of the face and mirrored for the
other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from mien.core import MienError
from mien.faces.template import MIRRORED
from mien.synthesis.face import MEAN_FACE

__all__ = ["ACTION_UNITS", "EYE_COVER_FOLD", "ActionUnit", "Activation", "Part", "displacement"]

Array = npt.NDArray[np.float64]
Side = Literal["both", "left", "right"]


@dataclass(frozen=True, slots=True)
class Part:
    """One local displacement: a Gaussian bell of motion around an anchor.

    Attributes
    ----------
    at : tuple of int
        Landmarks whose mean is the anchor (image-right half, or the midline).
    move : tuple of float
        Direction and share of the motion, ``(x, y)``; medial is negative ``x``.
    reach : tuple of float
        Standard deviations of the bell, ``(x, y)``, in face units.
    shift : tuple of float
        Anchor moved by this much.
    lip : {"", "upper", "lower"}
        Motion that stops at the line between the lips.
    """

    at: tuple[int, ...]
    move: tuple[float, float]
    reach: tuple[float, float]
    shift: tuple[float, float] = (0.0, 0.0)
    lip: Literal["", "upper", "lower"] = ""


@dataclass(frozen=True, slots=True)
class ActionUnit:
    """One unit: its FACS number, name, the muscle that moves it and the parts of skin that follow."""

    number: int
    name: str
    muscle: str
    parts: tuple[Part, ...]


Activation = Mapping[int, tuple[float, float]]
"""Action unit number -> intensity on the image-left and on the image-right half of the face."""

_INNER_BROW, _MID_BROW, _OUTER_BROW = (22, 23), (23, 24), (25, 26)
_UPPER_LID, _LOWER_LID, _CORNER, _CHIN = (43, 44), (46, 47), (54,), (8,)

_UNITS = (
    ActionUnit(1, "inner brow raiser", "frontalis, pars medialis", (
        Part(_INNER_BROW, (-0.10, -1.0), (0.26, 0.22), (0.0, -0.05)),
        Part(_INNER_BROW, (0.0, -0.45), (0.30, 0.30), (0.0, -0.35)),
    )),
    ActionUnit(2, "outer brow raiser", "frontalis, pars lateralis", (
        Part(_OUTER_BROW, (0.05, -1.0), (0.26, 0.22), (-0.10, -0.05)),
        Part(_OUTER_BROW, (0.0, -0.45), (0.30, 0.30), (-0.15, -0.35)),
    )),
    ActionUnit(4, "brow lowerer", "corrugator supercilii, depressor supercilii", (
        Part(_INNER_BROW, (-0.45, 0.90), (0.28, 0.22)),
        Part(_MID_BROW, (-0.30, 0.55), (0.30, 0.22)),
        Part((27,), (0.0, 0.40), (0.18, 0.22), (0.0, -0.12)),
    )),
    ActionUnit(5, "upper lid raiser", "levator palpebrae superioris", (
        Part(_UPPER_LID, (0.0, -1.0), (0.24, 0.09)),
    )),
    ActionUnit(6, "cheek raiser", "orbicularis oculi, pars orbitalis", (
        Part((46, 14), (-0.25, -1.0), (0.30, 0.26), (-0.05, 0.10)),
        Part((45,), (-0.50, 0.15), (0.20, 0.20), (0.12, 0.0)),
        Part(_LOWER_LID, (0.0, -0.60), (0.24, 0.12), (0.0, 0.06)),
    )),
    ActionUnit(7, "lid tightener", "orbicularis oculi, pars palpebralis", (
        Part(_LOWER_LID, (-0.20, -1.0), (0.24, 0.11)),
        Part(_UPPER_LID, (0.0, 0.45), (0.24, 0.09)),
    )),
    ActionUnit(9, "nose wrinkler", "levator labii superioris alaeque nasi", (
        Part((29, 35), (-0.15, -1.0), (0.20, 0.24)),
        Part(_INNER_BROW, (-0.20, 0.60), (0.24, 0.18)),
        Part((52, 53), (0.0, -0.50), (0.22, 0.14), lip="upper"),
    )),
    ActionUnit(10, "upper lip raiser", "levator labii superioris", (
        Part((52, 53), (0.0, -1.0), (0.22, 0.16), lip="upper"),
        Part((35, 54), (0.10, -0.70), (0.22, 0.24), (0.08, -0.05)),
    )),
    ActionUnit(12, "lip corner puller", "zygomaticus major", (
        Part(_CORNER, (0.75, -0.80), (0.24, 0.22), (0.05, 0.0)),
        Part((14, 54), (0.20, -0.60), (0.30, 0.28), (0.0, -0.05)),
        Part((64,), (0.30, -0.15), (0.20, 0.12)),
    )),
    ActionUnit(14, "dimpler", "buccinator", (
        Part(_CORNER, (0.95, -0.05), (0.20, 0.18), (0.05, 0.02)),
        Part(_CORNER, (-0.30, 0.0), (0.16, 0.20), (0.35, 0.0)),
    )),
    ActionUnit(15, "lip corner depressor", "depressor anguli oris", (
        Part(_CORNER, (0.20, 1.0), (0.22, 0.22), (0.0, 0.05)),
        Part((10,), (0.0, 0.30), (0.24, 0.24), (-0.05, -0.20)),
    )),
    ActionUnit(16, "lower lip depressor", "depressor labii inferioris", (
        Part((55, 56), (0.10, 1.0), (0.26, 0.18), lip="lower"),
    )),
    ActionUnit(17, "chin raiser", "mentalis", (
        Part((8, 57), (0.0, -1.0), (0.34, 0.24)),
        Part((57,), (0.0, -0.60), (0.30, 0.14), lip="lower"),
        Part(_CORNER, (0.0, 0.20), (0.18, 0.16), (0.0, 0.08)),
    )),
    ActionUnit(18, "lip pucker", "incisivii labii", (
        Part(_CORNER, (-1.0, 0.0), (0.22, 0.20)),
        Part((53, 55), (-0.50, 0.0), (0.20, 0.18)),
    )),
    ActionUnit(20, "lip stretcher", "risorius, platysma", (
        Part(_CORNER, (1.0, 0.12), (0.26, 0.24), (0.05, 0.05)),
        Part((10, 11), (0.50, 0.25), (0.28, 0.26), (-0.05, -0.15)),
    )),
    ActionUnit(23, "lip tightener", "orbicularis oris", (
        Part((51, 52), (-0.15, 0.60), (0.26, 0.12), lip="upper"),
        Part((56, 57), (-0.15, -0.60), (0.26, 0.12), lip="lower"),
        Part(_CORNER, (-0.60, 0.0), (0.18, 0.16)),
    )),
    ActionUnit(24, "lip pressor", "orbicularis oris", (
        Part((51, 52), (0.0, 1.0), (0.28, 0.13), lip="upper"),
        Part((56, 57), (0.0, -1.0), (0.28, 0.16), lip="lower"),
        Part((8, 57), (0.0, -0.40), (0.28, 0.18)),
    )),
    ActionUnit(25, "lips part", "depressor labii inferioris, or relaxation of mentalis", (
        Part((57, 66), (0.0, 1.0), (0.30, 0.18), lip="lower"),
        Part((51, 62), (0.0, -0.35), (0.28, 0.13), lip="upper"),
    )),
    ActionUnit(26, "jaw drop", "masseter relaxed", (
        Part((57, 66), (0.0, 1.0), (0.34, 0.20), lip="lower"),
        Part(_CHIN, (0.0, 0.90), (0.50, 0.34), (0.0, -0.15), lip="lower"),
        Part(_CORNER, (-0.15, 0.35), (0.20, 0.18)),
    )),
    ActionUnit(45, "blink", "relaxation of levator palpebrae, orbicularis oculi", (
        Part(_UPPER_LID, (0.0, 1.0), (0.26, 0.085)),
        Part((46, 47), (-0.10, -0.12), (0.24, 0.08)),
    )),
)  # fmt: skip

ACTION_UNITS: dict[int, ActionUnit] = {unit.number: unit for unit in _UNITS}
"""Number -> :class:`ActionUnit`: 1 2 4 5 6 7 9 10 12 14 15 16 17 18 20 23 24 25 26 and the blink, 45."""


EYE_COVER_FOLD: dict[int, tuple[Part, ...]] = {
    1: (Part((22, 42), (0.0, -0.45), (0.24, 0.16), (0.0, 0.05)),),
    2: (Part((25, 45), (0.0, -0.45), (0.24, 0.16), (-0.05, 0.02)),),
    4: (Part(_UPPER_LID, (-0.10, 0.55), (0.28, 0.13), (0.0, -0.06)),),
    6: (Part(_UPPER_LID, (0.0, 0.30), (0.26, 0.10), (0.05, -0.02)),),
    9: (Part((42, 43), (-0.10, 0.35), (0.20, 0.12)),),
}
"""What the skin between brow and eye does with a unit: FACS has it pulled up with the brow (1, 2) or pushed down (4, 6,
9). Only synthetic motion maps have it: rendered clips keep their lids apart, and spotting takes lids for lids."""


def displacement(
    points: Array, activation: Activation, face: Array = MEAN_FACE, *, eye_cover_fold: bool = False
) -> Array:
    """Displacement of skin at ``points`` when the action units in ``activation`` are on.

    Parameters
    ----------
    points : array, (..., 2)
        Places ``(x, y)`` in face units.
    activation : mapping of int to (float, float)
        Intensity of each unit on the image-left and image-right half: the largest displacement that this unit alone
        causes on that half of the mean face, in face units.
    face : array, (68, 2)
        The person's landmarks; anchors follow them.
    eye_cover_fold : bool
        Whether the skin between brow and eye takes part (:data:`EYE_COVER_FOLD`).

    Returns
    -------
    array, (..., 2)
        ``(u, v)`` in face units: where the skin at each point goes.

    Raises
    ------
    MienError
        For an action unit that is not modelled.

    Examples
    --------
    A smile moves the lip corners outwards and up.

    >>> moved = displacement(MEAN_FACE[[48, 54]], {12: (0.02, 0.02)})
    >>> bool(moved[0, 0] < 0 < moved[1, 0]), bool((moved[:, 1] < 0).all())
    (True, True)
    """
    points = np.asarray(points, dtype=np.float64)
    total = np.zeros_like(points)
    for number, sides in activation.items():
        if number not in ACTION_UNITS:
            known = " ".join(map(str, ACTION_UNITS))
            raise MienError(f"got action unit {number}; expected one of {known}; drop it or model it")
        scale = 1 / _peak(number)
        folds = EYE_COVER_FOLD.get(number, ()) if eye_cover_fold else ()
        for part in (*ACTION_UNITS[number].parts, *folds):
            total += scale * _part(points, part, sides, face)
    return total


def _part(points: Array, part: Part, sides: tuple[float, float], face: Array) -> Array:
    anchor = face[list(part.at)].mean(axis=0) + part.shift
    if abs(anchor[0]) < 1e-9:  # a part on the midline: each half drives its own side of one bell
        bell = _bell(points, anchor, part, face)
        right = 0.5 * (1 + np.tanh(points[..., 0] / 0.15))
        strength = bell * (sides[0] * (1 - right) + sides[1] * right)
        return strength[..., None] * np.array(part.move)
    right_bell = sides[1] * _bell(points, anchor, part, face)
    mirrored = face[[MIRRORED[i] for i in part.at]].mean(axis=0) + np.multiply(part.shift, (-1, 1))
    left_bell = sides[0] * _bell(points, mirrored, part, face)
    return np.stack([part.move[0] * (right_bell - left_bell), part.move[1] * (right_bell + left_bell)], axis=-1)


def _bell(points: Array, anchor: Array, part: Part, face: Array) -> Array:
    away = (points - anchor) / part.reach
    bell = np.exp(-0.5 * (away**2).sum(axis=-1))
    if part.lip:
        line = face[[62, 66], 1].mean()
        below = 0.5 * (1 + np.tanh((points[..., 1] - line) / 0.03))
        bell = bell * (below if part.lip == "lower" else 1 - below)
    return bell


@cache
def _peak(number: int) -> float:
    """Largest displacement of the unit at full strength on the mean face, on a fine grid."""
    xs, ys = np.meshgrid(np.linspace(-1.25, 1.25, 101), np.linspace(-0.9, 1.9, 113))
    grid = np.stack([xs, ys], axis=-1)
    field = np.zeros_like(grid)
    for part in ACTION_UNITS[number].parts:
        field += _part(grid, part, (1.0, 1.0), MEAN_FACE)
    return float(np.hypot(field[..., 0], field[..., 1]).max())
