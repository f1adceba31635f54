"""The eye-based crop: where it lies, and the picture in it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.core import MienError, UInt8Array
from mien.faces.affine import Matrix

__all__ = ["check_points", "eye_centres", "eye_crop_matrix", "warp"]


def check_points(points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return 68 finite landmarks as float64, or raise."""
    points = np.asarray(points, np.float64)
    if points.shape != (68, 2) or not np.isfinite(points).all():
        wrong = f"shape {points.shape}" if points.shape != (68, 2) else f"{int(np.isnan(points).sum())} nan"
        raise MienError(f"got landmarks with {wrong}; expected (68, 2) finite pixels; skip frames without a face")
    return points


def eye_centres(points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Means of the points of the eye on the image's left (36-41) and right (42-47).

    Returns
    -------
    float64 array, (2, 2)
        Rows left, right; ``(x, y)``, pixels.
    """
    return np.asarray(check_points(points)[36:48].reshape(2, 6, 2).mean(axis=1))


def eye_crop_matrix(
    points: npt.ArrayLike, size: int, *, side: float = 1.1, above: float = 0.6, below: float = 1.9
) -> Matrix:
    """Map from image to crop pixels: eye line horizontal, a square box measured in eye distances.

    With eye distance d and M the middle between the eyes the box reaches ``side`` d to both sides, ``above`` d up
    and ``below`` d down, and is then widened about its middle to a square (2.5 d by default). The factors are ours,
    not a paper's: on 578 landmark sets of the public corpora 1.6 d below would cut most chins. The box's edges
    are the outer edges of the outer pixels: they map to -0.5 and ``size`` - 0.5.

    Parameters
    ----------
    points : array, (68, 2)
        Landmarks, pixels.
    size : int
        Side of the crop, pixels.
    side, above, below : float
        Extent of the box, eye distances.

    Returns
    -------
    float64 array, (2, 3)

    Raises
    ------
    MienError
        If points are not 68 finite ones, the eyes coincide, or size or extent is not positive.

    Examples
    --------
    >>> from mien.faces import canonical_points
    >>> eye_crop_matrix(canonical_points(128), 128).round(3) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    left, right = eye_centres(points)
    across = right - left
    distance = float(np.hypot(*across))
    width, height = 2 * side, above + below
    if distance < 1e-6 or size <= 0 or not (width > 0 and height > 0):
        raise MienError(
            f"got eyes {distance:.3g} px apart, a crop of {size} px and a box of {width:.3g} x {height:.3g} eye "
            "distances; expected all positive; check the landmarks"
        )
    edge = max(width, height)
    scale = size / (edge * distance)
    cos, sin = scale * across / distance
    linear = np.array([[cos, sin], [-sin, cos]])
    # Where the middle between the eyes comes to lie, as a share of the box (extra height is shared evenly).
    share = np.array([0.5, (above + (edge - height) / 2) / edge])
    return np.column_stack([linear, share * size - 0.5 - linear @ (left + right) / 2])


def warp(image: UInt8Array, matrix: Matrix, size: int) -> UInt8Array:
    """Cut the square that ``matrix`` maps out of an image: bilinear, edges repeated outwards.

    Where the crop is smaller than the face by a factor of two or more, that part of the image is first shrunk by
    the whole number in that factor, by area averaging; without it fine texture would alias and flicker.

    Parameters
    ----------
    image : uint8 array, (H, W) or (H, W, 3)
    matrix : array, (2, 3)
        Image to crop pixels.
    size : int
        Side of the crop, pixels.

    Returns
    -------
    uint8 array, (size, size) or (size, size, 3)

    Raises
    ------
    MienError
        If the image is empty or the matrix is not finite.

    Examples
    --------
    >>> image = np.arange(16, dtype=np.uint8).reshape(4, 4)
    >>> warp(image, np.array([[1.0, 0, -1], [0, 1, -1]]), 2)
    array([[ 5,  6],
           [ 9, 10]], dtype=uint8)
    """
    import cv2

    matrix = np.asarray(matrix, np.float64)
    if matrix.shape != (2, 3) or not np.isfinite(matrix).all():
        raise MienError(f"got a map {matrix.shape} with nan or of a wrong shape; expected a finite (2, 3)")
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.size == 0:
        raise MienError(f"got an image {image.dtype} {image.shape}; expected uint8 (H, W) or (H, W, 3)")
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    shrink = int(1 / scale + 1e-6) if scale > 0 else 1
    if shrink > 1:
        image, matrix = _shrunk(image, matrix, size, shrink)
    return np.asarray(
        cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def _shrunk(image: UInt8Array, matrix: Matrix, size: int, shrink: int) -> tuple[UInt8Array, Matrix]:
    """The part of the image under the crop, averaged over blocks, and the map from it.

    Blocks start at multiples of ``shrink`` counted from the image's corner, so they stand still from frame to frame.
    """
    import cv2

    inverse = cv2.invertAffineTransform(matrix)
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]]) @ inverse[:, :2].T + inverse[:, 2]
    limit = np.array(image.shape[1::-1]) // shrink  # whole blocks; a remainder narrower than one is left out
    if (limit < 1).any():
        return image, matrix
    first = np.clip(np.floor(corners.min(axis=0) / shrink).astype(int) - 2, 0, limit - 1)
    last = np.clip(np.ceil(corners.max(axis=0) / shrink).astype(int) + 2, first + 1, limit)
    (x0, y0), (x1, y1) = first * shrink, last * shrink
    small = cv2.resize(image[y0:y1, x0:x1], tuple((last - first).tolist()), interpolation=cv2.INTER_AREA)
    # A block's centre lies (shrink - 1) / 2 behind its first pixel.
    offset = np.array([x0, y0]) + (shrink - 1) / 2
    moved = np.column_stack([matrix[:, :2] * shrink, matrix[:, :2] @ offset + matrix[:, 2]])
    return np.asarray(small, np.uint8), moved
