"""The bundled recogniser: small, without torch, and as good on real clips as the docs say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mien
from mien.methods import load_model

FOLDER = Path(mien.__file__).parent / "methods/_default"


@pytest.fixture(scope="module")
def scores(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    out = tmp_path_factory.mktemp("default") / "predictions.csv"
    mien.predict("default", "motion-npz", shared_data / "flow/ststnet_flow_smic_casme2.npz", out=out)
    return mien.score(out)


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 10e6


def test_it_learnt_from_synthetic_motion_only() -> None:
    assert load_model("default").card["training_data"]["corpora"] == ["synthetic"]


def test_it_reads_its_own_kind_of_map(tmp_path: Path) -> None:
    mien.generate_motion(tmp_path / "new.npz", per_class=40, seed=12345)
    with np.load(tmp_path / "new.npz") as maps:
        predicted, probabilities = load_model("default").predict(maps["X"])
        assert (predicted == maps["y"]).mean() > 0.7
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_it_runs_where_torch_cannot_be_imported() -> None:
    code = (
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'torch': raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "import numpy as np; from mien.methods import load_model\n"
        "print(load_model('default').predict(np.zeros((1, 28, 28, 3), np.uint8))[0].shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(1,)"


def test_real_smic_clips_that_it_has_never_seen(scores: dict) -> None:
    assert scores["by_dataset"]["smic"]["n"] == 164
    assert scores["by_dataset"]["smic"]["uf1"] >= 0.55


def test_its_card_states_the_error_that_is_measured(scores: dict) -> None:
    stated = {row["corpus"]: row for row in load_model("default").card["error"]["scores"]}
    for name, corpus in (("smic", "SMIC-HS"), ("casme2", "CASME II")):
        for key in ("n", "uf1", "uar", "accuracy"):
            assert stated[corpus][key] == pytest.approx(scores["by_dataset"][name][key], abs=1e-4)
