"""Cameras: frames with the moment at which each was taken."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mien.core import MienError, UInt8Array
from mien.video.frame import Frame

__all__ = ["Camera", "camera_number", "open_camera"]

_WARM_UP = 5  # some cameras give nothing for their first frames


def camera_number(source: Path | str) -> int | None:
    """Return the number of a camera named ``camera:N``; None for anything else.

    Examples
    --------
    >>> camera_number("camera:0"), camera_number("talk.mp4")
    (0, None)
    """
    match = re.fullmatch(r"camera:(\d{1,3})", str(source))
    return None if match is None else int(match[1])


def open_camera(
    number: int,
    *,
    fps: float | None = None,
    size: tuple[int, int] | None = None,
    opener: Callable[[int], Any] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Camera:
    """Open a camera as a stream of frames.

    Parameters
    ----------
    number : int
        Which one: 0 is the first.
    fps, size : float and (int, int), optional
        Frames per second, and width and height in pixels, to ask for. What a camera gives is its own choice: see
        ``size``, and the times of the frames.
    opener : callable, optional
        Given the number, returns an object like ``cv2.VideoCapture``; for tests and other sources.
    clock : callable, optional
        Gives the time in seconds; it is asked when a frame has been grabbed.

    Returns
    -------
    Camera
        Iterate over it for RGB :class:`mien.video.Frame` records; close it, or use it in a ``with``.

    Raises
    ------
    MienError
        If there is no such camera, it gives no picture, or fps or size cannot be; while reading, if it stops.

    Examples
    --------
    >>> with open_camera(0) as camera:  # doctest: +SKIP
    ...     frame = next(iter(camera))
    """
    if fps is not None and not (math.isfinite(fps) and fps > 0):
        raise MienError(f"got {fps} frames per second; expected a positive number; check fps")
    if size is not None and min(size) < 1:
        raise MienError(f"got the size {size[0]}x{size[1]}; expected pixels; check size")
    capture = (opener or _capture)(number)
    if not capture.isOpened():
        capture.release()
        raise MienError(
            f"got no camera {number}; expected one that no other program uses; plug it in, allow this program to use "
            "it, or try another number"
        )
    return Camera(number, capture, fps=fps, size=size, clock=clock)


def _capture(number: int) -> Any:
    import cv2

    log = cv2.utils.logging
    before = log.getLogLevel()
    log.setLogLevel(log.LOG_LEVEL_SILENT)  # OpenCV prints its own many lines about a missing camera
    try:
        return cv2.VideoCapture(number)
    finally:
        log.setLogLevel(before)


class Camera:
    """Frames of a camera, from :func:`open_camera`; the first is at 0 s.

    Attributes
    ----------
    number : int
        Which camera.
    size : (int, int)
        Width and height in pixels.
    """

    def __init__(
        self,
        number: int,
        capture: Any,
        *,
        fps: float | None,
        size: tuple[int, int] | None,
        clock: Callable[[], float],
    ) -> None:
        self.number = number
        self._capture = capture
        self._clock = clock
        self._ask(fps, size)
        first = next((image for image in (self._grab()[1] for _ in range(_WARM_UP)) if image is not None), None)
        if first is None:
            self.close()
            raise MienError(
                f"got no picture from camera {number}; expected one; close other programs that use it, or try another"
            )
        self.size = (first.shape[1], first.shape[0])

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        start = last = math.nan
        index = 0
        while self._capture.isOpened():
            now, image = self._grab()
            if image is None:
                raise MienError(
                    f"got no further picture from camera {self.number} after {index} frames; "
                    "expected it to go on; check the cable and its power supply"
                )
            start = now if math.isnan(start) else start
            if now <= last:  # a clock too coarse for the camera
                continue
            last = now
            yield Frame(index, now - start, image)
            index += 1

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()

    def _ask(self, fps: float | None, size: tuple[int, int] | None) -> None:
        import cv2

        if size is not None:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
        if fps is not None:
            self._capture.set(cv2.CAP_PROP_FPS, fps)
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # an old frame in a buffer would get a new frame's time

    def _grab(self) -> tuple[float, UInt8Array | None]:
        """When the next frame was grabbed, and the frame; None if there is none."""
        grabbed = self._capture.grab()
        now = self._clock() if grabbed else math.nan
        there, image = self._capture.retrieve() if grabbed else (False, None)
        if not there or image is None:
            return now, None
        return now, np.ascontiguousarray(image[..., ::-1] if image.ndim == 3 else image)
