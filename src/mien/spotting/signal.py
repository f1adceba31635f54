"""How clearly each action unit shows in the motion of the regions, in units of the face's own noise.

A matched subspace detector (Kraut, Scharf, McWhorter: Adaptive subspace detectors. IEEE Trans. Signal Processing 49(1),
2001) on bumps: the mean place of the regions around a time, less their mean place before and after. The covariance of
the noise is that of the quiet parts of the same recording, so that what trembles together (registration, light,
compression) counts for as little as it says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.ndimage import correlate1d, uniform_filter1d
from scipy.optimize import nnls
from scipy.stats import chi2

from mien.spotting.units import BLINK, unit_templates

__all__ = ["Bumps", "Noise", "Pieces", "bumps", "explain", "measure_noise", "signal", "templates"]

Array = npt.NDArray[np.float64]

_QUIET = 0.4  # share of the time that is taken to be quiet
_SAMPLES = 20_000  # of a long recording, evenly over it
_PIECE = 4096  # rows of the grid
_LEAST_PX = 0.01  # noise that any region has
_PEAK = 0.6  # of a bump's duration, over which its height is averaged
_CLEAR = 5.0  # signal of a blink that others are learnt from
_LEAST_BLINKS = 3
_LEAST_SHARE = 0.05  # of what moves in blinks, for a pattern of its own
_NULL = 1e4  # variance given to a pattern that shall not count, px squared


@dataclass(frozen=True, slots=True)
class Bumps:
    """Bumps of one duration at every time: how far the regions stand out from before, and from after, (G, 2 R) px."""

    rise: Array
    fall: Array


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise of the bumps of one duration.

    Attributes
    ----------
    covariance : float array, (2 R, 2 R)
        Of the regions' displacements, px squared.
    blind : float array, (2 R, 2 R)
        The same with what blinks do as noise.
    weights : float array, (K, 2 R)
        One row per template: what to multiply a bump by to get its signal, of standard deviation 1 in noise.
    without_blink : float array, (K, 2 R)
        The same, by ``blind``.
    blink_weights : float array, (B, 2 R)
        Likewise, of blinks.
    knows_blinks : bool
        Whether what this person's blinks do was learnt from the recording.
    """

    covariance: Array
    blind: Array
    weights: Array
    without_blink: Array
    blink_weights: Array
    knows_blinks: bool


@cache
def templates() -> tuple[tuple[tuple[int, str], ...], Array]:
    """Action units and sides without blinks, and their patterns (K, 2 R) at 1 px."""
    found = {key: pattern for key, pattern in unit_templates().items() if key[0] != BLINK}
    return tuple(found), np.array([pattern.ravel() for pattern in found.values()])


@cache
def _blinks() -> Array:
    return np.array([pattern.ravel() for key, pattern in unit_templates().items() if key[0] == BLINK])


