"""A recipe with another rule for missing apexes, or another way to find faces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mien.core import MienError
from mien.faces import BACKENDS
from mien.motion.apex import APEX_POLICIES
from mien.recipes._recipe import Recipe

__all__ = ["SHIFTS", "with_apex", "with_faces", "with_shift"]

SHIFTS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
"""Where MS3D moves the face box: not at all, left, right, up, down; with a mirrored copy, six variants of a clip."""


def with_apex(recipe: Recipe, policy: str) -> Recipe:
    """Return the recipe with another rule for clips whose apex nobody annotated.

    The rule is the parameter ``apex`` of the step ``frames``, or else ``flow``; without it the middle between onset
    and offset counts. The name and digest of the new recipe say so, hence results by different rules are never taken
    for one another.

    Parameters
    ----------
    recipe : Recipe
        With a step ``frames`` or ``flow``.
    policy : str
        A name in :data:`mien.motion.apex.APEX_POLICIES`; ``midpoint`` leaves the recipe as it is.

    Raises
    ------
    MienError
        For an unknown policy, or a recipe without such a step.

    Examples
    --------
    >>> from mien.recipes import RECIPES
    >>> with_apex(RECIPES["motion-map"], "dnc-roi").name
    'motion-map+dnc-roi'
    """
    if policy not in APEX_POLICIES:
        raise MienError(f"got the apex policy '{policy}'; expected one of {', '.join(APEX_POLICIES)}; choose one")
    if policy == "midpoint":
        return recipe
    return _varied(recipe, ("frames", "flow"), "apex", policy, policy)


def with_faces(recipe: Recipe, faces: str) -> Recipe:
    """Return the recipe with faces found in another way.

    Parameters
    ----------
    recipe : Recipe
        With a step ``crop`` or ``register``.
    faces : str
        A name in :data:`mien.faces.BACKENDS`, or the path of a file with landmarks
        (:func:`mien.faces.read_landmarks`); ``dlib`` leaves the recipe as it is.

    Raises
    ------
    MienError
        For an unknown name, a file that is not there, or a recipe without such a step.

    Examples
    --------
    >>> from mien.recipes import RECIPES
    >>> with_faces(RECIPES["motion-map"], "precropped").name
    'motion-map+precropped'
    """
    is_file = Path(faces).suffix.lower() in (".csv", ".json")
    if is_file and not Path(faces).is_file():
        raise MienError(f"got the landmark file '{faces}', which is not there; expected a CSV or JSON file; check it")
    if not is_file and faces not in BACKENDS:
        raise MienError(f"got the faces '{faces}'; expected {', '.join(BACKENDS)} or a landmark file; choose one")
    if faces == "dlib":
        return recipe
    return _varied(recipe, ("crop", "register"), "faces", faces, Path(faces).name)


def with_shift(recipe: Recipe, right: int, down: int) -> Recipe:
    """Return the recipe with the face box moved, for copies of training clips (MS3D: 15 px to each side).

    The frames are cropped anew, so nothing is wrapped or repeated at the edge.

    Parameters
    ----------
    recipe : Recipe
        With a step ``crop``.
    right, down : int
        Pixels of the crop.

    Raises
    ------
    MienError
        For a recipe without a crop.

    Examples
    --------
    >>> from mien.recipes import RECIPES
    >>> with_shift(RECIPES["ms3d"], 15, 0).name
    'ms3d+15+0'
    """
    if (right, down) == (0, 0):
        return recipe
    return _varied(recipe, ("crop",), "shift", (right, down), f"{right}+{down}")


def _varied(recipe: Recipe, steps: tuple[str, ...], parameter: str, value: Any, label: str) -> Recipe:
    """Set a parameter of the first of some steps."""
    names = [name for name, _ in recipe.steps]
    target = next((name for name in steps if name in names), None)
    if target is None:
        raise MienError(
            f"got the recipe '{recipe.name}' without the step {' or '.join(steps)}; expected one to set '{parameter}'; "
            "choose another recipe"
        )
    changed = [(name, dict(params) | ({parameter: value} if name == target else {})) for name, params in recipe.steps]
    return Recipe.of(f"{recipe.name}+{label}", *changed)
