"""``mien analyze camera:N``: watch a camera, show in the terminal what moves, and record it."""

from __future__ import annotations

import math
import queue
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mien.cli._intervals import interval_line
from mien.core import Interval, MienError

if TYPE_CHECKING:
    from rich.console import Console, Group

    from mien.analysis.stream import Streaming
    from mien.video import Camera, Frame

__all__ = ["named_camera", "watch_camera"]

_WAITING = 30  # frames between the camera and the analysis; what comes when all are taken is dropped
_SHOWN_S = 10.0
_COLUMNS = 60
_BARS = "▁▂▃▄▅▆▇█"
_REFRESH_HZ = 8
_LINES = 8  # intervals shown at a time


def named_camera(sources: Sequence[Path | str], seconds: float | None = None) -> int | None:
    """Return the number of the camera that a person named; None where files were.

    Raises
    ------
    MienError
        If a camera is named beside other sources, or seconds are given without one.
    """
    from mien.video import camera_number

    numbers = [camera_number(source) for source in sources]
    if len(numbers) > 1 and any(number is not None for number in numbers):
        raise MienError(
            f"got a camera and {len(numbers) - 1} more sources; expected it alone; analyse the others apart"
        )
    if numbers[0] is None and seconds is not None:
        raise MienError(
            f"got --seconds {seconds:g} for '{sources[0]}'; expected a camera, such as camera:0; leave it out"
        )
    return numbers[0]


def watch_camera(
    number: int,
    *,
    out: Path,
    seconds: float | None = None,
    fps: float | None = None,
    model: str = "default",
    faces: str = "dlib",
    asked: Mapping[str, Any] = MappingProxyType({}),
    console: Console | None = None,
) -> Path:
    """Record a camera until Ctrl-C or for some seconds, and show what moves meanwhile.

    Parameters
    ----------
    number : int
        Which camera.
    out : Path
        ``out/camera-<date-time>/recording.mp4`` is written.
    seconds : float, optional
        How long; by default until Ctrl-C.
    fps : float, optional
        Frames per second to ask the camera for.
    model, faces
        As in :func:`mien.stream`.
    asked : mapping
        Its other settings.
    console : Console, optional
        Where to draw; by default standard error.

    Returns
    -------
    Path
        The recording, with the true times of its frames; dropped ones are missing in it.

    Raises
    ------
    MienError
        If there is no such camera or it gives no frame, or the time cannot be.
    """
    from rich.console import Console

    from mien.analysis.stream import Streaming
    from mien.video import open_camera

    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise MienError(f"got {seconds} seconds to watch; expected a positive number; check --seconds")
    console = console or Console(stderr=True)
    with open_camera(number, fps=fps) as camera:
        path = out / f"camera-{datetime.now():%Y%m%d-%H%M%S}" / "recording.mp4"
        view = _View(camera)
        _record(camera, path, Streaming(model=model, faces=faces, **asked), view, seconds, console)
    for note in view.notes:
        console.print(f"mien: note: {note}", highlight=False, soft_wrap=True)
    return path


def _record(
    camera: Camera, path: Path, streaming: Streaming, view: _View, seconds: float | None, console: Console
) -> None:
    """Write and watch frames until there is a reason to stop; the recording is kept whatever comes after it."""
    from rich.live import Live

    from mien.video import record_video

    capture, impatient = _Capture(camera), False
    with _ctrl_c(capture.stop), streaming, Live(console=console, auto_refresh=False) as live:
        with record_video(path, camera.size) as record:
            try:
                for frame in capture:
                    if seconds is not None and frame.time_s >= seconds:
                        break
                    record(frame)
                    view.take(frame, streaming.push(frame), capture.dropped)
                    if view.is_due(frame.time_s):
                        live.update(view.drawn(streaming), refresh=True)
            except KeyboardInterrupt:  # a second Ctrl-C: the frames that wait go, those that are written stay
                impatient = True
            except MienError as error:  # pictures of another size all at once, say: what there is was filmed only once
                capture.fail(error)
        if impatient:
            raise KeyboardInterrupt
        view.close(streaming.finish(), capture)
        live.update(view.drawn(streaming), refresh=True)


