"""Copies are made of training clips and for training alone: no test clip's copy is learned, none is tested on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import openpyxl
import pytest

from mien.core import MienError, Sample, Source
from mien.datasets import write_fixture
from mien.evaluation import evaluate, train
from mien.evaluation._data import Labelled, read_labelled
from mien.evaluation._folds import Plan, run_fold
from mien.methods import METHODS, Method
from mien.protocols.splits import splits
from mien.recipes import RECIPES, _variants, copies_of, load

N, PEOPLE, COPIES = 12, 4, 3
HEADER = "Subject Filename . OnsetFrame ApexFrame OffsetFrame . Action_Units Estimated_Emotion"


def made(*, drawn: bool) -> Labelled:
    """Clips whose pixels are their row, and hundreds in a copy."""
    source = Source("frames", Path("none"))
    samples = tuple(
        Sample(
            "made",
            f"made/s{row % PEOPLE}",
            f"made/s{row % PEOPLE}/{row:02d}",
            "",
            source,
            onset=0,
            apex=1,
            offset=2,
            fps=1.0,
        )
        for row in range(N)
    )
    rows = np.arange(N, dtype=np.float32)[:, None, None]
    copies = np.stack([rows + 100 * (k + 1) for k in range(COPIES)], axis=1)
    return Labelled(samples, rows, np.arange(N) // PEOPLE % 2, ("a", "b"), "made", 0, copies, drawn)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people with a clip of each class, in CASME II's form."""
    folder = tmp_path_factory.mktemp("casme2")
    book = openpyxl.Workbook()
    book.active.append([None if word == "." else word.replace("_", " ") for word in HEADER.split()])
    for subject in ("01", "02"):
        for take, (units, emotion) in enumerate([("12", "happiness"), ("4", "disgust"), ("1+2", "surprise")]):
            book.active.append((subject, f"EP0{take + 1}_01", None, 46, 51, 55, None, units, emotion))
    book.save(folder / "CASME2-coding-20140508.xlsx")
    return write_fixture("casme2", folder / "CASME2-coding-20140508.xlsx", folder / "tree").root


