"""A clip as a recipe meets it: which frames there are, how to read some of them, where its face is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core import MienError, Sample, UInt8Array
from mien.core.frames import numbered_frames, ranges
from mien.faces import Box, eye_crop_matrix, face_backend, warp
from mien.faces.landmark_file import LandmarkFile, read_landmarks
from mien.motion.apex import find_apex
from mien.recipes._recipe import Recipe
from mien.video import open_video, read_frames, read_image

__all__ = ["NOTES", "Face", "Take", "found_apex", "open_take"]

NOTES = {
    "canonical": "no face was found in the cropped frames, so the eyes are taken to be where such crops have them",
    "unrefined": "the texture of the face could not be followed in some frames, so landmarks alone hold them",
    "apex missing": "the table gives no apex, so the recipe's rule for it applies",
    "apex outside": "the apex lies outside onset to offset, so it is taken as missing",
    "apex at onset": "the apex is the onset, so there is no motion to see",
}
"""What a reader should know of a prepared clip."""

_CROPPED_PX, _CROPPED_RATIO = 448, 1.3  # corpora's face crops are at most 400 px and nearly square; cameras are not


@dataclass(frozen=True, slots=True)
class Face:
    """Landmarks of one frame.

    Attributes
    ----------
    points : float array, (68, 2)
        Image pixels.
    box : Box or None
        Where the finder saw the face; None where the points came without one.
    found : bool
        False where the frame is a face crop in which no face was found, and canonical points stand in.
    """

    points: npt.NDArray[np.floating]
    box: Box | None = None
    found: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """One interval of frames, not yet read.

    Attributes
    ----------
    name : str
        What to call it in messages.
    onset, offset : int
        First and last frame, by number.
    apex : int or None
        Frame of the strongest movement; None where nobody knows it yet.
    fps : float or None
        Frames per second, where known.
    read : callable
        ``read(numbers)`` yields those frames, uint8 (H, W) or (H, W, 3), in that order.
    locate : callable
        ``locate(image, number, faces, near)`` finds the face of a frame with the backend or landmark file ``faces``;
        ``near``, a box where it must be, or None, saves the search.
    read_depth : callable or None
        ``read_depth(numbers)`` yields depth images, uint16 (H, W), where there are any.
    notes : tuple of str
        Keys of :data:`NOTES` that hold for it.
    """

    name: str
    onset: int
    apex: int | None
    offset: int
    fps: float | None
    read: Callable[[Sequence[int]], Iterable[UInt8Array]]
    locate: Callable[[UInt8Array, int, str, Box | None], Face]
    read_depth: Callable[[Sequence[int]], Iterable[npt.NDArray[np.uint16]]] | None = None
    notes: tuple[str, ...] = ()


def open_take(sample: Sample) -> Take:
    """Open an annotated clip of frames or a video; onset and offset are settled, no frame is read.

    Raises
    ------
    MienError
        If there are no frames, or onset and offset are in the wrong order.
    """
    path, depth = sample.source.path, sample.source.depth
    if sample.source.kind == "frames":
        files = numbered_frames(path)
        onset, offset = _bounds(sample, min(files), max(files))
        read = partial(_read_files, files, sample, (onset, offset))
    else:
        with open_video(path) as video:
            count = video.frame_count or sum(1 for _ in video)
        onset, offset = _bounds(sample, 0, count - 1)
        read = partial(_read_video, path, range(count), sample, (onset, offset))
    apex, notes = _plausible(sample.apex, onset, offset)
    return Take(
        name=sample.sample_id,
        onset=onset,
        apex=apex,
        offset=offset,
        fps=sample.fps,
        read=read,
        locate=partial(_locate, sample.sample_id),
        read_depth=None if depth is None else partial(_read_depth, depth, sample),
        notes=notes,
    )


def found_apex(take: Take, recipe: Recipe) -> Take:
    """Return the take with an apex: its own, or by the recipe's rule (frames are read only if the rule needs them)."""
    if take.apex is not None:
        return take
    policy = str(recipe.find("apex", "midpoint"))
    if policy == "midpoint":
        return replace(take, apex=(take.onset + take.offset) // 2)
    numbers = range(take.onset, take.offset + 1)
    faces = str(recipe.find("faces", "dlib"))
    crops: list[UInt8Array] = []
    matrix, size = None, int(recipe.find("size", 128))
    for number, image in zip(numbers, take.read(numbers), strict=True):
        if matrix is None:
            extent = {name: recipe.find(name, value) for name, value in (("side", 1.1), ("above", 0.6), ("below", 1.9))}
            matrix = eye_crop_matrix(take.locate(image, number, faces, None).points, size, **extent)
        crops.append(warp(image, matrix, size))
    return replace(take, apex=take.onset + find_apex(np.stack(crops), policy))


def _bounds(sample: Sample, first: int, last: int) -> tuple[int, int]:
    """Onset and offset; those of the whole clip where the table has none."""
    if sample.onset is not None and sample.apex is None and sample.offset is None:
        raise MienError(
            f"got '{sample.sample_id}' with the onset {sample.onset} and neither apex nor offset; "
            "expected at least one of them; correct the table, or leave the clip out"
        )
    onset = first if sample.onset is None else sample.onset
    offset = last if sample.offset is None else sample.offset
    if onset > offset:
        raise MienError(
            f"got '{sample.sample_id}' from frame {onset} to {offset}; expected the onset first; correct the table"
        )
    return onset, offset


def _plausible(apex: int | None, onset: int, offset: int) -> tuple[int | None, tuple[str, ...]]:
    if apex is None:
        return None, ("apex missing",)
    if not onset <= apex <= offset:
        return None, ("apex outside",)
    return apex, ("apex at onset",) if apex == onset else ()


def _read_files(
    files: dict[int, Path], sample: Sample, bounds: tuple[int, int], wanted: Sequence[int]
) -> Iterator[UInt8Array]:
    _check_there(files, sample, bounds, wanted)
    return (read_image(files[number]) for number in wanted)


def _read_video(
    path: Path, numbers: range, sample: Sample, bounds: tuple[int, int], wanted: Sequence[int]
) -> Iterator[UInt8Array]:
    _check_there(numbers, sample, bounds, wanted)
    return (frame.image for frame in read_frames(path, list(wanted)))


def _check_there(
    there: dict[int, Path] | range, sample: Sample, bounds: tuple[int, int], wanted: Sequence[int]
) -> None:
    """Name missing frames, as ranges."""
    missing = [number for number in wanted if number not in there]
    if missing:
        raise MienError(
            f"got '{sample.sample_id}' without frame {ranges(missing)} in '{sample.source.path}' "
            f"(it has {min(there)} to {max(there)}); expected {bounds[0]} to {bounds[1]}; "
            "complete the copy ('mien datasets check' lists all that is missing)"
        )


def _read_depth(folder: Path, sample: Sample, wanted: Sequence[int]) -> Iterator[npt.NDArray[np.uint16]]:
    import cv2

    files = numbered_frames(folder)
    for number in wanted:
        data = np.fromfile(files[number], np.uint8) if number in files else np.empty(0, np.uint8)
        depth = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if len(data) else None
        if depth is None or depth.dtype != np.uint16 or depth.ndim != 2:
            raise MienError(
                f"got no 16-bit depth image {number} of '{sample.sample_id}' in '{folder}'; expected one; "
                "complete the copy, or use a recipe without depth"
            )
        yield np.asarray(depth, np.uint16)


def _locate(name: str, image: UInt8Array, number: int, faces: str, near: Box | None) -> Face:
    """The largest face of a frame, or the one near a box; in a face crop it need not be found."""
    if Path(faces).suffix.lower() in (".csv", ".json"):
        file = _landmark_file(faces)
        if not file.clips:
            raise MienError(f"got '{faces}', which names no clip; expected a column clip (or sample_id); add it")
        return Face(file.points(name, number))
    finder = face_backend(faces)
    if near is not None:
        return Face(finder.landmarks(image, near), near)
    boxes = finder.detect(image)
    if boxes:
        return Face(finder.landmarks(image, boxes[0]), boxes[0])
    height, width = image.shape[:2]
    if max(height, width) > _CROPPED_PX or max(height, width) > _CROPPED_RATIO * min(height, width):
        raise MienError(
            f"got no face in the onset frame {number} of '{name}' ({width}x{height}); "
            "expected a frontal face; leave the clip out, or use the corpus's cropped frames"
        )
    cropped = face_backend("precropped")
    return Face(cropped.landmarks(image, cropped.detect(image)[0]), None, found=False)


@lru_cache(maxsize=2)
def _landmark_file(path: str) -> LandmarkFile:
    return read_landmarks(path)
