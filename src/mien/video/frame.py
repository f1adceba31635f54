"""The record that flows out of every source, and what all sources have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.core import UInt8Array

__all__ = ["EVERY", "Frame", "Video"]


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture and the moment it is shown.

    Attributes
    ----------
    index : int
        Position in the source, from 0.
    time_s : float
        Presentation time in seconds, as the file says (it need not start at 0).
    image : uint8 array, (H, W, 3) or (H, W)
        RGB, or grey where grey was asked for; upright (rotation metadata are applied).
    """

    index: int
    time_s: float
    image: UInt8Array


class _Every:
    """A container that holds every index."""

    def __contains__(self, index: object) -> bool:
        return True


EVERY: Container[int] = _Every()


class Video(ABC):
    """Frames of one source, streamed: iterate over it as often as you like, each time from the beginning.

    Get one from :func:`mien.video.open_video`. Frames are made one at a time, so memory does not grow with
    length; the file itself is open only while frames are read.

    Attributes
    ----------
    path : Path
        The file or folder.
    name : str
        Its stem, for messages and output folders.
    size : (int, int)
        Width and height in pixels, after rotation.
    fps : float
        Mean frames per second.
    frame_count : int or None
        As the container declares it, or as counted in a folder.
    duration_s : float or None
        As the container declares it.
    """

    path: Path
    size: tuple[int, int]
    fps: float
    frame_count: int | None
    duration_s: float | None

    def __init__(self, path: Path) -> None:
        self.path = path
        self._notes: list[str] = []
        self._partial = ""

    @property
    def name(self) -> str:
        """Stem of the file, or name of the folder."""
        return self.path.name if self.path.is_dir() else self.path.stem

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader of the result should know; complete once the frames have been read."""
        return tuple(self._notes)

    @property
    def partial(self) -> str:
        """Why the frames end before the source does, one of ``warnings``; empty where they do not, or not read yet."""
        return self._partial

    def __iter__(self) -> Iterator[Frame]:
        return self.frames()

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    @abstractmethod
    def frames(self, wanted: Container[int] = EVERY) -> Iterator[Frame]:
        """Yield the frames whose index is in ``wanted``, in order; the others are not converted to arrays."""

    def select(self, indices: Sequence[int], times_s: Sequence[float] | None = None) -> Iterator[Frame]:
        """Yield the frames with these indices that exist, in order (``times_s`` helps a source that can seek)."""
        wanted, last = frozenset(indices), max(indices)
        for frame in self.frames(wanted):
            yield frame
            if frame.index == last:
                return
