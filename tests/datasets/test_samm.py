"""SAMM: a table below a preamble, subjects as text, the richest grammar of action units."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import openpyxl
import pytest

from mien.core import MienError, MienWarning
from mien.datasets.samm import SAMM, parse, read
from mien.protocols import label_map

TABLE = "SAMM_Micro_FACS_Codes_v2.xlsx"
HEADER = [
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset Frame",
    "Apex Frame",
    "Offset Frame",
    "Duration",
    "Micro",
    "Action Units",
    "Estimated Emotion",
    "Objective Classes",
    "Notes",
]
GOOD = ["006", "006_1_2", 1, 5562, 5588, 5632, 71, "Micro - 1/2", "4+7", "Anger", 3, None]


def codes(folder: Path, *rows: list[object]) -> Path:
    book = openpyxl.Workbook()
    book.active.title = "MICRO_ONLY"
    for row in (["SAMM Dataset - Master FACS Codes"], ["Symbol Key:"], [], HEADER, *(rows or (GOOD,))):
        book.active.append(row)
    book.save(folder / TABLE)
    return folder / TABLE


def changed(**cells: object) -> list[object]:
    return [cells.get(name.replace(" ", "_").lower(), cell) for name, cell in zip(HEADER, GOOD, strict=True)]


def test_the_distributed_table_is_159_clips_of_29_subjects(shared_data: Path) -> None:
    samples = parse(shared_data / "annotations" / TABLE)
    counts = Counter(sample.emotion for sample in samples)
    assert counts | {"samples": len(samples), "subjects": len({s.subject for s in samples})} == SAMM.published
    assert Counter(s.objective for s in samples) == {
        "I": 24,
        "II": 13,
        "III": 20,
        "IV": 8,
        "V": 3,
        "VI": 7,
        "VII": 84,
    }
    assert all(s.onset <= s.apex <= s.offset for s in samples)
    assert all(s.action_units for s in samples)
    assert {s.fps for s in samples} == {200.0}


def test_three_classes_leave_133_clips_of_28_subjects(shared_data: Path) -> None:
    kept = [s for s in parse(shared_data / "annotations" / TABLE) if label_map(SAMM.labels).of(s)]
    subjects = {s.subject for s in kept}
    assert (len(kept), len(subjects)) == (133, 28)
    assert "samm/025" not in subjects


def test_objective_classes_are_a_label_map(shared_data: Path) -> None:
    kept = [label_map("samm7_objective").of(s) for s in parse(shared_data / "annotations" / TABLE)]
    assert (len(kept), kept.count("VII"), kept.count(None)) == (159, 84, 0)


def test_alternatives_and_references_count_as_their_units(shared_data: Path) -> None:
    units = {s.action_units_text: s.action_units for s in parse(shared_data / "annotations" / TABLE)}
    assert units["(R6 or R12)+R15"] == {6, 12, 15}
    assert units["A/L12"] == {12}
    assert units["ref(7B)+43C"] == {7, 43}
    assert units["R14+17+soft focus"] == {14, 17}
    assert {unit for found in units.values() for unit in found} <= set(range(1, 65))


def test_a_row_becomes_a_record_with_its_frames(tmp_path: Path) -> None:
    codes(tmp_path)
    folder = tmp_path / "SAMM" / "006" / "006_1_2"
    folder.mkdir(parents=True)
    (folder / "006_05562.jpg").touch()
    [sample] = read(tmp_path)
    assert (sample.subject, sample.sample_id) == ("samm/006", "samm/006/006_1_2")
    assert (sample.onset, sample.apex, sample.offset) == (5562, 5588, 5632)
    assert (sample.emotion, sample.objective, sample.source.path) == ("Anger", "III", folder)
    assert SAMM.layouts[0].file(sample, 5562) == "006_05562.jpg"


@pytest.mark.parametrize("subject", [6, 6.0, "6", "006"])
def test_a_subject_that_excel_took_for_a_number_is_repaired(tmp_path: Path, subject: object) -> None:
    assert parse(codes(tmp_path, changed(subject=subject)))[0].subject == "samm/006"


@pytest.mark.parametrize("apex", [1, 5633, 9999])
def test_an_apex_outside_the_clip_is_taken_as_unknown_and_said(tmp_path: Path, apex: int) -> None:
    table = codes(tmp_path, changed(apex_frame=apex))
    with pytest.warns(MienWarning, match="'samm/006/006_1_2'.*apex is taken as unknown"):
        [sample] = parse(table)
    assert sample.apex is None
    assert (sample.onset, sample.offset) == (5562, 5632)


def test_an_offset_that_contradicts_the_duration_is_said(tmp_path: Path) -> None:
    table = codes(tmp_path, changed(offset_frame=5739))
    with pytest.warns(MienWarning, match="got 178 frames .* 'samm/006/006_1_2' .* expected 71"):
        parse(table)


def test_corrections_go_by_id_and_only_on_demand(tmp_path: Path) -> None:
    broken = changed(
        subject="013", filename="013_1_9", onset_frame=5658, apex_frame=5680, offset_frame=6000, duration=82
    )
    table = codes(tmp_path, GOOD, broken)
    with pytest.warns(MienWarning, match="013_1_9"):
        assert parse(table)[1].offset == 6000
    assert [sample.offset for sample in parse(table, errata=True)] == [5632, 5739]


def test_the_distributed_table_needs_no_correction(shared_data: Path) -> None:
    table = shared_data / "annotations" / TABLE
    assert parse(table) == parse(table, errata=True)


@pytest.mark.parametrize(
    ("cells", "named"),
    [
        ({"subject": "six"}, "column 'Subject'"),
        ({"filename": "007_1_2"}, "column 'Filename'.*expected a clip of subject 006"),
        ({"filename": None}, "column 'Filename'"),
        ({"onset_frame": None}, "column 'Onset Frame'"),
        ({"estimated_emotion": None}, "column 'Estimated Emotion'"),
        ({"objective_classes": 9}, "column 'Objective Classes'"),
    ],
)
def test_a_broken_cell_is_named(tmp_path: Path, cells: dict[str, object], named: str) -> None:
    with pytest.raises(MienError, match=f"row 5, {named}"):
        parse(codes(tmp_path, changed(**cells)))
