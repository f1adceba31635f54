"""``mien audit``: the honest score first, then what shortcuts would have made of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien.cli import main


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise that nothing can be learned from, by a network whose epochs were kept."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("audit")
    maps = np.random.default_rng(0).integers(0, 256, (30, 28, 28, 3), np.uint8)
    ids = {
        "subject": [f"s{i // 5}" for i in range(30)],
        "dataset": ["smic"] * 30,
        "sample_id": [f"c{i}" for i in range(30)],
    }
    np.savez(folder / "maps.npz", X=maps, y=np.arange(30) % 3, **ids)
    options = ["--dataset", "motion-npz", "--root", folder / "maps.npz", "--preset", "small", "--protocol", "kfold:3"]
    words = ["evaluate", "ststnet", *options, "--keep-epochs", "--jobs", 1, "--out", folder / "run"]
    assert main([str(word) for word in words], standalone=False) == 0
    return folder / "run"


def test_on_noise_the_best_epoch_looks_like_skill(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(run), "--json"], standalone=False) == 0
    document = json.loads(capsys.readouterr().out)
    best = {row["name"]: row for row in document["shortcuts"]}["best epoch per test fold, by accuracy"]
    assert best["gain"]["accuracy"] > 0
    assert document["epochs"] == 40
    assert document["honest"]["uf1"] == json.loads((run / "scores.json").read_text())["uf1"]


def test_people_read_a_table(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(run)], standalone=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "30 samples, 3 folds, seeds 0"
    assert lines[1].split() == ["UF1", "UAR", "accuracy"]
    assert lines[2].startswith("honest  ")
    for name in ("fold means", "micro F1 as F1", "best epoch per test fold, by accuracy", "random, best of 40"):
        assert any(line.startswith(f"{name} ") for line in lines)
    assert max(map(len, lines)) <= 100


def test_without_epochs_it_says_how_to_get_them(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").mkdir()
    for name in ("predictions.csv", "run.json"):
        (tmp_path / "run" / name).write_bytes((run / name).read_bytes())
    assert main(["audit", str(tmp_path / "run")], standalone=False) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("rerun with --keep-epochs.")


def test_what_is_no_run_is_one_line_and_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(tmp_path / "none"), "--json"], standalone=False) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "without predictions.csv" in printed.err
    assert printed.err.count("\n") == 1
