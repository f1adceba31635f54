"""Annotation tables: found under any preamble, read as text, every broken cell named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from mien.core import MienError
from mien.datasets import DATASETS, Corpus
from mien.datasets._table import (
    Row,
    frame_number,
    objective_class,
    parse_action_units,
    read_table,
    required_text,
)


def workbook(path: Path, rows: list[list[object]], title: str = "Sheet1") -> Path:
    book = Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.create_sheet("Notes").append(["nothing here"])
    book.save(path)
    return path


def row(**cells: str) -> Row:
    return Row(cells, Path("codes.xlsx"), 7)


def test_the_header_is_found_below_any_preamble(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "codes.xlsx",
        [["Symbol key"], [], ['"/" = or'], ["Subject", None, "Onset  Frame", "Notes"], ["006", None, 12, " a  b "]],
    )
    [found] = read_table(path, ["Subject", "OnsetFrame"])
    assert found == {"Subject": "006", "OnsetFrame": "12", "Notes": "a b"}
    assert (found.number, found.path) == (5, path)


def test_excel_and_csv_say_the_same(tmp_path: Path) -> None:
    rows = [["Subject", "Onset"], ["006", 6.0], [None, None], ["7", 12]]
    excel = workbook(tmp_path / "codes.xlsx", rows)
    comma, semicolon = tmp_path / "comma.csv", tmp_path / "semicolon.csv"
    comma.write_bytes("\ufeffSubject,Onset\r\n006,6.0\r\n,\r\n7,12\r\n".encode())
    semicolon.write_text('Subject;Onset\n006;6.0\n;\n"7";12\n')
    expected = [{"Subject": "006", "Onset": "6"}, {"Subject": "7", "Onset": "12"}]
    assert read_table(excel, ["Subject"]) == read_table(comma, ["Subject"]) == expected
    assert read_table(semicolon, ["Subject"]) == expected
    assert [found.number for found in read_table(comma, ["Subject"])] == [2, 4]


def test_a_sheet_is_asked_for_by_name_or_found_by_its_columns(tmp_path: Path) -> None:
    path = workbook(tmp_path / "codes.xlsx", [["Subject"], ["1"]], title="HS")
    assert read_table(path, ["Subject"]) == read_table(path, ["Subject"], "hs")
    with pytest.raises(MienError, match="with the sheets HS, Notes; expected 'VIS'"):
        read_table(path, ["Subject"], "VIS")


def test_a_short_row_has_empty_cells(tmp_path: Path) -> None:
    path = tmp_path / "codes.csv"
    path.write_text("Subject,Onset,Note\n1\n")
    assert read_table(path, ["Subject"]) == [{"Subject": "1", "Onset": "", "Note": ""}]


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "codes.xlsx", [["Subject", "Onset"], [1, 2]])
    with pytest.raises(MienError, match="without the columns Apex, Offset; expected a header row with Subject"):
        read_table(path, ["Subject", "Apex", "Offset"])


@pytest.mark.parametrize("name", ["codes.xlsx", "codes.csv", "codes.xls"])
def test_what_is_no_table_is_one_clear_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(MienError, match="which is no file"):
        read_table(path, ["Subject"])
    path.write_bytes(b"\xd0\xcf\x11\xe0 not a table \xff")
    with pytest.raises(MienError, match="does not read as"):
        read_table(path, ["Subject"])
    path.write_bytes(b"")
    with pytest.raises(MienError, match="expected"):
        read_table(path, ["Subject"])


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        (name, pattern)
        for name in DATASETS
        if isinstance(corpus := DATASETS[name], Corpus)
        for pattern in corpus.tables
        if pattern.endswith(".xlsx")
    ],
)
@pytest.mark.parametrize("kept", [0, 100, -100])
def test_a_workbook_that_was_cut_short_is_one_clear_line(tmp_path: Path, name: str, pattern: str, kept: int) -> None:
    path = workbook(tmp_path / pattern.replace("*", "x"), [["Subject", "Filename"]])
    path.write_bytes(path.read_bytes()[:kept])
    corpus = DATASETS[name]
    assert isinstance(corpus, Corpus)
    for parse in filter(None, (corpus.parse, corpus.parse_long)):
        with pytest.raises(MienError, match=r"which does not read as a workbook .*save it as such") as caught:
            parse(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("4+7", {4, 7}),
        ("(R6 or R12)+R15", {6, 12, 15}),
        ("A/L12", {12}),
        ("ref(7B)+43C", {7, 43}),
        ("ref(L10)+A12B", {10, 12}),
        ("4A/B", {4}),
        ("4+13+T18+39", {4, 13, 18, 39}),
        ("R14+17+soft focus", {14, 17}),
        ("R14A or 17A or 24A", {14, 17, 24}),
        ("R7+AD38", {7, 38}),
        ("04+07.", {4, 7}),
        ("AU12, AU25", {12, 25}),
        ("?", set()),
        ("", set()),
    ],
)
def test_action_units_are_the_numbers_in_any_dress(text: str, units: set[int]) -> None:
    assert parse_action_units(text) == units


@given(st.sets(st.integers(1, 99)), st.sampled_from(["+", ", ", " or "]), st.sampled_from(["", "L", "R", "A"]))
def test_action_units_come_back_whatever_joins_them(units: set[int], joint: str, side: str) -> None:
    assert parse_action_units(joint.join(f"{side}{unit}" for unit in units)) == units


@given(st.text())
def test_no_remark_breaks_the_parser(text: str) -> None:
    assert all(1 <= unit <= 99 for unit in parse_action_units(text))


@pytest.mark.parametrize("text", ["/", "?", "", "NaN", "-"])
def test_an_unknown_frame_is_none_unless_it_is_needed(text: str) -> None:
    assert frame_number(row(Apex=text), "Apex") is None
    with pytest.raises(MienError, match=r"row 7, column 'Apex' of 'codes.xlsx'"):
        frame_number(row(Apex=text), "Apex", required=True)


@pytest.mark.parametrize("text", ["12.5", "-3", "twelve", "1e3", "2014-04-07 00:00:00", "٣"])
def test_what_is_no_frame_number_is_named_with_its_place(text: str) -> None:
    with pytest.raises(MienError, match=r"got '.+' in row 7, column 'Apex' of 'codes.xlsx'; expected a frame number"):
        frame_number(row(Apex=text), "Apex")


def test_objective_classes_are_written_in_two_ways() -> None:
    assert [objective_class(row(c=text), "c") for text in ("1", "IV", "vii", "")] == ["I", "IV", "VII", ""]
    assert objective_class(row(), "c") == ""
    for text in ("8", "0", "VIII", "x"):
        with pytest.raises(MienError, match="expected an objective class"):
            objective_class(row(c=text), "c")


def test_a_name_must_be_there() -> None:
    assert required_text(row(Filename="a"), "Filename") == "a"
    with pytest.raises(MienError, match="row 7, column 'Filename'"):
        required_text(row(Filename=""), "Filename")
