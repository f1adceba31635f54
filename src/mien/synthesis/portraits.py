"""The people of a rendered corpus: portraits, each with proportions and light of its own."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import BadZipFile

import cv2
import numpy as np

from mien.core import MienError, MienWarning, UInt8Array
from mien.core.frames import FRAME_ENDINGS
from mien.faces import face_backend
from mien.synthesis.performance import Scene, place_portrait, to_units
from mien.video import write_image

__all__ = ["Person", "cast_people"]

_PEOPLE = 12  # made of the bundled portrait unless another number is asked for
_FINE = 4  # a pixel of the canvas is the mean of so many squared, as in a camera: large portraits leave no moiré
_STREAM = 0  # of randomness; those of what people do are in corpus.py


@dataclass(frozen=True, slots=True)
class Person:
    """Who is seen.

    Attributes
    ----------
    subject : str
        ``sub01``.
    portrait : int
        Number of the portrait, from 1.
    picture : str
        Its name.
    scene : Scene
        The portrait on its canvas, with this person's looks.
    """

    subject: str
    portrait: int
    picture: str
    scene: Scene


@dataclass(frozen=True, slots=True)
class _Portrait:
    number: int
    name: str
    picture: Path | UInt8Array


def cast_people(
    portraits: Path | str | None, people: int | None, size: tuple[int, int], face_px: float, seed: int
) -> list[Person]:
    """Put portraits on canvases, each as one person.

    Parameters
    ----------
    portraits : path or None
        A folder of pictures, each of another person, or a ``.npz`` file with uint8 ``images`` (N, H, W) or
        (N, H, W, 3) and perhaps ``subject`` (N,), of each of whom the first picture that serves is taken; None is
        scikit-image's ``astronaut`` for everybody.
    people : int or None
        How many; None is 12 of the bundled portrait, or all that the portraits show.
    size, face_px
        Width and height of the canvas, and side of the eye-based crop on it, pixels.
    seed : int
        Seed of everybody's looks.

    Raises
    ------
    MienError
        If the portraits cannot be read, or too few faces are found.

    Warns
    -----
    MienWarning
        For each person whose face is not found: the picture is named, and left out.

    Examples
    --------
    >>> [person.subject for person in cast_people(None, 2, (64, 64), 48, seed=0)]
    ['sub01', 'sub02']
    """
    if portraits is None:
        scenes = [_scene(None, size, face_px, _looks(seed, person)) for person in range(people or _PEOPLE)]
        return [_person(place, 1, "astronaut", scene) for place, scene in enumerate(scenes)]
    cast: list[Person] = []
    with TemporaryDirectory() as scratch:
        for pictures in _by_person(Path(portraits)).values():
            if len(cast) == people:
                break
            refused = []
            for one in pictures:
                try:
                    scene = _scene_found(one, Path(scratch), size, face_px, _looks(seed, len(cast)))
                except MienError as error:
                    refused.append(str(error))
                    continue
                cast.append(_person(len(cast), one.number, Path(one.name).name, scene))
                break
            else:
                warnings.warn(f"{refused[0]}; it is left out", MienWarning, stacklevel=3)
    if not cast or len(cast) < (people or 0):
        raise MienError(
            f"got {len(cast)} people whose faces are found in '{portraits}'; expected {people or 'at least one'}; add "
            "portraits, or ask for fewer"
        )
    return cast


def _looks(seed: int, person: int) -> np.random.Generator:
    return np.random.default_rng([seed, _STREAM, person])


def _person(place: int, portrait: int, picture: str, scene: Scene) -> Person:
    return Person(f"sub{place + 1:02d}", portrait, picture, scene)


def _by_person(portraits: Path) -> dict[str, list[_Portrait]]:
    """Everybody's pictures."""
    people: dict[str, list[_Portrait]] = {}
    if portraits.is_dir():
        files = [path for path in sorted(portraits.iterdir()) if path.suffix.lower() in FRAME_ENDINGS]
        for number, path in enumerate((path for path in files if not path.name.startswith(".")), 1):
            people[path.name] = [_Portrait(number, str(path), path)]
        return people
    if portraits.suffix != ".npz" or not portraits.is_file():
        raise MienError(
            f"got the portraits '{portraits}'; expected a folder of pictures, or a .npz file; check the path"
        )
    images, subjects = _arrays(portraits)
    for index, (image, who) in enumerate(zip(images, subjects, strict=True)):
        people.setdefault(str(who), []).append(_Portrait(index + 1, f"{portraits}[{index}]", image))
    return people


def _arrays(path: Path) -> tuple[UInt8Array, Sequence[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            images = file["images"]
            subjects = file["subject"].tolist() if "subject" in file else list(range(len(images)))
    except (OSError, EOFError, ValueError, KeyError, TypeError, BadZipFile) as error:
        raise MienError(
            f"got '{path}', which does not read ({error}); expected the array 'images'; check it"
        ) from error
    picture = images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)
    if images.dtype != np.uint8 or not picture or len(subjects) != len(images):
        raise MienError(
            f"got images {images.shape} {images.dtype} of {len(subjects)} subjects in '{path}'; expected uint8 "
            "(N, H, W) or (N, H, W, 3) and N subjects; convert them"
        )
    return images, subjects


def _scene_found(
    portrait: _Portrait, scratch: Path, size: tuple[int, int], face_px: float, looks: np.random.Generator
) -> Scene:
    """The portrait's scene, if its face is found in it again: whoever reads the frames has to find it there."""
    path = portrait.picture
    if not isinstance(path, Path):
        path = write_image(scratch / f"{portrait.number}.png", path)
    try:
        scene = _scene(path, size, face_px, looks)
    except MienError as error:
        raise MienError(str(error).replace(str(path), portrait.name)) from error
    if not face_backend("dlib").detect(scene.image):
        raise MienError(
            f"got the picture '{portrait.name}', whose face is not found again in {size[0]}x{size[1]} px; expected "
            "one that is; use another"
        )
    return scene


def _scene(portrait: Path | None, size: tuple[int, int], face_px: float, looks: np.random.Generator) -> Scene:
    """The portrait as a person: light, and proportions (eyes as far apart as ever, the face longer, or leaning)."""
    tall, lean = looks.uniform(0.88, 1.12), looks.normal(0, 0.03)
    large = (_FINE * size[0], _FINE * size[1])
    fine = place_portrait(portrait, large, _FINE * face_px, np.array([[1.0, lean], [0.0, tall]]))
    image = np.asarray(cv2.resize(fine.image, size, interpolation=cv2.INTER_AREA), np.uint8)
    points = (fine.points + 0.5) / _FINE - 0.5
    return Scene(_lit(image, looks), points, to_units(points), face_px)


def _lit(image: UInt8Array, looks: np.random.Generator) -> UInt8Array:
    """Gain, a light from one side, gamma."""
    height, width = image.shape[:2]
    across, down = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    slope = looks.normal(0, 0.12, 2)
    light = looks.uniform(0.8, 1.1) * (1 + slope[0] * across + slope[1] * down)
    curved = 255 * (image / 255.0) ** looks.uniform(0.85, 1.2)
    return np.clip(np.rint(curved * light[..., None]), 0, 255).astype(np.uint8)
