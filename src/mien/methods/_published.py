"""Published numbers, verbatim, each with its corpus, classes, protocol and source."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Published", "published"]

TABLE = Path(__file__).parent / "published.csv"
TEXTS = ("method", "variant", "corpus", "labels", "protocol", "metric", "source", "note")


@dataclass(frozen=True, slots=True)
class Published:
    """One number as a paper prints it.

    Attributes
    ----------
    method, variant : str
        The name here (or a short one, for a method that is not ours); which arm of an ablation, empty for the method.
    corpus : str
        Where it was measured; ``megc2019`` is the composite.
    classes : int
        How many classes; 0 where the source at hand does not say.
    labels : str
        The label map, where the source says which clips are which class; else empty. ``megc2019`` beside one corpus
        is that corpus's share of the composite: trained on all three.
    protocol, metric : str
        ``loso``, ``loo``; ``uf1``, ``uar``, ``accuracy``. ``f1`` is an F1 whose averaging is not stated: it equals
        no other metric.
    value : float
        0 to 1.
    source, note : str
        Who printed it, and where; what a reader should know.
    suspect : bool
        The number cannot be what its name says, or the test subject chose it: the note says why.
    """

    method: str
    variant: str
    corpus: str
    classes: int
    labels: str
    protocol: str
    metric: str
    value: float
    source: str
    note: str
    suspect: bool


def published(method: str | None = None) -> list[Published]:
    """Return the published numbers of one method, or all of them, in the order of the file.

    Parameters
    ----------
    method : str, optional
        A name of the table; one that has no numbers gives an empty list.

    Examples
    --------
    >>> rows = published("off-apexnet")
    >>> [row.value for row in rows if (row.corpus, row.labels, row.metric) == ("megc2019", "megc2019", "uf1")]
    [0.7196]
    """
    with TABLE.open(newline="", encoding="utf-8") as file:
        rows = [
            Published(
                **{name: row[name] for name in TEXTS},
                classes=int(row["classes"]),
                value=float(row["value"]),
                suspect=row["suspect"] == "true",
            )
            for row in csv.DictReader(file)
        ]
    return [row for row in rows if method in (None, row.method)]
