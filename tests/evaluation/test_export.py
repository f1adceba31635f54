"""An exported network says what the trained one says, or is not written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mien

pytest.importorskip("torch")

from mien.cli import main
from mien.core import MienError
from mien.evaluation import export, train
from mien.evaluation.export import export_model
from mien.methods import METHODS, load_model, save_model
from mien.methods._onnx import OnnxNetwork

CLASSES = ("negative", "positive", "surprise")


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("maps") / "maps.npz"
    images = np.random.default_rng(0).integers(0, 256, (24, 28, 28, 3), np.uint8)
    subjects, ids = [f"s{row // 6}" for row in range(24)], [f"clip{row}" for row in range(24)]
    np.savez(path, X=images, y=np.arange(24) % 3, subject=subjects, dataset=["smic"] * 24, sample_id=ids)
    return path


@pytest.fixture(scope="module")
def model(maps: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train("ststnet", "motion-npz", maps, out=tmp_path_factory.mktemp("models") / "m", preset="small")


def made(method: str, settings: dict[str, Any], inputs: np.ndarray, folder: Path) -> Path:
    """A model of one epoch on six small inputs."""
    entry = METHODS[method]
    trained = entry.fit(inputs, [0, 1, 2] * 2, list("abcdef"), CLASSES, settings={"epochs": 1, "batch": 6, **settings})
    details = {"settings": settings}
    return save_model(folder, entry, trained, classes=CLASSES, example=inputs[0], details=details)


def test_clips_of_another_size_are_said(model: Path, maps: Path, tmp_path: Path) -> None:
    with np.load(maps) as file:
        arrays = dict(file)
    np.savez(tmp_path / "large.npz", **arrays | {"X": np.pad(arrays["X"], ((0, 0), (4, 4), (4, 4), (0, 0)))})
    with pytest.raises(MienError, match=r"got inputs \(8, 36, 36, 3\) uint8; expected"):
        export_model(model, out=tmp_path / "net.onnx", dataset="motion-npz", root=tmp_path / "large.npz")
    assert not (tmp_path / "net.onnx").exists()


def test_the_file_says_what_the_model_says(model: Path, maps: Path, tmp_path: Path) -> None:
    done = export_model(model, out=tmp_path / "net.onnx", dataset="motion-npz", root=maps)
    assert (done["input"], done["output"], done["outputs"]) == (["n", 3, 28, 28], "logits", 3)
    assert done["parameters"] == 1683
    assert 0 <= done["random"] < 1e-3
    assert 0 <= done["real"] < 1e-4
    method = METHODS["ststnet"]
    with np.load(maps) as file:
        images = file["X"]
    again = OnnxNetwork.open(method.prepare, tmp_path / "net.onnx", None).predict(images)[1]
    np.testing.assert_allclose(again, load_model(model).predict(images)[1], atol=1e-4)


def test_the_network_is_built_as_it_was_trained_and_ends_where_an_svm_begins(tmp_path: Path) -> None:
    clips = np.random.default_rng(0).normal(size=(6, 2, 10, 32, 32)).astype(np.float32)
    svm = made("ast-svm", {"network": {"size": 32, "streams": "flow"}}, clips, tmp_path / "svm")
    softmax = made("ast-svm", {"network": {"size": 32}, "classifier": "softmax"}, clips, tmp_path / "softmax")
    done = export_model(svm, out=tmp_path / "svm.onnx")
    assert (done["input"], done["real"]) == (["n", 2, 10, 32, 32], None)
    assert (done["output"], done["outputs"]) == ("features", 192)
    done = export_model(softmax, out=tmp_path / "softmax.onnx")
    assert (done["output"], done["outputs"]) == ("logits", 3)


def test_an_export_that_differs_is_not_written(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = OnnxNetwork.logits
    calls: list[int] = []

    def off(self: OnnxNetwork, inputs: np.ndarray) -> np.ndarray:
        calls.append(len(inputs))
        return real(self, inputs) + (0.01 if len(calls) > 1 else 0)

    monkeypatch.setattr(OnnxNetwork, "logits", off)
    with pytest.raises(MienError, match="differs from torch"):
        export_model(model, out=tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()


def test_a_classic_model_has_no_network(tmp_path: Path) -> None:
    maps = mien.generate_motion(tmp_path / "maps.npz", per_class=5, seed=0)
    mien.train("flow-svm", "motion-npz", maps, out=tmp_path / "model")
    with pytest.raises(MienError, match="classic model"):
        export_model(tmp_path / "model", out=tmp_path / "net.onnx")


def test_the_bundled_recogniser_is_exported_with_its_action_units(tmp_path: Path) -> None:
    import onnxruntime

    written = export_model("default", out=tmp_path / "net.onnx")
    assert written["random"] < 1e-4
    session = onnxruntime.InferenceSession((tmp_path / "net.onnx").read_bytes())
    assert [part.name for part in session.get_outputs()] == ["logits", "action_units"]


@pytest.mark.parametrize("content", [None, b"PK\x03\x04 a pickle"])
def test_a_foreign_file_is_one_clear_line(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    if content:
        path.write_bytes(content)
    with pytest.raises(MienError, match=r"expected a folder from 'mien train'") as caught:
        export_model(path, out=tmp_path / "net.onnx")
    assert "\n" not in str(caught.value)


def test_weights_of_another_network_are_refused(model: Path, tmp_path: Path) -> None:
    other = made("ststnet", {"network": {}}, np.zeros((6, 28, 28, 3), np.uint8), tmp_path / "model")
    card = json.loads((other / "model.json").read_text()) | {"method": "off-apexnet"}
    (other / "model.json").write_text(json.dumps(card))
    with pytest.raises(MienError, match="do not fit the network"):
        export_model(other, out=tmp_path / "net.onnx")


def test_real_input_needs_both_names(model: Path, tmp_path: Path) -> None:
    with pytest.raises(MienError, match="only one of dataset and root"):
        export_model(model, out=tmp_path / "net.onnx", dataset="motion-npz")


def test_the_command_tells_the_differences(
    model: Path, maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", model, "--out", tmp_path / "net.onnx", "--dataset", "motion-npz", "--root", maps]
    assert main([str(word) for word in words], standalone=False) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == f"ststnet: input n x 3 x 28 x 28, 3 logits, opset {export._opset()}"
    assert second.startswith("largest difference from torch: ")
    assert second.endswith("on real input")
    assert third == str(tmp_path / "net.onnx")


def test_the_command_refuses_a_classic_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    maps = mien.generate_motion(tmp_path / "maps.npz", per_class=5, seed=0)
    classic = mien.train("flow-svm", "motion-npz", maps, out=tmp_path / "model")
    assert main(["export", str(classic), "--out", str(tmp_path / "net.onnx")], standalone=False) == 2
    assert capsys.readouterr().err.count("\n") == 1