def bumps(place: Array, rate: float, duration_s: float, baseline_s: float) -> Bumps:
    """Measure the bumps of one duration.

    Parameters
    ----------
    place : float array, (G, 2 R)
        Displacement of the regions on an even grid of times, px.
    rate : float
        Grid points per second.
    duration_s, baseline_s : float
        Onset to offset; how long before and after the place at rest is averaged.
    """
    size = max(1, round(_PEAK * duration_s * rate)) | 1
    bell = 0.5 * (1 + np.cos(np.pi * (np.arange(size) - size // 2) / (size / 2 + 0.5)))
    peak = correlate1d(place, bell / bell.sum(), axis=0, mode="nearest")
    wide = max(1, round(baseline_s * rate))
    rest = uniform_filter1d(place, wide, axis=0, mode="nearest")
    index, away = np.arange(len(place)), round((duration_s + baseline_s) / 2 * rate)
    before, after = rest[np.clip(index - away, 0, None)], rest[np.clip(index + away, None, len(place) - 1)]
    return Bumps(peak - before, peak - after)


@dataclass(frozen=True, slots=True)
class Pieces:
    """The bumps of one duration in all stretches, a piece at a time: all at once would be larger than the recording.

    Attributes
    ----------
    places : sequence of float array, (G, 2 R)
        Of each stretch, px.
    rates : sequence of float
        Grid points per second of each.
    closing : sequence of bool array, (G,)
        Where the eyes close or open, in each.
    duration_s, baseline_s : float
        As in :func:`bumps`.
    """

    places: Sequence[Array]
    rates: Sequence[float]
    closing: Sequence[npt.NDArray[np.bool_]]
    duration_s: float
    baseline_s: float

    def __iter__(self) -> Iterator[tuple[int, slice, Bumps]]:
        """Number of the stretch, rows of its grid, and their bumps."""
        for number, (place, rate) in enumerate(zip(self.places, self.rates, strict=True)):
            around = round((self.duration_s + 2 * self.baseline_s) * rate) + 2  # further away nothing counts
            for start in range(0, len(place), _PIECE):
                stop = min(start + _PIECE, len(place))
                low, high = max(0, start - around), min(len(place), stop + around)
                found = bumps(place[low:high], rate, self.duration_s, self.baseline_s)
                inner = slice(start - low, stop - low)
                yield number, slice(start, stop), Bumps(found.rise[inner], found.fall[inner])

    @property
    def rows(self) -> int:
        """Of rise and fall, in all stretches."""
        return 2 * sum(map(len, self.places))


def measure_noise(found: Pieces) -> Noise:
    """Learn the noise from the quiet parts of a recording, and what blinks do from its blinks.

    Parameters
    ----------
    found : Pieces
        Of all stretches.

    Notes
    -----
    The quiet part is that of the least Mahalanobis distance, found in a few rounds (a trimmed covariance, as in
    Rousseeuw's MCD), and brought to the scale of a normal distribution; short recordings are shrunk to a diagonal.
    """
    every = max(1, found.rows // _SAMPLES)
    both = [part[-piece.start % every :: every] for _, piece, one in found for part in (one.rise, one.fall)]
    rows = np.concatenate(both)
    size = rows.shape[1]
    ridge = _LEAST_PX**2 * np.eye(size)
    distance = (rows**2).sum(axis=1)
    for _ in range(5):
        quiet = rows[distance <= np.quantile(distance, _QUIET)]
        covariance = quiet.T @ quiet / len(quiet)
        share = size / (size + 0.1 * len(quiet))
        covariance = (1 - share) * covariance + share * np.diag(np.diag(covariance)) + ridge
        distance = np.einsum("ti,ij,tj->t", rows, np.linalg.inv(covariance), rows)
    covariance = covariance * max(float(np.quantile(distance, _QUIET) / chi2.ppf(_QUIET, size)), 1.0)
    own = _own_blinks(found, covariance)
    known = np.concatenate([_blinks(), own])
    blind = covariance + _NULL * known.T @ known
    blinks = _weights(covariance, _blinks())
    return Noise(covariance, blind, _weights(covariance), _weights(blind), blinks, bool(len(own)))


def _own_blinks(found: Pieces, covariance: Array, most: int = 3) -> Array:
    """What moves in this person's blinks (K, 2 R): brows and cheeks too; nothing after fewer than three blinks.

    Only moments count in which a blink is clearer than any unit, and all of them alike: an expression at the time of a
    blink must not pass for one.
    """
    weights, blinks = _weights(covariance), _weights(covariance, _blinks())
    rows = []
    for number, piece, one in found:
        moved = ((one.rise + one.fall) / 2)[found.closing[number][piece]]
        signal = (moved @ blinks.T).max(axis=1, initial=0.0)
        rows.append(moved[(signal > _CLEAR) & (signal > (moved @ weights.T).max(axis=1, initial=0.0))])
    count = sum(int(np.diff(shut.astype(np.int8), prepend=0).clip(0).sum()) for shut in found.closing)
    together = np.concatenate(rows)
    if count < _LEAST_BLINKS or len(together) < _LEAST_BLINKS:
        return np.empty((0, len(covariance)))
    root = np.linalg.cholesky(covariance)
    white = np.linalg.solve(root, together.T)
    white /= np.linalg.norm(white, axis=0)
    vectors, shares, _ = np.linalg.svd(white @ white.T / white.shape[1])
    return np.asarray((root @ vectors[:, shares > _LEAST_SHARE][:, :most]).T)


def _weights(covariance: Array, wanted: Array | None = None) -> Array:
    """What to multiply a bump by to get the signal of each pattern, by default of the units."""
    patterns = templates()[1] if wanted is None else wanted
    solved = np.linalg.solve(covariance, patterns.T).T
    return np.asarray(solved / np.sqrt(np.einsum("ki,ki->k", solved, patterns))[:, None])


def signal(found: Bumps, noise: Noise) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Signal of the clearest action unit at every time.

    Both sides count: the smaller of the signals of rise and fall, so that a ramp has none. Where a blink is clearer
    than any unit, the units are measured blind to it.

    Returns
    -------
    signal : float array, (G,)
        In standard deviations of the noise, 0 or more.
    blink : bool array, (G,)
        Where a blink was clearer.
    """
    clear = _best(found, noise.weights)
    blink = _best(found, noise.blink_weights) > clear
    clear[blink] = _best(Bumps(found.rise[blink], found.fall[blink]), noise.without_blink)
    return clear, blink


def _best(found: Bumps, weights: Array) -> Array:
    both = np.minimum(found.rise @ weights.T, found.fall @ weights.T)
    return np.clip(both.max(axis=1, initial=0.0), 0, None)


def explain(moved: Array, noise: Noise, *, blind: bool, most: int = 3) -> tuple[Array, float]:
    """Take a bump apart into at most three action units.

    Parameters
    ----------
    moved : float array, (2 R,)
        The bump, px.
    noise : Noise
        Of its duration.
    blind : bool
        Whether to take out what blinks do first.
    most : int
        Units at most.

    Returns
    -------
    pattern : float array, (2 R,)
        What the units explain, px.
    share : float
        Of the energy beside noise, 0 to 1.
    """
    covariance = noise.blind if blind else noise.covariance
    white = np.linalg.inv(np.linalg.cholesky(covariance))
    target, patterns = white @ moved, templates()[1] @ white.T
    chosen: list[int] = []
    rest, strengths = target, np.empty(0)
    for _ in range(most):
        gains = patterns @ rest / np.linalg.norm(patterns, axis=1)
        chosen.append(int(gains.argmax()))
        strengths, _ = nnls(patterns[chosen].T, target)
        rest = target - strengths @ patterns[chosen]
    energy, left = float(target @ target) - len(target), float(rest @ rest) - len(target)
    share = 1 - max(left, 0.0) / energy if energy > 0 else 0.0
    return strengths @ templates()[1][chosen], share