class Spy:
    """Stands for a method: remembers what it is trained on and what it is asked."""

    parameters = None

    def __init__(self) -> None:
        self.trained: list[dict[str, Any]] = []
        self.asked: list[np.ndarray] = []

    def fit(self, _method: Method, on_epoch: Callable[[int, Any], None] | None = None, **given: Any) -> Spy:
        self.trained.append(given)
        if on_epoch:
            on_epoch(1, self)
        return self

    def predict(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.asked.append(inputs)
        return np.zeros(len(inputs), int), np.full((len(inputs), 2), 0.5)


@pytest.mark.parametrize("select", ["last", "inner"])
@pytest.mark.parametrize("drawn", [True, False])
def test_training_sees_copies_of_its_own_clips_only_and_tests_see_none(
    drawn: bool, select: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = made(drawn=drawn)
    corpora, ids = ["made"] * N, [sample.sample_id for sample in data.samples]
    for fold in splits("loso", data.subjects, corpora, ids):
        spy = Spy()
        monkeypatch.setattr(Method, "fit", lambda method, spy=spy, **given: spy.fit(method, **given))
        run_fold(Plan("ststnet", {"epochs": 1}, select, False, tmp_path / str(drawn), "key"), data, fold, 0)
        assert len(spy.trained) == (2 if select == "inner" else 1)
        *inner, last = spy.trained
        for given in spy.trained:
            pixels = np.concatenate([given[name].ravel() for name in ("inputs", "copies") if name in given])
            assert not set(pixels % 100) & set(fold.test)
            assert (pixels > 99).any()
        assert {row % 100 for row in last["inputs"].ravel()} == set(fold.train)
        for given in inner:  # what the epoch is chosen on is held out with its copies
            held = {float(row) for asked in spy.asked for row in asked.ravel()} - set(fold.test)
            assert held
            assert not held & set(given["inputs"].ravel() % 100)
        assert all((asked < 100).all() for asked in spy.asked), "a clip is asked about as it is"


@pytest.mark.parametrize("drawn", [True, False])
def test_every_copy_keeps_class_and_subject_of_its_clip(drawn: bool) -> None:
    data = made(drawn=drawn)
    given = data.training(np.array([1, 6, 11]))
    rows = given["inputs"].ravel().astype(int) % 100
    assert rows.tolist() == ([1, 6, 11] if drawn else [row for row in (1, 6, 11) for _ in range(COPIES)])
    np.testing.assert_array_equal(given["targets"], data.targets[rows])
    assert given["groups"] == [data.subjects[row] for row in rows]
    assert data.per_epoch * 3 == len(rows)
    if drawn:
        np.testing.assert_array_equal(given["copies"].ravel() % 100, np.repeat(rows, COPIES))


def test_copies_belong_to_the_identity_of_the_data() -> None:
    data = made(drawn=True)
    assert data.copies is not None
    prints = {replace(data, copies=copies).fingerprint for copies in (None, data.copies, data.copies + 1)}
    assert len(prints) == 3


def test_copies_that_do_not_fit_their_clips_are_refused() -> None:
    inputs, targets = np.zeros((4, 28, 28, 3), np.uint8), [0, 1, 0, 1]
    arguments = (inputs, targets, list("abcd"), ["x", "y"])
    with pytest.raises(MienError, match=r"got copies \(3, 2, 28, 28, 3\) of inputs \(4, 28, 28, 3\)"):
        METHODS["ststnet"].fit(*arguments, copies=np.zeros((3, 2, 28, 28, 3), np.uint8))
    with pytest.raises(MienError, match="which has no epochs"):
        METHODS["flow-svm"].fit(*arguments, copies=np.zeros((4, 2, 28, 28, 3), np.uint8))


class TestFrames:
    """STSTNet on clips of two people, with copies as no paper has them: small and quick."""

    @pytest.fixture(autouse=True)
    def presets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("torch")
        monkeypatch.setattr(_variants, "DRAWS", 3)
        monkeypatch.setattr(_variants, "SHIFTS", ((0, 0), (1, 0)))
        plain = {"epochs": 3, "batch": 2, "lr": 1e-3}
        presets = {
            "paper": plain,
            **{name: {**plain, "copies": name} for name in ("jitter", "shifts-and-mirror")},
        }
        method = replace(METHODS["ststnet"], presets=MappingProxyType(presets))
        monkeypatch.setitem(METHODS._entries, "ststnet", method)

    @staticmethod
    def run(root: Path, out: Path, preset: str, **options: Any) -> bytes:
        evaluate("ststnet", "casme2", root, out=out, preset=preset, jobs=1, progress=False, **options)
        return (out / "predictions.csv").read_bytes()

    @pytest.mark.parametrize("copies", ["jitter", "shifts-and-mirror"])
    def test_a_seed_gives_the_same_predictions_and_copies_others_than_none(
        self, copies: str, root: Path, tmp_path: Path
    ) -> None:
        plain = self.run(root, tmp_path / "plain", "paper")
        assert self.run(root, tmp_path / "a", copies) == self.run(root, tmp_path / "b", copies) != plain
        with pytest.raises(MienError, match="to resume a run"):
            self.run(root, tmp_path / "plain", copies, resume=True)
        runs = [json.loads((tmp_path / name / "run.json").read_text()) for name in ("plain", "a")]
        assert runs[1]["settings"] == runs[0]["settings"] | {"copies": copies}
        assert runs[1]["fingerprint"] != runs[0]["fingerprint"]
        assert runs[1]["n"] == runs[0]["n"] == 6

    def test_a_clip_itself_is_what_is_tested_on(self, root: Path) -> None:
        recipe = RECIPES["motion-map"]
        plain = read_labelled("casme2", root, None, recipe)
        data = read_labelled("casme2", root, None, recipe, copies="jitter")
        np.testing.assert_array_equal(data.inputs, plain.inputs)
        assert data.copies is not None
        for place, variant in enumerate(copies_of("jitter").vary(recipe)):
            np.testing.assert_array_equal(data.copies[:, place], load(data.samples, variant))
        assert (data.copies != data.inputs[:, None]).any(axis=(2, 3, 4)).all(), "no draw is the clip itself"

    def test_a_model_for_use_learns_from_copies_too(self, root: Path, tmp_path: Path) -> None:
        cards = {}
        for preset in ("paper", "jitter", "shifts-and-mirror"):
            folder = train("ststnet", "casme2", root, out=tmp_path / preset, preset=preset)
            cards[preset] = json.loads((folder / "model.json").read_text())
        assert len({card["files"]["weights.safetensors"] for card in cards.values()}) == 3
        assert {card["training_data"]["n"] for card in cards.values()} == {6}
        assert {card["recipe"]["name"] for card in cards.values()} == {"motion-map"}

    @pytest.mark.parametrize("preset", ["jitter", "shifts-and-mirror"])
    def test_ready_maps_have_no_copies(self, preset: str, tmp_path: Path) -> None:
        arrays = {"X": np.zeros((4, 28, 28, 3), np.uint8), "y": np.arange(4) % 2}
        names = {"subject": list("aabb"), "dataset": ["smic"] * 4, "sample_id": list("klmn")}
        np.savez(tmp_path / "maps.npz", **arrays, **{name: np.array(values) for name, values in names.items()})
        with pytest.raises(MienError, match=f"got ready motion maps to make copies of \\({preset}\\)"):
            evaluate("ststnet", "motion-npz", tmp_path / "maps.npz", out=tmp_path / "run", preset=preset)


@pytest.mark.parametrize(
    ("method", "copies"),
    [
        ("ms3d", "shifts-and-mirror"),
        ("ms3d-frames", "shifts-and-mirror"),
        ("mmnet", "jitter"),
        ("mmnet-depth", "jitter"),
    ],
)
def test_papers_that_train_on_copies_do_so_here_and_small_presets_do_not(method: str, copies: str) -> None:
    presets = METHODS[method].presets
    assert presets["paper"]["copies"] == copies
    assert all("copies" not in presets[name] for name in presets if name.startswith("small"))
