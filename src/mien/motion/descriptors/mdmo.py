"""MDMO, the main directional mean optical flow: Liu, Zhang, Yan, Wang, Zhao & Fu, IEEE TAC 7(4), 2016."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError
from mien.motion.descriptors._fields import IntArray, RealArray, as_fields, direction_bins, mean_by, region_labels

__all__ = ["MDMO_MIRRORED", "mdmo", "mdmo_kernel_features", "mdmo_regions"]

# Points between two landmarks that regions have as corners, numbered from 68 on.
_BETWEEN = np.array([
    (3, 29), (13, 29), (4, 33), (12, 33), (2, 41), (14, 46),  # 68-73, cheeks
    (5, 59), (11, 55), (6, 58), (10, 56), (8, 57),  # 74-78, chin
])  # fmt: skip
# Points above the brows, numbered from 79 on, and how far above them they lie, in eye distances.
_BROWS = np.array([17, 19, 21, 22, 24, 26])  # 79-84
_ABOVE_BROWS = 0.18
# 85 is the middle between 81 and 82, above the root of the nose.

# Corners of the regions, in the order of the published layout: from the forehead down, left to right in the image.
_CORNERS = np.array([
    (17, 79, 80, 19), (19, 80, 81, 21), (21, 81, 85, 27), (27, 85, 82, 22), (22, 82, 83, 24), (24, 83, 84, 26),  # brows
    (1, 0, 17, 36), (36, 17, 19, 38), (38, 19, 21, 39), (39, 21, 27, 28),  # temple, lid, root of the nose
    (28, 27, 22, 42), (42, 22, 24, 43), (43, 24, 26, 45), (45, 26, 16, 15),
    (3, 2, 72, 68), (68, 72, 41, 39), (68, 39, 28, 29),  # upper cheek, under the eye, side of the nose
    (29, 28, 42, 69), (69, 42, 46, 73), (69, 73, 14, 13),
    (70, 68, 29, 33), (33, 29, 69, 71), (74, 70, 33, 59), (55, 33, 71, 75),  # wings of the nose, sides of the mouth
    (76, 74, 59, 58), (78, 76, 58, 57), (77, 78, 57, 56), (75, 77, 56, 55),  # under the lower lip
    (4, 3, 68, 70), (71, 69, 13, 12), (5, 4, 70, 74), (75, 71, 12, 11),  # lower cheeks
    (6, 5, 74, 76), (8, 6, 76, 78), (10, 8, 78, 77), (11, 10, 77, 75),  # chin
])  # fmt: skip

# fmt: off
MDMO_MIRRORED = np.array([
    5, 4, 3, 2, 1, 0, 13, 12, 11, 10, 9, 8, 7, 6, 19, 18, 17, 16, 15, 14, 21, 20, 23, 22, 27, 26, 25, 24, 29, 28,
    31, 30, 35, 34, 33, 32,
])
# fmt: on
"""Region ``MDMO_MIRRORED[k]`` of a mirrored face is region k of the face."""

BINS = 8


def mdmo_regions(points: npt.NDArray[Any]) -> list[FloatArray]:
    """Lay the 36 regions of MDMO over a face: brows, lids, cheeks, nose, sides of the mouth, chin.

    Liu et al. 2016, the layout read from a public program for 68 points. That program puts the upper edge of the brow
    regions 20 px above the brows; here it is 0.18 eye distances above them, on crops of any size. The eyes, the middle
    of the lips and a strip from each eye to the ear lie in no region.

    Parameters
    ----------
    points : array, (68, 2)
        Landmarks of the first frame, in the pixels of the flow.

    Returns
    -------
    list of 36 float32 arrays, (4, 2)
        Corners ``(x, y)``, from the forehead down and from the image's left to its right. Neighbours share edges. A
        mirrored face has the mirrored regions, renumbered by :data:`MDMO_MIRRORED`.

    Raises
    ------
    MienError
        If the points are not 68 finite ones.

    Examples
    --------
    >>> from mien.faces import canonical_points
    >>> regions = mdmo_regions(canonical_points(128))
    >>> len(regions), regions[0].shape
    (36, (4, 2))
    """
    face = np.asarray(points, dtype=np.float64)
    if face.shape != (68, 2) or not np.isfinite(face).all():
        raise MienError(f"got landmarks of shape {face.shape}; expected (68, 2) finite; detect the face again")
    across = face[42:48].mean(axis=0) - face[36:42].mean(axis=0)
    above = face[_BROWS] + _ABOVE_BROWS * np.array([across[1], -across[0]])
    corners = np.concatenate([face, face[_BETWEEN].mean(axis=1), above, above[2:4].mean(axis=0, keepdims=True)])
    return list(corners[_CORNERS].astype(np.float32))


def mdmo(flows: npt.NDArray[Any], points: npt.NDArray[Any]) -> FloatArray:
    """Describe a clip by the main direction of 36 regions and how far they move in it.

    Liu et al. 2016. In each region and frame the pixels vote for 8 directions; the mean of the vectors in
    the fullest bin stands for the region. These are averaged over the frames as vectors, since angles near pi and -pi
    must not average to 0, and then written as length and angle. All frames count alike, as in the paper. (A public port
    weighs them, by the sum of their angles where that of their lengths is meant.)

    Bin k holds the directions within pi / 8 of -pi + k pi / 4, so right, down, left and up each lie in the middle of a
    bin; of two equally full ones the lower wins. Pixels that do not move have no direction and do not vote. The paper
    aligns the frames with the first by an affine map found in the flow; here that is the recipe's registration.

    Parameters
    ----------
    flows : float array, (T, 2, H, W)
        Displacement from the first frame of the clip to each later one, pixels.
    points : array, (68, 2)
        Landmarks of the first frame, in the pixels of the flow.

    Returns
    -------
    float32 array, (72,)
        The 36 lengths rho in pixels, then the 36 angles theta = atan2(v, u) in radians, -pi to pi. A region with no
        pixels in the picture, or none that moves, has 0 and 0.

    Raises
    ------
    MienError
        For flows of another shape, NaN, or landmarks that are not 68 finite ones.

    Examples
    --------
    >>> from mien.faces import canonical_points
    >>> down = np.zeros((5, 2, 64, 64), np.float32)
    >>> down[:, 1] = 0.5
    >>> rho, theta = mdmo(down, canonical_points(64)).reshape(2, 36)
    >>> rho.max(), theta.max()
    (np.float32(0.5), np.float32(1.5707964))
    """
    fields = as_fields(flows)
    labels = region_labels(mdmo_regions(points), *fields.shape[2:])
    inside = labels >= 0
    u, v = fields[:, 0, inside], fields[:, 1, inside]
    group = np.arange(len(fields))[:, None] * len(_CORNERS) + labels[inside]
    main = _main_directions(u, v, group, len(fields) * len(_CORNERS))
    x, y = main.reshape(2, len(fields), -1).mean(axis=1)
    return np.concatenate([np.hypot(x, y), np.arctan2(y, x)]).astype(np.float32)


def mdmo_kernel_features(features: npt.NDArray[Any], alpha: float = 0.5) -> FloatArray:
    """Weigh lengths against angles before an RBF kernel.

    Liu et al. 2016 divide the lengths by that of the region that moves farthest and balance lengths and angles by a
    weight. Here: alpha * rho / max(rho), and (1 - alpha) * theta / pi. The weight is lost if every feature is
    standardised afterwards.

    Parameters
    ----------
    features : float array, (..., 72)
        From :func:`mdmo`.
    alpha : float
        Weight of the lengths, 0 to 1.

    Returns
    -------
    float32 array, (..., 72)
        36 lengths from 0 to alpha, then 36 angles from -(1 - alpha) to 1 - alpha.

    Raises
    ------
    MienError
        For another shape, NaN, or a weight outside 0 to 1.

    Examples
    --------
    >>> still_but_one = np.zeros(72)
    >>> still_but_one[[7, 43]] = 2.5, np.pi / 2
    >>> mdmo_kernel_features(still_but_one, alpha=0.8)[[7, 43]]
    array([0.8, 0.1], dtype=float32)
    """
    data = np.asarray(features, dtype=np.float64)
    count = len(_CORNERS)
    if data.ndim < 1 or data.shape[-1] != 2 * count or not np.isfinite(data).all():
        raise MienError(f"got features of shape {data.shape}; expected finite (..., {2 * count}); make them with mdmo")
    if not 0 <= alpha <= 1:
        raise MienError(f"got the weight {alpha}; expected from 0, angles only, to 1, lengths only; change alpha")
    rho, theta = data[..., :count], data[..., count:]
    farthest = rho.max(axis=-1, keepdims=True)
    share = np.divide(rho, farthest, out=np.zeros_like(rho), where=farthest > 0)
    return np.concatenate([alpha * share, (1 - alpha) * theta / np.pi], axis=-1).astype(np.float32)


def _main_directions(u: RealArray, v: RealArray, group: IntArray, groups: int) -> RealArray:
    """Mean vector in each group's fullest direction bin, (2, groups)."""
    moving = (u != 0) | (v != 0)
    u, v, group = u[moving], v[moving], group[moving]
    index = direction_bins(u, v, BINS, centred=True)
    counts = np.bincount(group * BINS + index, minlength=groups * BINS).reshape(groups, BINS)
    main = index == counts.argmax(axis=1)[group]
    return np.stack([mean_by(group[main], part[main], groups) for part in (u, v)])
