"""What shortcuts would have reported: each recomputed by hand, and the floor that luck alone reaches."""

from __future__ import annotations

import csv
import json
import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import mien.protocols.audit as audit_module
from mien.core import MienError, Prediction
from mien.protocols import random_best_of, write_predictions
from mien.protocols.audit import audit
from mien.protocols.metrics import measures, metrics
from mien.protocols.scores import TEST_SELECTION_LEAK
from mien.protocols.splits import SUBJECT_LEAK

MEGC = ("negative", "positive", "surprise")
Build = Callable[..., list[Prediction]]


def write_run(folder: Path, rows: list[Prediction], epochs: int = 0, seed: int = 0) -> Path:
    """A finished run; with epochs: as many noisy ones, of which the last is what was reported."""
    folder.mkdir(parents=True)
    write_predictions(folder / "predictions.csv", rows)
    (folder / "run.json").write_text(json.dumps({"classes": MEGC}))
    rng = np.random.default_rng(seed)
    for fold in sorted({(row.seed, row.fold) for row in rows}) if epochs else ():
        own = [row for row in rows if (row.seed, row.fold) == fold]
        predicted = rng.integers(0, 3, (epochs, len(own)))
        predicted[-1] = [MEGC.index(row.predicted) for row in own]
        (folder / "epochs").mkdir(exist_ok=True)
        np.savez(
            folder / "epochs" / f"{fold[0]}-{fold[1].replace('/', '%2F')}.npz",
            sample_id=[row.sample_id for row in own],
            truth=[MEGC.index(row.truth) for row in own],
            predicted=predicted,
        )
    return folder


def shortcuts(document: dict) -> dict[str, dict]:
    return {row["name"]: row for row in document["shortcuts"]}


@pytest.fixture(scope="module")
def official(shared_data: Path) -> tuple[list[str], list[str]]:
    with (shared_data / "annotations" / "megc2019_combined_3class_gt.csv").open() as file:
        rows = [row for row in csv.reader(file) if row[3].isdecimal()]
    return [row[3] for row in rows], [f"{row[0]}/{row[1]}" for row in rows]


@pytest.fixture(scope="module")
def counted(noisy: Build, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Prediction], dict]:
    rows = noisy(80, subjects=16) + noisy(80, 1, subjects=16)
    return rows, audit(write_run(tmp_path_factory.mktemp("audit") / "run", rows))


