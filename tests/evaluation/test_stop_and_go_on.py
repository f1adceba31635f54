"""A run that was stopped inside a fold goes on inside it; weights from a file; the cost that is said."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.core import MienError  # noqa: E402
from mien.evaluation import evaluate, train  # noqa: E402
from mien.evaluation.studies import _run  # noqa: E402
from mien.methods import METHODS, _network, load_model  # noqa: E402
from mien.recipes import RECIPES  # noqa: E402
from mien.training import loop  # noqa: E402
from mien.training.checkpoint import Checkpoint  # noqa: E402

EPOCHS = METHODS["ststnet"].settings("small")["epochs"]


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    path = tmp_path / "maps.npz"
    images = np.random.default_rng(0).integers(0, 256, (24, 28, 28, 3), np.uint8)
    subjects, ids = [f"s{row // 6}" for row in range(24)], [f"clip{row}" for row in range(24)]
    np.savez(path, X=images, y=np.arange(24) % 3, subject=subjects, dataset=["smic"] * 24, sample_id=ids)
    return path


def run(maps: Path, out: Path, method: str = "ststnet", **options: Any) -> dict[str, Any]:
    given = {"out": out, "jobs": 1, "progress": False, "preset": "small"} | options
    return evaluate(method, "motion-npz", maps, **given)


@pytest.fixture
def stopped(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Checkpoints after every epoch, and a stop after the third of the second fold; the epochs that were trained."""
    epochs: list[int] = []
    save = Checkpoint.save

    def save_and_stop(self: Checkpoint, epoch: int, device: Any) -> None:
        epochs.append(epoch)
        save(self, epoch, device)
        if len(epochs) == EPOCHS - 1 + 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(loop, "EVERY_S", 0.0)
    monkeypatch.setattr(Checkpoint, "save", save_and_stop)
    return epochs


def test_a_run_stopped_inside_a_fold_goes_on_inside_it(maps: Path, tmp_path: Path, stopped: list[int]) -> None:
    out = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(maps, out)
    assert sorted(path.suffix for path in (out / "folds").iterdir()) == [".checkpoint", ".json"]
    [path] = (out / "folds").glob("*.checkpoint")
    torch.save(torch.load(path, weights_only=True) | {"seconds": 1000.0}, path)
    del stopped[:]
    stopped.extend([0] * EPOCHS * 9)  # past the stop
    begun = len(stopped)
    scores = run(maps, out, resume=True)
    assert stopped[begun:][:2] == [4, 5]
    assert 1000 < scores["folds_s"] < 1200  # with what went before the stop
    assert not list((out / "folds").glob("*.checkpoint"))
    run(maps, tmp_path / "whole")
    assert (out / "predictions.csv").read_bytes() == (tmp_path / "whole" / "predictions.csv").read_bytes()


