"""``mien benchmark spotting`` prints a table, or one JSON document."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mien.cli import main


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.benchmarks.spotting._QUICK", ((25.0,), (2.5,), 1, 6.0))


def test_quick_prints_json_and_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["benchmark", "spotting", "--quick", "--jobs", "1", "--method", "mien"]
    assert main([*words, "--json", "--keep", str(tmp_path / "kept")], standalone=False) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["quick"] is True
    assert [(row["fps"], row["intensity_px"], row["method"]) for row in document["results"]] == [(25.0, 2.5, "mien")]
    again = ["benchmark", "spotting", "--curves", str(tmp_path / "kept"), "--out", str(tmp_path / "out")]
    assert main([*again, "--jobs", "1"], standalone=False) == 0
    said = capsys.readouterr().out
    assert f"{document['results'][0]['f1']:6.3f}" in said
    assert "STRS: not known" in said
    assert (tmp_path / "out" / "spotting.png").is_file()


def test_an_unknown_method_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["benchmark", "spotting", "--method", "guess"], standalone=False) == 2
    assert capsys.readouterr().err.count("\n") == 1
