"""Our own numbers, each with the command that makes it, to stand beside the published ones."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Measured", "measured"]

TABLE = Path(__file__).parent / "measured.csv"
TEXTS = ("method", "preset", "corpus", "trained_on", "labels", "protocol", "metric", "command")


@dataclass(frozen=True, slots=True)
class Measured:
    """One number of a run of mien.

    Attributes
    ----------
    method, preset : str
        What was run.
    corpus, trained_on : str
        Whose clips were scored, and all corpora that the training folds held, joined by ``+``: compare a number only
        with one whose training was the same.
    classes : int
        How many classes.
    labels, protocol, metric : str
        As in :class:`mien.methods.Published`.
    value, low, high : float
        The score and its 95 % interval by subject, 0 to 1.
    command : str
        What makes it.
    """

    method: str
    preset: str
    corpus: str
    trained_on: str
    classes: int
    labels: str
    protocol: str
    metric: str
    value: float
    low: float
    high: float
    command: str


def measured(method: str | None = None) -> list[Measured]:
    """Return our numbers of one method, or all of them, in the order of the file.

    Examples
    --------
    >>> [row.value for row in measured("flow-svm") if (row.corpus, row.metric) == ("casme2+smic", "uf1")]
    [0.7387]
    """
    with TABLE.open(newline="", encoding="utf-8") as file:
        rows = [
            Measured(
                **{name: row[name] for name in TEXTS},
                classes=int(row["classes"]),
                value=float(row["value"]),
                low=float(row["low"]),
                high=float(row["high"]),
            )
            for row in csv.DictReader(file)
        ]
    return [row for row in rows if method in (None, row.method)]