@pytest.mark.parametrize("options", [{"keep_epochs": True}, {"select": "test"}, {"select": "inner"}])
def test_where_epochs_are_watched_a_fold_begins_anew(
    options: dict[str, Any], maps: Path, tmp_path: Path, stopped: list[int]
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(maps, tmp_path / "run", **options)
    assert not list((tmp_path / "run").rglob("*.checkpoint"))


class TestPretrained:
    @pytest.fixture
    def weights(self, tmp_path: Path) -> Path:
        """A state dict for ResNet-18, in the form of torchvision's."""
        path = tmp_path / "resnet18.pth"
        torch.manual_seed(3)
        torch.save(_network.build(METHODS["resnet18"], 5, {}).backbone.state_dict(), path)
        return path

    def test_a_backbone_begins_with_the_weights_of_the_file(self, weights: Path) -> None:
        clips = np.random.default_rng(0).integers(0, 256, (4, 2, 32, 32, 3), np.uint8)
        settings = {"epochs": 1, "lr": 0.0, "network": {"pretrained": str(weights)}}
        trained = METHODS["resnet18"].fit(clips, [0, 1, 0, 1], list("abcd"), ["x", "y"], settings=settings)
        state, given = trained.network.backbone.state_dict(), torch.load(weights, weights_only=True)
        assert torch.equal(state["conv1.weight"], given["conv1.weight"])
        assert state["fc.weight"].shape == (2, 512)

    def test_its_digest_is_part_of_the_run_and_its_name_is_not(
        self, weights: Path, maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loaded: list[str] = []
        monkeypatch.setattr(_network, "load_torchvision", lambda network, path: loaded.append(Path(path).name))
        out = tmp_path / "run"
        run(maps, out, pretrained=weights)
        assert loaded == ["resnet18.pth"] * 5  # once to try it, then in each fold
        kept = json.loads((out / "run.json").read_text())
        assert kept["pretrained"]["sha256"] == kept["pretrained_sha256"]
        assert len(kept["pretrained_sha256"]) == 64
        assert "network" not in kept["settings"]
        run(maps, out, pretrained=shutil.copy(weights, tmp_path / "copy.pth"), resume=True)
        weights.write_bytes(b"others")
        for other in (weights, None):
            with pytest.raises(MienError, match="got pretrained_sha256"):
                run(maps, out, pretrained=other, resume=True)

    def test_a_study_gives_it_to_the_rows_that_have_the_backbone(self, weights: Path, maps: Path) -> None:
        class Row:
            def __init__(self, method: str) -> None:
                self.arm, self.preset = type("Arm", (), {"method": method}), "paper"

        rows = {name: Row(name) for name in ("resnet18", "ststnet", "flow-svm")}
        found = _run._own_options(rows, "cpu", "bf16", weights)
        assert found["resnet18"] == {"device": "cpu", "precision": "bf16", "pretrained": weights}
        assert found["ststnet"] == {"device": "cpu", "precision": "bf16", "pretrained": None}
        assert found["flow-svm"] == {}
        settings = _run._settings(rows, found)
        assert [name for name in settings if "pretrained_sha256" in settings[name]] == ["resnet18"]
        with pytest.raises(MienError, match="does not open"):
            _run._own_options(rows, "cpu", None, maps)


class TestTrain:
    def test_how_faces_and_apex_are_found_is_kept_in_the_model(self, maps: Path, tmp_path: Path) -> None:
        options = {"apex": "dnc-roi", "faces": "precropped"}
        train("flow-svm", "motion-npz", maps, out=tmp_path / "model", **options)
        model = load_model(tmp_path / "model")
        assert model.recipe.name == f"{RECIPES['motion-map'].name}+dnc-roi+precropped"
        assert (model.recipe.find("apex", ""), model.recipe.find("faces", "")) == ("dnc-roi", "precropped")

    def test_device_precision_and_weights_reach_the_training(
        self, maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_network, "load_torchvision", lambda network, path: None)
        given = {"preset": "small", "device": "cpu", "precision": "bf16", "pretrained": maps}
        train("ststnet", "motion-npz", maps, out=tmp_path / "model", **given)
        card = load_model(tmp_path / "model").card
        assert (card["settings"]["precision"], card["device"]) == ("bf16", "cpu")
        assert card["pretrained"]["file"] == str(maps)
        with pytest.raises(MienError, match="expected one of them"):
            train("ststnet", "motion-npz", maps, out=tmp_path / "b", start=tmp_path / "model", pretrained=maps)


class TestCost:
    def test_a_network_says_about_how_long_it_takes(self, maps: Path, tmp_path: Path) -> None:
        said: list[str] = []
        run(maps, tmp_path / "run", say=said.append)
        assert len(said) == 1
        assert said[0].startswith(f"ststnet: 4 folds x {EPOCHS} epochs: about ")
        assert said[0].endswith("of training on 1 cores (by a timed step)")
        next((tmp_path / "run" / "folds").iterdir()).unlink()
        run(maps, tmp_path / "run", say=said.append, resume=True)
        assert said[1].startswith("ststnet: 1 folds")
        run(maps, tmp_path / "run", say=said.append, resume=True)
        run(maps, tmp_path / "svm", "flow-svm", preset=None, say=said.append)
        assert len(said) == 2

    @pytest.mark.parametrize(
        ("fixed_s", "clip_s", "batch", "device", "timed", "expected"),
        [
            (0.2, 0.001, 32, "cpu", [2, 8, 32], 0.232),  # not 16 times what two clips take, 3.2 s
            (0.2, 0.001, 5, "cpu", [2, 5], 0.205),
            (0.0, 0.4, 32, "cpu", [2], 12.8),  # eight clips would take 3.2 s
            (0.0, 0.1, 32, "cpu", [2, 8], 3.2),
            (0.0, 0.4, 1, "cpu", [2], 0.4),
            (0.2, 0.4, 32, "gpu", [32], 13.0),
        ],
    )
    def test_a_step_is_timed_on_as_much_of_a_batch_as_seconds_allow(
        self, fixed_s, clip_s, batch, device, timed, expected, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from mien.evaluation import _cost

        asked: list[int] = []

        def time_step(_method, _settings, _pair, clips, _device) -> float:
            asked.append(clips)
            return fixed_s + clip_s * clips

        monkeypatch.setattr(_cost, "_timed", time_step)
        monkeypatch.setattr(_cost, "devices_for", lambda *_: ["cuda:0"] if device == "gpu" else [])
        step_s = _cost.seconds_per_step("ststnet", {"batch": batch}, np.zeros((2, 1)), device)
        assert asked == timed
        assert step_s == pytest.approx(expected)

    def test_a_batch_is_made_of_both_clips_with_a_class_each(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from mien.evaluation import _cost

        given: list[Any] = []

        def fit(_self, inputs, targets, groups, classes, *, settings, on_epoch, **_more) -> None:
            given.extend([inputs.tolist(), list(targets), groups, classes, settings["batch"]])
            for epoch in range(1, settings["epochs"] + 1):
                time.sleep(0.5 if epoch == 1 else 0.02)  # the first pays for what is made only once
                on_epoch(epoch, None)

        monkeypatch.setattr(type(METHODS["ststnet"]), "fit", fit)
        took = _cost._timed("ststnet", {"epochs": 100, "batch": 64}, np.array([[1], [2]]), 3, "cpu")
        assert given == [[[1], [2], [1]], [0, 1, 0], ["a", "b", "a"], ["a", "b"], 3]
        assert 0.02 <= took < 0.2

    def test_it_is_steps_times_the_time_of_one_by_the_folds_at_a_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from mien.evaluation import _cost

        monkeypatch.setattr(_cost, "seconds_per_step", lambda *_: 2.0)
        settings = {"epochs": 10, "batch": 8}
        given = (np.zeros((3, 1)), np.array([0, 0, 1]), [16, 17], "cpu")
        # 10 epochs of 2 and of 3 steps, 2 s each: 100 s; two folds at most at a time
        for jobs, took in ((1, "1.7 min of training on 1 cores"), (2, "50 s of training on 2 cores"), (8, "50 s")):
            assert took in _cost.announced("ststnet", settings, *given, jobs)
        monkeypatch.setattr(_cost, "devices_for", lambda *_: ["cuda:0"])
        assert "1.7 min of training on 1 GPUs, a fold each" in _cost.announced("ststnet", settings, *given, 8)
