"""Paired tests between prediction files over the same samples: whether one is better, or was lucky."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError, Prediction
from mien.protocols.metrics import HEADLINES, IntArray, measures
from mien.protocols.predictions import check_predictions, class_order, read_predictions
from mien.protocols.scores import leaks, subject_confusions

__all__ = ["compare", "holm", "mcnemar", "permutation_test"]

Rows = Sequence[Prediction]
Document = dict[str, Any]

# Two differences that are equal but for the order of a sum count as equal.
ROUNDING = 1e-12


def compare(
    tables: Mapping[str, Rows | Path | str], *, permutations: int = 10_000, resamples: int = 2000, rng_seed: int = 0
) -> Document:
    """Test every pair of prediction tables on the same samples, paired by seed and sample.

    For each pair: McNemar's exact test on accuracy; a permutation test on UF1 that swaps whole subjects, since clips of
    one subject are not independent; a percentile bootstrap of the UF1 difference over subjects. Of more than two
    tables the p values of each test are corrected over all pairs (Holm 1979).

    Of several seeds UF1 is the mean of the seeds, a swapped or resampled subject takes its predictions of all seeds
    along, and McNemar's p is twice the median of the seeds' p values, at most 1: valid however much the seeds depend on
    each other, which they do, being about the same samples (Meinshausen, Meier & Buehlmann 2009, "p-values for
    high-dimensional regression", section 3).

    Parameters
    ----------
    tables : mapping of str to predictions or path
        Two or more, by name.
    permutations, resamples : int
        Of the permutation test and of the bootstrap.
    rng_seed : int
        Of both.

    Returns
    -------
    dict
        ``n`` samples, ``subjects``, ``seeds``, ``classes``; ``files``, a list of ``name``, ``accuracy``, ``uf1``,
        ``uar``, ``selections``, ``leaks``; ``pairs``, a list of ``a``, ``b``; ``difference`` (b - a: ``accuracy``,
        ``uf1``, ``uar``); ``ci95`` (``uf1``: [low, high]); ``mcnemar`` (``p``, ``p_holm``, ``seeds``: ``only_a`` and
        ``only_b``, samples that only this one got right, and ``p``); ``permutation`` (``p``, ``p_holm``,
        ``permutations``).

    Raises
    ------
    MienError
        If there are fewer than two tables, one cannot be scored, or they differ in samples, corpora, subjects or truth.

    Examples
    --------
    >>> truth = ["negative", "positive"] * 6
    >>> def rows(guess):
    ...     ids = [f"smic/s{i // 2}" for i in range(12)]
    ...     return [Prediction("smic", s, f"{s}/{i}", s, 0, "last", truth[i], guess(i)) for i, s in enumerate(ids)]
    >>> document = compare({"all right": rows(lambda i: truth[i]), "always negative": rows(lambda i: "negative")})
    >>> [pair] = document["pairs"]
    >>> pair["difference"]["accuracy"], pair["mcnemar"]["p"], round(pair["permutation"]["p"], 2)
    (-0.5, 0.03125, 0.03)
    """
    if len(tables) < 2:
        raise MienError(f"got {len(tables)} prediction table; expected two or more, by different names")
    if permutations < 1 or resamples < 1:
        raise MienError(f"got {permutations} permutations and {resamples} resamples; expected at least 1 of both")
    read = {name: _rows(table) for name, table in tables.items()}
    _check_same(read)
    classes = class_order([row for rows in read.values() for row in rows])
    counted = {name: subject_confusions(rows, classes) for name, rows in read.items()}
    subjects = next(iter(counted.values()))[0]
    first = next(iter(read.values()))
    pairs: list[Document] = [
        {"a": a, "b": b}
        | _difference(counted[a][1], counted[b][1], resamples, rng_seed)
        | {"mcnemar": _by_seed(read[a], read[b])}
        | {"permutation": {"p": permutation_test(counted[a][1], counted[b][1], permutations, rng_seed)}}
        for a, b in combinations(read, 2)
    ]
    for test in ("mcnemar", "permutation"):
        for pair, corrected in zip(pairs, holm([pair[test]["p"] for pair in pairs]), strict=True):
            pair[test]["p_holm"] = corrected
    return {
        "n": len({row.sample_id for row in first}),
        "subjects": len(subjects),
        "seeds": sorted({row.seed for row in first}),
        "classes": list(classes),
        "permutations": permutations,
        "files": [_file(name, rows, counted[name][1]) for name, rows in read.items()],
        "pairs": pairs,
    }


def mcnemar(only_a: int, only_b: int) -> float:
    """McNemar's exact test: the two-sided p of so uneven a split of the samples that only one of two got right.

    Parameters
    ----------
    only_a, only_b : int
        Samples that only the one, and only the other, got right.

    Returns
    -------
    float
        p; 1 where they never disagree on what is right.

    Examples
    --------
    >>> round(mcnemar(1, 9), 4), mcnemar(0, 0)
    (0.0215, 1.0)
    """
    if not only_a + only_b:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(only_a, only_a + only_b).pvalue)


def permutation_test(a: IntArray, b: IntArray, permutations: int = 10_000, rng_seed: int = 0) -> float:
    """Paired permutation test on pooled UF1: swap the predictions of whole subjects between two tables.

    Were both equally good, it would not matter which of them said what of a subject. p = (1 + swaps with at least the
    observed difference of either sign) / (1 + swaps), never 0 (Phipson & Smyth 2010).

    Parameters
    ----------
    a, b : int array, (S, seeds, K, K)
        Confusions by subject and seed (:func:`mien.protocols.scores.subject_confusions`), subjects in the same order.
    permutations : int
        Random swaps.
    rng_seed : int
        Of the swaps.

    Returns
    -------
    float
        Two-sided p.

    Examples
    --------
    >>> table = np.tile(np.eye(2, dtype=int), (5, 1, 1, 1))
    >>> permutation_test(table, table)
    1.0
    """
    swapped = np.random.default_rng(rng_seed).integers(0, 2, (permutations, len(a)))
    both = a.sum(axis=0) + b.sum(axis=0)
    first = a.sum(axis=0) + np.tensordot(swapped, b - a, axes=1)
    found = np.abs(_uf1(first) - _uf1(both - first))
    observed = abs(_uf1(a.sum(axis=0)) - _uf1(b.sum(axis=0)))
    return float((1 + np.count_nonzero(found >= observed - ROUNDING)) / (1 + permutations))


def holm(p: Sequence[float]) -> list[float]:
    """Correct p values for being several (Holm 1979): the chance of any false alarm stays below the level.

    Parameters
    ----------
    p : sequence of float
        As tested.

    Returns
    -------
    list of float
        Corrected, in the same order, at most 1.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(np.arange(len(p), 0, -1) * np.asarray(p, dtype=np.float64)[order])
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(steps, 1)
    return corrected.tolist()


def _rows(table: Rows | Path | str) -> Rows:
    rows = read_predictions(table) if isinstance(table, str | Path) else list(table)
    check_predictions(rows)
    return rows


def _keyed(rows: Rows) -> dict[tuple[int, str], Prediction]:
    return {(row.seed, row.sample_id): row for row in rows}


def _check_same(read: Mapping[str, Rows]) -> None:
    """Raise unless all tables are about the same samples of the same seeds, and agree on what they are."""
    (first, rows), *others = read.items()
    expected = _keyed(rows)
    for name, table in others:
        found = _keyed(table)
        differing = expected.keys() ^ found.keys()
        if differing:
            seed, sample = min(differing)
            raise MienError(
                f"got {len(differing)} predictions (seed and sample) that only one of '{first}' ({len(expected)}) and "
                f"'{name}' ({len(found)}) has, such as seed {seed}, '{sample}'; expected the same samples and seeds"
            )
        for field in ("dataset", "subject", "truth"):
            disagreeing = [key for key in expected if getattr(expected[key], field) != getattr(found[key], field)]
            if disagreeing:
                sample = min(disagreeing)[1]
                raise MienError(
                    f"got another {field} for {len(disagreeing)} predictions in '{first}' and '{name}', such as "
                    f"'{sample}'; expected the same; score both under one label map"
                )


def _difference(a: IntArray, b: IntArray, resamples: int, rng_seed: int) -> Document:
    """Differences b - a, and the bootstrap interval of that in UF1, over subjects."""
    scores = [measures(table.sum(axis=0)) for table in (a, b)]
    draws = np.random.default_rng(rng_seed).multinomial(len(a), np.full(len(a), 1 / len(a)), size=resamples)
    drawn = _uf1(np.tensordot(draws, b, axes=1)) - _uf1(np.tensordot(draws, a, axes=1))
    return {
        "difference": {name: float((scores[1][name] - scores[0][name]).mean()) for name in HEADLINES},
        "ci95": {"uf1": np.percentile(drawn, [2.5, 97.5]).tolist()},
    }


def _by_seed(a: Rows, b: Rows) -> Document:
    """McNemar's test of each seed, and of all."""
    others = _keyed(b)
    seeds: dict[str, Document] = {}
    for seed in sorted({row.seed for row in a}):
        right = [
            (row.predicted == row.truth, others[row.seed, row.sample_id].predicted == row.truth)
            for row in a
            if row.seed == seed
        ]
        only_a, only_b = right.count((True, False)), right.count((False, True))
        seeds[str(seed)] = {"only_a": only_a, "only_b": only_b, "p": mcnemar(only_a, only_b)}
    p = [part["p"] for part in seeds.values()]
    return {"p": p[0] if len(p) == 1 else min(1.0, 2 * float(np.median(p))), "seeds": seeds}


def _file(name: str, rows: Rows, table: IntArray) -> Document:
    scores = measures(table.sum(axis=0))
    return {
        "name": name,
        **{metric: float(scores[metric].mean()) for metric in HEADLINES},
        "selections": sorted({row.selection for row in rows}),
        "leaks": leaks(rows),
    }


def _uf1(confusions: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """UF1 of (..., seeds, K, K), mean over seeds."""
    return measures(confusions)["uf1"].mean(axis=-1)
