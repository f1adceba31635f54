"""A model on disk: loads without torch and without executing anything; a strange or damaged one is one clear line."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from mien.core import MienError
from mien.methods import METHODS, load_model, save_model
from mien.recipes import Recipe

CLASSES = ("negative", "positive", "surprise")


def trained(method: str, folder: Path, settings: dict) -> Path:
    maps = np.random.default_rng(0).integers(0, 256, (12, 28, 28, 3), np.uint8)
    targets, subjects = np.arange(12) % 3, [f"smic/s{row // 3}" for row in range(12)]
    fitted = METHODS[method].fit(maps, targets, subjects, CLASSES, settings=settings)
    return save_model(folder, METHODS[method], fitted, classes=CLASSES, example=maps[0], details={})


@pytest.fixture
def svm(tmp_path: Path) -> Path:
    return trained("flow-svm", tmp_path / "svm", {"C": 1.0})


@pytest.fixture
def network(tmp_path: Path) -> Path:
    pytest.importorskip("torch")
    return trained("ststnet", tmp_path / "net", {"epochs": 1})


def change(folder: Path, **values: object) -> None:
    path = folder / "model.json"
    card = json.loads(path.read_text()) | values
    path.write_text(json.dumps({name: value for name, value in card.items() if values.get(name, "") is not None}))


def forge(folder: Path, name: str, content: bytes) -> None:
    """Replace a file and its digest, as somebody who means it would."""
    import hashlib

    (folder / name).write_bytes(content)
    card = json.loads((folder / "model.json").read_text())
    change(folder, files=card["files"] | {name: hashlib.sha256(content).hexdigest()})


def test_a_network_runs_without_torch(network: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np; from mien.methods import load_model\n"
        f"predicted, p = load_model({str(network)!r}).predict(np.zeros((5, 28, 28, 3), np.uint8))\n"
        "print(predicted.shape, p.shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(5,) (5, 3)"


def test_training_a_network_without_torch_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import numpy as np; from mien.methods import METHODS\n"
        "METHODS['ststnet'].fit(np.zeros((4, 28, 28, 3), np.uint8), [0, 1, 0, 1], ['a'] * 4, ['x', 'y'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MienError: got no torch in this Python" in done.stderr
    assert "pip install 'mien[train]'" in done.stderr


def test_the_bundled_model_reads_motion_maps() -> None:
    model = load_model("default")
    predicted, probabilities = model.predict(np.random.default_rng(0).integers(0, 256, (3, 28, 28, 3), np.uint8))
    assert model.classes == CLASSES
    assert predicted.shape == (3,)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_one_sample_and_many_give_the_same(network: Path) -> None:
    model = load_model(network)
    maps = np.random.default_rng(1).integers(0, 256, (7, 28, 28, 3), np.uint8)
    together = model.predict(maps)[1]
    np.testing.assert_allclose(
        np.concatenate([model.predict(maps[i : i + 1])[1] for i in range(7)]), together, atol=1e-6
    )


def test_maps_of_another_shape_are_refused(svm: Path) -> None:
    for maps in (np.zeros((2, 14, 14, 3), np.uint8), np.zeros((2, 28, 28, 3)), np.zeros((28, 28, 3), np.uint8)):
        with pytest.raises(MienError, match="use the model's recipe"):
            load_model(svm).predict(maps)


def test_a_full_folder_is_not_written_over(svm: Path) -> None:
    with pytest.raises(MienError, match="which is there already"):
        trained("flow-svm", svm, {"C": 1.0})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"method": "flow-svn"}, "did you mean 'flow-svm'"),
        ({"classes": None}, "without a proper 'classes'"),
        ({"format": 99}, "got the model format 99"),
        ({"format": True}, "without a proper 'format'"),
        ({"action_units_named_from": [0.5]}, "expected a probability for each action unit"),
        ({"action_units_named_from": {"1": "half"}}, "expected a probability for each action unit"),
        ({"recipe": {"name": "motion-map"}}, "broken recipe"),
        ({"recipe": Recipe.of("motion-map", ("resize", {"size": 9})).to_json()}, "train it again"),
        ({"files": {"../secret": "0"}}, "without '../secret'"),
        ({"files": {"absent.bin": "0"}}, "without 'absent.bin'"),
        ({"classes": ["a", "b"]}, "got 3 classes"),
    ],
)
def test_a_strange_card_is_one_clear_line(svm: Path, values: dict, message: str) -> None:
    change(svm, **values)
    with pytest.raises(MienError, match=message):
        load_model(svm)


def test_a_changed_recipe_is_noticed(svm: Path) -> None:
    card = json.loads((svm / "model.json").read_text())
    card["recipe"]["steps"][0]["params"]["size"] = 1
    change(svm, recipe=card["recipe"])
    with pytest.raises(MienError, match="changed after it was written"):
        load_model(svm)


def test_a_damaged_file_is_noticed(svm: Path) -> None:
    with (svm / "model.skops").open("ab") as file:
        file.write(b"x")
    with pytest.raises(MienError, match="changed since the model was saved"):
        load_model(svm)


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_a_card_that_is_none_is_said(svm: Path, text: str) -> None:
    (svm / "model.json").write_text(text)
    with pytest.raises(MienError):
        load_model(svm)


def test_no_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(MienError, match="expected a folder from 'mien train'"):
        load_model(tmp_path / "absent")


class Bomb:
    """Raises when unpickled."""

    def __reduce__(self) -> tuple:
        return (exec, ("raise SystemExit('executed')",))


def test_a_pickle_is_not_executed(svm: Path) -> None:
    forge(svm, "model.skops", pickle.dumps(Bomb()))
    with pytest.raises(MienError, match="does not read as skops"):
        load_model(svm)


def test_types_beyond_scikit_learns_are_not_loaded(svm: Path) -> None:
    import os

    content = {"svm": make_pipeline(FunctionTransformer(os.system)), "calibrator": None, "n_classes": 3}
    forge(svm, "model.skops", skops.io.dumps(content))
    with pytest.raises(MienError, match="do not use this model"):
        load_model(svm)


def test_skops_without_an_svm_is_refused(svm: Path) -> None:
    forge(svm, "model.skops", skops.io.dumps({"svm": 3}))
    with pytest.raises(MienError, match="without an SVM"):
        load_model(svm)


def test_what_is_no_onnx_is_refused(network: Path) -> None:
    forge(network, "network.onnx", b"not onnx")
    with pytest.raises(MienError, match="expected ONNX"):
        load_model(network)
