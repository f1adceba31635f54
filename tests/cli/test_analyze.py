"""``mien analyze`` at the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import mien
from mien.cli import main
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
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good"]
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
