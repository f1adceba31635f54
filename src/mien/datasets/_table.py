"""Annotation tables as rows of text: Excel or CSV, header wherever it is, every broken cell named."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from mien.core import MienError

__all__ = [
    "Row",
    "clip_of_subject",
    "frame_number",
    "objective_class",
    "parse_action_units",
    "read_sheets",
    "read_table",
    "required_text",
]

OBJECTIVE_CLASSES = ("I", "II", "III", "IV", "V", "VI", "VII")

UNKNOWN = frozenset({"", "/", "?", "-", "nan", "none", "n/a", "na"})
"""What annotators and programs write for "there is none"."""

Cells = list[str]


class Row(dict[str, str]):
    """One row of a table, column name to text, that knows where it stands.

    Parameters
    ----------
    cells : dict of str to str
        Column name to stripped text; an empty cell is ``""``.
    path : Path
        The file.
    number : int
        Row of the sheet, counted from 1 as Excel does.
    """

    def __init__(self, cells: dict[str, str], path: Path, number: int) -> None:
        super().__init__(cells)
        self.path = path
        self.number = number

    def broken(self, column: str, expected: str) -> MienError:
        """Return the error that names this row's cell in ``column``."""
        return MienError(
            f"got '{self.get(column, '')}' in row {self.number}, column '{column}' of '{self.path}'; "
            f"expected {expected}; correct the cell"
        )


def read_table(path: Path | str, columns: Sequence[str], sheet: str | None = None) -> list[Row]:
    r"""Read an annotation table.

    The header is the first row that holds all ``columns``, whatever stands above it; case and spaces do not matter.
    Cells become stripped text, whole numbers without a fraction (Excel's 6.0 is ``"6"``). Empty rows are left out.

    Parameters
    ----------
    path : Path
        ``.xlsx``, ``.xlsm`` or ``.csv`` (comma or semicolon, UTF-8).
    columns : sequence of str
        Columns that must be there. The rows' keys are these spellings; other columns keep their own.
    sheet : str, optional
        Sheet of a workbook; by default the first one that has the columns.

    Returns
    -------
    list of Row
        A dict per row, column name to text.

    Raises
    ------
    MienError
        If the file is missing or does not read, there is no such sheet, or no row holds the columns.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "codes.csv"
    >>> _ = path.write_text("made by hand\nSubject,Onset Frame, Note\n006, 12.0,\n")
    >>> read_table(path, ["Subject", "OnsetFrame"])
    [{'Subject': '006', 'OnsetFrame': '12', 'Note': ''}]
    """
    path = Path(path)
    if not path.is_file():
        raise MienError(f"got the table '{path}', which is no file; expected an Excel or CSV file; check the path")
    sheets = _csv(path) if path.suffix.lower() == ".csv" else read_sheets(path)
    if sheet is not None:
        sheets = _only(sheets, sheet, path)
    for rows in sheets.values():
        for number, cells in enumerate(rows, 1):
            names = _header(cells, columns)
            if names:
                return list(_rows(rows, number, names, path))
    raise MienError(_lacking(sheets, columns, path))


def frame_number(row: Row, column: str, *, required: bool = False) -> int | None:
    """Return the frame number in a cell, or None where there is none (``/``, ``?``, empty).

    Raises
    ------
    MienError
        If the cell is neither a whole number from 0 nor unknown, or unknown although ``required``.

    Examples
    --------
    >>> row = Row({"Onset": "46", "Apex": "/"}, Path("codes.csv"), 2)
    >>> frame_number(row, "Onset"), frame_number(row, "Apex")
    (46, None)
    """
    text = row[column]
    if not required and text.lower() in UNKNOWN:
        return None
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise row.broken(column, "a frame number" if required else "a frame number or '/'")
    return int(text)


def required_text(row: Row, column: str) -> str:
    """Return a cell that must not be empty; an empty one raises :class:`MienError`."""
    if not row[column]:
        raise row.broken(column, "a name")
    return row[column]


def clip_of_subject(row: Row, column: str, start: str) -> str:
    """Return a clip whose name begins with its subject's; raise :class:`MienError` where the row contradicts itself.

    One of the two is wrong, and believing the wrong one would put a person on both sides of a split.

    Examples
    --------
    >>> clip_of_subject(Row({"Subject": "6", "Filename": "006_1_2"}, Path("codes.xlsx"), 2), "Filename", "006_")
    '006_1_2'
    """
    clip = required_text(row, column)
    if not clip.startswith(start):
        raise row.broken(column, f"a clip of subject {row['Subject']}, which begins with '{start}'")
    return clip


