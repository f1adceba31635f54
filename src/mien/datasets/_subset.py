"""An annotation table with fewer rows: preamble, header and other sheets stay as they were."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

__all__ = ["write_subset"]

Cells = Sequence[object]


def write_subset(table: Path, out: Path, rows: int, kept: Collection[int]) -> None:
    """Copy an annotation table with some of its rows.

    In every corpus's table the clips are the last rows of the first sheet, one row each; what stands above them is
    kept. Formulas become their values, since the rows that they point to may go.

    Parameters
    ----------
    table : Path
        ``.xlsx`` or ``.csv``.
    out : Path
        Where to, with the same ending.
    rows : int
        How many clips the table has.
    kept : collection of int
        Which of them to keep, from 0.
    """
    if len(kept) == rows:
        shutil.copyfile(table, out)
    elif table.suffix.lower() == ".csv":
        _write_csv(table, out, rows, kept)
    else:
        _write_excel(table, out, rows, kept)


def _write_csv(table: Path, out: Path, rows: int, kept: Collection[int]) -> None:
    text = table.read_text(encoding="utf-8-sig")
    delimiter = ";" if text.count(";") > text.count(",") else ","
    lines = [cells for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(cells)]
    first = len(lines) - rows
    with out.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(lines[:first] + [lines[first + row] for row in sorted(kept)])


def _write_excel(table: Path, out: Path, rows: int, kept: Collection[int]) -> None:
    from openpyxl import load_workbook

    book = load_workbook(table, data_only=True)
    sheet = book.worksheets[0]
    cells = list(sheet.iter_rows(values_only=True))
    clips = [number for number, row in enumerate(cells) if any(value is not None for value in row)][-rows:]
    _rewrite(sheet, clips[0], [cells[clips[row]] for row in sorted(kept)])
    book.save(out)


def _rewrite(sheet: Any, first: int, rows: Sequence[Cells]) -> None:
    """Let ``rows`` be all that stands from row ``first`` (from 0) on; to delete rows one by one is very slow."""
    sheet.delete_rows(first + 1, sheet.max_row - first)
    for number, cells in enumerate(rows, first + 1):
        for column, value in enumerate(cells, 1):
            if value is not None:
                sheet.cell(number, column, value)
