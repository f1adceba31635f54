"""Selective prediction: what is gained by answering only where one is sure. Pure functions on predictions.

The confidence of a prediction is the probability of the class that was named, as in
:mod:`mien.protocols.calibration`. Risk is the share of the answers given that is wrong, coverage the share given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError, Prediction
from mien.protocols.predictions import check_predictions, class_order

__all__ = ["RiskPoint", "area_under_risk", "coverage_by_class", "measure_rejection", "risk_coverage"]

Array = npt.NDArray[np.float64]
Rows = Sequence[Prediction]

_BOUNDS = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """What happens if only answers of some confidence and above are given.

    Attributes
    ----------
    threshold : float
        The least confidence that is accepted.
    coverage : float
        Share of the predictions that is accepted.
    risk : float
        Share of the accepted ones that is wrong.
    n : int
        How many are accepted.
    """

    threshold: float
    coverage: float
    risk: float
    n: int


def risk_coverage(predictions: Rows) -> list[RiskPoint]:
    """Return the risk at every coverage that a threshold on the confidence can reach.

    El-Yaniv & Wiener, JMLR 11, 2010; Geifman & El-Yaniv: Selective classification for deep neural networks. NeurIPS
    2017, eqs. 1 and 2. All seeds together. Equal confidences are accepted together or not at all.

    Parameters
    ----------
    predictions : sequence of Prediction
        With probabilities.

    Returns
    -------
    list of RiskPoint
        From the surest on; the last has coverage 1 and the risk of answering always.

    Raises
    ------
    MienError
        If there are no probabilities.

    Examples
    --------
    >>> rows = [
    ...     Prediction("smic", "smic/s1", f"smic/s1/{p}", "", 0, "last", truth, "calm", {"calm": p, "joy": 1 - p})
    ...     for p, truth in [(0.9, "calm"), (0.8, "joy")]
    ... ]
    >>> [(point.threshold, point.coverage, point.risk) for point in risk_coverage(rows)]
    [(0.9, 0.5, 0.0), (0.8, 1.0, 0.5)]
    """
    confidence, wrong = _arrays(list(predictions))
    levels, at = np.unique(-confidence, return_inverse=True)
    counts = np.bincount(at).cumsum()
    errors = np.bincount(at, weights=wrong).cumsum()
    return [
        RiskPoint(float(-level), float(n / len(wrong)), float(e / n), int(n))
        for level, n, e in zip(levels, counts, errors, strict=True)
    ]


def area_under_risk(predictions: Rows) -> dict[str, float]:
    """Return the area under the risk-coverage curve beside those of no and of perfect knowledge.

    AURC is the mean over k of the risk of the k surest answers (Geifman, Uziel & El-Yaniv: Bias-reduced uncertainty
    estimation for deep neural classifiers. ICLR 2019, section 3; Ding, Liu, Xiong & Shi: Revisiting the evaluation of
    uncertainty estimation. CVPR workshops 2020). Among equal confidences every order counts the same, so that a
    confidence that says nothing gives the area of random rejection.

    Parameters
    ----------
    predictions : sequence of Prediction
        With probabilities; of several seeds, the mean of each seed's.

    Returns
    -------
    dict
        ``aurc``; ``random``, if answers are rejected by chance: the error rate; ``best``, if every wrong answer is
        rejected before any right one; ``excess``, aurc - best. The lower the better; a confidence worse than chance
        lies above ``random``.

    Raises
    ------
    MienError
        If there are no probabilities.

    Examples
    --------
    >>> rows = [
    ...     Prediction("smic", "smic/s1", f"smic/s1/{p}", "", 0, "last", truth, "calm", {"calm": p, "joy": 1 - p})
    ...     for p, truth in [(0.9, "calm"), (0.8, "joy")]
    ... ]
    >>> area_under_risk(rows)
    {'aurc': 0.25, 'random': 0.5, 'best': 0.25, 'excess': 0.0}
    """
    rows = list(predictions)
    _arrays(rows)
    parts = [_areas(*_arrays([row for row in rows if row.seed == seed])) for seed in sorted({r.seed for r in rows})]
    aurc, random, best = (float(value) for value in np.mean(parts, axis=0))
    return {"aurc": aurc, "random": random, "best": best, "excess": aurc - best}


def coverage_by_class(predictions: Rows, threshold: float) -> dict[str, dict[str, float]]:
    """Say of each class how much of it remains when unsure answers are rejected.

    A rejection that lowers the risk by never answering for one class is no confidence: such a class has a coverage
    near 0 here while the others have theirs near 1 (Jones et al.: Selective classification can magnify disparities
    across groups. ICLR 2021).

    Parameters
    ----------
    predictions : sequence of Prediction
        With probabilities; all seeds together.
    threshold : float
        The least confidence that is accepted, 0 to 1.

    Returns
    -------
    dict
        Class -> ``n`` truly of it; ``coverage``, share of these that gets an answer; ``recall``, share of the answered
        that is right; ``named``, how often it is named; ``named_coverage``, share of these that is accepted; ``risk``,
        share of the accepted that is wrong. nan where there is nothing to take a share of.

    Raises
    ------
    MienError
        If there are no probabilities or the threshold is none.

    Examples
    --------
    >>> rows = [
    ...     Prediction("smic", "smic/s1", f"smic/s1/{p}", "", 0, "last", truth, "calm", {"calm": p, "joy": 1 - p})
    ...     for p, truth in [(0.9, "calm"), (0.8, "joy")]
    ... ]
    >>> coverage_by_class(rows, 0.85)["calm"]["coverage"], coverage_by_class(rows, 0.85)["joy"]["coverage"]
    (1.0, 0.0)
    """
    rows = list(predictions)
    confidence, wrong = _arrays(rows)
    if not 0 <= threshold <= 1:
        raise MienError(f"got the threshold {threshold}; expected a probability from 0 to 1; choose another")
    kept = confidence >= threshold
    truth, named = (np.array([getattr(row, name) for row in rows]) for name in ("truth", "predicted"))
    return {name: _of_class(truth == name, named == name, kept, wrong) for name in class_order(rows)}


def measure_rejection(predictions: Rows, *, resamples: int = 2000, rng_seed: int = 0) -> dict[str, Any]:
    """Compute all that is said of a run's confidence as a reason to answer or not.

    Parameters
    ----------
    predictions : sequence of Prediction
        With probabilities; all seeds together but for the areas.
    resamples, rng_seed : int
        Bootstrap over subjects.

    Returns
    -------
    dict
        ``n``; what :func:`area_under_risk` returns; ``ci95``: [low, high] of ``aurc``, ``random`` and of ``gain``,
        random - aurc, which is above 0 where the confidence is worth something; ``gain``; ``half``: the point of
        :func:`risk_coverage` nearest to a coverage of one half, as a dict, with ``by_class`` of
        :func:`coverage_by_class` at its threshold.

    Raises
    ------
    MienError
        If there are no probabilities, or less than one resample is asked for.

    Examples
    --------
    >>> rows = [
    ...     Prediction("smic", "smic/s1", f"smic/s1/{p}", "", 0, "last", truth, "calm", {"calm": p, "joy": 1 - p})
    ...     for p, truth in [(0.9, "calm"), (0.8, "joy")]
    ... ]
    >>> measure_rejection(rows, resamples=10)["gain"]
    0.25
    """
    rows = list(predictions)
    areas = area_under_risk(rows)
    half = min(risk_coverage(rows), key=lambda point: abs(point.coverage - 0.5))
    drawn = _resampled(rows, resamples, rng_seed)
    spread = {"aurc": drawn[:, 0], "random": drawn[:, 1], "gain": drawn[:, 1] - drawn[:, 0]}
    return {
        "n": len(rows),
        **areas,
        "gain": areas["random"] - areas["aurc"],
        "ci95": {name: np.percentile(values, _BOUNDS).tolist() for name, values in spread.items()},
        "half": {"threshold": half.threshold, "coverage": half.coverage, "risk": half.risk, "n": half.n}
        | {"by_class": coverage_by_class(rows, half.threshold)},
    }


def _arrays(rows: list[Prediction]) -> tuple[Array, Array]:
    """Confidence, and 1 where the answer is wrong."""
    check_predictions(rows)
    if not rows[0].probabilities:
        raise MienError("got predictions without probabilities; expected p_<class> columns; write them with the run")
    confidence = np.array([row.probabilities[row.predicted] for row in rows])
    return confidence, np.array([float(row.truth != row.predicted) for row in rows])


def _areas(confidence: Array, wrong: Array) -> tuple[float, float, float]:
    """AURC of the confidence, of chance and of an oracle."""
    taken = np.arange(1, len(wrong) + 1)
    at = np.unique(-confidence, return_inverse=True)[1]
    share = np.bincount(at, weights=wrong) / np.bincount(at)  # of errors among equal confidences
    expected = share[np.sort(at)].cumsum() / taken
    best = np.sort(wrong).cumsum() / taken
    return float(expected.mean()), float(wrong.mean()), float(best.mean())


def _resampled(rows: list[Prediction], resamples: int, rng_seed: int) -> Array:
    """Areas (R, 3) in resamples of the subjects, the mean over seeds."""
    if resamples < 1:
        raise MienError(f"got {resamples} resamples; expected at least 1; 2000 is usual")
    confidence, wrong = _arrays(rows)
    subjects = np.unique([f"{row.dataset} {row.subject}" for row in rows], return_inverse=True)[1]
    seeds = np.unique([row.seed for row in rows], return_inverse=True)[1]
    count, found = int(subjects.max()) + 1, []
    for drawn in np.random.default_rng(rng_seed).integers(count, size=(resamples, count)):
        times = np.bincount(drawn, minlength=count)[subjects]
        parts = [np.repeat(np.flatnonzero(seeds == seed), times[seeds == seed]) for seed in range(seeds.max() + 1)]
        found.append(np.mean([_areas(confidence[part], wrong[part]) for part in parts if len(part)], axis=0))
    return np.array(found)


def _of_class(
    true: npt.NDArray[np.bool_], named: npt.NDArray[np.bool_], kept: npt.NDArray[np.bool_], wrong: Array
) -> dict[str, float]:
    return {
        "n": int(true.sum()),
        "coverage": _share(kept[true]),
        "recall": _share(1 - wrong[true & kept]),
        "named": int(named.sum()),
        "named_coverage": _share(kept[named]),
        "risk": _share(wrong[named & kept]),
    }


def _share(values: npt.NDArray[Any]) -> float:
    return float(values.mean()) if len(values) else float("nan")
