"""What flows from step to step of a recipe, the steps there are, and how a recipe is run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError, Registry, UInt8Array
from mien.recipes._recipe import Recipe
from mien.recipes._take import Face, Take, found_apex

__all__ = ["STEPS", "Stage", "Step", "run"]


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """A clip on its way through a recipe.

    Attributes
    ----------
    take : Take
        Where the frames come from; its apex is known.
    numbers : tuple of int
        Frames in use, by number; empty once they were resampled in time.
    frames : uint8 or float32 array, (T, H, W) or (T, H, W, 3); or None
        The face, registered and cropped, values 0 to 255; None before the crop.
    onset, apex : int
        Where the onset and the apex are among the frames in use.
    points : float array, (68, 2), or None
        Landmarks of the onset frame, in pixels of ``frames``.
    matrix : float array, (2, 3), or None
        The onset frame's image pixels to pixels of ``frames``.
    grid : float32 array, (S, S, 2), or None
        Where each pixel of ``frames`` comes from in the onset frame, after a registration that bends.
    flows : float32 array, (N, 2, H, W), or None
        Displacements, pixels.
    array : array or None
        The result.
    notes : tuple of str
        Keys of :data:`mien.recipes.NOTES`.
    """

    take: Take
    numbers: tuple[int, ...] = ()
    frames: npt.NDArray[Any] | None = None
    onset: int = 0
    apex: int = 0
    points: npt.NDArray[np.float64] | None = None
    matrix: npt.NDArray[np.float64] | None = None
    grid: FloatArray | None = None
    flows: FloatArray | None = None
    array: npt.NDArray[Any] | None = None
    notes: tuple[str, ...] = ()

    def images(self) -> Iterable[UInt8Array]:
        """Whole frames as the camera took them, one at a time."""
        return self.take.read(self.numbers)

    def onset_face(self, faces: str) -> Face:
        """Landmarks of the onset frame: one box per clip, taken from there."""
        (image,) = self.take.read([self.take.onset])
        return self.take.locate(image, self.take.onset, faces, None)

    def cropped(self, step: str) -> npt.NDArray[Any]:
        """Frames after the crop; raise where a step comes too early."""
        if self.frames is None:
            raise MienError(f"got the step '{step}' before a crop; expected crop or register first; order the recipe")
        return self.frames

    def flowed(self, step: str) -> FloatArray:
        """Flow fields; raise where a step comes too early."""
        if self.flows is None:
            raise MienError(f"got the step '{step}' before a flow; expected the step flow first; order the recipe")
        return self.flows

    def landmarks(self, step: str) -> npt.NDArray[np.float64]:
        """Landmarks of the onset frame in the crop; raise where a step comes too early."""
        if self.points is None:
            raise MienError(f"got the step '{step}' before a crop; expected crop or register first; order the recipe")
        return self.points

    @property
    def fps(self) -> float:
        """Frames per second; raise where nobody knows it."""
        if self.take.fps is None or not self.take.fps > 0:
            raise MienError(
                f"got '{self.take.name}' without a frame rate; expected one, since this recipe filters or smooths in "
                "time; give --fps, or use a corpus or video that says it"
            )
        return self.take.fps


Step = Callable[..., Stage]
"""One step of a recipe: ``step(stage, **parameters)`` -> the stage after it."""

STEPS: Registry[Step] = Registry("recipe step", "mien.recipes.steps")


def run(recipe: Recipe, take: Take, watch: Callable[[str, Stage], None] | None = None) -> Stage:
    """Run a recipe on one clip.

    Parameters
    ----------
    recipe : Recipe
        Its first step says which frames (``frames``); without one, the onset and the apex.
    take : Take
        The clip; where its apex is unknown, the recipe's rule finds it.
    watch : callable, optional
        ``watch(step, stage)`` after every step, to look at it.

    Returns
    -------
    Stage
        With the result in ``array``.

    Raises
    ------
    MienError
        If a step is unknown, in the wrong place or given unknown parameters, or the clip lacks what it needs.
    """
    first = () if recipe.steps and recipe.steps[0][0] == "frames" else (("frames", ()),)
    stage = Stage(found_apex(take, recipe), notes=take.notes)
    for name, params in (*first, *recipe.steps):
        try:
            stage = STEPS[name](stage, **dict(params))
        except TypeError as error:
            if "argument" not in str(error):
                raise
            raise MienError(f"got the step '{name}' of '{recipe.name}' with other parameters ({error})") from error
        if watch is not None:
            watch(name, stage)
    if stage.array is None:
        raise MienError(
            f"got the recipe '{recipe.name}', which ends without a result; expected a last step such as map"
        )
    return replace(stage, array=np.ascontiguousarray(stage.array))
