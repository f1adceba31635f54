"""What a table should be read against: scores that need no model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mien.protocols.metrics import HEADLINES, confusion, measures

__all__ = ["majority", "random_baseline"]


def majority(truth: Sequence[str], classes: Sequence[str]) -> dict[str, float]:
    """Scores of always saying the most frequent class (of a tie, the first).

    Parameters
    ----------
    truth : sequence of str, length N
        Class names.
    classes : sequence of str
        All classes.

    Returns
    -------
    dict
        ``accuracy``, ``uf1``, ``uar``, 0..1.

    Examples
    --------
    The 442 clips of MEGC2019:

    >>> truth = ["negative"] * 250 + ["positive"] * 109 + ["surprise"] * 83
    >>> baseline = majority(truth, ["negative", "positive", "surprise"])
    >>> print("{accuracy:.4f} {uf1:.4f} {uar:.4f}".format(**baseline))
    0.5656 0.2408 0.3333
    """
    most = max(classes, key=list(truth).count)
    scores = measures(confusion(truth, [most] * len(truth), classes))
    return {name: float(scores[name]) for name in HEADLINES}


def random_baseline(
    truth: Sequence[str], classes: Sequence[str], *, draws: int = 1000, seed: int = 0
) -> dict[str, float]:
    """Mean scores of guessing every class equally often.

    Parameters
    ----------
    truth : sequence of str, length N
        Class names.
    classes : sequence of str
        All classes.
    draws : int
        How often to guess the whole table.
    seed : int
        Of the guesses.

    Returns
    -------
    dict
        ``accuracy``, ``uf1``, ``uar``, 0..1.

    Examples
    --------
    >>> round(random_baseline(["calm"] * 50 + ["joy"] * 50, ["calm", "joy"])["uar"], 2)
    0.5
    """
    sizes = confusion(truth, truth, classes).sum(axis=1)
    # A guessed row of the confusion is a multinomial draw of that row's size.
    guesses = np.random.default_rng(seed).multinomial(
        sizes, np.full(len(sizes), 1 / len(sizes)), size=(draws, len(sizes))
    )
    scores = measures(guesses)
    return {name: float(scores[name].mean()) for name in HEADLINES}
