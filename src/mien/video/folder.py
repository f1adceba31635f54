"""A folder of images, as corpora ship their clips."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

from mien.core import MienError
from mien.core.frames import FRAME_ENDINGS
from mien.video.frame import EVERY, Frame, Video
from mien.video.images import read_image

__all__ = ["FolderVideo", "list_images"]


def list_images(folder: str | Path) -> list[Path]:
    """List the pictures of a folder in numeric order (``img2`` before ``img10``); hidden files are left out.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("img10.jpg", "img2.jpg", "notes.txt"):
    ...     (folder / name).touch()
    >>> [path.name for path in list_images(folder)]
    ['img2.jpg', 'img10.jpg']
    """
    found = (p for p in Path(folder).iterdir() if p.suffix.lower() in FRAME_ENDINGS and not p.name.startswith("."))
    return sorted(found, key=_numeric)


def _numeric(path: Path) -> tuple[list[str | int], str]:
    parts: list[str | int] = [*re.split(r"(\d+)", path.stem)]
    parts[1::2] = [int(part) for part in parts[1::2]]
    return parts, path.name


class FolderVideo(Video):
    """Images of one size, at the frame rate the caller knows."""

    def __init__(self, path: Path, *, fps: float | None, grey: bool) -> None:
        super().__init__(path)
        self._images = list_images(path)
        if not self._images:
            raise MienError(
                f"got the folder '{path}' with no picture in it; expected numbered images "
                f"({', '.join(sorted(FRAME_ENDINGS))}); check the path"
            )
        if fps is None:
            raise MienError(
                f"got the folder of images '{path}' without a frame rate; images carry no times; give it (--fps 200)"
            )
        self._grey = grey
        height, width = read_image(self._images[0]).shape[:2]
        self.size = (width, height)
        self.fps = fps
        self.frame_count = len(self._images)
        self.duration_s = len(self._images) / fps

    def frames(self, wanted: Container[int] = EVERY) -> Iterator[Frame]:
        """Yield the frames whose index is in ``wanted``, in order."""
        return (self._read(index) for index in range(len(self._images)) if index in wanted)

    def select(self, indices: Sequence[int], times_s: Sequence[float] | None = None) -> Iterator[Frame]:
        """Yield the frames with these indices that exist, in order."""
        return (self._read(index) for index in sorted(set(indices)) if index < len(self._images))

    def _read(self, index: int) -> Frame:
        path = self._images[index]
        image = read_image(path, grey=self._grey)
        height, width = image.shape[:2]
        if (width, height) != self.size:
            raise MienError(
                f"got '{path}' of {width}x{height}; expected {self.size[0]}x{self.size[1]} like "
                f"'{self._images[0].name}'; keep one clip per folder"
            )
        return Frame(index, index / self.fps, image)
