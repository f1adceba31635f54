"""How many clips of a corpus each label map puts into each class."""

from __future__ import annotations

import csv
from functools import cache
from importlib import resources

__all__ = ["label_counts"]


def label_counts(dataset: str, labels: str) -> dict[str, dict[str, int]]:
    """Return the clips per class, by coding where a corpus has several; empty where they are not known.

    From the corpora's distributed tables (of SMIC: from its 164 clips), by applying the map.

    Examples
    --------
    >>> label_counts("casme2", "casme2_5")["2019"]
    {'happiness': 32, 'disgust': 63, 'repression': 27, 'surprise': 28, 'others': 99}
    >>> label_counts("casme2", "casme3_4")
    {}
    """
    counts: dict[str, dict[str, int]] = {}
    for row in _rows():
        if (row["dataset"], row["labels"]) == (dataset, labels):
            counts.setdefault(row["coding"], {})[row["class"]] = int(row["clips"])
    return counts


@cache
def _rows() -> tuple[dict[str, str], ...]:
    text = resources.files("mien.datasets").joinpath("label_counts.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))
