"""Markers of a study: which condition or stimulus held when, read from a table that a person wrote."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from mien.core import MienError

__all__ = ["Marker", "marker_notes", "marker_spans", "markers_of", "read_markers", "take_markers"]

Span = tuple[float, float]
_COLUMNS = ("time_s", "label", "end_s", "recording", "subject")
_FORM = "time_s,label and, where wanted, end_s,recording,subject"


@dataclass(frozen=True, slots=True)
class Marker:
    """A condition that begins at a moment of a recording.

    Attributes
    ----------
    time_s : float
        Where it begins, in the recording's own presentation times.
    label : str
        The condition.
    end_s : float or None
        Where it ends; None until the next marker of the recording, or its end.
    recording : str
        Name, file name or stem of the recording; empty for every recording.
    subject : str
        Who was recorded, as a code; empty when not said.
    row : int or None
        The line of the file it was read from.

    Raises
    ------
    MienError
        If a time is negative or no number, the end is not after the beginning, or the label is empty.

    Examples
    --------
    >>> Marker(12.5, "lie", end_s=10)
    Traceback (most recent call last):
    ...
    mien.core.errors.MienError: got a marker from 12.5 to 10 s; expected its end after its beginning; correct it
    """

    time_s: float
    label: str
    end_s: float | None = None
    recording: str = ""
    subject: str = ""
    row: int | None = None

    def __post_init__(self) -> None:
        where = "" if self.row is None else f" in row {self.row}"
        if not self.label.strip():
            raise MienError(f"got a marker{where} without a label; expected the name of its condition; add it")
        for time_s in (self.time_s, *([] if self.end_s is None else [self.end_s])):
            if not (math.isfinite(time_s) and time_s >= 0):
                raise MienError(
                    f"got a marker{where} at {time_s:g} s; expected a time in seconds, 0 or more; correct it"
                )
        if self.end_s is not None and self.end_s <= self.time_s:
            raise MienError(
                f"got a marker{where} from {self.time_s:g} to {self.end_s:g} s; "
                "expected its end after its beginning; correct it"
            )

    def __str__(self) -> str:
        return f"'{self.label}' at {self.time_s:g} s" + ("" if self.row is None else f" (row {self.row})")


def read_markers(path: Path | str) -> tuple[Marker, ...]:
    r"""Read a table of markers.

    Parameters
    ----------
    path : path
        A CSV file (UTF-8) with the columns ``time_s,label`` and, where wanted, ``end_s``, ``recording``, ``subject``;
        other columns are left alone.

    Returns
    -------
    tuple of Marker
        In the order of the file.

    Raises
    ------
    MienError
        If the file cannot be read, a column is missing, there is no row, or a row is broken: the first such row is
        named by its line in the file, the header being line 1, with the number of the others.

    Examples
    --------
    >>> import tempfile
    >>> table = Path(tempfile.mkdtemp()) / "markers.csv"
    >>> _ = table.write_text("time_s,label,end_s\n0,baseline,\n30,film,90\n")
    >>> [(marker.time_s, marker.label, marker.end_s) for marker in read_markers(table)]
    [(0.0, 'baseline', None), (30.0, 'film', 90.0)]
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, restval="", strict=True)
            header = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = header
            rows = [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise MienError(f"got '{path}' for the markers, but {error.strerror}; expected a CSV file; check it") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MienError(
            f"got '{path}' for the markers, but {error}; expected a CSV file in UTF-8; save it so"
        ) from error
    if not {"time_s", "label"} <= set(header):
        raise MienError(f"got '{path}' with the columns {','.join(header)}; expected {_FORM}; name them so")
    return _parse(path, rows)


def _parse(path: Path, rows: Sequence[tuple[int, dict[str, str]]]) -> tuple[Marker, ...]:
    found, broken = [], []
    for number, row in rows:
        try:
            found.append(_marker(number, row))
        except MienError as error:
            broken.append(error)
    if broken:
        others = f" ({len(broken) - 1} more rows are broken)" if len(broken) > 1 else ""
        raise MienError(f"'{path}': {broken[0]}{others}")
    if not found:
        raise MienError(f"got '{path}' without a marker; expected rows of {_FORM}; add them")
    return tuple(found)


def _marker(number: int, row: dict[str, str]) -> Marker:
    if None in row:  # csv's key of what is beyond the header
        raise MienError(f"got row {number} with more fields than the header; expected {_FORM}; quote its commas")
    cells = {name: (row.get(name) or "").strip() for name in _COLUMNS}
    end = cells["end_s"]
    return Marker(
        time_s=_seconds(number, "time_s", cells["time_s"]),
        label=cells["label"],
        end_s=_seconds(number, "end_s", end) if end else None,
        recording=cells["recording"],
        subject=cells["subject"],
        row=number,
    )


def _seconds(number: int, column: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise MienError(
            f"got {column} '{text}' in row {number}; expected seconds with a decimal point, like 12.5; correct it"
        ) from None


def markers_of(markers: Iterable[Marker], names: Iterable[str]) -> tuple[Marker, ...]:
    """Take the markers of one recording, in time order.

    Parameters
    ----------
    markers : iterable of Marker
        Those of a study.
    names : iterable of str
        What the recording may be called: its name, file name, stem. A marker that names none is of every recording.

    Returns
    -------
    tuple of Marker

    Raises
    ------
    MienError
        If two markers of it begin at the same time and neither says when it ends.

    Examples
    --------
    >>> study = [Marker(5, "film", recording="b.mp4"), Marker(0, "rest"), Marker(3, "film", recording="a")]
    >>> [marker.time_s for marker in markers_of(study, ["b", "b.mp4"])]
    [0, 5]
    """
    known = set(names)
    mine = sorted((m for m in markers if not m.recording or m.recording in known), key=lambda marker: marker.time_s)
    for first, second in pairwise(marker for marker in mine if marker.end_s is None):
        if first.time_s == second.time_s:
            raise MienError(
                f"got the markers {first} and {second} at the same time without an end; "
                "expected end_s where two hold at once; add it"
            )
    return tuple(mine)


def take_markers(markers: Path | str | Iterable[Marker], names: Iterable[str]) -> tuple[Marker, ...]:
    """Do both: :func:`read_markers`, if need be, and :func:`markers_of`."""
    return markers_of(read_markers(markers) if isinstance(markers, str | Path) else markers, names)


def marker_spans(markers: Sequence[Marker], end_s: float) -> list[tuple[Marker, Span]]:
    """Return each marker of one recording with the time it holds, cut at the recording's end; one beyond it has none.

    Parameters
    ----------
    markers : sequence of Marker
        Those of the recording.
    end_s : float
        Where the recording ends.

    Examples
    --------
    >>> [span for _, span in marker_spans([Marker(0, "rest"), Marker(3, "film")], end_s=10)]
    [(0, 3), (3, 10)]
    """
    spans = []
    for marker in markers:
        later = [other.time_s for other in markers if other.time_s > marker.time_s]
        end = min([*later, end_s]) if marker.end_s is None else min(marker.end_s, end_s)
        if marker.time_s < end:
            spans.append((marker, (marker.time_s, end)))
    return spans


def marker_notes(markers: Sequence[Marker], end_s: float, slack_s: float = 0.1) -> list[str]:
    """Say which markers go beyond a recording, one line each.

    Parameters
    ----------
    markers : sequence of Marker
        Those of the recording.
    end_s : float
        Where it ends.
    slack_s : float
        An end that is later by no more than this is not worth a word.

    Examples
    --------
    >>> marker_notes([Marker(70, "film", row=4)], end_s=60)
    ["the marker 'film' at 70 s (row 4) begins after the end of what was analysed, 60.00 s: it is not counted"]
    """
    notes = []
    for marker in markers:
        if marker.time_s >= end_s:
            notes.append(
                f"the marker {marker} begins after the end of what was analysed, {end_s:.2f} s: it is not counted"
            )
        elif marker.end_s is not None and marker.end_s > end_s + slack_s:
            notes.append(
                f"the marker {marker} ends at {marker.end_s:g} s, after the end of what was analysed, {end_s:.2f} s: "
                "it is counted up to there"
            )
    return notes
