"""Published numbers, verbatim, each with its corpus, classes, protocol and source."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Published", "published"]

TABLE = Path(__file__).parent / "published.csv"


@dataclass(frozen=True, slots=True)
class Published:
    """One number as a paper prints it.

    Attributes
    ----------
    method, corpus : str
        The name here (or as published, for a method that is not ours); ``megc2019`` is the composite.
    classes : int
        How many classes.
    protocol, metric : str
        ``loso``; ``uf1``, ``uar``, ``accuracy``.
    value : float
        0 to 1.
    source, note : str
        Who printed it; what a reader should know.
    suspect : bool
        The number cannot be what its name says.
    """

    method: str
    corpus: str
    classes: int
    protocol: str
    metric: str
    value: float
    source: str
    note: str
    suspect: bool


def published(method: str | None = None) -> list[Published]:
    """Return the published numbers of one method, or all of them.

    Examples
    --------
    >>> [row.value for row in published("off-apexnet") if (row.corpus, row.metric) == ("megc2019", "uf1")]
    [0.7196]
    """
    with TABLE.open(newline="", encoding="utf-8") as file:
        rows = [
            Published(
                **{name: row[name] for name in ("method", "corpus", "protocol", "metric", "source", "note")},
                classes=int(row["classes"]),
                value=float(row["value"]),
                suspect=row["suspect"] == "true",
            )
            for row in csv.DictReader(file)
        ]
    return [row for row in rows if method in (None, row.method)]
