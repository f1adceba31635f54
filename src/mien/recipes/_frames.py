"""The motion map of two frames of a face: what analysis and training on frames both call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError, UInt8Array
from mien.faces import eye_crop_matrix, warp
from mien.motion import motion_map, optical_flow
from mien.recipes._recipe import Recipe

__all__ = ["PreparedMotion", "prepare_motion", "step"]


@dataclass(frozen=True, slots=True)
class PreparedMotion:
    """What a recipe made of an interval, with the steps on the way.

    Attributes
    ----------
    array : uint8 array, (28, 28, 3)
        The motion map: what the method eats.
    flow : float32 array, (2, S, S)
        Onset to apex on the cropped face, pixels.
    onset, apex : uint8 array, (S, S) or (S, S, 3)
        The cropped face, both registered on the onset frame.
    matrix : float array, (2, 3)
        Image to crop pixels.
    """

    array: UInt8Array
    flow: FloatArray
    onset: UInt8Array
    apex: UInt8Array
    matrix: npt.NDArray[np.float64]


def prepare_motion(
    recipe: Recipe, onset: UInt8Array, apex: UInt8Array, points: npt.NDArray[np.floating]
) -> PreparedMotion:
    """Make the motion map of an interval by a recipe.

    The face is registered once, on the onset frame: both frames are cropped by the same eye-based box.

    Parameters
    ----------
    recipe : Recipe
        A recipe with the steps ``crop``, ``flow`` and ``map``.
    onset, apex : uint8 array, (H, W) or (H, W, 3)
        The two frames, whole.
    points : array, (68, 2)
        Landmarks of the onset frame, image pixels.

    Raises
    ------
    MienError
        If the recipe lacks one of the steps.
    """
    crop, flow, scale = (step(recipe, name) for name in ("crop", "flow", "map"))
    size = int(crop["size"])
    matrix = eye_crop_matrix(points, size, side=crop["side"], above=crop["above"], below=crop["below"])
    first, second = warp(onset, matrix, size), warp(apex, matrix, size)
    field = optical_flow(first, second, flow["algorithm"])
    return PreparedMotion(motion_map(field, int(scale["size"])), field, first, second, matrix)


def step(recipe: Recipe, name: str) -> dict[str, Any]:
    """Return the parameters of a step; a recipe without it raises :class:`MienError`."""
    for known, params in recipe.steps:
        if known == name:
            return dict(params)
    raise MienError(
        f"got the recipe '{recipe.name}' without the step '{name}'; expected crop, flow, map; use motion-map"
    )
