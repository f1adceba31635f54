"""``mien agree``: a person's intervals and mien's, in whatever file they come."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pympi.Elan import Eaf

from mien.cli import main

OURS = """onset_frame,apex_frame,offset_frame,onset_s,apex_s,offset_s,duration_s,emotion,confidence,p_negative,score
200,220,260,1.0,1.1,1.3,0.3,negative,0.8,0.8,1.2
600,640,700,3.0,3.2,3.5,0.5,surprise,0.6,0.2,0.9
1000,1010,1040,5.0,5.05,5.2,0.2,positive,0.5,0.1,0.7
"""


def mien(*words: object) -> int:
    return main(["agree", *map(str, words)], standalone=False)


@pytest.fixture
def found(tmp_path: Path) -> Path:
    (tmp_path / "intervals.csv").write_text(OURS)
    return tmp_path / "intervals.csv"


@pytest.fixture
def person(tmp_path: Path) -> Path:
    """Two of the three moments, 20 ms later, as a person marked them in ELAN."""
    document = Eaf()
    document.remove_tier("default")
    for tier in ("micro-expression", "emotion"):
        document.add_tier(tier)
    for start, stop, emotion in ((1020, 1320, "negative"), (3020, 3480, "surprise"), (7000, 7200, "positive")):
        document.add_annotation("micro-expression", start, stop, "")
        document.add_annotation("emotion", start, stop, emotion)
    document.to_file(tmp_path / "person.eaf")
    return tmp_path / "person.eaf"


def test_a_file_agrees_with_itself(found: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mien(found, found, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["f1"], document["strs"], document["kappa"]) == (1.0, 1.0, 1.0)
    assert [document[f"{point}_error_ms"] for point in ("onset", "apex", "offset")] == [0, 0, 0]


def test_elan_and_miens_own_file_are_matched(person: Path, found: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mien(person, found, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["tp"], document["fp"], document["fn"]) == (2, 1, 1)
    assert document["f1"] == pytest.approx(2 / 3)
    assert document["onset_error_ms"] == pytest.approx(20)
    assert document["offset_error_ms"] == pytest.approx(20)
    assert document["apex_error_ms"] is None
    assert document["kappa"] == 1.0


def test_people_read_words(person: Path, found: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mien(person, found, "--legacy") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "all: F1 0.6667, precision 0.6667, recall 0.6667 (2 matched, 1 missed, 1 false)"
    assert "onset error: 20.0 ms" in lines
    assert "apex error: not known" in lines
    assert "recall, up to 0.5 s: 0.6667 (2 of 3)" in lines
    assert lines[-1].startswith("legacy: tp 2, fp 1, fn 1,")


def test_frames_of_a_challenge_become_times_by_the_rate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth, found = tmp_path / "gt.csv", tmp_path / "pred.csv"
    truth.write_text("vid,onset,offset,type\n006_1,100,160,me\n006_2,50,400,mae\n")
    found.write_text("vid,pred_onset,pred_offset,type\n006_1,106,160,me\n")
    assert mien(truth, found, "--fps", 200, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["onset_error_ms"] == pytest.approx(30)
    assert (document["by_kind"]["micro"]["f1"], document["by_kind"]["macro"]["recall"]) == (1.0, 0.0)
    assert document["by_video"]["006_2"] == {"tp": 0, "fp": 0, "fn": 1}


@pytest.mark.parametrize(
    ("options", "content", "message"),
    [
        ((), "onset_s,offset_s\n2,1\n", "at line 2 of"),
        ((), "a,b\n1,2\n", "expected the columns"),
        (("--iou", 0), OURS, "IoU threshold"),
        (("--fps", -1), OURS, "frames per second"),
        (("--labels", "magc"), OURS, "unknown label map"),
    ],
)
def test_what_is_wrong_is_one_line_and_status_2(
    found: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple, content: str, message: str
) -> None:
    (tmp_path / "b.csv").write_text(content)
    assert mien(found, tmp_path / "b.csv", *options, "--json") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert printed.err.count("\n") == 1
