"""A clip as pictures need it: its key frames, its face, its crops, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError, UInt8Array
from mien.faces import apply_affine, eye_crop_matrix, warp
from mien.motion import optical_flow, to_grey
from mien.motion.apex import find_apex
from mien.recipes import Face, Take

__all__ = ["FACE_PX", "SHOWN_PX", "Footage"]

FACE_PX = 128  # side of the crop on which motion is measured, as in the recipes
SHOWN_PX = 256  # side of a crop that is only looked at
_MOST_FRAMES = 1000  # a clip is one expression; longer ones want --onset and --offset
_AT_ONCE = 64  # whole frames in memory
_ALGORITHM = "tvl1"


class Footage:
    """One clip; everything is computed once, on first use.

    Parameters
    ----------
    name : str
        What titles call it.
    take : Take, optional
        Where frames come from; its apex may be unknown.
    faces : str
        Backend or landmark file.
    ready : uint8 array, (S, S, 3), optional
        A ready motion map, where there are no frames.
    """

    def __init__(
        self, name: str, take: Take | None = None, faces: str = "dlib", ready: UInt8Array | None = None
    ) -> None:
        self.name = name
        self.ready = ready
        self._take = take
        self._faces = faces
        self._clips: dict[tuple[int, bool], UInt8Array] = {}

    @property
    def take(self) -> Take:
        """The clip; raise where there is only a ready map."""
        if self._take is None:
            raise MienError(
                f"got '{self.name}', a ready motion map; expected frames for this stage; the stage motion-map shows it"
            )
        return self._take

    @property
    def onset(self) -> int:
        """First frame, by number."""
        return self.take.onset

    @property
    def offset(self) -> int:
        """Last frame, by number."""
        return self.take.offset

    @cached_property
    def apex(self) -> int:
        """Annotated, or else found by the rule ``frequency``: slow head motion misleads those of distance."""
        if self.take.apex is not None:
            return self.take.apex
        return self.onset + find_apex(self.clip(FACE_PX, grey=True), "frequency")

    @property
    def apex_found(self) -> bool:
        """Whether the apex was found here rather than given."""
        return self._take is not None and self._take.apex is None

    @property
    def numbers(self) -> range:
        """Every frame from onset to offset."""
        return range(self.onset, self.offset + 1)

    @property
    def fps(self) -> float:
        """Frames per second; raise where nobody knows it."""
        if self.take.fps is None or not self.take.fps > 0:
            raise MienError(
                f"got '{self.name}' without a frame rate; expected one, since this stage filters in time; give --fps"
            )
        return float(self.take.fps)

    @lru_cache  # noqa: B019 - lives as long as the one command it serves
    def image(self, number: int) -> UInt8Array:
        """A whole frame as the camera took it, RGB."""
        return _rgb(next(iter(self.take.read([number]))))

    @cached_property
    def face(self) -> Face:
        """The face of the onset frame."""
        return self.take.locate(self.image(self.onset), self.onset, self._faces, None)

    def matrix(self, size: int) -> npt.NDArray[np.float64]:
        """The eye-based crop of the onset frame, image to crop pixels."""
        return eye_crop_matrix(self.face.points, size)

    def points(self, size: int) -> npt.NDArray[np.float64]:
        """Landmarks of the onset frame in crop pixels."""
        return apply_affine(self.matrix(size), self.face.points)

    def crop(self, number: int, size: int = SHOWN_PX) -> UInt8Array:
        """The face in one frame, RGB (size, size, 3)."""
        return warp(self.image(number), self.matrix(size), size)

    def clip(self, size: int, *, grey: bool = False) -> UInt8Array:
        """The face in every frame from onset to offset, by one crop."""
        if (size, grey) not in self._clips:
            matrix = self.matrix(size)
            crops = [warp(to_grey(image) if grey else _rgb(image), matrix, size) for image in self._images()]
            self._clips[size, grey] = np.stack(crops)
        return self._clips[size, grey]

    @cached_property
    def flow(self) -> FloatArray:
        """Motion from onset to apex on the crop of 128 px, as the motion map's recipe measures it."""
        first, second = (warp(self.image(number), self.matrix(FACE_PX), FACE_PX) for number in (self.onset, self.apex))
        return optical_flow(first, second, _ALGORITHM)

    def _images(self) -> Iterator[UInt8Array]:
        """Whole frames, a few at a time in memory."""
        if len(self.numbers) > _MOST_FRAMES:
            raise MienError(
                f"got {len(self.numbers)} frames of '{self.name}'; expected one expression, at most {_MOST_FRAMES}; "
                "give --onset and --offset ('mien analyze' finds them)"
            )
        for start in range(0, len(self.numbers), _AT_ONCE):
            yield from self.take.read(self.numbers[start : start + _AT_ONCE])


def _rgb(image: UInt8Array) -> UInt8Array:
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image
