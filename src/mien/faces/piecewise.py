"""Registration to a template triangle by triangle.

Goshtasby, "Piecewise linear mapping functions for image registration", Pattern Recognition 19(6), 1986.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError
from mien.faces.affine import apply_affine
from mien.faces.mapping import Points, check_pairs, fit_affine, pixel_centres

if TYPE_CHECKING:
    from scipy.spatial import Delaunay

__all__ = ["PiecewiseAffine", "fit_piecewise_affine"]

_ANCHORS = 16  # points of the ring around the template
_RING = 2.0  # its radius, in that of the template: beyond the corners of a crop that the face fills


@dataclass(frozen=True, eq=False)
class PiecewiseAffine:
    """A fitted map from template to image pixels; made by :func:`fit_piecewise_affine`.

    Attributes
    ----------
    mesh : scipy.spatial.Delaunay
        Triangles over the template's points and a ring of anchors around them.
    matrices : float64 array, (triangles + 1, 2, 3)
        The affine map of each triangle; the last one holds outside the ring.
    """

    mesh: Delaunay
    matrices: npt.NDArray[np.float64]

    def __call__(self, points: npt.ArrayLike) -> Points:
        """Return where template points lie in the image: float64, the shape of ``points`` (..., 2), pixels."""
        points = np.asarray(points, np.float64)
        chosen = self.matrices[self.mesh.find_simplex(points)]  # -1, no triangle, chooses the last
        return np.asarray(np.einsum("...ij,...j->...i", chosen[..., :2], points) + chosen[..., 2])

    def grid(self, size: int) -> FloatArray:
        """Return where every pixel of a square template lies in the image: float32 (size, size, 2), pixels."""
        return self(pixel_centres(size)).astype(np.float32)


def fit_piecewise_affine(template: npt.ArrayLike, image: npt.ArrayLike) -> PiecewiseAffine:
    """Fit the map of a template onto an image that is affine in each triangle between control points.

    The triangles are Delaunay's over the template (Goshtasby 1986), so the map passes through every point and is
    continuous. A ring of anchors of twice the face's radius follows the affine map of all points, which goes on
    outside the ring: between face and ring the difference fades out, and no tear is visible. Unlike
    :func:`mien.faces.fit_lwm` the map has kinks at the triangles' edges, takes in the full jitter of every landmark
    and folds where landmarks cross, as the inner lips of a closed mouth may.

    Parameters
    ----------
    template, image : array, (N, 2)
        Corresponding points in the template (``canonical_points(size)``) and in the image, pixels.

    Returns
    -------
    PiecewiseAffine

    Raises
    ------
    MienError
        If shapes disagree, a point is nan, or the template's points lie on a line or two of them coincide.

    Examples
    --------
    >>> from mien.faces import canonical_points
    >>> face = canonical_points(128)
    >>> face_map = fit_piecewise_affine(face, 2 * face + 10)
    >>> face_map([[0, 0], [100, 50]]).round(6)
    array([[ 10.,  10.],
           [210., 110.]])
    """
    from scipy.spatial import Delaunay

    template, image = check_pairs(template, image)
    around = fit_affine(template, image)
    ring = _ring(template)
    source, target = np.concatenate([template, ring]), np.concatenate([image, apply_affine(around, ring)])
    mesh = Delaunay(source)
    if len(mesh.coplanar):
        raise MienError(f"got template points that coincide (number {mesh.coplanar[0, 0]}); expected them apart")
    # In a triangle barycentric coordinates are linear in the place; so is what they weigh.
    corners = target[mesh.simplices]
    inverse, origin = mesh.transform[:, :2], mesh.transform[:, 2]
    linear = np.swapaxes(corners[:, :2] - corners[:, 2:], 1, 2) @ inverse
    shift = corners[:, 2] - (linear @ origin[..., None])[..., 0]
    matrices = np.concatenate([linear, shift[..., None]], axis=-1)
    return PiecewiseAffine(mesh, np.concatenate([matrices, around[None]]))


def _ring(template: Points) -> Points:
    """Anchors evenly on a circle around the template."""
    centre = (template.min(axis=0) + template.max(axis=0)) / 2
    radius = _RING * np.linalg.norm(template - centre, axis=1).max()
    angles = 2 * np.pi * np.arange(_ANCHORS) / _ANCHORS
    return centre + radius * np.stack([np.cos(angles), np.sin(angles)], axis=-1)
