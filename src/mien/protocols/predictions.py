"""Prediction files: the artefact of an evaluation. Every metric, table and figure recomputes from them."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from mien.core import MienError, Prediction, atomic_path

__all__ = ["MEGC_CLASSES", "check_predictions", "class_order", "read_predictions", "write_predictions"]

COLUMNS = ("dataset", "subject", "sample_id", "fold", "seed", "selection", "truth", "predicted")
NEVER_EMPTY = ("dataset", "subject", "sample_id", "truth", "predicted")
MEGC_CLASSES = ("negative", "positive", "surprise")
# One unit in the last place above 1 is rounding, not a broken file.
ROUNDING = 1e-6


def write_predictions(path: Path | str, predictions: Sequence[Prediction]) -> None:
    """Write predictions as CSV, one ``p_<class>`` column per class; probabilities read back exactly.

    Parameters
    ----------
    path : Path or str
        The file to write; it appears whole or not at all.
    predictions : sequence of Prediction
        In any order.

    Raises
    ------
    MienError
        If the predictions contradict each other (see :func:`check_predictions`) or the path cannot be written.
    """
    check_predictions(predictions)
    classes = [name for name in class_order(predictions) if name in predictions[0].probabilities]
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*COLUMNS, *(f"p_{name}" for name in classes)])
        for row in predictions:
            probabilities = (repr(float(row.probabilities[name])) for name in classes)
            table.writerow([*(getattr(row, column) for column in COLUMNS), *probabilities])


def read_predictions(path: Path | str) -> list[Prediction]:
    """Read a predictions file; columns that are not of the format are ignored.

    Parameters
    ----------
    path : Path or str
        CSV in UTF-8 with the columns ``dataset, subject, sample_id, fold, seed, selection, truth, predicted`` and,
        optionally, one ``p_<class>`` per class.

    Returns
    -------
    list of Prediction
        In the order of the file.

    Raises
    ------
    MienError
        If the file is not such a table; the message names the line.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file, strict=True)
            classes = _class_columns(table.fieldnames or [], path)
            places, predictions = [], []
            for row in table:
                places.append(f"line {table.line_num} of '{path}'")
                predictions.append(_prediction(row, classes, places[-1]))
    except OSError as error:
        raise MienError(f"got '{path}', but {error.strerror}; expected a predictions file; check the path") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MienError(f"got '{path}', which is not CSV in UTF-8 ({error}); expected a predictions file") from error
    check_predictions(predictions, places or [f"'{path}'"])
    return predictions


def class_order(predictions: Sequence[Prediction]) -> tuple[str, ...]:
    """Return the classes in the order in which tables show them.

    The three MEGC2019 classes come as negative, positive, surprise; others as their probabilities are listed, and
    without probabilities sorted by name.

    Examples
    --------
    >>> row = Prediction("smic", "smic/s1", "smic/s1/s1_ne_01", "smic/s1", 0, "last", "surprise", "positive")
    >>> class_order([row])
    ('positive', 'surprise')
    """
    listed = list(predictions[0].probabilities) if predictions else []
    named = {name for row in predictions for name in (row.truth, row.predicted)}
    classes = (*listed, *sorted(named - set(listed)))
    return MEGC_CLASSES if set(classes) == set(MEGC_CLASSES) else classes


def check_predictions(predictions: Sequence[Prediction], places: Sequence[str] = ()) -> None:
    """Raise unless the predictions can be scored: complete, in range, one per sample and seed, one truth per sample.

    Parameters
    ----------
    predictions : sequence of Prediction
        What to check.
    places : sequence of str, optional
        Where each came from ("line 7 of 'a.csv'"), for the message.

    Raises
    ------
    MienError
        Naming the first prediction that is wrong.
    """
    if not predictions:
        raise MienError(f"got no predictions in {places[0] if places else 'a list'}; expected one row per sample")
    places = places or [f"prediction {number}" for number in range(1, len(predictions) + 1)]
    classes = set(predictions[0].probabilities)
    for row, place in zip(predictions, places, strict=True):
        _check_row(row, classes, place)
    _check_unique(predictions, places)


def _check_row(row: Prediction, classes: set[str], place: str) -> None:
    """Raise unless one prediction is complete and its probabilities are such."""
    for column in NEVER_EMPTY:
        if not str(getattr(row, column)).strip():
            raise MienError(f"got an empty {column} at {place}; expected every row to have one; fill it in")
    if set(row.probabilities) != classes:
        got, expected = ", ".join(row.probabilities) or "none", ", ".join(sorted(classes)) or "none"
        raise MienError(f"got probabilities of {got} at {place}; expected {expected}, as in the first row")
    for name, value in row.probabilities.items():
        if not (math.isfinite(value) and -ROUNDING <= value <= 1 + ROUNDING):
            raise MienError(f"got p_{name} = {value} at {place}; expected a probability from 0 to 1")
    for column in ("truth", "predicted"):
        if classes and getattr(row, column) not in classes:
            raise MienError(
                f"got the unknown class '{getattr(row, column)}' in {column} at {place}; "
                f"expected one of the p_ columns: {', '.join(sorted(classes))}"
            )


def _check_unique(predictions: Sequence[Prediction], places: Sequence[str]) -> None:
    """Raise if a seed predicts a sample twice, or two seeds disagree on what the sample is."""
    first: dict[str, tuple[Prediction, str]] = {}
    seen: dict[tuple[int, str], str] = {}
    for row, place in zip(predictions, places, strict=True):
        key = (row.seed, row.sample_id)
        if key in seen:
            raise MienError(
                f"got sample '{row.sample_id}' of seed {row.seed} twice, at {seen[key]} and {place}; "
                "expected one prediction per sample and seed; remove one"
            )
        seen[key] = place
        other, where = first.setdefault(row.sample_id, (row, place))
        for column in ("dataset", "subject", "truth"):
            if getattr(other, column) != getattr(row, column):
                raise MienError(
                    f"got {column} '{getattr(row, column)}' of sample '{row.sample_id}' at {place}, but "
                    f"'{getattr(other, column)}' at {where}; expected all seeds to agree; check the file"
                )


def _class_columns(header: Sequence[str], path: Path) -> list[str]:
    """Check the header; return the class names of its ``p_`` columns."""
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        got = ", ".join(header)[:100]
        raise MienError(
            f"got a header without {', '.join(missing)} at line 1 of '{path}' ({got!r}); "
            f"expected {','.join(COLUMNS)} and one p_<class> per class"
        )
    ours = sorted(name for name in header if name in COLUMNS or name.startswith("p_"))
    twice = [name for name, following in pairwise(ours) if name == following]
    if twice:
        raise MienError(f"got the column {twice[0]} twice at line 1 of '{path}'; expected it once; remove one")
    return [name.removeprefix("p_") for name in header if name.startswith("p_")]


def _prediction(row: Mapping[Any, Any], classes: Sequence[str], place: str) -> Prediction:
    """Turn one row of the table into a record."""
    if None in row or None in row.values():
        raise MienError(
            f"got a row with too many or too few cells at {place}; expected one cell per column of the header"
        )
    try:
        seed = int(row["seed"])
    except ValueError:
        raise MienError(f"got the seed '{row['seed']}' at {place}; expected a whole number") from None
    probabilities = {name: _probability(row[f"p_{name}"], name, place) for name in classes}
    texts = {column: row[column] for column in COLUMNS if column != "seed"}
    return Prediction(**texts, seed=seed, probabilities=probabilities)


def _probability(text: str, name: str, place: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise MienError(f"got p_{name} = '{text}' at {place}; expected a probability from 0 to 1") from None
