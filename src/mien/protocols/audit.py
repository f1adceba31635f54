"""The audit of a run: the honest score, and what the usual shortcuts would have reported for the same predictions."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError, Prediction
from mien.protocols.metrics import HEADLINES, IntArray, confusion, measures
from mien.protocols.predictions import class_order, read_predictions
from mien.protocols.scores import leaks, score

__all__ = ["audit", "random_best_of"]

Document = dict[str, Any]
Key = tuple[int, str]

FLOOR = (1, 10, 200, 800)
# Published SMIC numbers were computed on 157 of its 164 clips (CapsuleNet's log, for one).
LOST, OF = 7, 164
AT_ONCE = 1 << 18  # labels that the random classifier draws at a time: they need 3 MB
NO_EPOCHS = (
    "What choosing an epoch by the test fold would gain is not known: "
    "no predictions per epoch were kept; rerun with --keep-epochs."
)


def audit(run: Path | str, *, repeats: int = 50, rng_seed: int = 0) -> Document:
    """Compute what the shortcuts of published evaluations would have reported for one run.

    All of them are recomputed from what the run kept; nothing is trained. Each seed is treated alone, and values are
    means over seeds. The honest score is that of ``predictions.csv``; of a run whose epoch the test fold chose, it is
    that of the last epoch, if epochs were kept.

    The shortcuts, by their names in the document:

    - ``fold means``: accuracy and macro F1 of each fold, averaged; a fold's F1 runs over the classes in it.
    - ``micro F1 as F1``: equal to accuracy. ``weighted F1 as F1``: classes weighted by size.
    - ``precision as UAR``: truth and prediction swapped. ``(TP + TN) / N as accuracy``: averaged over classes.
    - ``folds without all classes dropped``: pooled over the test folds in which every class occurs.
    - ``7 clips lost, at best``: as many clips gone from the test as in published runs on SMIC (7 of 164; of fewer clips
      the same share), those whose loss raises UF1 most, found one by one. A bound, not an estimate.
    - ``best epoch per test fold, by accuracy`` and ``by F1``: the first epoch with the best accuracy (or macro F1 over
      the fold's classes) **on the test fold**; papers that choose twice print the accuracy of the one and the F1 of the
      other. ``best epoch of all, by UF1``: one epoch for all folds, chosen by the pooled test UF1.

    The floor is what a classifier that knows nothing but the class sizes reaches with the best of N epochs per test
    fold (:func:`random_best_of`): a score chosen so is worth what it exceeds this by.

    Parameters
    ----------
    run : Path or str
        A folder of ``mien evaluate``; with ``--keep-epochs`` for the rows about epochs.
    repeats : int
        Random classifiers per number of epochs.
    rng_seed : int
        Of these.

    Returns
    -------
    dict
        ``n``, ``folds``, ``seeds``, ``epochs`` (the most of any fold, or None); ``honest`` (``accuracy``, ``uf1``,
        ``uar``, ``ci95``); ``leaks``, of what the run reported; ``shortcuts``, a list of ``name``, ``accuracy``,
        ``uf1``, ``uar`` (None where the shortcut does not touch it), ``gain`` (over the honest score) and ``n``;
        ``floor``, a list of ``epochs``, ``accuracy``, ``uf1``, ``uar``; ``notes``.

    Raises
    ------
    MienError
        If the folder is no finished run, its parts contradict each other, or the test fold chose the epoch and nothing
        honest was kept.
    """
    folder = Path(run)
    if not (folder / "predictions.csv").is_file():
        raise MienError(f"got '{folder}' without predictions.csv; expected a finished run of mien evaluate; check it")
    rows = read_predictions(folder / "predictions.csv")
    classes = _classes(folder, rows)
    kept = _kept_epochs(folder, rows, classes)
    found = leaks(rows)  # of what was reported, before it is made honest
    rows = _honest(folder, rows, kept, classes)
    folds = _folds(rows, kept, classes)
    scores = score(rows)
    shortcuts = _by_counting(scores, folds) + (_by_epoch(folds) if kept else [])
    epochs = max((len(part.predicted) for part in kept.values()), default=None)
    first = [row for row in rows if row.seed == rows[0].seed]
    truth, groups = [row.truth for row in first], [row.fold for row in first]
    return {
        "n": scores["n"],
        "folds": len(folds) // len(scores["seeds"]),
        "seeds": [int(seed) for seed in scores["seeds"]],
        "epochs": epochs,
        "honest": {name: scores[name] for name in (*HEADLINES, "ci95")},
        "leaks": found,
        "shortcuts": [_with_gain(shortcut, scores) for shortcut in shortcuts],
        "floor": [
            {"epochs": n} | random_best_of(truth, groups, n, repeats=repeats, seed=rng_seed)
            for n in sorted({*FLOOR, epochs or 1})
        ],
        "notes": [] if kept else [NO_EPOCHS],
    }


def random_best_of(
    truth: Sequence[str], subjects: Sequence[str], n: int, *, repeats: int = 50, seed: int = 0
) -> dict[str, float]:
    """Score a random classifier that may choose, for each subject, the most accurate of ``n`` epochs.

    In every epoch every label is drawn anew from the class priors of ``truth``: nothing is learned. Choosing by the
    test subject does the rest, the more the fewer clips a subject has.

    Parameters
    ----------
    truth, subjects : sequence of str, length N
        Class and subject (or test fold) of each sample.
    n : int
        Epochs.
    repeats : int
        Random classifiers to average over.
    seed : int
        Of the draws.

    Returns
    -------
    dict
        ``accuracy``, ``uf1``, ``uar``, pooled over subjects, 0..1: means over the repeats.

    Raises
    ------
    MienError
        If nothing is given, lengths differ, or a number is below 1.

    Examples
    --------
    >>> truth = ["calm", "joy"] * 50
    >>> subjects = [f"s{i // 4}" for i in range(100)]
    >>> [round(random_best_of(truth, subjects, n)["accuracy"], 1) for n in (1, 100)]
    [0.5, 1.0]
    """
    if len(truth) != len(subjects) or not len(truth) or n < 1 or repeats < 1:
        raise MienError(
            f"got {len(truth)} truths, {len(subjects)} subjects, {n} epochs, {repeats} repeats; "
            "expected as many subjects as truths, and at least 1 of each"
        )
    _, labels = np.unique(truth, return_inverse=True)
    sizes = np.bincount(labels)
    edges = np.cumsum(sizes)[:-1] / len(labels)
    names = np.asarray(subjects)
    rng = np.random.default_rng(seed)
    total = np.zeros((repeats, len(sizes), len(sizes)), dtype=np.int64)
    each = np.arange(repeats)
    for name in np.unique(names):
        own = labels[names == name]
        for some in np.array_split(each, min(repeats, -(-repeats * n * len(own) // AT_ONCE))):
            drawn = np.searchsorted(edges, rng.random((len(some), n, len(own)), dtype=np.float32), side="right")
            best = (drawn == own).sum(axis=-1).argmax(axis=1)
            np.add.at(total, (some[:, None], own, drawn[np.arange(len(some)), best]), 1)
    scores = measures(total)
    return {name: float(scores[name].mean()) for name in HEADLINES}


@dataclass(frozen=True, slots=True, eq=False)
class _Fold:
    """One test fold of one seed: its confusion (K, K), and where kept that of every epoch (E, K, K)."""

    seed: int
    table: IntArray
    epochs: IntArray | None


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """The test predictions of every epoch of one fold: true classes (n,), predicted classes (E, n)."""

    sample_ids: list[str]
    truth: IntArray
    predicted: IntArray

    def tables(self, n_classes: int) -> IntArray:
        """Confusion of each epoch, (E, K, K)."""
        tables = np.zeros((len(self.predicted), n_classes, n_classes), dtype=np.int64)
        np.add.at(tables, (np.arange(len(tables))[:, None], self.truth, self.predicted), 1)
        return tables


def _classes(folder: Path, rows: Sequence[Prediction]) -> list[str]:
    """Return the classes in the order of the run, to which the numbers in kept epochs refer."""
    try:
        classes = list(json.loads((folder / "run.json").read_text(encoding="utf-8"))["classes"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MienError(f"got '{folder}' without a readable run.json; expected a run of mien evaluate") from error
    unknown = sorted(set(class_order(rows)) - set(classes))
    if unknown:
        raise MienError(f"got the class '{unknown[0]}' in the predictions of '{folder}', but run.json lacks it; rerun")
    return classes


def _kept_epochs(folder: Path, rows: Sequence[Prediction], classes: Sequence[str]) -> dict[Key, _Kept]:
    """Read the epochs of each seed and fold; empty where none were kept."""
    known = {(row.seed, row.sample_id): row for row in rows}
    found: dict[Key, _Kept] = {}
    for path in sorted((folder / "epochs").glob("[!.]*.npz")):  # a hidden one was being written when the run was killed
        seed, kept = _read_epochs(path)
        own = [known.get((seed, name)) for name in kept.sample_ids]
        for row, label in zip(own, kept.truth, strict=True):
            if row is None or row.truth != classes[label]:
                raise MienError(f"got '{path}', which is not of the run in predictions.csv; expected one run; rerun it")
            found[seed, row.fold] = kept
    missing = sorted({(row.seed, row.fold) for row in rows} - set(found)) if found else []
    if missing:
        raise MienError(f"got no epochs of fold '{missing[0][1]}' in '{folder / 'epochs'}'; expected all folds; rerun")
    return found


def _read_epochs(path: Path) -> tuple[int, _Kept]:
    """Return the seed, which the name begins with, and the content of one file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return int(path.name.partition("-")[0]), _Kept(file["sample_id"].tolist(), file["truth"], file["predicted"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise MienError(f"got '{path}', which does not read ({error}); expected kept epochs; rerun the fold") from error


def _honest(
    folder: Path, rows: Sequence[Prediction], kept: Mapping[Key, _Kept], classes: Sequence[str]
) -> list[Prediction]:
    """Return the predictions as they are, or, where the test fold chose the epoch, those of the last epoch."""
    if all(row.selection != "test" for row in rows):
        return list(rows)
    if not kept:
        raise MienError(
            f"got '{folder}', whose epochs the test folds chose, and nothing honest to compare with; "
            "expected --select last, or kept epochs; rerun with --keep-epochs"
        )
    last = {
        (seed, name): classes[label]
        for (seed, _), part in kept.items()
        for name, label in zip(part.sample_ids, part.predicted[-1], strict=True)
    }
    return [replace(row, predicted=last[row.seed, row.sample_id], selection="last") for row in rows]


def _folds(rows: Sequence[Prediction], kept: Mapping[Key, _Kept], classes: Sequence[str]) -> list[_Fold]:
    parts: dict[Key, list[Prediction]] = {}
    for row in rows:
        parts.setdefault((row.seed, row.fold), []).append(row)
    return [
        _Fold(
            key[0],
            confusion([row.truth for row in part], [row.predicted for row in part], classes),
            kept[key].tables(len(classes)) if kept else None,
        )
        for key, part in sorted(parts.items())
    ]


def _by_counting(scores: Document, folds: Sequence[_Fold]) -> list[Document]:
    """Shortcuts that count the same predictions in another way, or leave some out."""
    ovr = _pooled((fold.seed, fold.table) for fold in folds)["ovr_accuracy"]
    whole = [(fold.seed, fold.table) for fold in folds if fold.table.sum(axis=1).all()]
    return [
        {"name": "fold means", **scores["fold_mean"]},
        {"name": "micro F1 as F1", "uf1": scores["accuracy"]},
        {"name": "weighted F1 as F1", "uf1": scores["f1_weighted"]},
        {"name": "precision as UAR", "uar": scores["macro_precision"]},
        {"name": "(TP + TN) / N as accuracy", "accuracy": ovr},
        {"name": "folds without all classes dropped", **(_pooled(whole) if whole else {"n": 0})},
        _with_clips_lost(folds),
    ]


def _with_clips_lost(folds: Sequence[_Fold]) -> Document:
    """Take away, one by one, the wrong clip whose loss raises UF1 most; clips of one cell are as good as each other."""
    found = []
    for seed in sorted({fold.seed for fold in folds}):
        table = np.sum([fold.table for fold in folds if fold.seed == seed], axis=0)
        cells = np.eye(table.size, dtype=np.int64).reshape(-1, *table.shape)
        lost = min(LOST, round(table.sum() * LOST / OF))
        for _ in range(lost):
            fewer = table - cells[table.ravel() > 0]
            table = fewer[measures(fewer)["uf1"].argmax()]
        found.append((seed, table))
    return {"name": f"{lost} clips lost, at best", **_pooled(found)}


def _by_epoch(folds: Sequence[_Fold]) -> list[Document]:
    """Shortcuts that let the test folds choose an epoch."""
    kept = [(fold.seed, fold.epochs) for fold in folds if fold.epochs is not None]
    criteria = {"accuracy": lambda tables: measures(tables)["accuracy"], "F1": _present_f1}
    return [
        {
            "name": f"best epoch per test fold, by {name}",
            **_pooled((seed, tables[criterion(tables).argmax()]) for seed, tables in kept),
        }
        for name, criterion in criteria.items()
    ] + [{"name": "best epoch of all, by UF1", **_pooled(_best_of_all(kept))}]


def _best_of_all(kept: Sequence[tuple[int, IntArray]]) -> Iterator[tuple[int, IntArray]]:
    """Pooled confusion of the best epoch of each seed, among the epochs that all its folds have."""
    for seed in sorted({seed for seed, _ in kept}):
        own = [tables for other, tables in kept if other == seed]
        common = min(map(len, own))
        pooled = np.sum([tables[:common] for tables in own], axis=0)
        yield seed, pooled[measures(pooled)["uf1"].argmax()]


def _present_f1(tables: IntArray) -> npt.NDArray[np.float64]:
    """Macro F1 of (E, K, K) over the classes that occur in truth or prediction, as in fold means."""
    present = (tables.sum(axis=-1) + tables.sum(axis=-2) > 0).sum(axis=-1)
    return measures(tables)["uf1"] * tables.shape[-1] / present


def _pooled(tables: Iterable[tuple[int, IntArray]]) -> Document:
    """Sum the confusions of each seed, score them, and take the mean over seeds."""
    seeds: dict[int, IntArray] = {}
    for seed, table in tables:
        seeds[seed] = seeds.get(seed, 0) + table
    summed = np.stack(list(seeds.values()))
    scores = measures(summed)
    return {name: float(scores[name].mean()) for name in (*HEADLINES, "ovr_accuracy")} | {
        "n": float(summed.sum() / len(summed))
    }


def _with_gain(shortcut: Document, scores: Document) -> Document:
    values = {name: shortcut.get(name) for name in HEADLINES}
    gains = {name: None if value is None else value - scores[name] for name, value in values.items()}
    return {"name": shortcut["name"], **values, "gain": gains, "n": shortcut.get("n", scores["n"])}
