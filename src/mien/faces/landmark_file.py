"""Landmarks that the user has from elsewhere: a CSV file as OpenFace writes it, or JSON.

CSV: a row per frame with ``frame``, ``x_0`` … ``x_67`` and ``y_0`` … ``y_67`` (pixels, iBUG 300-W scheme); with
``success``, rows of 0 hold no face; with ``clip`` or ``sample_id``, many clips stand in one file. Other columns are
passed over, the 3-D ``X_0`` and the gaze's ``eye_lmk_x_0`` too.

JSON: ``{"<clip>": {"<frame>": [[x, y], … 68 of them], …}, …}``, or ``{"<frame>": …}`` for a single clip.

Frame numbers are those in the names of the corpus's images (``reg_img46.jpg`` is 46). OpenFace counts frames from 1,
in the order in which it reads them: where a clip's images do not start at 1, add what is missing.
"""

from __future__ import annotations

import csv
import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError
from mien.core.frames import ranges

__all__ = ["LandmarkFile", "read_landmarks"]

_COLUMNS = tuple(f"{axis}_{number}" for axis in "xy" for number in range(68))
_CLIP_COLUMNS = ("clip", "sample_id")
_FAR = 1e6  # pixels: no image is so large
_UNNAMED = ""  # the clip of a file that names none

Face = tuple[str, str, Any, str]  # clip, frame, points, where they stand


@dataclass(frozen=True, eq=False)
class LandmarkFile:
    """The landmarks of one or many clips; made by :func:`read_landmarks`.

    Attributes
    ----------
    path : Path
        The file.
    faces : mapping of clip to mapping of frame number to float32 array (68, 2)
        ``(x, y)``, pixels. A file that names no clip has the one clip ``""``.
    """

    path: Path
    faces: Mapping[str, Mapping[int, FloatArray]]

    @property
    def clips(self) -> tuple[str, ...]:
        """The clips that the file names; empty for a file of a single clip without a name."""
        return tuple(clip for clip in self.faces if clip != _UNNAMED)

    def points(self, clip: str, frame: int | None = None) -> FloatArray:
        """Return the landmarks of a frame of a clip.

        Parameters
        ----------
        clip : str
            As the file names it: the sample's id. A file that names no clip answers for whatever clip is asked.
        frame : int, optional
            The number in the frame's file name; by default the first frame that the file has of the clip.

        Returns
        -------
        float32 array, (68, 2)
            ``(x, y)``, pixels; yours to change.

        Raises
        ------
        MienError
            If the file lacks the clip or the frame.
        """
        frames = self.faces.get(_UNNAMED) or self.faces.get(clip)
        if frames is None:
            near = difflib.get_close_matches(clip, self.faces, n=1, cutoff=0)
            raise MienError(
                f"got no landmarks of the clip '{clip}' in '{self.path}'; expected it among its {len(self.faces)}, "
                f"such as '{near[0]}'; name clips by their sample ids"
            )
        if frame is None:
            frame = min(frames)
        if frame not in frames:
            raise MienError(
                f"got no landmarks of frame {frame} of '{clip}' in '{self.path}', which has {ranges(frames)}; "
                "expected the number in the frame's file name (OpenFace counts from 1); renumber or add it"
            )
        return frames[frame].copy()


def read_landmarks(path: Path | str) -> LandmarkFile:
    """Read landmarks from a CSV file with OpenFace's columns or from a JSON file; the module tells the formats.

    Parameters
    ----------
    path : Path or str
        ``.csv`` or ``.json``, UTF-8.

    Returns
    -------
    LandmarkFile

    Raises
    ------
    MienError
        If the file is missing, broken or without a face, columns are missing, a frame stands twice, or a face has
        not 68 finite points.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "onsets.json"
    >>> face = [[10 * i, 5 * i] for i in range(68)]
    >>> _ = path.write_text(json.dumps({"casme2/sub01/EP02_01f": {"46": face}}))
    >>> read_landmarks(path).points("casme2/sub01/EP02_01f", 46)[:2].tolist()
    [[0.0, 0.0], [10.0, 5.0]]
    """
    path = Path(path)
    readers = {".csv": _read_csv, ".json": _read_json}
    if path.suffix.lower() not in readers or not path.is_file():
        raise MienError(f"got the landmarks '{path}'; expected an existing .csv or .json file; check the path")
    faces: dict[str, dict[int, FloatArray]] = {}
    try:
        for clip, frame, points, place in readers[path.suffix.lower()](path):
            number = _frame_number(frame, path, place)
            if number in faces.setdefault(clip, {}):
                raise MienError(
                    f"got frame {number} a second time in {place} of '{path}'; expected it once; remove one"
                )
            faces[clip][number] = _face(points, path, place)
    except (OSError, UnicodeDecodeError, csv.Error, json.JSONDecodeError, RecursionError) as error:
        raise MienError(
            f"got '{path}', which does not read ({error}); expected UTF-8 CSV or JSON; save it so"
        ) from error
    if not faces:
        raise MienError(f"got '{path}' without a face; expected 68 landmarks of at least one frame; check the file")
    return LandmarkFile(path, MappingProxyType({clip: MappingProxyType(frames) for clip, frames in faces.items()}))


