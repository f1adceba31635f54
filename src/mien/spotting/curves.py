"""What spotting works on: the motion of the regions over time, and what it is set to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from mien.core import MienError
from mien.spotting.regions import REGIONS

__all__ = ["SHIPPED", "Curves", "SpotSettings", "Stretch", "stretches"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SpotSettings:
    """Parameters of spotting, set on rendered clips only; pixels are those of a 128-px face."""

    least_score: float = 4.5
    """Smallest signal worth reporting, in standard deviations of the quiet face's noise."""
    durations_s: tuple[float, ...] = (0.16, 0.26, 0.38, 0.50)
    """Onset to offset of the bumps that are sought."""
    baseline_s: float = 0.10
    """How long before and after a bump the face's place at rest is averaged."""
    smooth_s: float = 0.02
    """Standard deviation of the smoothing of the time course in which onset and offset are read."""
    edge: float = 0.20
    """Onset and offset are read where the motion has this share of its height, then extended to its foot."""
    reach_s: float = 0.45
    """How far from the apex onset and offset are sought."""
    rest_s: float = 0.06
    """A movement that has not gone on for this long has ended."""
    longest_s: float = 0.50
    """Longest micro-expression, onset to offset ..."""
    longest_rise_s: float = 0.25
    """... unless onset to apex is at most this."""
    tolerance: float = 1.15
    """Measured durations may exceed the limits by this factor."""
    shortest_s: float = 0.10
    """Anything shorter is a flicker."""
    longest_macro_s: float = 4.0
    """Longest expression that is reported at all."""
    least_px: float = 0.25
    """What moves less from onset to apex is sway of the head or of the light, however quiet the face."""
    most_px: float = 3.5
    """What moves more is no micro-expression: an expression in full, or a registration that failed."""
    least_explained: float = 0.35
    """Share of the movement, beside noise, that at most three action units must explain: a hand does not move so."""
    alone_s: float = 0.5
    """How long before and after the same parts of the face must make no other movements: speech does."""
    unrest: float = 3.0
    """How far they may move in that time, as a share of the movement."""
    others: int = 3
    """How many other clear movements, blinks aside, there may be within a second: in speech there are more."""
    blink_drop: float = 0.25
    """Share of their opening that the eyes lose in a blink."""
    blink_factor: float = 1.2
    """During a blink, whose own pattern is taken out, the signal must be this much stronger."""
    head_share: float = 0.05
    """The skin must move by more than this share of the head's own motion around it."""
    most_head_px: float = 12.0
    """While the head moves more than this in half a second, nothing can be told."""
    after_found_s: float = 0.25
    """A face that was just found, or is about to be lost, is not looked at for this long."""


SHIPPED = SpotSettings()
"""As shipped."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Motion of one followed face over a recording; rows without a face are nan.

    Attributes
    ----------
    times_s : float array, (T,)
        Presentation times, increasing.
    frames : int array, (T,)
        Frame numbers.
    regions : float array, (T, R, 2)
        Displacement of each region, pixels at a 128-px face, free of head motion.
    eyes : float array, (T,)
        Opening of the eyes, height over width.
    head : float array, (T, 2)
        Position of the head, pixels at a 128-px face.
    more : (bool, bool)
        Whether the recording begins before these rows, and whether it goes on after them.
    """

    times_s: Array
    frames: npt.NDArray[np.int64]
    regions: Array
    eyes: Array
    head: Array
    more: tuple[bool, bool] = (False, False)

    def __post_init__(self) -> None:
        lengths = {len(part) for part in (self.times_s, self.frames, self.regions, self.eyes, self.head)}
        if len(lengths) != 1 or self.regions.shape[1:] != (len(REGIONS), 2):
            raise MienError(
                f"got curves of lengths {sorted(lengths)} and regions {self.regions.shape}; "
                f"expected one length T and (T, {len(REGIONS)}, 2); rebuild them"
            )


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a recording in which the face is there and no frames are missing, on an even grid of times.

    Attributes
    ----------
    start, stop : int
        Its rows in the curves.
    times_s, frames : array, (N,)
        Of these rows.
    grid_s : float array, (G,)
        The even times.
    place : float array, (G, 2 R)
        Displacement of the regions, u and v of one after the other.
    eyes, head : float array, (G,), (G, 2)
        As in the curves.
    cut : (bool, bool)
        Whether the face was lost, or frames were, at its beginning and at its end.
    """

    start: int
    stop: int
    times_s: Array
    frames: npt.NDArray[np.int64]
    grid_s: Array
    place: Array
    eyes: Array
    head: Array
    cut: tuple[bool, bool]

    @property
    def rate(self) -> float:
        """Grid points per second."""
        return float((len(self.grid_s) - 1) / (self.grid_s[-1] - self.grid_s[0]))


def stretches(curves: Curves, least_s: float = 0.3) -> list[Stretch]:
    """Cut the curves where there is no face or frames are missing; parts shorter than ``least_s`` are left out."""
    good: npt.NDArray[np.bool_] = np.asarray(np.isfinite(curves.regions).all(axis=(1, 2)))
    steps = np.diff(curves.times_s)
    usual = float(np.median(steps)) if len(steps) else 0.0
    breaks = np.flatnonzero(~(good[1:] & good[:-1] & (steps <= max(4 * usual, 0.1)))) + 1
    pairs = [(a, b) for a, b in pairwise([0, *breaks.tolist(), len(good)]) if b - a >= 5 and good[a]]
    return [_cut(curves, a, b) for a, b in pairs if curves.times_s[b - 1] - curves.times_s[a] >= least_s]


def _cut(curves: Curves, start: int, stop: int) -> Stretch:
    times = curves.times_s[start:stop]
    count = max(round(float((times[-1] - times[0]) / np.median(np.diff(times)))) + 1, 2)
    grid = np.linspace(times[0], times[-1], count)

    def even(values: Array) -> Array:
        columns = values[start:stop].reshape(len(times), -1).T
        made = np.empty((count, len(columns)))
        for place, column in enumerate(columns):
            made[:, place] = np.interp(grid, times, column)
        return made

    return Stretch(
        start=start,
        stop=stop,
        times_s=times,
        frames=curves.frames[start:stop],
        grid_s=grid,
        place=even(curves.regions),
        eyes=even(curves.eyes)[:, 0],
        head=even(curves.head),
        cut=(start > 0 or bool(curves.more[0]), stop < len(curves.times_s) or bool(curves.more[1])),
    )
