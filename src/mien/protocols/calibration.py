"""Calibration: whether probabilities can be believed. Pure functions on predictions that have probabilities.

The confidence of a prediction is the probability of the class that was named (``predicted``), since that is what a
report shows beside it. An SVM decides apart from its probabilities, so it may lie below the largest of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from mien.core import MienError, Prediction
from mien.protocols.predictions import check_predictions, class_order

__all__ = [
    "BINS",
    "ReliabilityBin",
    "brier_score",
    "classwise_calibration_error",
    "expected_calibration_error",
    "measure_calibration",
    "reliability_curve",
]

BINS = 15
"""Bins of Guo et al. (2017)."""

Binning = Literal["width", "mass"]
Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Rows = Sequence[Prediction]

_BOUNDS = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Predictions of about the same confidence.

    Attributes
    ----------
    low, high : float
        Confidences above ``low``, up to ``high``; of bins of equal mass the smallest and the largest in it.
    n : int
        How many there are.
    confidence : float
        Their mean confidence.
    accuracy : float
        Share of them that is right.
    ci95 : (float, float)
        95 % interval of the accuracy, resampled by subject.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
    ci95: tuple[float, float]


def expected_calibration_error(predictions: Rows, *, bins: int = BINS, by: Binning = "width") -> float:
    """Return the mean distance of confidence from accuracy over bins, weighted by their size.

    ECE = sum over bins of n_b / n * abs(accuracy_b - confidence_b) (Guo et al.: On calibration of modern neural
    networks. ICML 2017, eq. 3; Naeini et al., AAAI 2015).

    Parameters
    ----------
    predictions : sequence of Prediction
        With probabilities; of several seeds, the mean of each seed's.
    bins : int
        How many.
    by : {"width", "mass"}
        Bins of equal width, (k / bins, (k + 1) / bins], or of about equal numbers of predictions (Nguyen & O'Connor,
        EMNLP 2015; equal confidences stay together).

    Returns
    -------
    float
        0, where every bin is right as often as it says, to 1. Above 0 by chance alone where there are few predictions:
        see ``ece_if_calibrated`` of :func:`measure_calibration`.

    Raises
    ------
    MienError
        If there are no probabilities, or the bins make no sense.

    Examples
    --------
    >>> said = {"negative": 0.8, "positive": 0.2}
    >>> rows = [
    ...     Prediction("smic", "smic/s1", f"smic/s1/{i}", "", 0, "last", truth, "negative", said)
    ...     for i, truth in enumerate(["negative", "positive"])
    ... ]
    >>> round(expected_calibration_error(rows), 3)
    0.3
    """
    table = _table(predictions, bins)
    return float(table.errors(table.right - table.confidence, _bins(table.confidence, bins, by), bins)[0])


def classwise_calibration_error(predictions: Rows, *, bins: int = BINS, by: Binning = "width") -> float:
    """Return the calibration error of every class's probability, and of these the mean.

    Each class is taken alone: its probability against whether the sample is truly of it (Kull et al.: Beyond
    temperature scaling. NeurIPS 2019, eq. 3). Unlike :func:`expected_calibration_error` it does not ask which class was
    named.

    Parameters
    ----------
    predictions, bins, by
        As in :func:`expected_calibration_error`.

    Returns
    -------
    float
        0 to 1.

    Raises
    ------
    MienError
        As :func:`expected_calibration_error`.

    Examples
    --------
    >>> said = {"negative": 0.8, "positive": 0.2}
    >>> rows = [
    ...     Prediction("smic", "smic/s1", f"smic/s1/{i}", "", 0, "last", truth, "negative", said)
    ...     for i, truth in enumerate(["negative", "positive"])
    ... ]
    >>> round(classwise_calibration_error(rows), 3)
    0.3
    """
    table = _table(predictions, bins)
    return float(_classwise(table, bins, by, np.ones((1, table.subjects.max() + 1)))[0])


def brier_score(predictions: Rows) -> float:
    """Return the mean squared distance of the probabilities from what was true, summed over the classes.

    Brier: Verification of forecasts expressed in terms of probability. Monthly Weather Review 78, 1950, eq. 2.

    Parameters
    ----------
    predictions : sequence of Prediction
        With probabilities; of several seeds, the mean of each seed's.

    Returns
    -------
    float
        0 at best, 2 where all is said of a wrong class; always saying 1 / K gives 1 - 1 / K (2/3 for three classes).

    Raises
    ------
    MienError
        If there are no probabilities.

    Examples
    --------
    >>> said = {"negative": 0.8, "positive": 0.2}
    >>> row = Prediction("smic", "smic/s1", "smic/s1/a", "", 0, "last", "negative", "negative", said)
    >>> round(brier_score([row]), 3)
    0.08
    """
    table = _table(predictions, 1)
    return float(table.mean(table.squares)[0])


def reliability_curve(
    predictions: Rows, *, bins: int = BINS, by: Binning = "width", resamples: int = 2000, rng_seed: int = 0
) -> list[ReliabilityBin]:
    """Say for every bin how sure its predictions were and how often they were right: a reliability diagram.

    All seeds together (Murphy & Winkler 1977). A curve below the diagonal is overconfident.

    Parameters
    ----------
    predictions : sequence of Prediction
        With probabilities.
    bins, by
        As in :func:`expected_calibration_error`.
    resamples, rng_seed : int
        Bootstrap over subjects; a resample without any prediction in a bin says nothing of that bin.

    Returns
    -------
    list of ReliabilityBin
        By confidence; empty bins are left out.

    Raises
    ------
    MienError
        As :func:`expected_calibration_error`.

    Examples
    --------
    >>> said = {"negative": 0.8, "positive": 0.2}
    >>> row = Prediction("smic", "smic/s1", "smic/s1/a", "", 0, "last", "negative", "negative", said)
    >>> [(one.n, one.confidence, one.accuracy) for one in reliability_curve([row])]
    [(1, 0.8, 1.0)]
    """
    table = _table(predictions, bins)
    places = _bins(table.confidence, bins, by)
    draws = _draws(table, resamples, rng_seed)
    drawn = np.stack([draws @ table.sums(values, places, bins).sum(axis=1) for values in (table.right, table.one)])
    with np.errstate(invalid="ignore"):
        shares = drawn[0] / drawn[1]
    found = []
    for place in np.unique(places):
        own = places == place
        confidence = table.confidence[own]
        edges = (place / bins, (place + 1) / bins) if by == "width" else (confidence.min(), confidence.max())
        ci95 = np.nanpercentile(shares[:, place], _BOUNDS)
        means = float(confidence.mean()), float(table.right[own].mean())
        found.append(
            ReliabilityBin(float(edges[0]), float(edges[1]), int(own.sum()), *means, (float(ci95[0]), float(ci95[1])))
        )
    return found


def measure_calibration(
    predictions: Rows, *, bins: int = BINS, resamples: int = 2000, rng_seed: int = 0
) -> dict[str, Any]:
    """Compute all that is said of a run's calibration.

    Parameters
    ----------
    predictions : sequence of Prediction
        With probabilities.
    bins : int
        Bins of equal width and of equal mass.
    resamples, rng_seed : int
        Bootstrap over subjects; bins stay where the whole run has them. A resample repeats some predictions and so is
        less even than the run: intervals of calibration errors lie somewhat too high.

    Returns
    -------
    dict
        ``n``, ``subjects``, ``bins``, ``accuracy``, ``confidence`` (means), ``ece_width``, ``ece_mass``,
        ``classwise_ece_width``, ``classwise_ece_mass``, ``brier``; ``ci95``: [low, high] of each of these scores;
        ``ece_if_calibrated``: what chance alone gives, ``mean`` and ``p95`` of ``width`` and ``mass``, if every
        prediction is right with just the probability it claims (Bröcker & Smith: Increasing the reliability of
        reliability diagrams. Weather and Forecasting 22, 2007); ``not_likeliest``: share of predictions that name
        another class than the most probable; ``by_class``: mean probability and share of each class.

    Raises
    ------
    MienError
        As :func:`expected_calibration_error`.

    Examples
    --------
    >>> said = {"negative": 0.8, "positive": 0.2}
    >>> row = Prediction("smic", "smic/s1", "smic/s1/a", "", 0, "last", "negative", "negative", said)
    >>> document = measure_calibration([row], resamples=10)
    >>> round(document["ece_width"], 3), document["accuracy"]
    (0.2, 1.0)
    """
    table = _table(predictions, bins)
    scores = _scores(table, bins, np.ones((1, table.subjects.max() + 1)))
    spread = _scores(table, bins, _draws(table, resamples, rng_seed))
    return {
        "n": len(predictions),
        "subjects": int(table.subjects.max()) + 1,
        "bins": bins,
        **{name: float(values[0]) for name, values in scores.items()},
        "ci95": {name: np.nanpercentile(values, _BOUNDS).tolist() for name, values in spread.items()},
        "ece_if_calibrated": {by: _chance(table, bins, by, resamples, rng_seed) for by in ("width", "mass")},
        "not_likeliest": float((table.confidence < table.probabilities.max(axis=1)).mean()),
        "by_class": {
            name: {"probability": float(said), "share": float(true)}
            for name, said, true in zip(
                table.classes, table.probabilities.mean(axis=0), table.truth.mean(axis=0), strict=True
            )
        },
    }


@dataclass(frozen=True, slots=True)
class _Table:
    """Predictions as arrays of N rows."""

    classes: tuple[str, ...]
    subjects: IntArray
    seeds: IntArray
    probabilities: Array  # (N, K)
    truth: Array  # (N, K), 1 at the true class
    confidence: Array
    right: Array

    @property
    def one(self) -> Array:
        return np.ones(len(self.right))

    @property
    def squares(self) -> Array:
        return np.asarray(((self.probabilities - self.truth) ** 2).sum(axis=1))

    def sums(self, values: Array, places: IntArray, bins: int) -> Array:
        """Sums by subject, seed and bin (S, seeds, bins): all that resampling by subject needs."""
        sums = np.zeros((self.subjects.max() + 1, self.seeds.max() + 1, bins))
        np.add.at(sums, (self.subjects, self.seeds, places), values)
        return sums

    def mean(self, values: Array, draws: Array | None = None) -> Array:
        """Means (R,) of values (N,), in every resample (R, S); by default in the run itself."""
        draws = np.ones((1, self.subjects.max() + 1)) if draws is None else draws
        nowhere = np.zeros(len(values), np.int64)
        total, count = (np.tensordot(draws, self.sums(each, nowhere, 1)[..., 0], axes=1) for each in (values, self.one))
        return _over_seeds(total, count)

    def errors(self, gaps: Array, places: IntArray, bins: int, draws: Array | None = None) -> Array:
        """Calibration errors (R,): the absolute sums of the gaps (N,) of every bin, over all rows."""
        draws = np.ones((1, self.subjects.max() + 1)) if draws is None else draws
        total = np.abs(np.tensordot(draws, self.sums(gaps, places, bins), axes=1)).sum(axis=-1)
        count = np.tensordot(draws, self.sums(self.one, places, bins).sum(axis=-1), axes=1)
        return _over_seeds(total, count)


def _table(predictions: Rows, bins: int) -> _Table:
    rows = list(predictions)
    check_predictions(rows)
    classes = class_order(rows)
    if not rows[0].probabilities:
        raise MienError("got predictions without probabilities; expected p_<class> columns; write them with the run")
    if bins < 1:
        raise MienError(f"got {bins} bins; expected at least 1; 15 are usual")
    said = np.array([[row.probabilities.get(name, 0.0) for name in classes] for row in rows])
    truth = np.array([[float(row.truth == name) for name in classes] for row in rows])
    named = np.array([classes.index(row.predicted) for row in rows])
    subjects = np.unique([row.subject for row in rows], return_inverse=True)[1]
    seeds = np.unique([row.seed for row in rows], return_inverse=True)[1]
    each = np.arange(len(rows))
    return _Table(classes, subjects, seeds, said, truth, said[each, named], truth[each, named])


def _bins(values: Array, bins: int, by: Binning) -> IntArray:
    """Which bin each value is in."""
    if by == "width":
        return np.digitize(values, np.arange(1, bins) / bins, right=True)
    if by == "mass":
        return np.searchsorted(np.quantile(values, np.arange(1, bins) / bins), values, side="left")
    raise MienError(f"got bins by '{by}'; expected width or mass; choose one")


def _scores(table: _Table, bins: int, draws: Array) -> dict[str, Array]:
    """Every score (R,) in every resample (R, S)."""
    gaps = table.right - table.confidence
    return {
        "accuracy": table.mean(table.right, draws),
        "confidence": table.mean(table.confidence, draws),
        "ece_width": table.errors(gaps, _bins(table.confidence, bins, "width"), bins, draws),
        "ece_mass": table.errors(gaps, _bins(table.confidence, bins, "mass"), bins, draws),
        "classwise_ece_width": _classwise(table, bins, "width", draws),
        "classwise_ece_mass": _classwise(table, bins, "mass", draws),
        "brier": table.mean(table.squares, draws),
    }


def _classwise(table: _Table, bins: int, by: Binning, draws: Array) -> Array:
    each = [
        table.errors(true - said, _bins(said, bins, by), bins, draws)
        for said, true in zip(table.probabilities.T, table.truth.T, strict=True)
    ]
    return np.asarray(np.mean(each, axis=0))


def _chance(table: _Table, bins: int, by: Binning, resamples: int, rng_seed: int) -> dict[str, float]:
    """The error that remains when every prediction is right with the probability that it claims."""
    rng = np.random.default_rng(rng_seed)
    places = _bins(table.confidence, bins, by)
    found = [
        table.errors((rng.random(len(places)) < table.confidence) - table.confidence, places, bins)[0]
        for _ in range(min(resamples, 500))
    ]
    return {"mean": float(np.mean(found)), "p95": float(np.percentile(found, 95))}


def _draws(table: _Table, resamples: int, rng_seed: int) -> Array:
    """How often each subject is in each resample (R, S)."""
    if resamples < 1:
        raise MienError(f"got {resamples} resamples; expected at least 1; 2000 is usual")
    count = int(table.subjects.max()) + 1
    drawn = np.random.default_rng(rng_seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    return drawn.astype(np.float64)


def _over_seeds(total: Array, count: Array) -> Array:
    """Mean over seeds of sums over numbers (R, seeds); a seed that a resample lacks says nothing."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.nanmean(total / count, axis=1))