def _read_csv(path: Path) -> Iterator[Face]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        names = _header(next(rows, []), path)
        clip_column = next((name for name in _CLIP_COLUMNS if name in names), None)
        for number, cells in enumerate(rows, 2):
            if not any(cell.strip() for cell in cells):
                continue
            place = f"row {number}"
            if len(cells) < len(names) or any(cell.strip() for cell in cells[len(names) :]):
                raise MienError(
                    f"got {len(cells)} cells in {place} of '{path}'; expected {len(names)} as in the header; "
                    "complete the row"
                )
            row = dict(zip(names, (cell.strip() for cell in cells), strict=False))
            if _failed(row):
                continue
            clip = row[clip_column] if clip_column else _UNNAMED
            if clip_column and not clip:
                raise MienError(f"got no {clip_column} in {place} of '{path}'; expected a sample's id; fill it in")
            yield clip, row["frame"], [[row[f"x_{i}"], row[f"y_{i}"]] for i in range(68)], place


def _header(cells: list[str], path: Path) -> list[str]:
    """The column names; case counts, since OpenFace's x_0 is a pixel and its X_0 a millimetre."""
    names = [cell.strip() for cell in cells]
    missing = [name for name in ("frame", *_COLUMNS) if name not in names]
    twice = [name for name in ("frame", "success", *_CLIP_COLUMNS, *_COLUMNS) if names.count(name) > 1]
    if missing or twice:
        wrong = f"without the column {missing[0]}" if missing else f"with two columns {twice[0]}"
        raise MienError(f"got '{path}' {wrong}; expected frame, x_0 to x_67 and y_0 to y_67 once; correct the header")
    return names


def _failed(row: Mapping[str, str]) -> bool:
    """Whether the tracker says that it saw no face: OpenFace writes 0, others 0.0 or False."""
    return row.get("success", "1").lower() in {"0", "0.0", "false"}


def _read_json(path: Path) -> Iterator[Face]:
    content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=lambda pairs: _unique(pairs, path))
    if not isinstance(content, dict) or len({isinstance(value, dict) for value in content.values()}) > 1:
        raise MienError(
            f"got '{path}' with something else at its top; expected {{clip: {{frame: points}}}} or {{frame: points}}; "
            "write it so"
        )
    single = not all(isinstance(value, dict) for value in content.values())
    for clip, frames in {_UNNAMED: content}.items() if single else content.items():
        if not clip and not single:
            raise MienError(f"got a clip without a name in '{path}'; expected a sample's id; name it")
        for frame, points in frames.items():
            yield clip, frame, points, f"frame '{frame}'" + (f" of '{clip}'" if clip else "")


def _unique(pairs: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    """A JSON object; Python's reader would silently keep the last of equal names."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for name in names if names.count(name) > 1)
        raise MienError(f"got '{name}' twice in '{path}'; expected every clip and frame once; remove one")
    return found


def _frame_number(text: str, path: Path, place: str) -> int:
    """A whole number from 0; spreadsheets write 46.0."""
    found = re.fullmatch(r"\s*([0-9]{1,12})(\.0*)?\s*", text)
    if not found:
        raise MienError(f"got the frame '{text}' in {place} of '{path}'; expected a frame number; correct it")
    return int(found[1])


def _face(values: Any, path: Path, place: str) -> FloatArray:
    """68 points from [[x, y], …], numbers or text."""
    try:
        points: npt.NDArray[np.float64] = np.asarray(values, np.float64)
    except (ValueError, TypeError, OverflowError) as error:
        raise MienError(
            f"got no (68, 2) numbers in {place} of '{path}' ({error}); expected 68 points (x, y); correct it"
        ) from error
    if points.shape != (68, 2):
        raise MienError(f"got points {points.shape} in {place} of '{path}'; expected (68, 2), (x, y); correct it")
    if not (np.abs(points) < _FAR).all():
        raise MienError(f"got nan or no pixel in {place} of '{path}'; expected 68 finite points; leave such frames out")
    return points.astype(np.float32)
