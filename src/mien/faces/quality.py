"""How good a view of the face one frame gives: size, sharpness, pose."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core import UInt8Array
from mien.faces.crop import check_points

__all__ = ["NO_FACE", "Quality", "head_pose", "measure_quality", "sharpness"]


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality record of one frame.

    Attributes
    ----------
    found : bool
        Whether there is a face; without one the numbers are nan.
    size_px : float
        Width of the face box in image pixels: 2.5 eye distances, as in :func:`mien.faces.eye_crop_matrix`.
    blur : float
        Variance of the Laplacian over the variance of the grey face at 64 px: contrast-free, low is blurred
        (below about 0.05), sharp faces have 0.2 and more.
    yaw, pitch, roll : float
        Head pose in degrees, as :func:`head_pose`.
    """

    found: bool
    size_px: float
    blur: float
    yaw: float
    pitch: float
    roll: float


NO_FACE = Quality(False, math.nan, math.nan, math.nan, math.nan, math.nan)

# A generic head in eye distances (x right, y down, z away from the camera): nose bridge, subnasale, eye corners.
# In-plane places are those of the canonical face; depths are rough anthropometry (nose tip 25 mm before the nasion).
_POSE_POINTS = np.array([27, 28, 29, 30, 33, 36, 39, 42, 45])
_HEAD = np.array(
    [
        [0.0, -0.04, 0.0],
        [0.0, 0.16, -0.12],
        [0.0, 0.35, -0.26],
        [0.0, 0.54, -0.40],
        [0.0, 0.74, -0.20],
        [-0.69, 0.0, 0.28],
        [-0.31, 0.0, 0.12],
        [0.31, 0.0, 0.12],
        [0.69, 0.0, 0.28],
    ]
)
_POSE_SOLVER = np.linalg.pinv(_HEAD - _HEAD.mean(axis=0)).T


def head_pose(points: npt.ArrayLike) -> tuple[float, float, float]:
    """Rough head pose under scaled orthographic projection.

    The linear step of POSIT (DeMenthon & Davis, IJCV 15, 1995) on nine points that expressions do not move and a
    generic head, so a person's own build shifts all of a clip's angles by up to some ten degrees; changes are
    more exact than values.

    Parameters
    ----------
    points : array, (68, 2)
        Landmarks, pixels.

    Returns
    -------
    yaw, pitch, roll : float
        Degrees. Yaw is positive when the face turns to the image's right, pitch when it looks up, roll when the
        head tilts clockwise as seen in the image.

    Raises
    ------
    MienError
        If points are not 68 finite ones.

    Examples
    --------
    >>> from mien.faces import canonical_points
    >>> [round(angle) + 0 for angle in head_pose(canonical_points(100))]
    [0, 0, 0]
    """
    return _pose(check_points(points))


def _pose(points: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    picked = points[_POSE_POINTS]
    first, second = (picked - picked.mean(axis=0)).T @ _POSE_SOLVER
    first, second = first / (np.linalg.norm(first) + 1e-12), second / (np.linalg.norm(second) + 1e-12)
    # The model's nose points to -z; where that axis goes is the direction of the face.
    right, down = -first[2], -second[2]
    toward = math.sqrt(max(1e-9, 1 - right * right - down * down))
    yaw = math.atan2(right, toward)
    pitch = math.atan2(-down, math.hypot(right, toward))
    roll = math.atan2(second[0], first[0])
    return math.degrees(yaw), math.degrees(pitch), math.degrees(roll)


def sharpness(face: UInt8Array) -> float:
    """Variance of the Laplacian over the variance of a grey face (Pech-Pacheco et al., ICPR 2000, contrast-free).

    Parameters
    ----------
    face : uint8 array, (H, W)
        The face; compare only faces brought to one size.

    Returns
    -------
    float
        Low is blurred; 0 for a face of one grey.
    """
    import cv2

    contrast = cv2.meanStdDev(face)[1][0, 0]
    detail = cv2.meanStdDev(cv2.Laplacian(face, cv2.CV_16S))[1][0, 0]
    return float((detail / contrast) ** 2) if contrast > 0 else 0.0


def measure_quality(points: npt.ArrayLike, face: UInt8Array) -> Quality:
    """Quality of a frame in which a face was found.

    Parameters
    ----------
    points : array, (68, 2)
        Landmarks in image pixels.
    face : uint8 array, (64, 64)
        The grey face.

    Raises
    ------
    MienError
        If points are not 68 finite ones.
    """
    points = check_points(points)
    across = points[42:48].mean(axis=0) - points[36:42].mean(axis=0)
    yaw, pitch, roll = _pose(points)
    return Quality(True, 2.5 * math.hypot(*across), sharpness(face), yaw, pitch, roll)
