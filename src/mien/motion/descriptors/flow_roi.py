"""Statistics of the optical flow in regions of the face."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError
from mien.motion.descriptors._fields import Polygons, as_fields, mean_by, region_labels
from mien.motion.flow import strain

__all__ = ["FLOW_STATISTICS", "flow_roi"]

FLOW_STATISTICS = ("u", "v", "magnitude", "magnitude_sd", "strain")
"""What :func:`flow_roi` tells of a region, in this order."""


def flow_roi(flow: npt.NDArray[Any], regions: Polygons) -> FloatArray:
    """Describe a flow field by five numbers for each region: mean u and v, mean length and its spread, mean strain.

    Mirroring flow and regions changes the sign of mean u and nothing else. Strain is
    :func:`mien.motion.strain` (Shreve et al. 2011).

    Parameters
    ----------
    flow : float array, (2, H, W) or (T, 2, H, W)
        Displacement in pixels. Of several fields, the mean of their statistics is taken.
    regions : sequence of float arrays, (corners, 2)
        Polygons in the pixels of the flow, ``(x, y)``, such as :func:`~mien.motion.descriptors.mdmo.mdmo_regions`. A
        pixel belongs to a region if its centre lies in it; one in two regions counts in neither.

    Returns
    -------
    float32 array, (5 * regions,)
        Region by region, in the order of :data:`FLOW_STATISTICS`; pixels, strain in pixels per pixel. A region with no
        pixels in the picture is 0.

    Raises
    ------
    MienError
        For a flow of another shape, NaN, no regions, or one with fewer than three finite corners.

    Examples
    --------
    >>> flow = np.zeros((2, 20, 20))
    >>> flow[:, 5:10, 5:10] = np.array([3.0, 4.0])[:, None, None]
    >>> square = np.array([[6, 6], [8, 6], [8, 8], [6, 8]])
    >>> flow_roi(flow, [square])
    array([3., 4., 5., 0., 0.], dtype=float32)
    """
    fields = as_fields(flow)
    if not len(regions):
        raise MienError("got no regions; expected at least one polygon (corners, 2); mdmo_regions makes 36")
    labels = region_labels(regions, *fields.shape[2:])
    inside = labels >= 0
    group, count = labels[inside], len(regions)
    rows = []
    for field in fields:
        u, v = field[:, inside]
        length = np.hypot(u, v)
        mean = mean_by(group, length, count)
        spread = np.sqrt(mean_by(group, (length - mean[group]) ** 2, count))
        stretched = mean_by(group, strain(field)[inside].astype(np.float64), count)
        rows.append(np.stack([mean_by(group, u, count), mean_by(group, v, count), mean, spread, stretched], axis=-1))
    return np.mean(rows, axis=0).ravel().astype(np.float32)
