"""A recipe with another rule for missing apexes, another way to find faces, or as a copy of a training clip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mien.core import MienError
from mien.faces import BACKENDS
from mien.motion.apex import APEX_POLICIES
from mien.recipes._recipe import Recipe

__all__ = [
    "COPIES",
    "SHIFTS",
    "Copies",
    "copies_of",
    "with_apex",
    "with_faces",
    "with_jitter",
    "with_mirror",
    "with_shift",
]

SHIFTS = ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))
"""Where MS3D moves the face box: not at all, left, right, up, down; with a mirrored copy, six variants of a clip."""
SHIFT_PX = 15
DRAWS = 8  # two onsets and four apexes, all that MMNet's text has where the apex lies inside the clip


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


def with_mirror(recipe: Recipe) -> Recipe:
    """Return the recipe with all of it mirrored left to right before its last step: u changes its sign.

    Parameters
    ----------
    recipe : Recipe
        Whose last step needs no landmarks: those of a mirrored face have other numbers.

    Examples
    --------
    >>> from mien.recipes import RECIPES
    >>> [name for name, _ in with_mirror(RECIPES["ms3d"]).steps]
    ['frames', 'crop', 'magnify', 'key-frames', 'flow', 'mirror', 'stack']
    """
    *steps, last = [(name, dict(params)) for name, params in recipe.steps]
    return Recipe.of(f"{recipe.name}+mirror", *steps, ("mirror", {}), last)


def with_jitter(recipe: Recipe, rule: str, draw: int = 0) -> Recipe:
    """Return the recipe with onset and apex moved by a few frames, for copies of training clips (MMNet).

    The face stays where it is in the annotated onset.

    Parameters
    ----------
    recipe : Recipe
        One that takes onset and apex; a step ``frames`` is put first where there is none.
    rule : str
        A name in :data:`mien.recipes.steps.time.JITTERS`.
    draw : int
        Which of the pairs of an onset and an apex that the rule allows, counted in an order of the clip's own; after
        the last one the first comes again.

    Raises
    ------
    MienError
        When it is run, for an unknown rule.

    Examples
    --------
    >>> from mien.recipes import RECIPES
    >>> with_jitter(RECIPES["mmnet"], "paper", 3).name
    'mmnet+paper+3'
    >>> with_jitter(RECIPES["mmnet"], "paper", 3).steps[0]
    ('frames', (('draw', 3), ('jitter', 'paper')))
    """
    steps = [(name, dict(params)) for name, params in recipe.steps]
    if steps[0][0] != "frames":
        steps.insert(0, ("frames", {}))
    steps[0][1].update(jitter=rule, draw=draw)
    return Recipe.of(f"{recipe.name}+{rule}+{draw}", *steps)


@dataclass(frozen=True, slots=True)
class Copies:
    """Copies of every training clip, each by a varied recipe; no clip is ever tested on a copy.

    Attributes
    ----------
    vary : callable
        ``vary(recipe)`` -> one recipe per copy; the recipe itself is among them where the clip itself is to be.
    drawn : bool
        Whether an epoch sees one copy of each clip, drawn anew; else each copy is a sample of every epoch.
    per_epoch : int
        Samples that a clip gives in an epoch.
    """

    vary: Callable[[Recipe], tuple[Recipe, ...]]
    drawn: bool = True
    per_epoch: int = 1


def _moved_and_mirrored(recipe: Recipe) -> tuple[Recipe, ...]:
    moved = (with_shift(recipe, SHIFT_PX * right, SHIFT_PX * down) for right, down in SHIFTS)
    return (*moved, with_mirror(recipe))


def _jittered(rule: str) -> Copies:
    return Copies(lambda recipe: tuple(with_jitter(recipe, rule, draw) for draw in range(DRAWS)))


COPIES: Mapping[str, Copies] = MappingProxyType(
    {
        "shifts-and-mirror": Copies(_moved_and_mirrored, drawn=False, per_epoch=len(SHIFTS) + 1),
        "jitter": _jittered("paper"),
        "jitter-official": _jittered("official"),
        "jitter-official-5": _jittered("official-5"),
    }
)
"""What the setting ``copies`` of a method may be: MS3D's six variants, and MMNet's jitter by its text and its codes."""


def copies_of(name: str) -> Copies:
    """Find copies by name; an unknown one raises :class:`MienError`.

    Examples
    --------
    >>> from mien.recipes import RECIPES
    >>> [recipe.name for recipe in copies_of("shifts-and-mirror").vary(RECIPES["ms3d"])]
    ['ms3d', 'ms3d+-15+0', 'ms3d+15+0', 'ms3d+0+-15', 'ms3d+0+15', 'ms3d+mirror']
    """
    if name not in COPIES:
        raise MienError(f"got copies = '{name}'; expected one of {', '.join(COPIES)}; correct the setting")
    return COPIES[name]


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
