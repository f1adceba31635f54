"""Read frames in a thread of their own, a few ahead of who uses them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator

from mien.video.frame import Frame

__all__ = ["read_ahead"]

_AHEAD = 8


def read_ahead(frames: Iterable[Frame], ahead: int = _AHEAD) -> Iterator[Frame]:
    """Yield frames that a thread decodes meanwhile; FFmpeg decodes without Python's lock.

    Parameters
    ----------
    frames : iterable of Frame
        Such as a :class:`mien.video.Video`.
    ahead : int
        How many may wait: that much memory.

    Yields
    ------
    Frame
        In the same order. What reading raises is raised here, after the frames before it.

    Examples
    --------
    >>> import numpy as np
    >>> still = np.zeros((16, 16), np.uint8)
    >>> [frame.index for frame in read_ahead(Frame(index, index / 25, still) for index in range(3))]
    [0, 1, 2]
    """
    waiting: queue.Queue[Frame | BaseException | None] = queue.Queue(ahead)
    left = threading.Event()

    def put(item: Frame | BaseException | None) -> bool:
        while not left.is_set():
            try:
                waiting.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def read() -> None:
        try:
            for frame in frames:
                if not put(frame):
                    return
        except BaseException as error:
            put(error)
        else:
            put(None)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        while (item := waiting.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        left.set()
        thread.join()
