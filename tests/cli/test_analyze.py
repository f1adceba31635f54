"""``mien analyze`` at the command line."""

from __future__ import annotations

import csv
import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mien
from mien.cli import main
from mien.cli.analyze import _Bars
from mien.synthesis import Event
from mien.video import write_video

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good clip, one without a face, and something that is no video."""
    folder = tmp_path_factory.mktemp("recordings")
    event = Event(0.5, 0.7, 0.9, (12,), intensity_px=2.0)
    mien.render(folder / "good.mp4", fps=60, seconds=1.5, size=(320, 240), events=[event], distractors="none")
    grey = [np.full((120, 160, 3), 128, np.uint8)] * 5
    write_video(folder / "empty.mp4", grey, 25)
    (folder / "text.mp4").write_text("this is no video")
    return folder


def test_findings_are_printed_with_the_report(recordings: Path, tmp_path: Path, capsys: Captured) -> None:
    assert main(["analyze", str(recordings / "good.mp4"), "--out", str(tmp_path)], standalone=False) == 0
    out = capsys.readouterr().out
    assert "good: 1 possible micro-expression in 1.5 s at 60 fps" in out
    assert "60.0 frames a second are few" in out
    assert str(tmp_path / "good/report.html") in out


def test_a_bad_recording_does_not_stop_the_rest(
    recordings: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    assert main(["analyze", str(recordings), "--out", str(tmp_path)], standalone=False) == 2
    said = capsys.readouterr()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good", "summary.csv", "summary.json"]
    assert f"table: {tmp_path / 'summary.csv'}" in said.out
    with (tmp_path / "summary.csv").open() as file:
        assert [(row["recording"], row["status"]) for row in csv.DictReader(file)] == [
            ("empty", "failed"),
            ("good", "done"),
            ("text", "failed"),
        ]
    lines = said.err.strip().splitlines()
    assert len(lines) == 3
    assert any("empty.mp4' without a face" in line for line in lines)
    assert any("text.mp4" in line for line in lines)
    assert "got 2 of 3 recordings that could not be analysed" in lines[-1]


def test_no_face_is_one_line_and_status_2(shared_data: Path, tmp_path: Path, capsys: Captured) -> None:
    assert (
        main(["analyze", str(shared_data / "media/no_face.mp4"), "--out", str(tmp_path / "o")], standalone=False) == 2
    )
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.strip().splitlines()) == 1
    assert not (tmp_path / "o").exists()


def test_a_study_in_one_command(recordings: Path, tmp_path: Path, capsys: Captured) -> None:
    markers = tmp_path / "markers.csv"
    markers.write_text("time_s,label\n0,rest\n0.4,film\n")
    command = ["analyze", str(recordings / "good.mp4"), "--out", str(tmp_path / "o"), "--markers", str(markers)]
    command += ["--export", "elan,megc", "--export", "openface", "--most-faces", "1", "--spotter", "mien", "--resume"]
    assert main(command, standalone=False) == 0
    names = {path.name for path in (tmp_path / "o/good").iterdir()}
    assert {"good.eaf", "good_megc.csv", "good_openface.csv"} <= names
    with (tmp_path / "o/conditions.csv").open() as file:
        assert [(row["condition"], row["events"]) for row in csv.DictReader(file)] == [("rest", "0"), ("film", "1")]
    capsys.readouterr()
    assert main(command, standalone=False) == 0
    assert "1 of 1 recordings were done already and are skipped" in capsys.readouterr().out


def test_nothing_printed_or_written_names_the_source_of_a_pseudonym(
    recordings: Path, tmp_path: Path, capsys: Captured
) -> None:
    command = ["analyze", str(recordings / "good.mp4"), "--out", str(tmp_path / "o"), "--deidentify"]
    assert main([*command, "--key", str(tmp_path / "key.csv")], standalone=False) == 0
    assert "recording-001: 1 possible micro-expression" in capsys.readouterr().out
    document = json.loads((tmp_path / "o/recording-001/analysis.json").read_text())
    assert (document["source"], document["sha256"]) == (None, None)
    assert str(recordings / "good.mp4") in (tmp_path / "key.csv").read_text()


def test_ctrl_c_is_status_130_and_says_what_is_not_done(
    recordings: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(bars: Any, name: str, done: int, total: int | None) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(_Bars, "move", interrupt)
    assert main(["analyze", str(recordings / "good.mp4"), "--out", str(tmp_path)], standalone=False) == 130
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("mien: interrupted; 0 of 1 recordings are done; not done: good")


@pytest.mark.parametrize(
    ("row", "said"),
    [("-1,film", "in row 2 at -1 s"), ("1,", "in row 2 without a label"), ("x,film", "time_s 'x' in row 2")],
)
def test_a_broken_marker_is_one_line_before_any_work(
    recordings: Path, tmp_path: Path, capsys: Captured, row: str, said: str
) -> None:
    markers = tmp_path / "markers.csv"
    markers.write_text(f"time_s,label\n{row}\n")
    command = ["analyze", str(recordings), "--out", str(tmp_path / "o"), "--markers", str(markers)]
    assert main(command, standalone=False) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
    assert not (tmp_path / "o").exists()
