"""The parts of the face that micro-expressions move, and the motion of the head that is not expression.

Regions follow the landmarks of the registered face. The head, as a solid, shows in the flow as an affine map plus a
parallax by depth; both are fitted on parts that expressions hardly move and subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError

__all__ = ["EYE_REGIONS", "REGIONS", "FaceRegions"]

Array = npt.NDArray[np.float64]

# name -> landmarks whose mean is the centre, shift and reach in interocular distances
REGIONS: dict[str, tuple[tuple[int, ...], tuple[float, float], float]] = {
    "left inner brow": ((20, 21), (0.0, -0.02), 0.13),
    "right inner brow": ((22, 23), (0.0, -0.02), 0.13),
    "left outer brow": ((17, 18, 19), (0.0, -0.02), 0.14),
    "right outer brow": ((24, 25, 26), (0.0, -0.02), 0.14),
    "left eye": ((37, 38, 40, 41), (0.0, 0.0), 0.12),
    "right eye": ((43, 44, 46, 47), (0.0, 0.0), 0.12),
    "left cheek": ((31, 40, 41, 48), (-0.12, 0.05), 0.18),
    "right cheek": ((35, 46, 47, 54), (0.12, 0.05), 0.18),
    "left nose wing": ((31,), (-0.06, -0.08), 0.11),
    "right nose wing": ((35,), (0.06, -0.08), 0.11),
    "left mouth corner": ((48,), (-0.04, 0.0), 0.13),
    "right mouth corner": ((54,), (0.04, 0.0), 0.13),
    "upper lip": ((50, 51, 52), (0.0, 0.0), 0.12),
    "lower lip": ((56, 57, 58), (0.0, 0.0), 0.12),
    "chin": ((57, 8), (0.0, 0.0), 0.16),
}
"""Left and right are the image's."""

EYE_REGIONS = ("left eye", "right eye")

# where the solid head shows: bridge of the nose, outer eye corners, temples, sides of the cheeks
_STEADY: tuple[tuple[tuple[int, ...], tuple[float, float], float], ...] = (
    ((27, 28), (0.0, 0.0), 0.12),
    ((29, 30), (0.0, 0.0), 0.12),
    ((36,), (-0.15, 0.0), 0.12),
    ((45,), (0.15, 0.0), 0.12),
    ((1, 36), (0.0, 0.10), 0.14),
    ((15, 45), (0.0, 0.10), 0.14),
    ((3, 31), (-0.15, 0.0), 0.16),
    ((13, 35), (0.15, 0.0), 0.16),
)


@dataclass(frozen=True, slots=True)
class FaceRegions:
    """Turns a flow field on the registered face into motion of its regions, free of the head's.

    Both are linear in the flow, so each is one matrix.

    Attributes
    ----------
    weights : float array, (R, N)
        Over the sampled pixels, for each region of :data:`REGIONS`: a mean that takes the head's motion along.
    regions : float array, (R, 2, 2 N)
        From the N sampled vectors, all ``u`` first, to the motion of every region of :data:`REGIONS`.
    head : float array, (2, 2 N)
        From the same to the mean displacement by the head's motion.
    stride : int
        Every how many pixels the flow is sampled.
    """

    weights: Array
    regions: Array
    head: Array
    stride: int

    @classmethod
    def from_points(cls, points: npt.NDArray[np.floating], size: int, stride: int = 3) -> FaceRegions:
        """Lay the regions over a registered face.

        Parameters
        ----------
        points : array, (68, 2)
            Landmarks of the registered face, in crop pixels.
        size : int
            Side of the crop, px.
        stride : int
            Every how many pixels the flow is sampled.

        Raises
        ------
        MienError
            If the points are not 68 finite pairs.
        """
        face: Array = np.asarray(points, dtype=np.float64)
        if face.shape != (68, 2) or not np.isfinite(face).all():
            raise MienError(f"got landmarks of shape {face.shape}; expected (68, 2) finite; detect the face again")
        unit = float(np.linalg.norm(face[42:48].mean(axis=0) - face[36:42].mean(axis=0)))
        steps = np.arange(stride // 2, size, stride, dtype=np.float64)
        x, y = (part.ravel() for part in np.meshgrid(steps, steps))
        weights = np.array([_bell(x, y, face, unit, *region) for region in REGIONS.values()])
        steady = np.sum([_bell(x, y, face, unit, *part) for part in _STEADY], axis=0)
        motions = _head_motions(x, y, face, unit)
        weighted = (motions * np.tile(steady, 2)[:, None]).T
        fit = np.linalg.solve(weighted @ motions + 1e-6 * np.eye(motions.shape[1]), weighted)
        means = _both_ways(weights)
        middle = _both_ways(np.full((1, len(x)), 1 / len(x)))[0]
        return cls(weights, means - (means @ motions) @ fit, (middle @ motions) @ fit, stride)

    def sample(self, flow: FloatArray) -> FloatArray:
        """Take the vectors that count: (2, size, size) to (2 N,)."""
        start = self.stride // 2
        return flow[:, start :: self.stride, start :: self.stride].reshape(-1)

    def motion(self, sampled: npt.NDArray[np.floating]) -> tuple[Array, Array]:
        """Split flow fields into the motion of the regions and that of the head.

        Parameters
        ----------
        sampled : float array, (..., 2 N)
            Displacement on the registered face, pixels, as :meth:`sample` takes it.

        Returns
        -------
        regions : float array, (..., R, 2)
            Mean ``(u, v)`` of each region beside the head's motion, pixels.
        head : float array, (..., 2)
            Mean displacement by the head's motion, pixels.
        """
        vectors = np.asarray(sampled, np.float64)
        moved = vectors @ self.regions.reshape(-1, vectors.shape[-1]).T
        return moved.reshape(*vectors.shape[:-1], -1, 2), vectors @ self.head.T


def _both_ways(weights: Array) -> Array:
    """Means over pixels (R, N) as means of ``u`` and of ``v`` (R, 2, 2 N)."""
    count, pixels = weights.shape
    both = np.zeros((count, 2, 2, pixels))
    both[:, 0, 0] = both[:, 1, 1] = weights
    return both.reshape(count, 2, 2 * pixels)


def _bell(
    x: Array, y: Array, points: Array, unit: float, at: tuple[int, ...], shift: tuple[float, float], reach: float
) -> Array:
    centre = points[list(at)].mean(axis=0) + np.multiply(shift, unit)
    bell = np.exp(-0.5 * ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (reach * unit) ** 2)
    total = bell.sum()
    return bell / total if total > 0 else bell


def _head_motions(x: Array, y: Array, points: Array, unit: float) -> Array:
    """Columns: shift in x and y, roll, zoom, and the parallax of yaw and pitch."""
    middle = points[27:36].mean(axis=0)
    dx, dy = (x - middle[0]) / unit, (y - middle[1]) / unit
    depth = np.sqrt(np.clip(1 - (dx / 1.25) ** 2 - (dy / 1.6) ** 2, 0, None))
    depth += 0.3 * np.exp(-0.5 * ((dx / 0.16) ** 2 + (dy / 0.25) ** 2))
    one, none = np.ones_like(dx), np.zeros_like(dx)
    columns = [(one, none), (none, one), (-dy, dx), (dx, dy), (depth, none), (none, depth)]
    return np.array([np.concatenate(column) for column in columns]).T