@contextmanager
def _ctrl_c(stop: Callable[[], None]) -> Iterator[None]:
    """Turn the first Ctrl-C into a call, so that no frame is left half-way; a second one interrupts."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def once(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        stop()

    signal.signal(signal.SIGINT, once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Capture:
    """Frames of a camera, taken by a thread of their own so that slow work does not delay their times."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._frames: queue.Queue[Frame | None] = queue.Queue(_WAITING)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._taken = 0
        self.dropped = 0
        self.error: MienError | None = None

    def __iter__(self) -> Iterator[Frame]:
        self._thread.start()
        try:
            while (frame := self._next()) is not None:
                yield frame
        finally:
            self.stop()
            self._thread.join()
        if self.error is not None and not self._taken:
            raise self.error

    def stop(self) -> None:
        """Take no more frames; those that wait are still given."""
        self._stopped.set()

    def fail(self, error: MienError) -> None:
        """Note why the recording ends early; raise the error where there is none yet."""
        if not self._taken:
            raise error
        self.error = error

    def _next(self) -> Frame | None:
        while True:
            try:
                return self._frames.get(timeout=0.1)
            except queue.Empty:
                if not self._thread.is_alive() and self._frames.empty():
                    return None

    def _take(self) -> None:
        try:
            for frame in self._camera:
                if self._stopped.is_set():
                    return
                self._taken += 1
                try:
                    self._frames.put_nowait(frame)
                except queue.Full:
                    self.dropped += 1
        except MienError as error:
            self.error = error


class _View:
    """What is shown while a camera is watched."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._times: deque[float] = deque(maxlen=240)
        self._dropped = 0
        self._drawn_s = -math.inf
        self.intervals: list[Interval] = []
        self.notes: list[str] = []

    def take(self, frame: Frame, closed: Sequence[Interval], dropped: int) -> None:
        """Note a frame and what closed with it."""
        self._times.append(frame.time_s)
        self.intervals += closed
        self._dropped = dropped

    def is_due(self, now_s: float) -> bool:
        """Whether it is time to draw again."""
        due = now_s - self._drawn_s >= 1 / _REFRESH_HZ
        if due:
            self._drawn_s = now_s
        return due

    def close(self, last: Sequence[Interval], capture: _Capture) -> None:
        """Note the last intervals, and what a reader of the result should know."""
        self.intervals += last
        self._dropped = capture.dropped
        if capture.dropped:
            self.notes.append(
                f"{capture.dropped} frames were dropped, as this computer is too slow for the camera; ask for fewer "
                "frames a second (--fps)"
            )
        if capture.error is not None:
            self.notes.append(f"the recording ended early: {capture.error}")

    @property
    def fps(self) -> float:
        """Frames per second of the last two seconds."""
        times = [time for time in self._times if time >= self._times[-1] - 2]
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else math.nan

    def drawn(self, streaming: Streaming) -> Group:
        """The lines as they are now."""
        from rich.console import Group
        from rich.text import Text

        now = self._times[-1] if self._times else 0.0
        width, height = self._camera.size
        fps = "" if math.isnan(self.fps) else f"  {self.fps:.1f} fps"
        face = Text("face found", "green") if streaming.face_found else Text("no face", "bold red")
        head = Text(f"camera:{self._camera.number}  {width}x{height}  {now:.1f} s{fps}  ").append_text(face)
        head.append(f"  {self._dropped} frames dropped", "bold red" if self._dropped else "dim")
        bars, highest = sparkline(*streaming.motion, now)
        curve = Text(f"motion of the last {_SHOWN_S:.0f} s  {bars}  up to {highest:.2f} px")
        lines = [Text(interval_line(interval)) for interval in self.intervals[-_LINES:]]
        return Group(head, curve, *lines, Text("Ctrl-C ends the recording; its report follows", "dim"))


def sparkline(times_s: npt.NDArray[np.float64], curve: npt.NDArray[np.float64], now_s: float) -> tuple[str, float]:
    """Draw the last ten seconds of a curve as a line of bars; return it with its highest value.

    A full bar is that value, or one pixel where all is lower; a dot is a moment without a face or not measured yet.

    Examples
    --------
    >>> bars, highest = sparkline(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0]), 10.0)
    >>> bars.replace("·", ""), len(bars), highest
    ('▁▅█', 60, 2.0)
    """
    slots = ((times_s - (now_s - _SHOWN_S)) / _SHOWN_S * _COLUMNS).astype(int)
    heights = np.full(_COLUMNS, np.nan)
    for slot, value in zip(slots, curve, strict=True):
        if 0 <= slot < _COLUMNS:
            heights[slot] = np.fmax(heights[slot], value)
    there = heights[np.isfinite(heights)]
    highest = float(there.max()) if len(there) else 0.0
    steps = np.nan_to_num(heights / max(highest, 1.0)) * (len(_BARS) - 1)
    bars = (_BARS[math.floor(step + 0.5)] for step in steps)
    return "".join("·" if math.isnan(height) else bar for height, bar in zip(heights, bars, strict=True)), highest
