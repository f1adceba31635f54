"""Class weights for the cross entropy, four definitions under the papers' own names, and the loss they enter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mien.core import MienError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CLASS_WEIGHTS", "class_weights", "weighted_cross_entropy"]

CLASS_WEIGHTS = ("none", "balanced", "inverse_mean1", "frequency")


def class_weights(targets: npt.ArrayLike, n_classes: int, kind: str) -> npt.NDArray[np.float64]:
    """Weight each class by how often it occurs among the training samples.

    With n_k samples of class k, N in all and K classes that occur: ``balanced`` is N / (K n_k), as in scikit-learn;
    ``inverse_mean1`` is K (1/n_k) / sum_j (1/n_j), whose mean is 1 (MMNet reproduction); ``frequency`` is n_k / N
    (AD-Net, as printed); ``none`` is 1.

    Parameters
    ----------
    targets : int array-like, (N,)
        Labels of the **training** samples, 0 to K - 1.
    n_classes : int
        How many classes there are, those that do not occur included.
    kind : str
        One of the four names above.

    Returns
    -------
    float array, (K,)
        0 for a class that does not occur.

    Raises
    ------
    MienError
        If the kind is unknown, there are no samples, or a label is out of range.

    Examples
    --------
    >>> targets = [0] * 88 + [1] * 32 + [2] * 25
    >>> class_weights(targets, 3, "balanced").round(4).tolist()
    [0.5492, 1.5104, 1.9333]
    >>> class_weights(targets, 3, "frequency").round(4).tolist()
    [0.6069, 0.2207, 0.1724]
    """
    labels = np.asarray(targets, dtype=np.int64)
    if not len(labels) or labels.min() < 0 or labels.max() >= n_classes:
        raise MienError(
            f"got {len(labels)} labels for {n_classes} classes; expected labels 0 to {n_classes - 1}; check them"
        )
    counts = np.bincount(labels, minlength=n_classes)
    present = counts > 0
    inverse = np.divide(1.0, counts, out=np.zeros(n_classes), where=present)
    weights: dict[str, npt.NDArray[np.float64]] = {
        "none": present.astype(np.float64),
        "balanced": len(labels) / present.sum() * inverse,
        "inverse_mean1": present.sum() * inverse / inverse.sum(),
        "frequency": counts / len(labels),
    }
    if kind not in weights:
        raise MienError(f"got the class weights '{kind}'; expected one of {', '.join(CLASS_WEIGHTS)}; choose one")
    return weights[kind]


def weighted_cross_entropy(logits: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Average the weighted cross entropy over the samples of the batch (AD-Net eq. 6).

    torch's own weighted mean divides by the sum of the weights instead, so that a batch of one class loses its weight.

    Parameters
    ----------
    logits : Tensor, (J, K)
        Of a batch of J samples.
    targets : int64 Tensor, (J,)
        Their classes.
    weights : Tensor, (K,)
        v_k, one per class (:func:`class_weights`).

    Returns
    -------
    Tensor
        A scalar.

    Raises
    ------
    MienError
        If the batch is empty.

    Examples
    --------
    >>> import torch
    >>> loss = weighted_cross_entropy(torch.zeros(2, 3), torch.tensor([0, 2]), torch.tensor([2.0, 1.0, 0.5]))
    >>> round(loss.item(), 6)
    1.373265
    """
    from torch.nn.functional import cross_entropy

    if not len(targets):
        raise MienError("got a batch without samples; expected one at least; check the split")
    return cross_entropy(logits, targets, weight=weights, reduction="sum") / len(targets)
