"""Tables for other people's programs: submissions to the MEGC challenges, per-frame columns as OpenFace names them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import Interval, MienError, atomic_path

__all__ = ["openface_pose", "write_megc", "write_openface"]

Array = npt.NDArray[np.float64]

_TYPES = {"micro": "me", "macro": "mae"}


def write_megc(path: Path | str, intervals: Iterable[Interval], video: str) -> Path:
    """Write a submission to the spotting task of the MEGC challenges: ``vid,pred_onset,pred_offset,type``.

    The types are ``me`` (micro) and ``mae`` (macro). Frames count from 1, while mien's own files count from 0: the
    truth of the challenges (CAS(ME)^2, SAMM Long Videos) is in the numbers of the corpora's images, and these begin
    with 1. The table of spot-then-recognise is another one (``subject,video,onset,offset,emotion``): it needs the
    subject, which a recording does not know. Neither has a column for the face: those of all faces are written.

    Parameters
    ----------
    path : Path or str
        The ``.csv`` file to write.
    intervals : iterable of Interval
        Micro and macro; they are written in the order of their onsets.
    video : str
        What the challenge calls the video.

    Returns
    -------
    Path
        The file, which :func:`mien.protocols.read_intervals` reads.

    Examples
    --------
    >>> import tempfile
    >>> moment = Interval(29, 40, 59, 0.145, 0.2, 0.295, score=0.6)
    >>> write_megc(Path(tempfile.mkdtemp()) / "a.csv", [moment], "006_1").read_text().splitlines()
    ['vid,pred_onset,pred_offset,type', '006_1,30,60,me']
    """
    ordered = sorted(intervals, key=lambda interval: (interval.onset_frame, interval.face))
    rows = [[video, i.onset_frame + 1, i.offset_frame + 1, _TYPES[i.kind]] for i in ordered]
    return _write(path, [["vid", "pred_onset", "pred_offset", "type"], *rows])


def write_openface(
    path: Path | str, times_s: npt.ArrayLike, faces: Mapping[int, npt.ArrayLike], size: tuple[int, int]
) -> Path:
    """Write the per-frame columns of OpenFace's FeatureExtraction that mean the same here.

    These are ``frame`` (from 1), ``face_id`` (from 0), ``timestamp`` (s, as the file has it), ``success`` and, in
    radians, ``pose_Rx``, ``pose_Ry``, ``pose_Rz``, in OpenFace's convention (:func:`openface_pose`). The pose is that
    of a generic head: a person's build shifts a clip's angles by up to some ten degrees, so changes are more exact
    than values. A frame without a face has one row with ``success`` 0 and empty cells.

    Left out: ``confidence`` (OpenFace's is a network's estimate of how well the landmarks lie; there is none here),
    ``pose_T*`` (millimetres need the camera), the landmarks ``x_*``, ``y_*`` (not kept per frame), gaze, and the action
    units ``AU*`` (there, intensities 0 to 5 in each frame; here, shares within an interval).

    Parameters
    ----------
    path : Path or str
        The ``.csv`` file to write.
    times_s : float array, (T,)
        Presentation times of all frames.
    faces : mapping of int to float array, (T, 5)
        By number of the face, from 1: yaw, pitch, roll (degrees, as :func:`mien.faces.head_pose`), x and y of the
        middle of the face (px); nan where it is not there.
    size : (int, int)
        Width and height of the pictures, px.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MienError
        If there is not one row per frame.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> made = write_openface(path, [0.0, 0.04], {1: [[0, 0, 0, 320, 240], [np.nan] * 5]}, (640, 480))
    >>> made.read_text().splitlines()[1:]
    ['1,0,0.000000,1,0.0000,0.0000,0.0000', '2,0,0.040000,0,,,']
    """
    times = np.asarray(times_s, np.float64)
    columns = {face: np.asarray(rows, np.float64) for face, rows in sorted(faces.items())}
    if wrong := [face for face, rows in columns.items() if rows.shape != (len(times), 5)]:
        shape = columns[wrong[0]].shape
        raise MienError(f"got {shape} numbers of face {wrong[0]}; expected ({len(times)}, 5), a row for each frame")
    poses = {face: openface_pose(rows[:, :3], rows[:, 3:], size) for face, rows in columns.items()}
    header = ["frame", "face_id", "timestamp", "success", "pose_Rx", "pose_Ry", "pose_Rz"]
    return _write(path, _frames(header, times, poses))


def openface_pose(degrees: npt.ArrayLike, middle: npt.ArrayLike, size: tuple[int, int]) -> Array:
    """Turn yaw, pitch and roll into OpenFace's rotation.

    OpenFace's angles are those of R = Rx Ry Rz, with x right, y down and z away from the camera: a positive Rx looks
    down, a positive Ry turns to the image's left, a positive Rz tilts clockwise in the image. They are relative to the
    camera, where mien's are relative to the line of sight to the face; the two differ by the angle under which the
    camera sees the face, for which the focal length is taken that OpenFace assumes without calibration: 500 px at a
    width of 640 and a height of 480, in proportion.

    Parameters
    ----------
    degrees : float array, (T, 3)
        Yaw, pitch, roll, as :func:`mien.faces.head_pose`.
    middle : float array, (T, 2)
        The middle of the face, px.
    size : (int, int)
        Width and height of the pictures, px.

    Returns
    -------
    float array, (T, 3)
        Rx, Ry, Rz, radians.

    Examples
    --------
    >>> np.degrees(openface_pose([[10.0, 0.0, 0.0]], [[320.0, 240.0]], (640, 480))).round(3) + 0.0
    array([[  0., -10.,   0.]])
    """
    width, height = size
    yaw, pitch, roll = np.radians(np.asarray(degrees, np.float64)).T
    nose = np.stack([np.sin(yaw) * np.cos(pitch), -np.sin(pitch), -np.cos(yaw) * np.cos(pitch)], axis=-1)
    across = np.stack([np.cos(roll), np.sin(roll), np.zeros_like(roll)], axis=-1)
    across[:, 2] = -(across * nose).sum(axis=1) / nose[:, 2]  # perpendicular to where the nose points
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    head = np.stack([across, np.cross(-nose, across), -nose], axis=-1)
    focal = (500 * width / 640 + 500 * height / 480) / 2
    offset = (np.asarray(middle, np.float64) - (width / 2, height / 2)) / focal
    turned = _to_sight(offset) @ head
    angles = [
        np.arctan2(-turned[:, 1, 2], turned[:, 2, 2]),
        np.arcsin(np.clip(turned[:, 0, 2], -1, 1)),
        np.arctan2(-turned[:, 0, 1], turned[:, 0, 0]),
    ]
    return np.stack(angles, axis=-1)


def _to_sight(offset: Array) -> Array:
    """The smallest rotation from the camera's axis to the line of sight (T, 3, 3), by Rodrigues' formula."""
    sight = np.concatenate([offset, np.ones((len(offset), 1))], axis=1)
    x, y, z = (sight / np.linalg.norm(sight, axis=1, keepdims=True)).T
    share = 1 / (1 + z)
    rows = [[1 - x * x * share, -x * y * share, x], [-x * y * share, 1 - y * y * share, y], [-x, -y, z]]
    return np.moveaxis(np.array(rows), -1, 0)


def _frames(header: list[str], times: Array, poses: Mapping[int, Array]) -> Iterable[Sequence[Any]]:
    """The rows of the table, one per frame and face."""
    yield header
    for number, time_s in enumerate(times.tolist(), start=1):
        there = [(face, rows[number - 1]) for face, rows in poses.items() if np.isfinite(rows[number - 1]).all()]
        for face, angles in there:
            yield [number, face - 1, f"{time_s:.6f}", 1, *(f"{angle + 0.0:.4f}" for angle in angles.tolist())]
        if not there:
            yield [number, 0, f"{time_s:.6f}", 0, "", "", ""]


def _write(path: Path | str, rows: Iterable[Sequence[Any]]) -> Path:
    path = Path(path)
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return path
