"""Who is trained on and who is tested: pure functions from names to folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core import MienError

__all__ = [
    "SUBJECT_LEAK",
    "Fold",
    "holdout",
    "leave_one_dataset_out",
    "leave_one_sample_out",
    "leave_one_subject_out",
    "protocol_leaks",
    "splits",
    "subject_kfold",
]

SUBJECT_LEAK = (
    "Clips of one subject were both trained on and tested (as leave-one-sample-out does): "
    "the face gives the answer away, and the score does not hold for a new subject."
)
KNOWN = "loso, loo, kfold:N, lodo or holdout:NAME"


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One split into training and test.

    Attributes
    ----------
    name : str
        What is held out.
    train, test : int array
        Row numbers, increasing.
    """

    name: str
    train: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]


def splits(
    protocol: str, subjects: Sequence[str], datasets: Sequence[str], sample_ids: Sequence[str], seed: int = 0
) -> list[Fold]:
    """Split samples as a protocol says.

    Parameters
    ----------
    protocol : str
        ``loso`` (over subjects of all corpora: the composite protocol of MEGC2019), ``loo`` (leaks identity),
        ``kfold:N`` (by subject), ``lodo`` (by corpus) or ``holdout:NAME`` (one corpus).
    subjects, datasets, sample_ids : sequence of str, length N
        Of each sample; subjects namespaced by corpus.
    seed : int
        Which subjects share a fold of ``kfold:N``.

    Returns
    -------
    list of Fold
        In a fixed order. Every sample is tested once, except under ``holdout``.

    Raises
    ------
    MienError
        If the protocol is unknown or cannot be carried out on these samples.

    Examples
    --------
    >>> [fold] = splits("holdout:smic", ["a/1", "smic/1", "a/2"], ["a", "smic", "a"], ["a/1/x", "smic/1/y", "a/2/z"])
    >>> fold.train, fold.test
    (array([0, 2]), array([1]))
    """
    if not len(subjects) == len(datasets) == len(sample_ids):
        lengths = f"{len(subjects)} subjects, {len(datasets)} datasets and {len(sample_ids)} sample ids"
        raise MienError(f"got {lengths}; expected one of each per sample")
    kind, argument = _parsed(protocol)
    split: dict[str, Callable[[], list[Fold]]] = {
        "loso": lambda: leave_one_subject_out(subjects),
        "loo": lambda: leave_one_sample_out(sample_ids),
        "kfold": lambda: subject_kfold(subjects, int(argument), seed),
        "lodo": lambda: leave_one_dataset_out(datasets),
        "holdout": lambda: holdout(datasets, argument),
    }
    return split[kind]()


def protocol_leaks(protocol: str) -> str:
    """Return a sentence on what the protocol lets leak; empty when it is honest.

    Examples
    --------
    >>> protocol_leaks("loso")
    ''
    """
    return SUBJECT_LEAK if _parsed(protocol)[0] == "loo" else ""


def leave_one_subject_out(subjects: Sequence[str]) -> list[Fold]:
    """One fold per subject.

    Examples
    --------
    >>> [(fold.name, fold.test.tolist()) for fold in leave_one_subject_out(["a/2", "a/1", "a/2"])]
    [('a/1', [1]), ('a/2', [0, 2])]
    """
    return _one_out(subjects, "subject")


def leave_one_sample_out(sample_ids: Sequence[str]) -> list[Fold]:
    """One fold per sample. Leaks: other clips of the tested subject are trained on."""
    if len(set(sample_ids)) != len(sample_ids):
        raise MienError("got a sample id twice; expected them to be unique; check the dataset")
    return _one_out(sample_ids, "sample")


def leave_one_dataset_out(datasets: Sequence[str]) -> list[Fold]:
    """One fold per corpus."""
    return _one_out(datasets, "dataset")


def subject_kfold(subjects: Sequence[str], n: int, seed: int = 0) -> list[Fold]:
    """Deal the subjects, shuffled, into ``n`` folds that differ by at most one subject.

    Examples
    --------
    >>> [len(fold.test) for fold in subject_kfold(["a/1", "a/2", "a/3", "a/4", "a/5"], 2)]
    [3, 2]
    """
    names = sorted(set(subjects))
    if not 2 <= n <= len(names):
        raise MienError(f"got kfold:{n} for {len(names)} subjects; expected 2 to as many folds as there are subjects")
    shuffled = np.random.default_rng(seed).permutation(len(names))
    rows = np.searchsorted(names, subjects)
    width = len(str(n))
    return [
        _fold(f"fold {number:0{width}d}", np.isin(rows, part))
        for number, part in enumerate(np.array_split(shuffled, n), start=1)
    ]


def holdout(datasets: Sequence[str], name: str) -> list[Fold]:
    """Train on all other corpora, test on one: the single fold."""
    names = sorted(set(datasets))
    if name not in names:
        raise MienError(f"got holdout:{name}; expected one of the datasets at hand: {', '.join(names)}")
    return [fold for fold in leave_one_dataset_out(datasets) if fold.name == name]


def _one_out(names: Sequence[str], what: str) -> list[Fold]:
    """One fold per distinct name, sorted."""
    column = np.asarray(names, dtype=str)
    distinct = np.unique(column)
    if len(distinct) < 2:
        raise MienError(f"got samples of {len(distinct)} {what}; expected at least 2, one to train on and one to test")
    return [_fold(str(name), column == name) for name in distinct]


def _fold(name: str, tested: npt.NDArray[np.bool_]) -> Fold:
    return Fold(name, np.flatnonzero(~tested), np.flatnonzero(tested))


def _parsed(protocol: str) -> tuple[str, str]:
    """The kind of protocol and its argument."""
    kind, colon, argument = protocol.partition(":")
    plain = kind in ("loso", "loo", "lodo") and not colon
    if plain or (kind == "kfold" and argument.isdecimal()) or (kind == "holdout" and argument):
        return kind, argument
    raise MienError(f"got the unknown protocol '{protocol}'; expected {KNOWN}")
