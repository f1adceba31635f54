"""Alignment by five points, as detectors such as RetinaFace give them: eye centres, nose tip, mouth corners.

Rows, counted from the image's left as in the 68 points: left eye, right eye, nose tip, left and right mouth corner.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError
from mien.faces.affine import Matrix, fit_similarity
from mien.faces.backend import Box
from mien.faces.crop import check_points, eye_centres
from mien.faces.template import canonical_points

__all__ = ["align_five", "box_around_five", "five_from_68"]

# How five points lie in the box in which dlib frames the same face's 68 (medians over 397 ORL portraits and 578
# landmark sets of the public corpora): root mean square distance from their mean 0.26 of the box, their mean 0.02 of
# the box below its middle.
_RMS_SHARE, _MEAN_BELOW = 0.26, 0.02


def five_from_68(points: npt.ArrayLike) -> FloatArray:
    """Take the five points out of the 68: eye centres, nose tip (30), mouth corners (48, 54).

    Parameters
    ----------
    points : array, (68, 2)
        Landmarks, pixels.

    Returns
    -------
    float32 array, (5, 2)
        ``(x, y)``, pixels.

    Raises
    ------
    MienError
        If points are not 68 finite ones.

    Examples
    --------
    >>> five_from_68(canonical_points(100))
    array([[29.5, 23.5],
           [69.5, 23.5],
           [49.5, 45.1],
           [33.9, 65.1],
           [65.1, 65.1]], dtype=float32)
    """
    points = check_points(points)
    return np.concatenate([eye_centres(points), points[[30, 48, 54]]]).astype(np.float32)


def align_five(points: npt.ArrayLike, size: int = 128) -> Matrix:
    """Similarity from image to crop pixels that brings five points nearest to those of the canonical face.

    Least squares over rotation, scale and shift (Umeyama, IEEE TPAMI 13(4), 1991). The template is our own, the five
    points of :func:`mien.faces.canonical_points`, so this crop and :func:`mien.faces.eye_crop_matrix` show a neutral
    frontal face alike: eyes at 0.3 and 0.7 of the width and 0.24 of the height.

    Parameters
    ----------
    points : array, (5, 2)
        Left eye, right eye, nose tip, left and right mouth corner (image's left first), pixels.
    size : int
        Side of the crop, pixels.

    Returns
    -------
    float64 array, (2, 3)
        For :func:`mien.faces.warp`.

    Raises
    ------
    MienError
        If points are not five finite ones or coincide, or the size is not positive.

    Examples
    --------
    >>> align_five(five_from_68(canonical_points(256)), 128).round(2) + 0.0
    array([[ 0.5 ,  0.  , -0.25],
           [ 0.  ,  0.5 , -0.25]])
    """
    return fit_similarity(_check_five(points), five_from_68(canonical_points(size)))


def box_around_five(points: npt.ArrayLike) -> Box:
    """The square, brows to chin, in which dlib's detector would frame this face: what its 68-point predictor expects.

    Parameters
    ----------
    points : array, (5, 2)
        As for :func:`align_five`, pixels.

    Returns
    -------
    Box

    Raises
    ------
    MienError
        If points are not five finite ones.

    Examples
    --------
    >>> [round(value) for value in box_around_five(five_from_68(canonical_points(100)))]
    [2, -5, 94, 94]
    """
    points = _check_five(points)
    middle = points.mean(axis=0)
    side = float(np.sqrt(((points - middle) ** 2).sum(axis=1).mean())) / _RMS_SHARE
    return Box(float(middle[0]) - side / 2, float(middle[1]) - (0.5 + _MEAN_BELOW) * side, side, side)


def _check_five(points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return five finite points as float64, or raise."""
    points = np.asarray(points, np.float64)
    if points.shape != (5, 2) or not np.isfinite(points).all():
        wrong = f"shape {points.shape}" if points.shape != (5, 2) else "nan or infinite values"
        raise MienError(f"got five points with {wrong}; expected (5, 2) finite pixels; skip frames without a face")
    return points
