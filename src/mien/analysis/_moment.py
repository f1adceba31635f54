"""The frames of one interval, read from the source once: for the recipe that reads it, and to show it as a loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.analysis._follow import Track
from mien.core import Interval, UInt8Array
from mien.faces import (
    Box,
    FaceBackend,
    apply_affine,
    compose,
    eye_crop_matrix,
    invert,
    register_frames,
    warp_by_map,
)
from mien.recipes import Face, Stage, Take
from mien.video import read_frames, select_frames

__all__ = ["MOST_FRAMES", "Moment", "read_moment"]

Array = npt.NDArray[np.float64]

MOST_FRAMES = 24
"""Frames of a loop, at most."""

_LARGE_PX = 256  # a face this many times larger is kept this many times smaller: more than any crop shows


@dataclass(slots=True)
class Moment:
    """What was read of one interval.

    Attributes
    ----------
    take : Take
        The interval as recipes read clips; the face is where the track has it.
    times_s : float array, (K,)
        Presentation times of the frames of the loop.
    patches : list of uint8 array
        The part of each that lies around the face, all cut at the same place.
    points : list of float array, (68, 2)
        Landmarks of each, in pixels of the patch.
    to_image : float array, (2, 3)
        Patch to image pixels.
    """

    take: Take
    times_s: Array
    patches: list[UInt8Array] = field(default_factory=list)
    points: list[Array] = field(default_factory=list)
    to_image: Array = field(default_factory=lambda: np.eye(2, 3))

    def show(self, made: Stage) -> UInt8Array:
        """Cut out the face as a recipe did, the head held still on the onset frame; grey or colour, as recorded.

        Parameters
        ----------
        made : Stage
            The interval after the recipe.

        Returns
        -------
        uint8 array, (K, S, S) or (K, S, S, 3)
            Empty where the recipe does not say where its crop lies.
        """
        size = made.cropped("pictures").shape[1]
        if made.matrix is None or len(self.patches) < 2:
            return np.empty((0, size, size), np.uint8)
        held = register_frames(self.patches, np.array(self.points), self.times_s, reference=0)
        to_crop = compose(made.matrix, self.to_image)
        if made.grid is None:
            crops = [held.crop(patch, place, to_crop, size) for place, patch in enumerate(self.patches)]
        else:  # the crop is bent: ask for every pixel where it lies in the patch of the onset, then in this one
            grid = apply_affine(invert(self.to_image), made.grid)
            moved = [apply_affine(invert(matrix), grid).astype(np.float32) for matrix in held.matrices]
            crops = [warp_by_map(patch, place) for patch, place in zip(self.patches, moved, strict=True)]
        return np.stack(crops)


def read_moment(
    source: Path,
    fps: float | None,
    interval: Interval,
    track: Track,
    backend: FaceBackend,
    times_s: Sequence[float],
) -> Moment:
    """Read the frames of an interval: some for the loop, onset and apex whole for the recipe.

    One whole frame is in memory at a time, beside onset and apex.
    """
    whole: dict[int, UInt8Array] = {}
    faces: dict[int, Face] = {}

    def read(wanted: Sequence[int]) -> Iterator[UInt8Array]:
        missing = [number for number in wanted if number not in whole]
        found = {frame.index: frame.image for frame in read_frames(source, missing, fps=fps, times_s=times_s)}
        return (whole[number] if number in whole else found[number] for number in wanted)

    def locate(image: UInt8Array, number: int, _finder: str, _near: Box | None) -> Face:
        if number not in faces:
            box = Box(*track.boxes[track.rows(number, number).start])
            faces[number] = Face(backend.landmarks(image, box), box)
        return faces[number]

    chosen = _chosen(interval, track)
    moment = Moment(_take(source.name, interval, track, read, locate), np.array([times_s[n] for n in chosen]))
    keep = {interval.onset_frame, interval.apex_frame}
    window: tuple[slice, slice] | None = None
    shrink = 1
    for frame in select_frames(source, [*chosen, *keep], fps=fps, times_s=times_s):
        if frame.index in keep:
            whole[frame.index] = frame.image
        if frame.index not in chosen:
            continue
        points = locate(frame.image, frame.index, "", None).points
        if window is None:
            window, shrink, moment.to_image = _around(points, frame.image.shape)
        moment.patches.append(_shrunk(frame.image[window], shrink))
        moment.points.append(apply_affine(invert(moment.to_image), points))
    return moment


def _take(name: str, interval: Interval, track: Track, read: Any, locate: Any) -> Take:
    first, last = interval.onset_frame, interval.offset_frame
    rows = [track.rows(frame, frame).start for frame in (first, last)]
    took = float(track.times_s[rows[1]] - track.times_s[rows[0]])
    fps = (last - first) / took if took > 0 else None
    return Take(name, onset=first, apex=interval.apex_frame, offset=last, fps=fps, read=read, locate=locate)


def _chosen(interval: Interval, track: Track) -> list[int]:
    """Evenly spaced frames from onset to offset in which the face is."""
    rows = track.rows(interval.onset_frame, interval.offset_frame)
    there = track.frames[rows][np.isfinite(track.boxes[rows]).all(axis=1)]
    if not len(there) or there[0] != interval.onset_frame:
        return []
    places = np.linspace(0, len(there) - 1, min(MOST_FRAMES, len(there)))
    return [int(there[place]) for place in np.rint(places).astype(int)]


def _around(points: npt.NDArray[np.floating], shape: tuple[int, ...]) -> tuple[tuple[slice, slice], int, Array]:
    """Where the face is, half a crop more on every side; by how much it may shrink; patch to image pixels."""
    side = invert(eye_crop_matrix(points, 1))
    corners = apply_affine(side, [[-1, -1], [1, -1], [-1, 1], [1, 1]])
    shrink = max(1, int(np.hypot(*side[0, :2])) // _LARGE_PX)
    low = np.clip(np.floor(corners.min(axis=0)), 0, np.array(shape[1::-1]) - 1).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)), low + 1, shape[1::-1]).astype(int)
    offset = low + (shrink - 1) / 2  # the centre of a block lies this far behind its first pixel
    to_image = np.array([[shrink, 0, offset[0]], [0, shrink, offset[1]]], np.float64)
    return (slice(low[1], high[1]), slice(low[0], high[0])), shrink, to_image


def _shrunk(image: UInt8Array, shrink: int) -> UInt8Array:
    """Averaged over blocks; a copy, so that the whole frame can go."""
    import cv2

    if shrink == 1:
        return image.copy()
    height, width = (max(1, length // shrink) for length in image.shape[:2])
    part = image[: height * shrink, : width * shrink]
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
