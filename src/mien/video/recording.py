"""Record frames with their own times, as they come: a variable frame rate."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from mien.core import MienError, atomic_path
from mien.video.frame import Frame
from mien.video.images import check_image

__all__ = ["record_video"]

_TICKS = 90_000  # a second has so many, as in MPEG: times are kept to 11 microseconds
_ENCODERS = {"libx264": {"preset": "veryfast", "crf": "18"}, "mpeg4": {"qmin": "3", "qmax": "3"}}


@contextmanager
def record_video(path: Path | str, size: tuple[int, int], *, threads: int = 1) -> Iterator[Callable[[Frame], None]]:
    """Open a recording; call what it gives with each frame.

    Parameters
    ----------
    path : path
        An mp4, mov or mkv. It appears when the recording ends; nothing is left there if it fails.
    size : (int, int)
        Width and height of every frame, pixels. An odd one loses its last row or column.
    threads : int
        Of the encoder.

    Yields
    ------
    callable
        Takes a :class:`mien.video.Frame`, RGB or grey; times must increase.

    Raises
    ------
    MienError
        If a frame has another size, a time does not increase, or no frame came at all.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from mien.video import open_video
    >>> path = Path(tempfile.mkdtemp()) / "a.mp4"
    >>> with record_video(path, (64, 48)) as record:
    ...     for index, time_s in enumerate((0.0, 0.03, 0.1)):
    ...         record(Frame(index, time_s, np.zeros((48, 64), np.uint8)))
    >>> [round(frame.time_s, 4) for frame in open_video(path)]
    [0.0, 0.03, 0.1]
    """
    import av

    path = Path(path)
    if path.suffix.lower() not in (".mp4", ".mov", ".mkv"):
        raise MienError(f"got '{path}' to record to; expected mp4, mov or mkv; change the ending")
    try:
        with atomic_path(path) as temporary, av.open(str(temporary), "w") as container:
            writer = _Writer(container, size, threads)
            yield writer
            if writer.last < 0:
                raise MienError(
                    f"got no frame to record to '{path}'; expected one at least; check where they come from"
                )
            writer.end()
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise MienError(
            f"got '{path}' to record, but {error.strerror}; expected room for it; free some, or choose another folder"
        ) from error


class _Writer:
    """Encodes frame by frame."""

    def __init__(self, container: Any, size: tuple[int, int], threads: int) -> None:
        import av

        name = next((name for name in _ENCODERS if name in av.codecs_available), None)
        if name is None:
            raise MienError(f"got no encoder in this build of PyAV; expected one of {', '.join(_ENCODERS)}")
        self._container, self._size = container, size
        self._stream = container.add_stream(name, rate=30, options=_ENCODERS[name])
        self._stream.width, self._stream.height = size[0] // 2 * 2, size[1] // 2 * 2
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _TICKS)
        self._stream.codec_context.thread_count = threads
        self.last = -1

    def __call__(self, frame: Frame) -> None:
        import av

        check_image(frame.image)
        height, width = frame.image.shape[:2]
        tick = round(frame.time_s * _TICKS)
        if (width, height) != self._size:
            raise MienError(f"got a frame {width}x{height}; expected {self._size[0]}x{self._size[1]}; resize it")
        if tick <= self.last:
            raise MienError(
                f"got a frame at {frame.time_s:.6f} s after one at {self.last / _TICKS:.6f} s; "
                "expected increasing times; sort them"
            )
        image = frame.image[: height // 2 * 2, : width // 2 * 2]
        raw = av.VideoFrame.from_ndarray(image.copy(), format="gray" if image.ndim == 2 else "rgb24")
        raw.pts, raw.time_base = tick, Fraction(1, _TICKS)
        self._container.mux(self._stream.encode(raw))
        self.last = tick

    def end(self) -> None:
        """Write what the encoder still holds."""
        self._container.mux(self._stream.encode(None))
