"""Which action units go with which emotion: one table with its sources.

``mixtures.csv`` beside this file counts sets of action units per class in three corpora that mien is not tested on:
DFME, MMEW and CAS(ME)^3 (``scripts/make_mixtures.py`` remakes it). To these counts the prototypes of FACS (Ekman,
Friesen & Hager 2002, Investigator's Guide, table 10-1, and EMFACS) are added, so that what the corpora happen to lack
is not unknown.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from mien.core import MienError

__all__ = ["CLASSES", "CORPORA", "PROTOTYPES", "Expression", "class_shares", "draw_expression", "mixture"]

CLASSES = ("negative", "positive", "surprise")
CORPORA = ("dfme", "mmew", "casme3")

PROTOTYPES: dict[str, tuple[str, ...]] = {
    "negative": (
        "4", "4+7", "4+5+7", "4+23", "4+24",  # anger
        "9", "10", "9+17", "10+17", "4+9",  # disgust
        "1+4", "1+4+15", "15", "15+17",  # sadness
        "1+2+4", "1+2+4+5", "4+20", "20",  # fear
    ),
    "positive": ("12", "6+12", "12+25", "6+12+25"),
    "surprise": ("1+2", "1+2+5", "1+2+5+26", "1+2+26", "1+2+25"),
}  # fmt: skip
"""Sets of action units that FACS names for the emotions behind each class, all given the same weight."""

_PROTOTYPE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Expression:
    """A set of action units, how often it shows in its class, and how often on one side of the face only."""

    action_units: tuple[int, ...]
    weight: float
    one_sided: float


@cache
def mixture(emotion: str) -> tuple[Expression, ...]:
    """Return the expressions of a class with weights that sum to 1.

    Each corpus counts the same whatever its size; the prototypes have half of the weight.

    Raises
    ------
    MienError
        For a class that the table does not hold.

    Examples
    --------
    >>> max(mixture("surprise"), key=lambda e: e.weight).action_units
    (1, 2, 5)
    """
    if emotion not in CLASSES:
        raise MienError(f"got the class '{emotion}'; expected one of {', '.join(CLASSES)}; see synthesis/mixtures.csv")
    rows = [row for row in _rows() if row["class"] == emotion]
    totals = {corpus: sum(int(row[corpus]) for row in rows) for corpus in CORPORA}
    weights: dict[str, float] = dict.fromkeys(PROTOTYPES[emotion], _PROTOTYPE_SHARE / len(PROTOTYPES[emotion]))
    one_sided: dict[str, float] = {}
    for row in rows:
        share = sum(int(row[corpus]) / totals[corpus] for corpus in CORPORA) / len(CORPORA)
        units = row["action_units"]
        weights[units] = weights.get(units, 0.0) + (1 - _PROTOTYPE_SHARE) * share
        one_sided[units] = int(row["one_sided"]) / sum(int(row[corpus]) for corpus in CORPORA)
    return tuple(
        Expression(tuple(map(int, units.split("+"))), weight, one_sided.get(units, 0.0))
        for units, weight in weights.items()
    )


def class_shares() -> dict[str, float]:
    """How frequent each class is to be expected: half of it even, half as in the three corpora, each counted the same.

    Examples
    --------
    >>> {name: round(share, 2) for name, share in class_shares().items()}
    {'negative': 0.47, 'positive': 0.22, 'surprise': 0.3}
    """
    counts = np.array([[sum(int(row[c]) for row in _rows() if row["class"] == k) for c in CORPORA] for k in CLASSES])
    there = (counts / counts.sum(axis=0)).mean(axis=1)
    return dict(zip(CLASSES, (_PROTOTYPE_SHARE / len(CLASSES) + (1 - _PROTOTYPE_SHARE) * there).tolist(), strict=True))


def draw_expression(emotion: str, rng: np.random.Generator, *, prototypes: bool = False) -> tuple[tuple[int, ...], str]:
    """Draw one expression of a class: its action units, and ``both``, ``left`` or ``right``.

    Sides are the image's: ``left`` is the image-left half of the face. With ``prototypes`` only FACS's own sets are
    drawn, evenly and on both sides; in the mixture one set may go with two classes, as it does in the corpora.
    """
    if prototypes:
        units = PROTOTYPES[emotion][rng.integers(len(PROTOTYPES[emotion]))]
        return tuple(map(int, units.split("+"))), "both"
    expressions = mixture(emotion)
    chosen = expressions[rng.choice(len(expressions), p=[e.weight for e in expressions])]
    side = str(rng.choice(["left", "right"])) if rng.random() < chosen.one_sided else "both"
    return chosen.action_units, side


@cache
def _rows() -> tuple[dict[str, str], ...]:
    text = resources.files("mien.synthesis").joinpath("mixtures.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))
