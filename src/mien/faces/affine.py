"""Plane maps as (2, 3) matrices: apply, chain, invert, fit.

A matrix maps points ``(x, y)`` in pixels; the centre of a pixel has integer coordinates, as in OpenCV.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.core import MienError

__all__ = ["Matrix", "apply_affine", "compose", "fit_similarity", "invert"]

Matrix = npt.NDArray[np.float64]


def apply_affine(matrix: Matrix, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Map points.

    Parameters
    ----------
    matrix : array, (2, 3) or (T, 2, 3)
    points : array, (..., 2); with T matrices (T, N, 2)
        ``(x, y)``, pixels.

    Returns
    -------
    float64 array, the shape of ``points``

    Examples
    --------
    >>> apply_affine(np.array([[2.0, 0, 1], [0, 2, 0]]), [[1, 1]])
    array([[3., 2.]])
    """
    matrix = np.asarray(matrix, np.float64)
    linear, shift = matrix[..., :2], matrix[..., 2]
    if matrix.ndim == 3:
        shift = shift[:, None]
    return np.asarray(points, np.float64) @ np.swapaxes(linear, -1, -2) + shift


def compose(outer: Matrix, inner: Matrix) -> Matrix:
    """Return the map that applies ``inner`` first, then ``outer`` (either may be a stack (T, 2, 3)).

    Examples
    --------
    >>> shift, double = np.array([[1.0, 0, 5], [0, 1, 0]]), np.array([[2.0, 0, 0], [0, 2, 0]])
    >>> compose(double, shift)[0]
    array([ 2.,  0., 10.])
    """
    linear = outer[..., :2] @ inner
    linear[..., 2] += outer[..., 2]
    return linear


def invert(matrix: Matrix) -> Matrix:
    """Return the inverse map.

    Raises
    ------
    MienError
        If the map is singular.

    Examples
    --------
    >>> invert(np.array([[2.0, 0, 4], [0, 2, 0]]))[0]
    array([ 0.5,  0. , -2. ])
    """
    try:
        linear = np.linalg.inv(matrix[..., :2])
    except np.linalg.LinAlgError as error:
        raise MienError("got a singular plane map; expected one that can be undone; check the points") from error
    shift = -linear @ matrix[..., 2:]
    return np.concatenate([linear, shift], axis=-1)


def fit_similarity(source: npt.ArrayLike, target: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Matrix:
    """Rotation, scale and shift that bring ``source`` onto ``target`` in the least squares; never a reflection.

    In the plane Umeyama's solution (IEEE TPAMI 13(4), 1991) is one complex regression: with both sets centred and
    written as x + iy, the factor is a = sum(w conj(source) target) / sum(w |source|^2).

    Parameters
    ----------
    source, target : array, (N, 2) or (T, N, 2)
        Corresponding points, pixels; N of at least two.
    weights : array, (N,), optional
        Non-negative.

    Returns
    -------
    float64 array, (2, 3), or (T, 2, 3) for a stack; nan where a point is nan

    Raises
    ------
    MienError
        If shapes disagree, or the points of a source coincide.

    Examples
    --------
    >>> fit_similarity([[0, 0], [1, 0]], [[1, 1], [1, 3]]).round(3) + 0.0
    array([[ 0., -2.,  1.],
           [ 2.,  0.,  1.]])
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    if source.shape[-2:] != target.shape[-2:] or source.ndim not in (2, 3) or source.shape[-1] != 2:
        raise MienError(f"got point sets {source.shape} and {target.shape}; expected (N, 2) twice, or stacks of them")
    w = np.ones(source.shape[-2]) if weights is None else np.asarray(weights, np.float64)
    if w.shape != source.shape[-2:-1] or not (w >= 0).all() or (w > 0).sum() < 2:
        raise MienError(f"got weights {w.shape}; expected one per point, none negative, at least two positive")
    w = w / w.sum()
    from_z, to_z = source[..., 0] + 1j * source[..., 1], target[..., 0] + 1j * target[..., 1]
    from_mean, to_mean = from_z @ w, to_z @ w
    centred = from_z - from_mean[..., None]
    spread = np.abs(centred) ** 2 @ w
    if (spread == 0).any():
        raise MienError("got points that all coincide; expected at least two different ones; check the landmarks")
    factor = (np.conj(centred) * (to_z - to_mean[..., None])) @ w / spread
    return _matrix(factor, to_mean - factor * from_mean)


def _matrix(factor: npt.NDArray[np.complex128], shift: npt.NDArray[np.complex128]) -> Matrix:
    """Z -> factor z + shift, as a matrix or a stack of them."""
    rows = [[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)