def objective_class(row: Row, column: str) -> str:
    """Return the objective class in a cell, ``I`` to ``VII``, written so or as 1 to 7; empty where there is none.

    Raises
    ------
    MienError
        If the cell holds anything else.

    Examples
    --------
    >>> objective_class(Row({"Objective Class": "7"}, Path("codes.xlsx"), 2), "Objective Class")
    'VII'
    """
    text = row.get(column, "").upper()
    if text.lower() in UNKNOWN:
        return ""
    if text in OBJECTIVE_CLASSES:
        return text
    if text.isdecimal() and 1 <= int(text) <= len(OBJECTIVE_CLASSES):
        return OBJECTIVE_CLASSES[int(text) - 1]
    raise row.broken(column, "an objective class from 1 to 7")


def parse_action_units(text: str) -> frozenset[int]:
    """Return the FACS action units that an annotation names, each as its number.

    Sides and strengths (``L12``, ``A/L12``, ``T18``, ``15A``, ``4A/B``), alternatives (``R6 or R12``), references
    (``ref(7B)``) and remarks (``soft focus``) may stand around the numbers: every named unit counts. ``?`` names none.

    Examples
    --------
    >>> sorted(parse_action_units("(R6 or R12)+R15"))
    [6, 12, 15]
    >>> sorted(parse_action_units("A9E+ref(10)")), sorted(parse_action_units("?"))
    ([9, 10], [])
    """
    return frozenset(int(number) for number in re.findall(r"(?<!\d)(?<!\d\.)0?[1-9]\d?(?!\d|\.\d)", text))


def read_sheets(path: Path) -> dict[str, list[Cells]]:
    """Return the sheets of a workbook as rows of text; raise :class:`MienError` if it does not read."""
    from openpyxl import load_workbook

    try:
        book = load_workbook(path, data_only=True)
    except Exception as error:  # openpyxl lets through whatever its parts trip over
        raise MienError(
            f"got '{path}', which does not read as a workbook ({error}); expected .xlsx or .csv; save it as such"
        ) from error
    return {
        sheet.title: [[_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
        for sheet in book.worksheets
    }


def _csv(path: Path) -> dict[str, list[Cells]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        delimiter = ";" if text.count(";") > text.count(",") else ","
        rows = [[_text(cell) for cell in row] for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MienError(
            f"got '{path}', which does not read as CSV ({error}); expected UTF-8; save it as such"
        ) from error
    return {"": rows}


def _text(cell: object) -> str:
    """The cell as a person reads it: 6.0 is "6", nothing is "", runs of blanks are one."""
    text = "" if cell is None else " ".join(str(cell).split())
    return re.sub(r"^(\d+)\.0+$", r"\1", text)


def _only(sheets: dict[str, list[Cells]], sheet: str, path: Path) -> dict[str, list[Cells]]:
    """The named sheet; a CSV file has but one, without a name."""
    chosen = {name: rows for name, rows in sheets.items() if name.lower() in {"", sheet.lower()}}
    if not chosen:
        raise MienError(
            f"got '{path}' with the sheets {', '.join(sheets)}; expected '{sheet}'; take the corpus's own table"
        )
    return chosen


def _header(cells: Cells, columns: Sequence[str]) -> dict[str, int]:
    """Column name to position, if this row is the header; else empty."""
    found = {_key(cell): position for position, cell in reversed(list(enumerate(cells))) if cell}
    if not all(_key(column) in found for column in columns):
        return {}
    names = {column: found.pop(_key(column)) for column in columns}
    return names | {cells[position]: position for position in sorted(found.values())}


def _key(name: str) -> str:
    return re.sub(r"[\s_]+", "", name).lower()


def _rows(rows: list[Cells], header: int, names: dict[str, int], path: Path) -> Iterator[Row]:
    for number, cells in enumerate(rows[header:], header + 1):
        if any(cells):
            row = {name: cells[at] if at < len(cells) else "" for name, at in names.items()}
            yield Row(row, path, number)


def _lacking(sheets: dict[str, list[Cells]], columns: Sequence[str], path: Path) -> str:
    """The error for a table without its header: what the row nearest to one lacks."""
    rows = [{_key(cell) for cell in cells} for rows in sheets.values() for cells in rows]
    nearest = max(rows, key=lambda cells: sum(_key(column) in cells for column in columns), default=set())
    missing = [column for column in columns if _key(column) not in nearest]
    return (
        f"got '{path}' without the column{'s' * (len(missing) > 1)} {', '.join(missing) or 'names'}; "
        f"expected a header row with {', '.join(columns)}; take the corpus's own table"
    )
