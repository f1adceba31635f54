"""``mien compare``: what a person and what a program gets, and what cannot be compared."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien.cli import main
from mien.core import Prediction
from mien.protocols import write_predictions

MEGC = ("negative", "positive", "surprise")


def write(path: Path, right: float, *, n: int = 48, seeds: int = 2, selection: str = "last") -> Path:
    """Predictions of eight subjects, a share of which is right."""
    rows = []
    for seed in range(seeds):
        wins = np.random.default_rng(seed).random(n) < right
        for i, wins_here in enumerate(wins):
            subject, truth = f"smic/s{i % 8}", MEGC[i % 3]
            predicted = truth if wins_here else MEGC[(i + 1) % 3]
            rows.append(Prediction("smic", subject, f"{subject}/c{i}", subject, seed, selection, truth, predicted))
    write_predictions(path, rows)
    return path


def mien(*words: object) -> int:
    return main(["compare", *map(str, words)], standalone=False)


def test_json_holds_scores_and_tests(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = write(tmp_path / "a.csv", 0.5), write(tmp_path / "b.csv", 0.9)
    assert mien(a, b, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [file["name"] for file in document["files"]] == [str(a), str(b)]
    [pair] = document["pairs"]
    assert pair["difference"]["uf1"] > 0.2
    assert pair["ci95"]["uf1"][0] > 0
    assert pair["permutation"]["p"] < 0.05
    assert set(pair["mcnemar"]["seeds"]) == {"0", "1"}


def test_people_read_letters_and_corrected_p(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [write(tmp_path / f"{name}.csv", right) for name, right in (("a", 0.5), ("b", 0.9), ("c", 0.6))]
    assert mien(*files, "--permutations", 500) == 0
    text = capsys.readouterr().out
    assert text.startswith("48 samples of 8 subjects, seeds 0, 1\nA  UF1 ")
    for part in (
        "\nB - A: UF1 +",
        "\nC - A: UF1 ",
        "\nC - B: UF1 -",
        "(Holm: ",
        "McNemar over seeds: twice the median",
    ):
        assert part in text
    assert mien(*files[:2]) == 0
    assert "Holm" not in capsys.readouterr().out


def test_a_leak_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mien(write(tmp_path / "a.csv", 0.5), write(tmp_path / "b.csv", 0.6, selection="test")) == 0
    assert "   LEAK: The test fold chose the epoch" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("a.csv",), "two or more"),
        (("a.csv", "a.csv"), "twice"),
        (("a.csv", "short.csv"), "got 14 predictions"),
        (("a.csv", "none.csv"), "No such file"),
        (("a.csv", "one.csv"), "such as seed 1"),
        (("a.csv", "b.csv", "--permutations", 0), "got 0 permutations"),
    ],
)
def test_what_cannot_be_compared_is_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.csv", 0.5)
    write(tmp_path / "b.csv", 0.5)
    write(tmp_path / "short.csv", 0.5, n=41)
    write(tmp_path / "one.csv", 0.5, seeds=1)
    assert mien(*words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert printed.err.count("\n") == 1
