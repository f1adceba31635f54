"""``mien spot`` at the command line, on a fixture of CAS(ME)^2 from a table of our own."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from openpyxl import Workbook

from mien.cli import main

Captured = pytest.CaptureFixture[str]
ROWS = [
    (2, "happy5_1", 61, 67, 74, "12", "positive", "micro-expression", "happiness"),
    (1, "anger1_1", 30, 36, 43, "4", "negative", "micro-expression", "anger"),
]
HAPPY, ANGRY = "rawpic/s16/16_0508", "rawpic/s15/15_0401"


def mien(*words: object) -> int:
    return main([*map(str, words)], standalone=False)


@pytest.fixture(scope="module")
def fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos of some 55 frames at 30 fps; their first frames are number 41 and number 10."""
    folder = tmp_path_factory.mktemp("corpus")
    book = Workbook()
    for row in ROWS:
        book.active.append(row)
    book.save(folder / "CAS(ME)^2code_final.xlsx")
    tree = folder / "tree"
    assert mien("datasets", "fixture", "casme-sq", "--annotations", folder, "--out", tree, "--size", "200x150") == 0
    return tree


@pytest.fixture(scope="module")
def spotted(fixture: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("spotted") / "out"
    assert mien("spot", "--dataset", "casme-sq", "--root", fixture, "--out", out, "--jobs", 1) == 0
    return out


def test_the_fixtures_expressions_are_found_at_their_own_numbers(spotted: Path) -> None:
    document = json.loads((spotted / "spotting.json").read_text())
    assert (document["scores"]["tp"], document["scores"]["fn"], document["scores"]["fp"]) == (2, 0, 0)
    assert document["scores"]["apex_error_ms"] <= 34, "a frame at 30 fps"
    assert {video["video"]: video["first_number"] for video in document["videos"]} == {
        "casme-sq/s16/16_0508": 41,
        "casme-sq/s15/15_0401": 10,
    }
    with (spotted / "intervals.csv").open(newline="") as file:
        found = {row["video"]: row for row in csv.DictReader(file)}
    happy = found["casme-sq/s16/16_0508"]
    assert int(happy["apex_number"]) == pytest.approx(67, abs=1)
    assert int(happy["apex_frame"]) == int(happy["apex_number"]) - 41
    assert happy["kind"] == "micro"


def test_agree_reads_both_tables_and_finds_the_same(spotted: Path, capsys: Captured) -> None:
    assert mien("agree", spotted / "truth.csv", spotted / "intervals.csv", "--fps", 30, "--json") == 0
    again, scores = json.loads(capsys.readouterr().out), json.loads((spotted / "spotting.json").read_text())["scores"]
    for name in ("unit", "tp", "fp", "fn", "f1", "by_video"):
        assert again[name] == scores[name]
    assert again["apex_error_ms"] == pytest.approx(scores["apex_error_ms"], abs=0.01)


def test_what_is_finished_is_kept_and_people_read_scores(fixture: Path, spotted: Path, capsys: Captured) -> None:
    assert mien("spot", "--dataset", "casme-sq", "--root", fixture, "--out", spotted, "--resume") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "mien: 2 videos, 0.1 minutes"
    assert lines[1] == "micro: F1 1.0000, precision 1.0000, recall 1.0000 (2 matched, 0 missed, 0 false)"
    assert lines[-1] == str(spotted / "spotting.json")


def test_a_broken_video_does_not_stop_the_rest(fixture: Path, tmp_path: Path, capsys: Captured) -> None:
    tree = shutil.copytree(fixture, tmp_path / "tree")
    broken = sorted((tree / ANGRY).iterdir())[5]
    broken.write_bytes(b"no picture")
    words = ("spot", "--dataset", "casme-sq", "--root", tree, "--out", tmp_path / "out", "--jobs", 1)
    assert mien(*words, "--spotter", "mdmd") == 2
    said = capsys.readouterr()
    assert said.out.startswith("mdmd: 1 videos")
    [line] = said.err.strip().splitlines()
    assert line.startswith(f"mien: left out: casme-sq/s15/15_0401: got '{broken}'")
    document = json.loads((tmp_path / "out" / "spotting.json").read_text())
    assert [item["video"] for item in document["left_out"]] == ["casme-sq/s15/15_0401"]
    assert document["spotter"]["deviations"]


@pytest.mark.slow
def test_processes_of_their_own_find_the_same(fixture: Path, spotted: Path, tmp_path: Path) -> None:
    assert mien("spot", "--dataset", "casme-sq", "--root", fixture, "--out", tmp_path / "out", "--jobs", 2) == 0
    assert (tmp_path / "out" / "intervals.csv").read_bytes() == (spotted / "intervals.csv").read_bytes()


def test_annotated_videos_that_are_not_on_disk_are_said(fixture: Path, tmp_path: Path, capsys: Captured) -> None:
    tree = shutil.copytree(fixture, tmp_path / "tree")
    shutil.rmtree(tree / ANGRY)
    words = ("spot", "--dataset", "casme-sq", "--root", tree, "--out", tmp_path / "out")
    assert mien(*words, "--spotter", "sliding-window") == 0
    assert "has no frames of 1 annotated videos, which are left out: casme-sq/s15/15_0401" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--dataset", "casme2"), "which has no long videos; expected one of casme-sq, samm-lv"),
        (("--dataset", "casme-sq", "--spotter", "mdmf"), "unknown spotting method 'mdmf'; did you mean 'mdmd'"),
        (("--dataset", "casme-sq", "--jobs", 0), "expected at least 1"),
    ],
)
def test_bad_use_is_one_line_and_status_2(
    fixture: Path, tmp_path: Path, capsys: Captured, words: tuple, says: str
) -> None:
    assert mien("spot", *words, "--root", fixture, "--out", tmp_path / "out") == 2
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not (tmp_path / "out").exists()
