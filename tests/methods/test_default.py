"""The bundled recogniser: small, without torch, and as good on real clips as the docs say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mien
from mien.methods import METHODS, load_model
from mien.synthesis.emotions import CLASSES
from mien.synthesis.motion_maps import synthetic_maps

FOLDER = Path(mien.__file__).parent / "methods/_default"
SCRIPT = Path(__file__).parents[2] / "scripts/make_default.py"
LEAST_SMIC_UF1 = 0.64  # what issue 7 asks; measured .692


@pytest.fixture(scope="module")
def scores(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    out = tmp_path_factory.mktemp("default") / "predictions.csv"
    mien.predict("default", "motion-npz", shared_data / "flow/ststnet_flow_smic_casme2.npz", out=out)
    return mien.score(out)


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 10e6


def test_it_learnt_from_synthetic_motion_only() -> None:
    assert load_model("default").card["training_data"]["corpora"] == ["synthetic"]


def test_it_is_a_mien_net_of_three_classes() -> None:
    model = load_model("default")
    assert model.method is METHODS["mien-net"]
    assert model.classes == CLASSES
    assert model.parameters == 741_666


@pytest.fixture(scope="module")
def new_clips():
    """Synthetic clips that it has not seen."""
    return synthetic_maps(40, 12345, jobs=1)


def test_it_answers_for_every_action_unit_with_a_probability() -> None:
    units = load_model("default").action_units(np.random.default_rng(0).integers(0, 256, (3, 28, 28, 3), np.uint8))
    assert tuple(units) == METHODS["mien-net"].action_units
    assert all(chances.shape == (3,) and 0 <= chances.min() <= chances.max() <= 1 for chances in units.values())


@pytest.mark.parametrize("unit", [1, 4, 12])
def test_it_sees_the_action_units_of_clips_like_its_own(new_clips, unit: int) -> None:
    """A clip that shows the unit gets the higher probability of two, nearly always (AUC)."""
    active = np.array([unit in units for units in new_clips.action_units])
    chances = load_model("default").action_units(new_clips.maps[:, 0])[unit]
    pairs = chances[active][:, None] - chances[~active]
    assert active.sum() >= 10
    assert (pairs > 0).mean() > 0.85


def test_it_names_a_unit_from_the_probability_that_serves_f1_best_on_synthetic_clips(new_clips) -> None:
    """Held to one half, hard units (AU 7, 10, 14, ...) are all but never named; the sum of F1 over units must gain."""
    model, maps = load_model("default"), new_clips.maps[:, 0]
    least, said = model.card["action_units_named_from"], model.action_units(maps)
    named = model.name_units(maps)
    assert [int(unit) for unit in least] == list(METHODS["mien-net"].action_units)
    assert all(named[row].get(unit, 0) == (share if share >= least[str(unit)] else 0)
               for unit, shares in said.items() for row, share in enumerate(shares))  # fmt: skip
    assert all(list(one.values()) == sorted(one.values(), reverse=True) for one in named)

    def f1(unit: int, at: float) -> float:
        active, found = np.array([unit in units for units in new_clips.action_units]), said[unit] >= at
        return 2 * (active & found).sum() / max(active.sum() + found.sum(), 1)

    assert sum(f1(unit, least[str(unit)]) for unit in said) > sum(f1(unit, 0.5) for unit in said)


def test_a_mirrored_face_gets_the_same_answer(new_clips) -> None:
    """Mirroring turns u about: 255 - u. Rounding of the stretched map is all that differs."""
    maps = new_clips.maps[:12, 0]
    mirrored = maps[:, :, ::-1].copy()
    mirrored[..., 0] = 255 - mirrored[..., 0]
    model = load_model("default")
    np.testing.assert_allclose(model.predict(mirrored)[1], model.predict(maps)[1], atol=1e-4)


def test_it_reads_its_own_kind_of_map(new_clips) -> None:
    predicted, probabilities = load_model("default").predict(new_clips.maps[:, 0])
    assert (predicted == new_clips.labels).mean() > 0.6
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_it_runs_where_torch_cannot_be_imported() -> None:
    code = (
        "import sys\n"
        "class Blocked:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'torch': raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Blocked())\n"
        "import numpy as np; from mien.methods import load_model\n"
        "model, maps = load_model('default'), np.zeros((1, 28, 28, 3), np.uint8)\n"
        "print(model.predict(maps)[0].shape, len(model.action_units(maps)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(1,) 19"


def test_real_smic_clips_that_it_has_never_seen(scores: dict) -> None:
    assert scores["by_dataset"]["smic"]["n"] == 164
    assert scores["by_dataset"]["smic"]["uf1"] >= LEAST_SMIC_UF1


def test_its_card_states_the_error_that_is_measured(scores: dict) -> None:
    stated = {row["corpus"]: row for row in load_model("default").card["error"]["scores"]}
    for name, corpus in (("smic", "SMIC-HS"), ("casme2", "CASME II")):
        for key in ("n", "uf1", "uar", "accuracy"):
            assert stated[corpus][key] == pytest.approx(scores["by_dataset"][name][key], abs=1e-4)


@pytest.mark.slow
def test_made_twice_it_is_the_same_bit_for_bit(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    for name in ("one", "two"):
        command = [sys.executable, str(SCRIPT), "--out", str(tmp_path / name), "--per-class", "20"]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    for name in ("weights.safetensors", "network.onnx"):
        one, two = ((tmp_path / folder / name).read_bytes() for folder in ("one", "two"))
        assert one == two, name
    assert load_model(tmp_path / "one").card["training_data"]["n"] == 60
