"""``mien score``: tables for people, the contract's document for programs, one line for what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mien.cli import main
from mien.core import Prediction
from mien.protocols import score, write_predictions

CLASSES = ("negative", "positive", "surprise")


@pytest.fixture
def rows() -> list[Prediction]:
    """Two corpora, two seeds, right two times out of three."""
    return [
        Prediction(corpus, f"{corpus}/s{i % 4}", f"{corpus}/s{i % 4}/c{i}", f"{corpus}/s{i % 4}", seed, "last", *names)
        for seed in (0, 1)
        for corpus in ("casme2", "smic")
        for i in range(12)
        for names in [(CLASSES[i % 3], CLASSES[(i + (i % 5 == seed)) % 3])]
    ]


@pytest.fixture
def file(tmp_path: Path, rows: list[Prediction]) -> Path:
    write_predictions(tmp_path / "predictions.csv", rows)
    return tmp_path / "predictions.csv"


def test_json_is_the_scores_document(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(file), "--json"], standalone=False) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == score(file)
    assert printed.err == ""


def test_the_tables_hold_pooled_corpora_seeds_classes_and_confusion(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", str(file)], standalone=False) == 0
    text = capsys.readouterr().out
    document = score(file)
    for part in (document, *document["by_dataset"].values(), *document["seeds"].values()):
        low, high = part["ci95"]["uar"]
        assert f"{part['uar']:.4f}" in text
        assert f"{low:.4f}–{high:.4f}" in text
    for word in ("pooled", "casme2", "smic", "seed 1", "mean of folds", *CLASSES, "Confusion of seed 0, rows truth"):
        assert word in text
    assert "…" not in text, "no number is cut at 80 columns"
    assert "LEAK" not in text


def test_what_needs_no_model_stands_beside_the_scores(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(file)], standalone=False) == 0
    text = capsys.readouterr().out
    document = score(file)
    for part in (document, *document["by_dataset"].values()):
        assert part["baselines"]["majority"]["uar"] == pytest.approx(1 / 3)
        assert f"{part['baselines']['majority']['uf1']:.4f}" in text
    for word in ("most frequent class", "guessing evenly", "most frequent class, smic"):
        assert word in text


def test_seven_classes_fit_in_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ["happiness", "anger", "surprise", "disgust", "repression", "sadness", "contempt", "something-else"]
    rows = [Prediction("x", f"x/{i}", f"x/{i}/a", f"x/{i}", 0, "last", name, names[0]) for i, name in enumerate(names)]
    write_predictions(tmp_path / "p.csv", rows)
    assert main(["score", str(tmp_path / "p.csv")], standalone=False) == 0
    text = capsys.readouterr().out
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_a_leak_is_the_first_thing_said(
    tmp_path: Path, rows: list[Prediction], capsys: pytest.CaptureFixture[str]
) -> None:
    write_predictions(tmp_path / "p.csv", [replace(row, selection="test") for row in rows])
    assert main(["score", str(tmp_path / "p.csv")], standalone=False) == 0
    assert capsys.readouterr().out.startswith("LEAK: The test fold chose the epoch")


def test_names_that_look_like_markup_are_printed_as_they_are(
    tmp_path: Path, rows: list[Prediction], capsys: pytest.CaptureFixture[str]
) -> None:
    named = [replace(row, truth=f"[bold]{row.truth}", predicted=f"[bold]{row.predicted}") for row in rows]
    write_predictions(tmp_path / "p.csv", named)
    assert main(["score", str(tmp_path / "p.csv")], standalone=False) == 0
    assert "[bold]negative" in capsys.readouterr().out


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "\x00\x01\x02"])
def test_a_broken_file_is_one_line_and_status_2(
    tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.csv").write_text(content)
    assert main(["score", str(tmp_path / "p.csv"), "--json"], standalone=False) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("mien: got ")
    assert printed.err.count("\n") == 1


def test_a_missing_file_is_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", str(tmp_path / "none.csv")], standalone=False) == 2
    assert "No such file" in capsys.readouterr().err
