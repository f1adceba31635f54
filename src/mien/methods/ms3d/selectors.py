"""Which of MS3D's four answers counts: choices that need no label, and the one that does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core import MienError

__all__ = ["SELECTORS", "Selected", "best_head", "select"]

SELECTORS = ("min_entropy", "mean", "val_head", "oracle")
SMALLEST = 1e-12  # the logarithm of a probability of 0 stays finite


@dataclass(frozen=True, slots=True, eq=False)
class Selected:
    """One answer per clip.

    Attributes
    ----------
    leaks_label : bool
        Whether the labels of these very clips chose: then this is no result, it only shows what leaking would give.
    probabilities : float array, (N, K)
        Of the chosen head.
    heads : int array, (N,), or None
        Which head; None for their average.
    """

    leaks_label: bool
    probabilities: npt.NDArray[np.float64]
    heads: npt.NDArray[np.int64] | None


def select(
    probabilities: npt.ArrayLike,
    how: str = "min_entropy",
    labels: npt.ArrayLike | None = None,
    head: int | None = None,
) -> Selected:
    """Choose among the heads of MS3D, clip by clip (paper section 3.4: "the most optimal solution").

    The paper lets the cross-entropy choose. That needs the label of the clip to be recognised, and is ``oracle`` here.

    Parameters
    ----------
    probabilities : float array-like, (N, H, K)
        One softmax per head.
    how : {"min_entropy", "mean", "val_head", "oracle"}
        The head that is most certain; the average of the heads; the same head for all clips
        (:func:`best_head`); per clip the head with the lowest loss.
    labels : int array-like, (N,), optional
        0 to K - 1, for ``oracle``; the others do not look at them.
    head : int, optional
        0 to H - 1, for ``val_head``.

    Returns
    -------
    Selected
        With ``leaks_label`` true for ``oracle``.

    Raises
    ------
    MienError
        If these are no probabilities, the choice is unknown, or what it needs is missing.

    Examples
    --------
    >>> heads = [[[0.5, 0.5], [0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]]
    >>> select(heads).heads.tolist()
    [1]
    >>> select(heads, "mean").probabilities.round(3).tolist()
    [[0.55, 0.45]]
    >>> oracle = select(heads, "oracle", labels=[1])
    >>> oracle.heads.tolist(), oracle.leaks_label
    ([3], True)
    """
    scores = _checked(probabilities)
    if how == "mean":
        return Selected(False, scores.mean(axis=1), None)
    if how == "min_entropy":
        heads = -(scores * np.log(np.maximum(scores, SMALLEST))).sum(axis=2)
        return _choose(scores, heads.argmin(axis=1), leaks_label=False)
    if how == "val_head":
        if head is None or not 0 <= head < scores.shape[1]:
            raise MienError(f"got the head {head}; expected 0 to {scores.shape[1] - 1}; fix one by best_head")
        return _choose(scores, np.full(len(scores), head), leaks_label=False)
    if how == "oracle":
        return _choose(scores, _losses(scores, labels).argmin(axis=1), leaks_label=True)
    raise MienError(f"got the selector '{how}'; expected one of {', '.join(SELECTORS)}; choose one")


def best_head(probabilities: npt.ArrayLike, labels: npt.ArrayLike) -> int:
    """Return the head with the lowest mean cross-entropy on clips that are **not** those to be recognised.

    Parameters
    ----------
    probabilities : float array-like, (N, H, K)
        Of the clips of an inner validation subject.
    labels : int array-like, (N,)
        Theirs.

    Returns
    -------
    int
        The ``head`` of :func:`select` for ``val_head``.

    Raises
    ------
    MienError
        If these are no probabilities, or the labels do not fit.

    Examples
    --------
    >>> best_head([[[0.5, 0.5], [0.9, 0.1]], [[0.4, 0.6], [0.2, 0.8]]], [0, 1])
    1
    """
    return int(_losses(_checked(probabilities), labels).mean(axis=0).argmin())


def _checked(probabilities: npt.ArrayLike) -> npt.NDArray[np.float64]:
    scores = np.asarray(probabilities, dtype=np.float64)
    if scores.ndim != 3 or not scores.size:
        raise MienError(f"got probabilities of {scores.shape}; expected (N, H, K); pass one softmax per head")
    if not ((scores >= 0).all() and np.allclose(scores.sum(axis=2), 1, atol=1e-4)):
        raise MienError("got heads that do not each add up to 1, or NaN; expected probabilities; take the softmax")
    return scores


def _losses(scores: npt.NDArray[np.float64], labels: npt.ArrayLike | None) -> npt.NDArray[np.float64]:
    """Cross-entropy of each clip and head (N, H)."""
    if labels is None:
        raise MienError("got no labels; expected one per clip; pass them, or choose a selector that needs none")
    targets = np.asarray(labels)
    count, _, classes = scores.shape
    if targets.shape != (count,) or targets.dtype.kind not in "iu" or not ((targets >= 0) & (targets < classes)).all():
        raise MienError(f"got labels that do not fit; expected {count} integers from 0 to {classes - 1}; check them")
    return -np.log(np.maximum(scores[np.arange(count), :, targets], SMALLEST))


def _choose(scores: npt.NDArray[np.float64], heads: npt.NDArray[np.intp], leaks_label: bool) -> Selected:
    return Selected(leaks_label, scores[np.arange(len(scores)), heads], heads.astype(np.int64))
