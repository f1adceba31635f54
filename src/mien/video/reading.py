"""Open a source, or read a part of it at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mien.core import Clip, MienError
from mien.video.frame import Frame, Video

__all__ = ["VIDEO_ENDINGS", "is_video", "open_video", "read_clip", "read_frames", "select_frames"]

VIDEO_ENDINGS = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".gif", ".mpg", ".mpeg", ".wmv"})


def is_video(path: str | Path) -> bool:
    """Say whether a file's ending is that of a video (its content is not looked at).

    Examples
    --------
    >>> is_video("a/interview.MP4"), is_video("a/notes.txt")
    (True, False)
    """
    return Path(path).suffix.lower() in VIDEO_ENDINGS


def open_video(source: str | Path, *, fps: float | None = None, grey: bool = False) -> Video:
    """Open a video file or a folder of images as a stream of frames.

    Parameters
    ----------
    source : str or Path
        mp4, mov, mkv, webm, avi, gif, or a folder of png, jpg, bmp, tif or webp images of one size (taken in
        numeric order).
    fps : float, optional
        Frames per second; needed for a folder. For a file it replaces the file's own times (slow motion played at
        25 frames per second but recorded at 200, say), and a note in ``warnings`` says so.
    grey : bool
        Make grey frames (H, W): faster, since the luma is taken as decoded. It is the luma of the file's own colour
        matrix, stretched to 0-255.

    Returns
    -------
    Video
        Iterate over it for :class:`mien.video.Frame` records; each pass starts from the beginning.

    Raises
    ------
    MienError
        If the path is missing, empty, no video, audio only, truncated before its index or damaged so that no
        frame comes; if a folder has no images, no ``fps`` is given for it, or one of its images is broken or of
        another size (the last two when that image is reached).

    Warns
    -----
    MienWarning
        While reading: when the file ends early or packets are damaged.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from mien.video import write_video
    >>> path = write_video(Path(tempfile.mkdtemp()) / "a.mp4", np.zeros((5, 32, 48), np.uint8), fps=25)
    >>> with open_video(path, grey=True) as video:
    ...     [(frame.index, frame.time_s, frame.image.shape) for frame in video][-1], video.size
    ((4, 0.16, (32, 48)), (48, 32))
    """
    from mien.video.container import FileVideo
    from mien.video.folder import FolderVideo

    path = Path(source)
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise MienError(f"got {fps} frames per second; expected a positive number; check fps")
    if not path.exists():
        raise MienError(f"got '{path}', which does not exist; expected a video or a folder of images; check the path")
    return (FolderVideo if path.is_dir() else FileVideo)(path, fps=fps, grey=grey)


def read_frames(
    source: str | Path,
    indices: Sequence[int],
    *,
    fps: float | None = None,
    grey: bool = False,
    times_s: Sequence[float] | None = None,
) -> list[Frame]:
    """Read a few frames by their index, in the order asked for.

    Parameters
    ----------
    source : str or Path
        As in :func:`open_video`.
    indices : sequence of int
        Which frames, from 0; any order, repeats allowed.
    fps, grey, times_s
        As in :func:`select_frames`.

    Returns
    -------
    list of Frame

    Raises
    ------
    MienError
        If there is no such frame, or as :func:`open_video`.
    """
    if not len(indices):
        return []
    found = {frame.index: frame for frame in select_frames(source, indices, fps=fps, grey=grey, times_s=times_s)}
    return [found[int(index)] for index in indices]


def select_frames(
    source: str | Path,
    indices: Sequence[int],
    *,
    fps: float | None = None,
    grey: bool = False,
    times_s: Sequence[float] | None = None,
) -> Iterator[Frame]:
    """Yield a few frames one at a time, the earliest first: in one pass, and no two of them in memory.

    Parameters
    ----------
    source : str or Path
        As in :func:`open_video`.
    indices : sequence of int
        Which frames, from 0; each is yielded once.
    fps, grey
        As in :func:`open_video`.
    times_s : sequence of float, optional
        Presentation time of every frame by index, from an earlier pass: then the file is entered near each frame
        rather than read from its beginning. A frame counts as found only at exactly its time; from the first that is
        not, the file is read from its beginning.

    Yields
    ------
    Frame

    Raises
    ------
    MienError
        If there is no such frame, once those before it are yielded; or as :func:`open_video`.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from mien.video import write_video
    >>> path = write_video(Path(tempfile.mkdtemp()) / "a.mp4", np.zeros((5, 32, 48), np.uint8), fps=25)
    >>> [frame.index for frame in select_frames(path, [4, 1])]
    [1, 4]
    """
    video = open_video(source, fps=fps, grey=grey)
    wanted = sorted({int(index) for index in indices})
    missing = dict.fromkeys(wanted)
    for frame in video.select(wanted, times_s) if wanted and wanted[0] >= 0 else ():
        del missing[frame.index]
        yield frame
    if missing:
        count = f"the {video.frame_count} frames" if video.frame_count else "the frames"
        raise MienError(
            f"got frame {next(iter(missing))} of '{video.path}'; expected one of {count} it has, from 0; check it"
        )


def read_clip(
    source: str | Path, start: int = 0, stop: int | None = None, *, fps: float | None = None, grey: bool = False
) -> Clip:
    """Read the frames ``start`` up to but without ``stop`` into memory.

    Parameters
    ----------
    source : str or Path
        As in :func:`open_video`.
    start, stop : int
        Frame indices from 0; without ``stop`` to the end.
    fps, grey
        As in :func:`open_video`.

    Returns
    -------
    mien.core.Clip
        Frames (T, H, W, 3) or (T, H, W) and their times.

    Raises
    ------
    MienError
        If no frame lies in the range or ``stop`` is beyond the end, or as :func:`open_video`.
    """
    video = open_video(source, fps=fps, grey=grey)
    last = float("inf") if stop is None else stop - 1
    if start < 0 or last < start:
        raise MienError(f"got the frames {start} to {stop} of '{video.path}'; expected 0 <= start < stop; check them")
    frames: list[Frame] = []
    for frame in video.frames(_From(start)):
        frames.append(frame)
        if frame.index >= last:
            break
    if not frames or (stop is not None and frames[-1].index < last):
        raise MienError(
            f"got the frames {start} to {'the end' if stop is None else stop} of '{video.path}', which ends before; "
            "expected a part of it; check them"
        )
    return Clip(np.stack([f.image for f in frames]), np.array([f.time_s for f in frames]), video.name)


class _From:
    """Every index from one on."""

    def __init__(self, start: int) -> None:
        self._start = start

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and index >= self._start
