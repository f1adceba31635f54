"""An annotated clip of frames -> its motion map: which two frames, and where the face is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from mien.core import MienError, Sample, UInt8Array
from mien.core.frames import numbered_frames, ranges
from mien.faces import eye_crop_matrix, face_backend, warp
from mien.motion.apex import APEX_POLICIES, find_apex
from mien.recipes._frames import prepare_motion, step
from mien.recipes._recipe import Recipe
from mien.video import open_video, read_frames, read_image

__all__ = ["NOTES", "prepare_sample", "with_apex"]

NOTES = {
    "canonical": "no face was found in the cropped frames, so the eyes are taken to be where such crops have them",
    "apex missing": "the table gives no apex, so the recipe's rule for it applies",
    "apex outside": "the apex lies outside onset to offset, so it is taken as missing",
    "apex at onset": "the apex is the onset, so there is no motion to see",
}
"""What a reader should know of a prepared clip."""

_CROPPED_PX, _CROPPED_RATIO = 448, 1.3  # corpora's face crops are at most 400 px and nearly square; cameras are not

Reader = Callable[[Sequence[int]], list[UInt8Array]]


def with_apex(recipe: Recipe, policy: str) -> Recipe:
    """Return the recipe with another rule for clips whose apex nobody annotated.

    The rule is the parameter ``apex`` of the step ``flow``; without it the middle between onset and offset counts.
    The name and digest of the new recipe say so, hence results by different rules are never taken for one another.

    Parameters
    ----------
    recipe : Recipe
        With a step ``flow``.
    policy : str
        ``midpoint`` (the recipe as it is), ``largest-difference``, ``largest-flow`` or ``dnc-roi``.

    Raises
    ------
    MienError
        For an unknown policy, or a recipe without the step.

    Examples
    --------
    >>> from mien.recipes import RECIPES
    >>> with_apex(RECIPES["motion-map"], "dnc-roi").name
    'motion-map+dnc-roi'
    """
    if policy not in APEX_POLICIES:
        raise MienError(f"got the apex policy '{policy}'; expected one of {', '.join(APEX_POLICIES)}; choose one")
    step(recipe, "flow")
    if policy == "midpoint":
        return recipe
    steps = [(name, dict(params) | ({"apex": policy} if name == "flow" else {})) for name, params in recipe.steps]
    return Recipe.of(f"{recipe.name}+{policy}", *steps)


def prepare_sample(sample: Sample, recipe: Recipe) -> tuple[UInt8Array, list[str]]:
    """Make the input of one clip; also return the keys of :data:`NOTES` that hold for it.

    Raises
    ------
    MienError
        If frames that the recipe needs are missing, onset and offset are in the wrong order, or a whole picture
        shows no face.
    """
    numbers, read = _open(sample)
    sample, notes = _settled(sample, numbers)
    (onset,) = _read(sample, [sample.onset], numbers, read)
    points, found = _face(sample, onset)
    notes += [] if found else ["canonical"]
    apex = sample.apex
    if apex is None:
        apex = _estimated(sample, recipe, points, numbers, read)
    (second,) = _read(sample, [apex], numbers, read)
    return prepare_motion(recipe, onset, second, points).array, notes


def _open(sample: Sample) -> tuple[Collection[int], Reader]:
    """Numbers of the frames there are, and how to read some of them."""
    path = sample.source.path
    if sample.source.kind == "frames":
        frames = numbered_frames(path)
        return frames.keys(), lambda wanted: [read_image(frames[number]) for number in wanted]
    with open_video(path) as video:
        count = video.frame_count or sum(1 for _ in video)
    return range(count), lambda wanted: [frame.image for frame in read_frames(path, wanted)]


def _settled(sample: Sample, numbers: Collection[int]) -> tuple[Sample, list[str]]:
    """The sample with onset and offset (of the whole clip where the table has none) and a plausible apex or none."""
    if sample.onset is not None and sample.apex is None and sample.offset is None:
        raise MienError(
            f"got '{sample.sample_id}' with the onset {sample.onset} and neither apex nor offset; "
            "expected at least one of them; correct the table, or leave the clip out"
        )
    onset = min(numbers) if sample.onset is None else sample.onset
    offset = max(numbers) if sample.offset is None else sample.offset
    if onset > offset:
        raise MienError(
            f"got '{sample.sample_id}' from frame {onset} to {offset}; expected the onset first; correct the table"
        )
    apex, notes = sample.apex, []
    if apex is None:
        notes.append("apex missing")
    elif not onset <= apex <= offset:
        apex, notes = None, ["apex outside"]
    elif apex == onset:
        notes.append("apex at onset")
    return replace(sample, onset=onset, apex=apex, offset=offset), notes


def _read(sample: Sample, wanted: Sequence[int | None], numbers: Collection[int], read: Reader) -> list[UInt8Array]:
    """Read frames; those that are missing are named, as ranges."""
    chosen = [number for number in wanted if number is not None]
    missing = [number for number in chosen if number not in numbers]
    if missing:
        raise MienError(
            f"got '{sample.sample_id}' without frame {ranges(missing)} in '{sample.source.path}' "
            f"(it has {min(numbers)} to {max(numbers)}); expected {sample.onset} to {sample.offset}; "
            "complete the copy ('mien datasets check' lists all that is missing)"
        )
    return read(chosen)


def _face(sample: Sample, onset: UInt8Array) -> tuple[npt.NDArray[np.float32], bool]:
    """Landmarks of the onset frame, and whether a face was found; in a face crop they need not be."""
    finder = face_backend("dlib")
    boxes = finder.detect(onset)
    if boxes:
        return finder.landmarks(onset, boxes[0]), True
    height, width = onset.shape[:2]
    if max(height, width) > _CROPPED_PX or max(height, width) > _CROPPED_RATIO * min(height, width):
        raise MienError(
            f"got no face in the onset frame {sample.onset} of '{sample.sample_id}' ({width}x{height}); "
            "expected a frontal face; leave the clip out, or use the corpus's cropped frames"
        )
    cropped = face_backend("precropped")
    return cropped.landmarks(onset, cropped.detect(onset)[0]), False


def _estimated(
    sample: Sample, recipe: Recipe, points: npt.NDArray[np.float32], numbers: Collection[int], read: Reader
) -> int:
    """Number of the apex by the recipe's rule; frames are looked at only if the rule needs them."""
    assert sample.onset is not None
    assert sample.offset is not None
    policy = str(step(recipe, "flow").get("apex", "midpoint"))
    if policy == "midpoint":
        return (sample.onset + sample.offset) // 2
    crop = step(recipe, "crop")
    size = int(crop["size"])
    matrix = eye_crop_matrix(points, size, side=crop["side"], above=crop["above"], below=crop["below"])
    frames = _read(sample, range(sample.onset, sample.offset + 1), numbers, read)
    return sample.onset + find_apex(np.stack([warp(frame, matrix, size) for frame in frames]), policy)
