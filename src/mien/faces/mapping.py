"""Curved maps from a template to an image: what they offer, the picture they cut out, and where they fold."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError, UInt8Array
from mien.faces.affine import Matrix

__all__ = ["FaceMap", "check_pairs", "fit_affine", "jacobian", "pixel_centres", "warp_by_map"]

Points = npt.NDArray[np.float64]


class FaceMap(Protocol):
    """A map from template to image pixels, fitted once and used for every frame of a clip."""

    def __call__(self, points: npt.ArrayLike) -> Points:
        """Return where template points (..., 2) lie in the image, pixels."""

    def grid(self, size: int) -> FloatArray:
        """Return where every pixel of a square template lies in the image: float32 (size, size, 2)."""


def check_pairs(template: npt.ArrayLike, image: npt.ArrayLike, least: int = 3) -> tuple[Points, Points]:
    """Return two sets of corresponding points as float64 (N, 2), finite and at least ``least``, or raise."""
    template, image = np.asarray(template, np.float64), np.asarray(image, np.float64)
    if template.ndim != 2 or template.shape[1] != 2 or template.shape != image.shape or len(template) < least:
        raise MienError(
            f"got {template.shape} template and {image.shape} image points; expected (N, 2) twice, N at least {least}; "
            "take the same landmarks of both"
        )
    if not (np.isfinite(template).all() and np.isfinite(image).all()):
        raise MienError("got landmarks with nan; expected finite pixels; skip frames without a face")
    return template, image


def fit_affine(source: npt.ArrayLike, target: npt.ArrayLike) -> Matrix:
    """Affine map that brings ``source`` onto ``target`` in the least squares.

    Parameters
    ----------
    source, target : array, (N, 2)
        Corresponding points, pixels; N of at least three.

    Returns
    -------
    float64 array, (2, 3)

    Raises
    ------
    MienError
        If shapes disagree, a point is nan, or the points of ``source`` lie on a line.

    Examples
    --------
    >>> fit_affine([[0, 0], [1, 0], [0, 1]], [[5, 5], [7, 5], [5, 6]]).round(6) + 0.0
    array([[2., 0., 5.],
           [0., 1., 5.]])
    """
    source, target = check_pairs(source, target)
    centre = source.mean(axis=0)
    spread = float(np.abs(source - centre).max()) or 1.0
    design = np.column_stack([(source - centre) / spread, np.ones(len(source))])
    found, _, rank, _ = np.linalg.lstsq(design, target, rcond=1e-6)
    if rank < 3:
        raise MienError("got points on one line; expected points that span the plane; check the landmarks")
    linear = found[:2].T / spread
    return np.column_stack([linear, found[2] - linear @ centre])


def pixel_centres(size: int) -> Points:
    """Return the ``(x, y)`` of every pixel of a square, float64 (size, size, 2), or raise if it has none.

    Examples
    --------
    >>> pixel_centres(2)[1].tolist()
    [[0.0, 1.0], [1.0, 1.0]]
    """
    if not size > 0:
        raise MienError(f"got the size {size}; expected a positive number of pixels")
    y, x = np.mgrid[:size, :size]
    return np.stack([x, y], axis=-1).astype(np.float64)


def warp_by_map(image: UInt8Array, grid: npt.NDArray[np.floating]) -> UInt8Array:
    """Gather the picture that a map describes: bilinear, edges repeated outwards.

    Where the map shrinks the face by two or more (the median over the picture counts), the image is first shrunk by
    the whole number in that factor, by area averaging, as :func:`mien.faces.warp` does. The blocks stand still from
    frame to frame.

    Parameters
    ----------
    image : uint8 array, (H, W) or (H, W, 3)
    grid : array, (h, w, 2)
        Where each pixel of the result lies in the image, ``(x, y)``, pixels: ``face_map.grid(size)``.

    Returns
    -------
    uint8 array, (h, w) or (h, w, 3)

    Raises
    ------
    MienError
        If the image is empty or not uint8, or the map is not finite or smaller than 2 x 2.

    Examples
    --------
    >>> image = np.arange(16, dtype=np.uint8).reshape(4, 4)
    >>> warp_by_map(image, pixel_centres(2) + 1)
    array([[ 5,  6],
           [ 9, 10]], dtype=uint8)
    """
    import cv2

    colours = image.shape[2] if image.ndim == 3 else 3
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or colours != 3 or image.size == 0:
        raise MienError(f"got an image {image.dtype} {image.shape}; expected uint8 (H, W) or (H, W, 3)")
    grid = np.asarray(grid, np.float64)
    shrink = int(np.sqrt(np.median(np.abs(jacobian(grid)))) + 1e-6)
    blocks_x, blocks_y = image.shape[1] // max(shrink, 1), image.shape[0] // max(shrink, 1)
    if shrink > 1 and min(blocks_x, blocks_y) > 0:
        whole = image[: blocks_y * shrink, : blocks_x * shrink]  # a remainder narrower than a block is left out
        image = np.asarray(cv2.resize(whole, (blocks_x, blocks_y), interpolation=cv2.INTER_AREA), np.uint8)
        grid = (grid - (shrink - 1) / 2) / shrink  # a block's centre lies (shrink - 1) / 2 behind its first pixel
    # Held inside the image here, since OpenCV computes in 16-bit fixed point and wraps places far outside.
    x = np.clip(grid[..., 0], 0, image.shape[1] - 1).astype(np.float32)
    y = np.clip(grid[..., 1], 0, image.shape[0] - 1).astype(np.float32)
    return np.asarray(cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def jacobian(grid: npt.NDArray[np.floating]) -> Points:
    """How many image pixels a template pixel covers; negative where the map folds.

    Parameters
    ----------
    grid : array, (H, W, 2)
        Where each template pixel lies in the image, ``(x, y)``, pixels.

    Returns
    -------
    float64 array, (H, W)
        Determinant of the derivatives, by central differences (one-sided at the edges).

    Raises
    ------
    MienError
        If the map is not finite, not (H, W, 2), or smaller than 2 x 2.

    Examples
    --------
    >>> float(jacobian(pixel_centres(4) * [2, 3]).mean()), float(jacobian(pixel_centres(4) * [-1, 1]).max())
    (6.0, -1.0)
    """
    grid = np.asarray(grid, np.float64)
    if grid.ndim != 3 or grid.shape[2] != 2 or min(grid.shape[:2]) < 2 or not np.isfinite(grid).all():
        raise MienError(
            f"got a map {grid.shape}; expected finite (H, W, 2) of at least 2 x 2; take face_map.grid(size)"
        )
    down, along = np.gradient(grid, axis=(0, 1))
    return np.asarray(along[..., 0] * down[..., 1] - along[..., 1] * down[..., 0])