@pytest.fixture(scope="module")
def chosen(noisy: Build, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = write_run(tmp_path_factory.mktemp("audit") / "run", noisy(64, subjects=8) + noisy(64, 1), epochs=12)
    return folder, audit(folder)


class TestFloor:
    @pytest.mark.parametrize(("epochs", "uf1"), [(1, 0.33), (10, 0.58), (200, 0.78), (800, 0.83)])
    def test_luck_alone_reaches_what_is_published(self, official: tuple, epochs: int, uf1: float) -> None:
        truth, subjects = official
        assert (len(truth), len(set(subjects))) == (442, 68)
        assert random_best_of(truth, subjects, epochs)["uf1"] == pytest.approx(uf1, abs=0.03)

    def test_one_epoch_is_plain_guessing_by_the_priors(self) -> None:
        truth = ["a"] * 60 + ["b"] * 40
        found = random_best_of(truth, [f"s{i % 20}" for i in range(100)], 1, repeats=400)
        assert found["accuracy"] == pytest.approx(0.6**2 + 0.4**2, abs=0.01)

    def test_few_clips_per_subject_are_lucky_sooner(self) -> None:
        truth = ["a", "b", "c"] * 40
        many, few = (random_best_of(truth, [f"s{i // size}" for i in range(120)], 20)["uf1"] for size in (3, 40))
        assert many > few + 0.2

    def test_it_is_the_expected_maximum_of_n_draws(self) -> None:
        """Four subjects with the same five clips: hits of one epoch by convolution, the best of seven by its law."""
        hits = np.ones(1)
        for chance in (0.4, 0.6, 0.6, 0.4, 0.6):
            hits = np.convolve(hits, [1 - chance, chance])
        best = np.diff(np.cumsum(hits) ** 7, prepend=0)
        found = random_best_of(["a", "b", "b", "a", "b"] * 4, [f"s{i // 5}" for i in range(20)], 7, repeats=20_000)
        assert found["accuracy"] == pytest.approx(best @ np.arange(6) / 5, abs=0.002)

    def test_how_many_are_drawn_at_a_time_changes_nothing_but_the_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        truth, subjects = ["a", "b", "b"] * 5, ["s"] * 7 + ["t"] * 8
        whole = random_best_of(truth, subjects, 800, repeats=600)
        tracemalloc.start()
        assert random_best_of(truth, subjects, 800, repeats=600) == whole
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 10e6, "600 x 800 x 8 labels of 8 bytes would be 31 MB"
        for labels in (1, 10**9):
            monkeypatch.setattr(audit_module, "AT_ONCE", labels)
            assert random_best_of(truth, subjects, 800, repeats=600) == whole

    @pytest.mark.parametrize(("truth", "subjects", "n"), [([], [], 1), (["a"], [], 1), (["a"], ["s"], 0)])
    def test_nothing_to_guess_is_refused(self, truth: list, subjects: list, n: int) -> None:
        with pytest.raises(MienError, match="expected as many subjects"):
            random_best_of(truth, subjects, n)


class TestCounting:
    """Shortcuts that need no epochs."""

    def test_they_are_those_of_scikit_learn(self, counted: tuple[list[Prediction], dict]) -> None:
        from sklearn.metrics import f1_score, precision_score

        rows, document = counted
        found = shortcuts(document)
        seeds = [[row for row in rows if row.seed == seed] for seed in (0, 1)]
        sides = [([row.truth for row in part], [row.predicted for row in part]) for part in seeds]
        for name, average in (("micro F1 as F1", "micro"), ("weighted F1 as F1", "weighted")):
            expected = np.mean([f1_score(*side, average=average) for side in sides])
            assert found[name]["uf1"] == pytest.approx(expected)
        expected = np.mean([precision_score(*side, average="macro") for side in sides])
        assert found["precision as UAR"]["uar"] == pytest.approx(expected)
        folds = [[row for row in part if row.fold == fold] for part in seeds for fold in {row.fold for row in part}]
        f1 = [f1_score([r.truth for r in fold], [r.predicted for r in fold], average="macro") for fold in folds]
        assert found["fold means"]["uf1"] == pytest.approx(np.mean(f1))

    def test_gains_are_over_the_honest_score(self, counted: tuple[list[Prediction], dict]) -> None:
        _, document = counted
        for row in document["shortcuts"]:
            for name, gain in row["gain"].items():
                assert (gain is None) == (row[name] is None)
                assert gain is None or gain == pytest.approx(row[name] - document["honest"][name])
        assert json.loads(json.dumps(document, allow_nan=False)) == document

    def test_folds_that_lack_a_class_are_dropped(self, table: Build, tmp_path: Path) -> None:
        whole = [("smic/s1", name, name) for name in MEGC]
        lacking = [("smic/s2", "negative", "positive"), ("smic/s2", "positive", "positive")]
        found = shortcuts(audit(write_run(tmp_path / "run", table(*whole, *lacking))))
        row = found["folds without all classes dropped"]
        assert (row["accuracy"], row["uf1"], row["n"]) == (1.0, 1.0, 3)
        none = shortcuts(
            audit(write_run(tmp_path / "none", table(*whole[:2], *lacking[:1], ("smic/s3", *["surprise"] * 2))))
        )
        assert (none["folds without all classes dropped"]["uf1"], none["folds without all classes dropped"]["n"]) == (
            None,
            0,
        )

    def test_losing_seven_clips_is_at_best_losing_seven_wrong_ones(self, noisy: Build, tmp_path: Path) -> None:
        rows = noisy(164, subjects=16)
        document = audit(write_run(tmp_path / "run", rows))
        row = shortcuts(document)["7 clips lost, at best"]
        right = round(document["honest"]["accuracy"] * 164)
        assert (row["n"], row["accuracy"]) == (157, pytest.approx(right / 157))
        rng = np.random.default_rng(0)
        counts = np.array([[MEGC.index(r.truth), MEGC.index(r.predicted)] for r in rows])
        for _ in range(300):
            table = np.zeros((3, 3), int)
            np.add.at(table, tuple(counts[rng.permutation(164)[7:]].T), 1)
            assert measures(table)["uf1"] <= row["uf1"]

    def test_without_epochs_it_says_what_to_do(self, counted: tuple[list[Prediction], dict]) -> None:
        _, document = counted
        assert "rerun with --keep-epochs" in document["notes"][0]
        assert document["epochs"] is None
        assert not any("epoch" in name for name in shortcuts(document))
        assert [row["epochs"] for row in document["floor"]] == [1, 10, 200, 800]

    def test_a_run_that_leaks_is_said_to(self, noisy: Build, tmp_path: Path) -> None:
        rows = [replace(row, fold=row.sample_id) for row in noisy(30)]
        assert audit(write_run(tmp_path / "run", rows))["leaks"] == [SUBJECT_LEAK]


class TestEpochs:
    """Shortcuts that let the test fold choose."""

    def test_the_best_epoch_of_each_fold_is_that_of_a_plain_loop(self, chosen: tuple[Path, dict]) -> None:
        folder, document = chosen
        scores = []
        for seed in (0, 1):
            pooled = np.zeros((3, 3), int)
            for path in sorted((folder / "epochs").glob(f"{seed}-*.npz")):
                kept = np.load(path)
                best = max(kept["predicted"], key=lambda row: (row == kept["truth"]).mean())
                np.add.at(pooled, (kept["truth"], best), 1)
            scores.append(metrics(pooled, MEGC))
        row = shortcuts(document)["best epoch per test fold, by accuracy"]
        for name in ("accuracy", "uf1", "uar"):
            assert row[name] == pytest.approx(np.mean([part[name] for part in scores]))

    def test_choosing_in_hindsight_never_loses_on_what_it_chooses_by(self, chosen: tuple[Path, dict]) -> None:
        found = shortcuts(chosen[1])
        assert found["best epoch per test fold, by accuracy"]["gain"]["accuracy"] > 0
        assert found["best epoch of all, by UF1"]["gain"]["uf1"] >= 0
        assert (
            found["best epoch per test fold, by accuracy"]["accuracy"] >= found["best epoch of all, by UF1"]["accuracy"]
        )

    def test_by_f1_it_chooses_the_epoch_with_the_best_f1_of_the_fold(self, noisy: Build, tmp_path: Path) -> None:
        from sklearn.metrics import f1_score

        folder = write_run(tmp_path / "run", noisy(40, subjects=4), epochs=9)
        pooled = np.zeros((3, 3), int)
        for path in sorted((folder / "epochs").iterdir()):
            kept = np.load(path)
            best = max(kept["predicted"], key=lambda row: round(f1_score(kept["truth"], row, average="macro"), 12))
            np.add.at(pooled, (kept["truth"], best), 1)
        row = shortcuts(audit(folder))["best epoch per test fold, by F1"]
        assert row["uf1"] == pytest.approx(float(measures(pooled)["uf1"]))

    def test_the_floor_knows_the_epochs_of_the_run(self, chosen: tuple[Path, dict]) -> None:
        assert chosen[1]["epochs"] == 12
        assert [row["epochs"] for row in chosen[1]["floor"]] == [1, 10, 12, 200, 800]

    def test_folds_of_unlike_length_share_their_common_epochs(self, chosen: tuple[Path, dict], tmp_path: Path) -> None:
        folder = shutil.copytree(chosen[0], tmp_path / "run")
        path = next((folder / "epochs").iterdir())
        content = dict(np.load(path))
        np.savez(path, **(content | {"predicted": content["predicted"][:5]}))
        assert shortcuts(audit(folder))["best epoch of all, by UF1"]["n"] == 64

    def test_of_a_run_chosen_by_the_test_the_last_epoch_is_honest(self, noisy: Build, tmp_path: Path) -> None:
        rows = noisy(40)
        honest = audit(write_run(tmp_path / "last", rows, epochs=5))
        folder = write_run(tmp_path / "test", rows, epochs=5)
        perfect = [replace(row, predicted=row.truth, selection="test", probabilities={}) for row in rows]
        write_predictions(folder / "predictions.csv", perfect)
        assert audit(folder) == honest | {"leaks": [TEST_SELECTION_LEAK]}
        shutil.rmtree(folder / "epochs")
        with pytest.raises(MienError, match="nothing honest to compare with"):
            audit(folder)

    def test_what_a_killed_run_was_writing_is_left_out(self, chosen: tuple[Path, dict], tmp_path: Path) -> None:
        folder = shutil.copytree(chosen[0], tmp_path / "run")
        (folder / "epochs" / ".0-s1-x7d2.npz").write_bytes(b"PK")
        assert audit(folder) == chosen[1]

    def test_epochs_of_another_run_are_refused(self, chosen: tuple[Path, dict], tmp_path: Path) -> None:
        folder = shutil.copytree(chosen[0], tmp_path / "run")
        path = sorted((folder / "epochs").iterdir())[0]
        content = dict(np.load(path))
        np.savez(path, **(content | {"truth": (content["truth"] + 1) % 3}))
        with pytest.raises(MienError, match="which is not of the run"):
            audit(folder)
        path.write_bytes(b"PK")
        with pytest.raises(MienError, match="does not read"):
            audit(folder)
        path.unlink()
        with pytest.raises(MienError, match="got no epochs of fold"):
            audit(folder)


def test_what_is_no_run_is_refused(noisy: Build, tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"without predictions\.csv"):
        audit(tmp_path)
    folder = write_run(tmp_path / "run", noisy(6))
    (folder / "run.json").write_text(json.dumps({"classes": ["negative"]}))
    with pytest.raises(MienError, match=r"run\.json lacks it"):
        audit(folder)
    (folder / "run.json").write_text("{")
    with pytest.raises(MienError, match=r"without a readable run\.json"):
        audit(folder)


@pytest.mark.slow
def test_ststnet_on_real_clips_gains_a_tenth_by_choosing_epochs_on_the_test(shared_data: Path, tmp_path: Path) -> None:
    """Measured with 40 epochs: UF1 .682 honest, .835 with the best epoch per subject; luck alone has .664 of 40."""
    pytest.importorskip("torch")
    from mien.evaluation import evaluate

    maps = shared_data / "flow" / "ststnet_flow_smic_casme2.npz"
    evaluate("ststnet", "motion-npz", maps, out=tmp_path / "run", preset="small", keep_epochs=True, progress=False)
    document = audit(tmp_path / "run")
    for name in ("best epoch per test fold, by accuracy", "best epoch per test fold, by F1"):
        assert shortcuts(document)[name]["gain"]["uf1"] > 0.1
        assert shortcuts(document)[name]["gain"]["accuracy"] > 0.1
    assert shortcuts(document)["best epoch of all, by UF1"]["gain"]["uf1"] > 0.03
