"""Hold the head still: every frame onto one reference frame, by the points that expressions do not move."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.core import MienError
from mien.faces.affine import Matrix, fit_similarity
from mien.faces.crop import check_points

__all__ = ["STABLE_POINTS", "register_points"]

STABLE_POINTS = (27, 28, 29, 30, 33, 36, 39, 42, 45)
"""Nose bridge (27-30, over bone), subnasale (33, over the nasal spine) and the eye corners (36, 39, 42, 45, held by
the canthal ligaments). Lids, brows, nostrils, mouth and jaw are left out: action units move them, and a transform
fitted to them would take the expression away with the head motion."""

_CHUNK = 4096  # frames smoothed at once, to bound memory


def register_points(
    points: npt.ArrayLike, times_s: npt.ArrayLike, reference: npt.ArrayLike, *, window_s: float = 0.4
) -> Matrix:
    """Similarity of every frame onto a reference frame, smoothed over time.

    Landmarks jitter by 0.2 to 0.4 px from frame to frame, more than the motion sought, while a head moves slowly.
    So scale (as its logarithm), angle and place of the face are smoothed: by a locally quadratic fit under Gaussian
    weights (Cleveland & Devlin, JASA 83, 1988), which has no phase lag, follows nods and turns better than a plain
    Gaussian mean, and is as good at the ends and under a variable frame rate.

    Parameters
    ----------
    points : array, (T, 68, 2)
        Landmarks in image pixels; a frame without a face is nan.
    times_s : array, (T,)
        Presentation times, increasing.
    reference : array, (68, 2)
        Landmarks of the reference frame (the clip's first good one).
    window_s : float
        Four standard deviations of the Gaussian; 0 does not smooth. Motion slower than about 1 / window_s Hz is
        followed.

    Returns
    -------
    float64 array, (T, 2, 3)
        Image pixels of each frame to image pixels of the reference. Frames without a face stay nan, and nothing
        is smoothed across them.

    Raises
    ------
    MienError
        If shapes disagree, times do not increase or ``window_s`` is negative.

    Examples
    --------
    >>> from mien.faces import canonical_points
    >>> still = np.stack([canonical_points(100)] * 3)
    >>> register_points(still, [0, 0.1, 0.2], still[0])[1].round(6) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    track, times, target = np.asarray(points, np.float64), np.asarray(times_s, np.float64), check_points(reference)
    if track.ndim != 3 or track.shape[1:] != (68, 2) or times.shape != track.shape[:1]:
        raise MienError(f"got points {track.shape} and times {times.shape}; expected (T, 68, 2) and (T,)")
    if not (np.diff(times) > 0).all() or not np.isfinite(times).all() or not window_s >= 0:
        raise MienError("got times that do not increase, or a negative window; expected increasing seconds")
    stable = list(STABLE_POINTS)
    centre = target[stable].mean(axis=0)
    matrices = np.full((len(track), 2, 3), np.nan)
    for run in _runs(np.asarray(np.isfinite(track).all(axis=(1, 2)))):
        fitted = fit_similarity(np.broadcast_to(target[stable], track[run][:, stable].shape), track[run][:, stable])
        smooth = _smooth(_parameters(fitted, centre), times[run], window_s / 4)
        matrices[run] = _matrices(smooth, centre)
    return matrices


def _runs(good: npt.NDArray[np.bool_]) -> list[slice]:
    """Slices of consecutive good frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]]).astype(np.int8)))
    return [slice(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def _parameters(matrices: Matrix, centre: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Log scale, angle and where the reference's face centre goes, of maps from the reference to each frame."""
    a, b = matrices[:, 0, 0], matrices[:, 1, 0]
    place = matrices[:, :, :2] @ centre + matrices[:, :, 2]
    return np.column_stack([0.5 * np.log(a**2 + b**2), np.unwrap(np.arctan2(b, a)), place])


def _matrices(parameters: npt.NDArray[np.float64], centre: npt.NDArray[np.float64]) -> Matrix:
    """Maps from each frame to the reference: the inverse of what :func:`_parameters` describes."""
    size, angle, place = np.exp(-parameters[:, 0]), -parameters[:, 1], parameters[:, 2:]
    cos, sin = size * np.cos(angle), size * np.sin(angle)
    linear = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
    shift = centre - (linear @ place[:, :, None])[..., 0]
    return np.concatenate([linear, shift[..., None]], axis=-1)


def _smooth(values: npt.NDArray[np.float64], times: npt.NDArray[np.float64], sigma: float) -> npt.NDArray[np.float64]:
    """Locally quadratic fit under Gaussian weights, at every time; (T, P) to (T, P)."""
    if sigma == 0 or len(values) < 3:
        return values
    reach = min(len(times) - 1, int(np.ceil(3 * sigma / np.median(np.diff(times)))))
    offsets = np.arange(-reach, reach + 1)
    smooth = np.empty_like(values)
    for start in range(0, len(values), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(values)))
        near = rows[:, None] + offsets
        inside = (near >= 0) & (near < len(values))
        near = near.clip(0, len(values) - 1)
        t = (times[near] - times[rows, None]) / sigma
        weights = np.where(inside, np.exp(-0.5 * t**2), 0.0)
        basis = np.stack([np.ones_like(t), t, t**2], axis=-1)
        weighted = basis * weights[..., None]
        # A whisper of ridge on slope and curvature keeps runs of few frames solvable (they become a mean).
        normal = weighted.swapaxes(1, 2) @ basis + np.diag([0.0, 1e-6, 1e-6])
        smooth[rows] = np.linalg.solve(normal, weighted.swapaxes(1, 2) @ values[near])[:, 0]
    return smooth
