"""The commands around methods, as a person types them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mien.cli import main
from mien.core import Prediction
from mien.protocols import score

MEGC = ("negative", "positive", "surprise")


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("maps") / "maps.npz"
    targets = np.arange(24) % 3
    images = np.random.default_rng(0).integers(0, 100, (24, 28, 28, 3), np.uint8)
    for image, target in zip(images, targets, strict=True):
        image[9 * target : 9 * target + 9] += 100
    subjects = [f"s{row // 6}" for row in range(24)]
    ids = [f"clip{row}" for row in range(24)]
    np.savez(path, X=images, y=targets, subject=subjects, dataset=["smic"] * 24, sample_id=ids)
    return path


def mien(*words: object) -> int:
    return main([str(word) for word in words], standalone=False)


def test_evaluate_prints_scores_and_where_they_are(maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    run = tmp_path / "run"
    assert mien("evaluate", "flow-svm", "--dataset", "motion-npz", "--root", maps, "--out", run, "--jobs", 1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("pooled  n 24  UF1 ")
    assert "UAR " in lines[0]
    assert lines[1] == "majority class: UF1 .167  UAR .333  accuracy .333"
    assert lines[-4:] == [str(run / name) for name in ("predictions.csv", "scores.json", "run.json", "report.html")]
    assert all((run / name).is_file() for name in ("predictions.csv", "scores.json", "run.json", "report.html"))
    assert mien("score", run / "predictions.csv", "--json") == 0
    scores = json.loads((run / "scores.json").read_text())
    assert json.loads(capsys.readouterr().out)["uf1"] == scores["uf1"]


def test_a_leak_is_printed(maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    options = ("--dataset", "motion-npz", "--root", maps, "--out", tmp_path / "run", "--protocol", "loo", "--jobs", 1)
    assert mien("evaluate", "flow-svm", *options) == 0
    assert "LEAK: " in capsys.readouterr().out


def test_how_the_apex_is_found_reaches_the_run(maps: Path, tmp_path: Path) -> None:
    options = ("--dataset", "motion-npz", "--root", maps, "--protocol", "kfold:2", "--jobs", 1)
    assert mien("evaluate", "flow-svm", *options, "--out", tmp_path / "run", "--apex", "largest-flow") == 0
    assert json.loads((tmp_path / "run" / "run.json").read_text())["recipe"]["name"] == "motion-map+largest-flow"


def test_corrections_are_asked_for_by_a_flag(
    maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr("mien.evaluation.evaluate", lambda *_, errata, **__: asked.append(errata) or score(rows()))
    for flags in ((), ("--errata",)):
        assert mien("evaluate", "flow-svm", "--dataset", "samm", "--root", maps, "--out", tmp_path / "run", *flags) == 0
    assert asked == [False, True]
    monkeypatch.undo()
    words = ("evaluate", "flow-svm", "--dataset", "motion-npz", "--root", maps, "--out", tmp_path / "run")
    assert mien(*words, "--errata") == 2
    assert "for which none are known" in capsys.readouterr().err


def test_a_control_is_named_as_one(maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("evaluate", "flow-svm", "--dataset", "motion-npz", "--root", maps, "--protocol", "kfold:2", "--jobs", 1)
    assert mien(*words, "--out", tmp_path / "plain") == 0
    assert "CONTROL" not in capsys.readouterr().out
    assert mien(*words, "--out", tmp_path / "shuffled", "--shuffle-labels") == 0
    assert "CONTROL: trained on labels shuffled" in capsys.readouterr().out


def test_where_the_network_looked_is_kept_on_demand(maps: Path, tmp_path: Path) -> None:
    options = ("--dataset", "motion-npz", "--root", maps, "--protocol", "kfold:2", "--preset", "small", "--jobs", 1)
    assert mien("evaluate", "ststnet", *options, "--no-progress", "--out", tmp_path / "run", "--explain", 2) == 0
    files = [np.load(file) for file in (tmp_path / "run" / "explain").iterdir()]
    assert sorted(name for file in files for name in file["truth"].tolist()) == sorted(2 * list(MEGC))
    assert "Where the network looked" in (tmp_path / "run" / "report.html").read_text()


def rows() -> list[Prediction]:
    return [Prediction("smic", f"smic/{s}", f"smic/{s}/a", f"smic/{s}", 0, "last", "joy", "joy") for s in "ab"]


def test_train_then_predict(maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    data = ("--dataset", "motion-npz", "--root", maps)
    assert mien("train", "flow-svm", *data, "--out", tmp_path / "model") == 0
    assert mien("predict", tmp_path / "model", *data, "--out", tmp_path / "p.csv") == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == str(tmp_path / "model")
    assert out[1].startswith("pooled  n 24  UF1 ")
    assert out[2].startswith("majority class: UF1 .167 ")
    assert (tmp_path / "p.csv").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("flow-svn", "--dataset", "motion-npz"), "did you mean 'flow-svm'"),
        (("flow-svm", "--dataset", "motion"), "did you mean"),
        (("flow-svm", "--dataset", "motion-npz", "--seeds", "0,a"), "got the seeds '0,a'"),
    ],
)
def test_bad_use_is_status_2_and_one_line(
    maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture, words: tuple, message: str
) -> None:
    assert mien("evaluate", *words, "--root", maps, "--out", tmp_path / "run") == 2
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


def test_methods_and_datasets_are_listed(capsys: pytest.CaptureFixture) -> None:
    assert mien("methods") == 0
    assert {"flow-svm", "ststnet", "off-apexnet"} <= {
        line.split(":")[0] for line in capsys.readouterr().out.splitlines()
    }
    assert mien("datasets") == 0
    assert "motion-npz: " in capsys.readouterr().out


def test_our_numbers_say_what_they_are_of(capsys: pytest.CaptureFixture[str]) -> None:
    assert mien("methods", "show", "flow-svm") == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("ours: casme2+smic,"))
    assert line.startswith("ours: casme2+smic, 3 classes (megc2019), loso, trained on casme2+smic, preset paper: uf1 ")


def test_a_method_is_shown_with_its_paper_and_parameters(capsys: pytest.CaptureFixture) -> None:
    assert mien("methods", "show", "ststnet", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["parameters"] == 1683
    assert {"paper", "recipe", "presets", "published", "deviations"} <= set(document)
    assert mien("methods", "show", "off-apexnet") == 0
    assert "parameters: 2,664,475" in capsys.readouterr().out
    assert mien("methods", "show", "flow") == 2


def test_a_networks_cost_is_said_first_unless_it_is_switched_off(
    maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    pytest.importorskip("torch")
    words = ("evaluate", "ststnet", "--dataset", "motion-npz", "--root", maps, "--preset", "small", "--jobs", 1)
    options = ("--protocol", "kfold:2", "--device", "cpu", "--precision", "bf16")
    assert mien(*words, *options, "--out", tmp_path / "a") == 0
    assert capsys.readouterr().err.startswith("mien: ststnet: 2 folds x ")
    run = json.loads((tmp_path / "a" / "run.json").read_text())
    assert (run["device"], run["settings"]["precision"]) == ("cpu", "bf16")
    assert mien(*words, *options, "--out", tmp_path / "b", "--no-progress") == 0
    assert capsys.readouterr().err == ""


def test_train_takes_the_options_of_evaluate(maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    words = ("train", "flow-svm", "--dataset", "motion-npz", "--root", maps, "--out", tmp_path / "model")
    assert mien(*words, "--faces", "precropped", "--apex", "dnc-roi", "--device", "cpu") == 0
    card = json.loads((tmp_path / "model" / "model.json").read_text())
    assert card["recipe"]["name"].endswith("+dnc-roi+precropped")
    for wrong, said in ((("--device", "cuda"), "no network"), (("--pretrained", maps), "pretrained weights")):
        assert mien(*words[:-1], tmp_path / "other", *wrong) == 2
        assert said in capsys.readouterr().err
