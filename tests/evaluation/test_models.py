"""One model on all samples, and what it says of a dataset."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien.core import MienError
from mien.evaluation import models, predict, train
from mien.methods import load_model
from mien.methods._onnx import OnnxNetwork
from mien.protocols import read_predictions


def write_maps(path: Path, **changes: object) -> Path:
    """24 maps by four subjects; each class moves another third of the face."""
    targets = np.arange(24) % 3
    maps = np.random.default_rng(0).integers(0, 100, (24, 28, 28, 3), np.uint8)
    for image, target in zip(maps, targets, strict=True):
        image[9 * target : 9 * target + 9] += 100
    names = {
        "subject": [f"s{row // 6}" for row in range(24)],
        "dataset": ["smic"] * 24,
        "sample_id": list("abcdef") * 4,
    }
    np.savez(path, **({"X": maps, "y": targets} | {k: np.array(v) for k, v in names.items()} | changes))  # type: ignore[arg-type]
    return path


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    return write_maps(tmp_path / "maps.npz")


def test_a_model_says_what_it_was_trained_on(maps: Path, tmp_path: Path) -> None:
    folder = train("flow-svm", "motion-npz", maps, out=tmp_path / "model", seed=4)
    card = json.loads((folder / "model.json").read_text())
    data = card["training_data"]
    assert (data["n"], data["subjects"], data["corpora"]) == (24, 4, ["smic"])
    assert data["per_class"] == {"negative": 8, "positive": 8, "surprise": 8}
    assert (card["method"], card["seed"], card["labels"], card["preset"]) == ("flow-svm", 4, "megc2019", "paper")
    assert card["recipe"]["digest"]


def test_predictions_of_a_model_have_no_fold(maps: Path, tmp_path: Path) -> None:
    train("flow-svm", "motion-npz", maps, out=tmp_path / "model")
    predictions = predict(tmp_path / "model", "motion-npz", maps, out=tmp_path / "p.csv")
    assert read_predictions(tmp_path / "p.csv") == predictions
    assert {p.fold for p in predictions} == {""}
    assert np.mean([p.truth == p.predicted for p in predictions]) > 0.9


def test_a_network_is_given_no_more_than_fits_in_memory_at_once(
    maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    train("ststnet", "motion-npz", maps, out=tmp_path / "model", preset="small")
    whole = predict(tmp_path / "model", "motion-npz", maps, out=tmp_path / "whole.csv")
    said, given = OnnxNetwork.predict, []
    monkeypatch.setattr(models, "PORTION_BYTES", 7 * 28 * 28 * 3)
    monkeypatch.setattr(OnnxNetwork, "predict", lambda self, part: given.append(len(part)) or said(self, part))
    parts = predict(tmp_path / "model", "motion-npz", maps, out=tmp_path / "parts.csv")
    assert given == [7, 7, 7, 3]
    assert [(p.sample_id, p.predicted) for p in parts] == [(p.sample_id, p.predicted) for p in whole]
    for one, other in zip(parts, whole, strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-6)


def test_training_goes_on_from_a_model_of_the_same_network(maps: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    train("ststnet", "motion-npz", maps, out=tmp_path / "first", preset="small")
    train("ststnet", "motion-npz", maps, out=tmp_path / "second", preset="small", start=tmp_path / "first")
    assert load_model(tmp_path / "second").card["started_from"] == str(tmp_path / "first")
    with pytest.raises(MienError, match="expected a network trained as off-apexnet"):
        train("off-apexnet", "motion-npz", maps, out=tmp_path / "x", start=tmp_path / "first")
    assert not (tmp_path / "x").exists()


def test_an_svm_cannot_start_from_a_model(maps: Path, tmp_path: Path) -> None:
    train("flow-svm", "motion-npz", maps, out=tmp_path / "model")
    with pytest.raises(MienError, match="expected a network"):
        train("flow-svm", "motion-npz", maps, out=tmp_path / "x", start=tmp_path / "model")


def test_a_class_that_the_model_does_not_know_is_said(maps: Path, tmp_path: Path) -> None:
    train("flow-svm", "motion-npz", maps, out=tmp_path / "model")
    other = write_maps(tmp_path / "other.npz", classes=np.array(["joy", "fear", "surprise"]))
    with pytest.raises(MienError, match="got clips of fear, joy"):
        predict(tmp_path / "model", "motion-npz", other, out=tmp_path / "p.csv")


def test_a_taken_folder_is_refused_before_training(maps: Path, tmp_path: Path) -> None:
    with pytest.raises(MienError, match="which is there already"):
        train("flow-svm", "motion-npz", maps, out=tmp_path)


def test_the_default_says_action_units_and_who_was_not_taught_them_says_so(tmp_path: Path) -> None:
    import csv

    from mien.synthesis import generate_motion

    smiles = generate_motion(tmp_path / "new.npz", per_class=6, seed=99)
    predict("default", "motion-npz", smiles, out=tmp_path / "p.csv", action_units=tmp_path / "units.csv")
    rows = list(csv.DictReader((tmp_path / "units.csv").open()))
    assert [row["sample_id"] for row in rows] == [p.sample_id for p in read_predictions(tmp_path / "p.csv")]
    truth = dict(zip(*(np.load(smiles)[name].tolist() for name in ("sample_id", "action_units")), strict=True))
    with_12 = [float(row["AU12"]) for row in rows if "12" in truth[row["sample_id"]].split("+")]
    without = [float(row["AU12"]) for row in rows if "12" not in truth[row["sample_id"]].split("+")]
    assert np.mean(with_12) > np.mean(without) + 0.3
    train("flow-svm", "motion-npz", smiles, out=tmp_path / "svm")
    with pytest.raises(MienError, match="to say action units, which it was not taught"):
        predict(tmp_path / "svm", "motion-npz", smiles, out=tmp_path / "q.csv", action_units=tmp_path / "u.csv")
    assert not (tmp_path / "q.csv").exists()


def test_mien_net_goes_on_from_the_default_with_other_classes_too(maps: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    train("mien-net", "motion-npz", maps, out=tmp_path / "model", preset="small", start="default")
    model = load_model(tmp_path / "model")
    assert model.card["started_from"] == "default"
    with np.load(maps) as file:
        assert np.mean(model.predict(file["X"])[0] == file["y"]) > 0.8
        assert model.action_units(file["X"]) == {}
