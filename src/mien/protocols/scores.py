"""The scores document: everything one may ask of a prediction file, recomputed from it alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from mien.core import MienError, MienWarning, Prediction
from mien.protocols.metrics import HEADLINES, IntArray, confusion, fold_means, measures, metrics
from mien.protocols.predictions import check_predictions, class_order, read_predictions
from mien.protocols.splits import SUBJECT_LEAK
from mien.protocols.statistics import majority, random_baseline

__all__ = ["TEST_SELECTION_LEAK", "leaks", "score", "subject_confusions"]

Document = dict[str, Any]
Rows = Sequence[Prediction]

HONEST_SELECTIONS = {"last", "inner", ""}
TEST_SELECTION_LEAK = (
    "The test fold chose the epoch (selection 'test'): "
    "the score is a maximum found in hindsight, not what a new subject would get."
)


def score(predictions: Rows | Path | str, *, resamples: int = 2000, rng_seed: int = 0) -> Document:
    """Compute every metric of a prediction file.

    Each seed is scored alone and values are means over seeds; ``confusion`` is the first seed's. Intervals resample
    subjects with replacement, the same subjects in all seeds, and take the 2.5 and 97.5 percentiles of the seed mean
    (percentile bootstrap, Efron & Tibshirani 1993, chapter 13).

    Parameters
    ----------
    predictions : sequence of Prediction, or path
        Predictions or the file that holds them.
    resamples : int
        Bootstrap resamples.
    rng_seed : int
        Seed of the bootstrap.

    Returns
    -------
    dict
        The ``scores.json`` of the contract without what only a run knows; plain numbers, lists and dicts. Beside
        each table, ``baselines``: what always saying the most frequent class (``majority``) and guessing every class
        equally often (``guessing``) get on these samples; and ``seed_sd``, the standard deviation of the headline
        scores over seeds (null for one seed).

    Raises
    ------
    MienError
        If the predictions cannot be scored (see :func:`mien.protocols.predictions.check_predictions`).

    Examples
    --------
    >>> rows = [
    ...     Prediction("smic", f"smic/s{i}", f"smic/s{i}/a", f"smic/s{i}", 0, "last", truth, "negative")
    ...     for i, truth in enumerate(["negative", "negative", "negative", "positive"])
    ... ]
    >>> document = score(rows)
    >>> document["accuracy"], document["uar"], document["confusion"]
    (0.75, 0.5, [[3, 0], [1, 0]])
    """
    if resamples < 1:
        raise MienError(f"got {resamples} resamples; expected at least 1; 2000 is usual")
    rows = read_predictions(predictions) if isinstance(predictions, str | Path) else list(predictions)
    check_predictions(rows)
    classes = class_order(rows)
    _warn_of_gaps(rows, classes)
    document = _with_datasets(rows, classes, resamples, rng_seed)
    document["seeds"] = {
        str(seed): _with_datasets(part, classes, resamples, rng_seed)
        for seed, part in _grouped(rows, lambda row: row.seed).items()
    }
    document["seed_sd"] = _seed_spread(document["seeds"].values())
    document["selection"] = ", ".join(sorted({row.selection for row in rows}))
    document["leaks"] = leaks(rows)
    return document


def subject_confusions(rows: Rows, classes: Sequence[str]) -> tuple[list[str], IntArray]:
    """Count truth against prediction by subject and seed: all that resampling by subject needs.

    Parameters
    ----------
    rows : sequence of Prediction
        Of one or more seeds.
    classes : sequence of str, length K
        The order of rows and columns.

    Returns
    -------
    list of str, length S
        Subjects, sorted.
    int array, (S, seeds, K, K)
        Rows are the truth; seeds in ascending order.

    Examples
    --------
    >>> row = Prediction("smic", "smic/s1", "smic/s1/a", "smic/s1", 0, "last", "joy", "calm")
    >>> subject_confusions([row], ["calm", "joy"])
    (['smic/s1'], array([[[[0, 0],
             [1, 0]]]]))
    """
    seeds = _grouped(rows, lambda row: row.seed)
    subjects = sorted({_subject(row) for row in rows})
    table = np.zeros((len(subjects), len(seeds), len(classes), len(classes)), dtype=np.int64)
    for number, part in enumerate(seeds.values()):
        for name, own in _grouped(part, _subject).items():
            table[subjects.index(name), number] = _confusion(own, classes)
    return subjects, table


def leaks(rows: Rows) -> list[str]:
    """Return what the predictions alone show to be dishonest, a sentence each; nothing for an honest run."""
    selections = {row.selection for row in rows}
    found = [TEST_SELECTION_LEAK] if "test" in selections else []
    found += [
        f"How the epoch was chosen is not known (selection '{name}'; known: last, inner, test): it may leak."
        for name in sorted(selections - HONEST_SELECTIONS - {"test"})
    ]
    folds = {(row.seed, _subject(row), row.fold) for row in rows}
    if len(folds) > len({(seed, subject) for seed, subject, _ in folds}):
        found.append(SUBJECT_LEAK)
    return found


def _seed_spread(seeds: Iterable[Document]) -> Document:
    """Standard deviation over seeds of the headline scores; null for a single seed."""
    parts = list(seeds)
    return {name: stdev(part[name] for part in parts) if len(parts) > 1 else None for name in HEADLINES}


def _with_datasets(rows: Rows, classes: Sequence[str], resamples: int, rng_seed: int) -> Document:
    """Scores of the rows, and the same for each corpus among them."""
    document = _over_seeds(rows, classes, resamples, rng_seed)
    document["by_dataset"] = {
        dataset: _over_seeds(part, classes, resamples, rng_seed)
        for dataset, part in _grouped(rows, lambda row: row.dataset).items()
    }
    return document


def _over_seeds(rows: Rows, classes: Sequence[str], resamples: int, rng_seed: int) -> Document:
    """Means over seeds of the pooled scores, with intervals."""
    parts = _grouped(rows, lambda row: row.seed).values()
    document: Document = _mean([_one_seed(part, classes) for part in parts])
    document["ci95"] = _intervals(rows, classes, resamples, rng_seed)
    truth = list({row.sample_id: row.truth for row in rows}.values())
    document["baselines"] = {"majority": majority(truth, classes), "guessing": random_baseline(truth, classes)}
    return document


def _one_seed(rows: Rows, classes: Sequence[str]) -> Document:
    """Scores of one seed: pooled over its folds, by subject, and the mean of its folds."""
    pooled = _confusion(rows, classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MienWarning)  # said once, by score()
        document = metrics(pooled, classes)
    subjects = _grouped(rows, _subject)
    folds = _grouped(rows, lambda row: row.fold)
    return document | {
        "classes": list(classes),
        "confusion": pooled.tolist(),
        "by_subject": {
            name: {"n": len(part), "accuracy": fmean(row.truth == row.predicted for row in part)}
            for name, part in subjects.items()
        },
        "fold_mean": {"accuracy": None, "uf1": None}
        if "" in folds
        else fold_means(np.stack([_confusion(part, classes) for part in folds.values()])),
    }


def _intervals(rows: Rows, classes: Sequence[str], resamples: int, rng_seed: int) -> dict[str, list[float]]:
    """95 % intervals of the seed mean, resampled by subject: counts of subjects times their confusions."""
    subjects, table = subject_confusions(rows, classes)
    count = len(subjects)
    draws = np.random.default_rng(rng_seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    scores = measures(np.tensordot(draws, table, axes=1))
    return {name: np.percentile(scores[name].mean(axis=1), [2.5, 97.5]).tolist() for name in HEADLINES}


def _mean(parts: Sequence[Any]) -> Any:
    """Mean of equally built documents, number by number; of lists (classes, confusion) the first."""
    first = parts[0]
    if isinstance(first, dict):
        keys = dict.fromkeys(key for part in parts for key in part)
        return {key: _mean([part[key] for part in parts if key in part]) for key in keys}
    if isinstance(first, list) or all(part == first for part in parts):
        return first
    return None if None in parts else fmean(parts)


def _warn_of_gaps(rows: Rows, classes: Sequence[str]) -> None:
    """Say once what a reader of the scores should know."""
    nowhere = _absent(rows, classes)
    gaps = {"the predictions": nowhere}
    gaps |= {name: _absent(part, classes) - nowhere for name, part in _grouped(rows, lambda row: row.dataset).items()}
    for place, absent in gaps.items():
        if absent:
            names = " or ".join(sorted(absent))
            text = f"no sample in {place} is truly {names}: recall and F1 of that class count as 0 there"
            warnings.warn(text, MienWarning, stacklevel=3)
    sizes = {seed: len(part) for seed, part in _grouped(rows, lambda row: row.seed).items()}
    samples = len({row.sample_id for row in rows})
    if set(sizes.values()) != {samples}:
        text = f"the seeds hold different samples ({samples} in all; by seed {sizes}): their mean mixes unequal things"
        warnings.warn(text, MienWarning, stacklevel=3)


def _absent(rows: Rows, classes: Sequence[str]) -> set[str]:
    return set(classes) - {row.truth for row in rows}


def _confusion(rows: Rows, classes: Sequence[str]) -> IntArray:
    return confusion([row.truth for row in rows], [row.predicted for row in rows], classes)


def _grouped(rows: Rows, key: Callable[[Prediction], Any]) -> dict[Any, list[Prediction]]:
    """Rows by key, keys sorted."""
    groups: dict[Any, list[Prediction]] = {name: [] for name in sorted({key(row) for row in rows})}
    for row in rows:
        groups[key(row)].append(row)
    return groups


def _subject(row: Prediction) -> str:
    """The subject's name across corpora, for files that did not namespace it."""
    return row.subject if row.subject.startswith(f"{row.dataset}/") else f"{row.dataset}/{row.subject}"
