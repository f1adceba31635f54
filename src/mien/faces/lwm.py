"""Registration to a template by the local weighted mean.

Goshtasby, "Image registration by local approximation methods", Image and Vision Computing 6(4), 1988.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError
from mien.faces.mapping import Points, check_pairs, fit_affine, pixel_centres

__all__ = ["LocalWeightedMean", "fit_lwm"]

_TERMS = 6  # 1, x, y, xy, x², y²; the first three are the affine ones
_LEAST_SINGULAR = 1e-3  # below this share of the largest, a neighbourhood does not say what its surface is
_TIE = 1e-4  # as far as the farthest neighbour, up to float32 rounding of the template
_CHUNK = 256  # points mapped at once: their weights stay in the processor's cache


@dataclass(frozen=True, eq=False)
class LocalWeightedMean:
    """A fitted map from template to image pixels; made by :func:`fit_lwm`.

    Attributes
    ----------
    centre, scale : float64 array (2,), float
        Template pixels p are computed with as (p - centre) / scale.
    nodes : float64 array, (N, 2)
        Control points, so scaled.
    radii : float64 array, (N,)
        How far each control point's polynomial reaches, so scaled.
    polynomials : float64 array, (N, 6, 2)
        Of the scaled x, y; terms 1, x, y, xy, x², y²; image pixels.
    affine : float64 array, (6, 2)
        The affine map of all points as such a polynomial.
    """

    centre: Points
    scale: float
    nodes: Points
    radii: Points
    polynomials: Points
    affine: Points

    def __call__(self, points: npt.ArrayLike) -> Points:
        """Return where template points lie in the image: float64, the shape of ``points`` (..., 2), pixels."""
        points = np.asarray(points, np.float64)
        scaled = (points.reshape(-1, 2) - self.centre) / self.scale
        mapped = np.empty_like(scaled)
        for start in range(0, len(scaled), _CHUNK):
            mapped[start : start + _CHUNK] = self._map(scaled[start : start + _CHUNK])
        return mapped.reshape(points.shape)

    def grid(self, size: int) -> FloatArray:
        """Return where every pixel of a square template lies in the image: float32 (size, size, 2), pixels."""
        return self(pixel_centres(size)).astype(np.float32)

    def _map(self, scaled: Points) -> Points:
        """Weigh the polynomials, then evaluate the one that results: the same as weighing their values."""
        weights = self._weights(scaled)
        total = weights.sum(axis=1)
        reached = total > 0
        mean = weights @ self.polynomials.reshape(len(self.nodes), -1) / np.where(reached, total, 1)[:, None]
        surface = np.where(reached[:, None, None], mean.reshape(-1, _TERMS, 2), self.affine)
        return np.einsum("mk,mkd->md", _terms(scaled), surface)

    def _weights(self, scaled: Points) -> Points:
        """1 - 3ρ² + 2ρ³ = (1 - ρ)² (1 + 2ρ) of the distance in radii, 0 from ρ = 1 on: (M, N)."""
        # Squares by a matrix product, and in place: three times as fast as differences and temporary arrays.
        reach = np.square(scaled).sum(axis=1)[:, None] + np.square(self.nodes).sum(axis=1) - 2 * scaled @ self.nodes.T
        reach /= self.radii**2
        np.sqrt(np.clip(reach, 0, 1, out=reach), out=reach)
        weights = np.square(1 - reach)
        reach *= 2
        reach += 1
        weights *= reach
        return weights


def fit_lwm(template: npt.ArrayLike, image: npt.ArrayLike, neighbours: int = 12) -> LocalWeightedMean:
    """Fit the map of a template onto an image that follows the control points nearby.

    Around each control point i a quadratic polynomial f_i is fitted, by least squares, to the points nearest to it;
    R_i is the distance of the farthest of them. A template pixel p goes to sum(W_i f_i(p)) / sum(W_i) with
    W_i = 1 - 3ρ² + 2ρ³, ρ = |p - p_i| / R_i < 1 (Goshtasby 1988). The map is exact for affine deformations, and for
    quadratic ones wherever some W_i > 0; else it passes near the points, not through them. Fit it on the first frame
    of a clip and warp all frames by it: a map per frame would carry the landmarks' jitter into the motion.

    The paper leaves open, and we decided: pixels out of all reach take the affine map of all points; so does a
    neighbourhood that lies on a line, while one that only leaves the quadratic terms open (points on a conic) takes
    its own affine map; of equally far neighbours all count, so that a mirrored face gets the mirrored map. With 12
    neighbours of 68 landmarks the map may fold outside the face; larger neighbourhoods are smoother and less exact.

    Parameters
    ----------
    template, image : array, (N, 2)
        Corresponding points in the template (``canonical_points(size)``) and in the image, pixels.
    neighbours : int
        Points per polynomial, the control point itself included; from 6 to N.

    Returns
    -------
    LocalWeightedMean

    Raises
    ------
    MienError
        If shapes disagree, a point is nan, the template's points lie on a line or too many of them coincide, or
        ``neighbours`` is out of range.

    Examples
    --------
    >>> from mien.faces import canonical_points
    >>> face = canonical_points(128)
    >>> face_map = fit_lwm(face, 2 * face + 10)
    >>> face_map([[0, 0], [100, 50]]).round(3)
    array([[ 10.,  10.],
           [210., 110.]])
    >>> face_map.grid(128).shape
    (128, 128, 2)
    """
    template, image = check_pairs(template, image, least=_TERMS)
    if not _TERMS <= neighbours <= len(template):
        raise MienError(f"got {neighbours} neighbours; expected from {_TERMS} to the {len(template)} points there are")
    centre = (template.min(axis=0) + template.max(axis=0)) / 2
    scale = float(np.abs(template - centre).max()) or 1.0
    nodes = (template - centre) / scale
    affine = np.zeros((_TERMS, 2))
    affine[[1, 2, 0]] = fit_affine(nodes, image).T
    distances = np.hypot(*np.moveaxis(nodes[:, None] - nodes, -1, 0))
    radii = np.sort(distances, axis=1)[:, neighbours - 1]
    if not radii.all():
        raise MienError(f"got {neighbours} template points at one place; expected them apart; check the template")
    near = distances <= radii[:, None] * (1 + _TIE)
    return LocalWeightedMean(centre, scale, nodes, radii, _fit(nodes, image, radii, near, affine), affine)


def _fit(nodes: Points, image: Points, radii: Points, near: npt.NDArray[np.bool_], affine: Points) -> Points:
    """The polynomials of all neighbourhoods, (N, 6, 2): quadratic, else affine, else the affine map of all points.

    Normal equations are safe here: none is solved that is worse conditioned than 1 / _LEAST_SINGULAR².
    """
    design = _terms((nodes - nodes[:, None]) / radii[:, None, None]) * near[..., None]
    unshift = _unshift(nodes, radii)
    polynomials = np.repeat(affine[None], len(nodes), axis=0)
    for count in (3, _TERMS):
        part = design[..., :count]
        normal = part.mT @ part
        strengths = np.linalg.eigvalsh(normal)  # squares of the singular values, the least first
        sound = strengths[:, 0] > _LEAST_SINGULAR**2 * strengths[:, -1]
        found = np.linalg.solve(normal[sound], part[sound].mT @ image)
        polynomials[sound] = unshift[sound, :, :count] @ found
    return polynomials


def _unshift(nodes: Points, radii: Points) -> Points:
    """Coefficients in (p - node) / radius to coefficients in p, (N, 6, 6): they agree on six places of no conic."""
    places = np.array([[-1, -1], [0, -1], [1, -1], [-1, 0], [0, 0], [-1, 1]], np.float64)
    local = (places - nodes[:, None]) / radii[:, None, None]
    return np.asarray(np.linalg.inv(_terms(places)) @ _terms(local), np.float64)


def _terms(points: Points) -> Points:
    """1, x, y, xy, x², y² of points (..., 2): (..., 6)."""
    x, y = points[..., 0], points[..., 1]
    return np.stack([np.ones_like(x), x, y, x * y, x * x, y * y], axis=-1)
