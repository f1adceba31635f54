"""Pooled metrics: one confusion matrix over all folds, then the scores. Never means of fold-level F1."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError, MienWarning

__all__ = ["HEADLINES", "confusion", "fold_means", "measures", "metrics"]

HEADLINES: Mapping[str, str] = MappingProxyType({"uf1": "UF1", "uar": "UAR", "accuracy": "accuracy"})
"""The scores that stand first wherever scores are shown, and what they are called there."""

IntArray = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]


def confusion(truth: Sequence[str], predicted: Sequence[str], classes: Sequence[str]) -> IntArray:
    """Count truth against prediction.

    Parameters
    ----------
    truth, predicted : sequence of str, length N
        Class names, sample by sample.
    classes : sequence of str, length K
        The order of rows and columns.

    Returns
    -------
    int array, (K, K)
        Rows are the truth, columns the prediction. (Swapped axes turn UAR into macro-precision, a mistake in print.)

    Raises
    ------
    MienError
        If the lengths differ, nothing is given, or a name is not among the classes.

    Examples
    --------
    >>> confusion(["calm", "calm", "joy"], ["calm", "joy", "joy"], ["calm", "joy"])
    array([[1, 1],
           [0, 1]])
    """
    if len(truth) != len(predicted) or not len(truth):
        raise MienError(
            f"got {len(truth)} truths and {len(predicted)} predictions; expected as many of both, at least one"
        )
    index = {name: number for number, name in enumerate(classes)}
    unknown = sorted((set(truth) | set(predicted)) - set(index))
    if unknown:
        raise MienError(f"got the unknown class '{unknown[0]}'; expected one of {', '.join(classes)}")
    counts = np.zeros((len(index), len(index)), dtype=np.int64)
    np.add.at(counts, ([index[name] for name in truth], [index[name] for name in predicted]), 1)
    return counts


def metrics(confusion: npt.ArrayLike, classes: Sequence[str]) -> dict[str, Any]:
    """Score one pooled confusion matrix.

    Per class c, with TP the diagonal, n_c the row sum and m_c the column sum: recall R_c = TP_c / n_c, precision
    P_c = TP_c / m_c, F1_c = 2 TP_c / (n_c + m_c). UF1 is the mean of F1_c, UAR the mean of R_c (See et al. 2019,
    "MEGC 2019", section III). A ratio without a denominator is 0, never nan: a class that is missing from the truth
    has recall and F1 of 0 and lowers UF1 and UAR, with a warning; leave it out of ``classes`` to exclude it.

    Parameters
    ----------
    confusion : int array, (K, K)
        Rows are the truth.
    classes : sequence of str, length K
        Names of rows and columns.

    Returns
    -------
    dict
        ``n``; ``accuracy``, ``uf1``, ``uar``, ``f1_weighted``, ``macro_precision`` in 0..1; ``per_class`` (``f1``,
        ``recall``, ``precision``, ``n`` by name); ``ovr_accuracy``, the mean over classes of (TP + TN) / N, which is
        1 - 2 (1 - accuracy) / K: a diagnostic only, to recognise it in papers that print it as accuracy.

    Raises
    ------
    MienError
        If the matrix is not K x K, holds anything but counts, or is all zero.

    Examples
    --------
    The confusion of STSTNet on MEGC2019; its published "UAR" of .7605 is the macro-precision.

    >>> scores = metrics([[219, 22, 9], [40, 62, 7], [21, 3, 59]], ["negative", "positive", "surprise"])
    >>> print("{accuracy:.4f} {uf1:.4f} {uar:.4f} {macro_precision:.4f}".format(**scores))
    0.7692 0.7353 0.7186 0.7605
    """
    counts = _checked(confusion, len(classes))
    absent = [name for name, n in zip(classes, counts.sum(axis=1), strict=True) if n == 0]
    if absent:
        warnings.warn(
            f"no sample is truly {' or '.join(absent)}: recall and F1 of that class count as 0 in UAR and UF1",
            MienWarning,
            stacklevel=2,
        )
    result: dict[str, Any] = {"n": int(counts.sum())}
    result |= {name: float(value) for name, value in measures(counts).items()}
    f1, recall, precision = _per_class(counts)
    result["per_class"] = {
        name: {
            "f1": float(f1[i]),
            "recall": float(recall[i]),
            "precision": float(precision[i]),
            "n": int(counts[i].sum()),
        }
        for i, name in enumerate(classes)
    }
    return result


def measures(confusions: npt.NDArray[Any]) -> dict[str, Array]:
    """Score a stack of confusion matrices at once (for resampling): no checks, no warnings.

    Parameters
    ----------
    confusions : array, (..., K, K)
        Counts, rows are the truth.

    Returns
    -------
    dict of str to array, (...)
        ``accuracy``, ``uf1``, ``uar``, ``f1_weighted``, ``macro_precision``, ``ovr_accuracy`` as in :func:`metrics`.

    Examples
    --------
    >>> measures(np.array([[[3, 1], [0, 4]], [[2, 2], [2, 2]]]))["accuracy"]
    array([0.875, 0.5  ])
    """
    f1, recall, precision = _per_class(confusions)
    truths = confusions.sum(axis=-1)
    total = truths.sum(axis=-1)
    accuracy = _ratio(np.trace(confusions, axis1=-2, axis2=-1), total)
    return {
        "accuracy": accuracy,
        "uf1": f1.mean(axis=-1),
        "uar": recall.mean(axis=-1),
        "f1_weighted": _ratio((truths * f1).sum(axis=-1), total),
        "macro_precision": precision.mean(axis=-1),
        "ovr_accuracy": 1 - 2 * (1 - accuracy) / confusions.shape[-1],
    }


def fold_means(confusions: npt.NDArray[Any]) -> dict[str, float]:
    """Mean over folds of the per-fold scores, as much of the literature prints; not the pooled score.

    A fold often lacks a class, so its macro F1 runs over the classes that occur in it, in truth or prediction (what
    scikit-learn does unless told otherwise).

    Parameters
    ----------
    confusions : int array, (F, K, K)
        One matrix per fold, none empty.

    Returns
    -------
    dict
        ``accuracy`` and ``uf1``, 0..1.

    Examples
    --------
    >>> fold_means(np.array([[[4, 0], [0, 0]], [[1, 1], [1, 1]]]))
    {'accuracy': 0.75, 'uf1': 0.75}
    """
    f1, _, _ = _per_class(confusions)
    occurs = (confusions.sum(axis=-1) + confusions.sum(axis=-2)) > 0
    return {
        "accuracy": float(measures(confusions)["accuracy"].mean()),
        "uf1": float((f1.sum(axis=-1) / occurs.sum(axis=-1)).mean()),
    }


def _per_class(confusions: npt.NDArray[Any]) -> tuple[Array, Array, Array]:
    """F1, recall and precision, each (..., K)."""
    hits = np.diagonal(confusions, axis1=-2, axis2=-1)
    truths, claims = confusions.sum(axis=-1), confusions.sum(axis=-2)
    return _ratio(2 * hits, truths + claims), _ratio(hits, truths), _ratio(hits, claims)


def _ratio(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Array:
    """Divide; 0 where there is nothing to divide by."""
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0)


def _checked(confusion: npt.ArrayLike, size: int) -> IntArray:
    counts = np.asarray(confusion)
    if counts.shape != (size, size):
        raise MienError(f"got a confusion of shape {counts.shape}; expected ({size}, {size}), a row per class")
    if not np.issubdtype(counts.dtype, np.integer) or counts.min() < 0:
        raise MienError("got a confusion with negative or fractional entries; expected counts; pass the raw matrix")
    if not counts.sum():
        raise MienError("got a confusion without a single sample; expected at least one; check what was predicted")
    return counts.astype(np.int64)
