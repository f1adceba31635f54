"""Presentation times as a file gives them, made strictly increasing; what was odd is remembered."""

from __future__ import annotations

import math

__all__ = ["Clock"]

_VARIES = 0.25  # intervals that differ by more than this share of the shortest are a variable frame rate


class Clock:
    """Read the times of one pass through a file.

    Parameters
    ----------
    fps : float
        Mean rate, used only where a frame has no time of its own.
    tick_s : float
        What the container rounds times to (Matroska: a millisecond, GIF: ten).

    Examples
    --------
    >>> clock = Clock(fps=10)
    >>> [round(clock.read(t), 3) for t in (0.0, 0.1, 0.1, 0.2, None)]
    [0.0, 0.1, 0.15, 0.2, 0.3]
    >>> clock.notes()
    ['2 frames without an increasing time got one in between']
    """

    def __init__(self, fps: float, tick_s: float = 0.0) -> None:
        self._step = 1.0 / fps
        self._rounding_s = 1.5 * tick_s
        self._first = math.nan
        self._last = math.nan
        self._true: float | None = None
        self._shortest = math.inf
        self._longest = 0.0
        self._repaired = 0

    def read(self, time_s: float | None) -> float:
        """Take a frame's time and return it, or a repaired one."""
        if math.isnan(self._last):
            self._first = self._last = 0.0 if time_s is None else time_s
            self._true = time_s
            return self._last
        if time_s is not None and self._true is not None and time_s > self._true:
            self._shortest = min(self._shortest, time_s - self._true)
            self._longest = max(self._longest, time_s - self._true)
        self._true = time_s
        if time_s is None or time_s <= self._last:
            # Half a step after the last: the next frame's true time is then still ahead.
            time_s = self._last + self._step * (1.0 if time_s is None else 0.5)
            self._repaired += 1
        self._last = time_s
        return time_s

    @property
    def elapsed_s(self) -> float:
        """Time from the beginning (0, or an earlier first frame) to the end of the last frame."""
        return 0.0 if math.isnan(self._last) else self._last - min(0.0, self._first) + self._step

    def notes(self) -> list[str]:
        """Say what was odd, one line each."""
        notes = []
        if self._longest - self._shortest > max(self._rounding_s, _VARIES * self._shortest):
            notes.append(
                f"variable frame rate: {self._shortest * 1e3:.1f} to {self._longest * 1e3:.1f} ms between frames "
                "(true times are used)"
            )
        if self._repaired:
            notes.append(f"{self._repaired} frames without an increasing time got one in between")
        return notes
