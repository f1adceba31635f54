"""An evaluation: honest folds, the same bytes again, nothing lost when it is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest

import mien.methods._svm as svm_module
from mien.core import MienError, MienWarning
from mien.evaluation import evaluate
from mien.evaluation import run as run_module
from mien.evaluation._data import read_labelled
from mien.evaluation._folds import Plan, run_fold
from mien.evaluation._lock import locked
from mien.methods import METHODS
from mien.protocols import read_predictions, score
from mien.protocols.splits import splits
from mien.recipes import RECIPES

FOLDS = 6


def write_maps(path: Path, n_subjects: int = FOLDS, **changes: Any) -> Path:
    """Six noisy maps per subject; each class moves another third of the face; every pixel 0,0 tells the subject."""
    n = 6 * n_subjects
    targets = np.arange(n) % 3
    maps = np.random.default_rng(0).integers(0, 200, (n, 28, 28, 3), np.uint8)
    for row, target in enumerate(targets):
        maps[row, 9 * target : 9 * target + 9] += 40
        maps[row, 0, 0] = 10 * (row // 6)
    arrays = {
        "X": maps,
        "y": targets,
        "subject": np.array([f"sub{row // 6:02d}" for row in range(n)]),
        "dataset": np.array(["casme2" if row < n // 2 else "smic" for row in range(n)]),
        "sample_id": np.array([f"clip{row % 6}" for row in range(n)]),
    }
    np.savez(path, **(arrays | changes))
    return path


def end_hard(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    return write_maps(tmp_path / "maps.npz")


def run(maps: Path, out: Path, method: str = "flow-svm", **options: Any) -> dict[str, Any]:
    return evaluate(method, "motion-npz", maps, out=out, **({"jobs": 1, "progress": False} | options))


def read(folder: Path, name: str = "predictions.csv") -> bytes:
    return (folder / name).read_bytes()


class TestGolden:
    def test_flow_svm_on_real_maps(self, shared_data: Path, tmp_path: Path) -> None:
        scores = run(shared_data / "flow" / "ststnet_flow_smic_casme2.npz", tmp_path / "run", jobs=2)
        assert (round(scores["uf1"], 4), round(scores["uar"], 4), scores["n"]) == (0.7387, 0.7430, 309)
        assert scores["leaks"] == []
        again = score(tmp_path / "run" / "predictions.csv")
        assert (again["uf1"], again["uar"]) == (scores["uf1"], scores["uar"])


class TestOutcome:
    def test_a_run_leaves_what_the_contract_names(self, maps: Path, tmp_path: Path) -> None:
        scores = run(maps, tmp_path / "run")
        predictions = read_predictions(tmp_path / "run" / "predictions.csv")
        assert [p.sample_id for p in predictions] == sorted(p.sample_id for p in predictions)
        assert len(predictions) == 6 * FOLDS
        assert all(p.fold == p.subject for p in predictions)
        assert {p.dataset for p in predictions} == {"casme2", "smic"}
        assert json.loads(read(tmp_path / "run", "scores.json")) == json.loads(json.dumps(scores))
        assert {"parameters", "latency_ms", "peak_memory_mb"} <= set(scores)
        settings = json.loads(read(tmp_path / "run", "run.json"))
        assert (settings["folds"], settings["seeds"], settings["n"]) == (FOLDS, [0], 6 * FOLDS)
        assert len(settings["fingerprint"]) == 64
        assert b"<html" in read(tmp_path / "run", "report.html")

    def test_each_seed_is_a_whole_run(self, maps: Path, tmp_path: Path) -> None:
        scores = run(maps, tmp_path / "run", protocol="kfold:3", seeds=(0, 7))
        assert set(scores["seeds"]) == {"0", "7"}
        assert len(read_predictions(tmp_path / "run" / "predictions.csv")) == 2 * 6 * FOLDS

    def test_each_seed_deals_the_subjects_anew(self, maps: Path, tmp_path: Path) -> None:
        run(maps, tmp_path / "run", protocol="kfold:3", seeds=(0, 1, 2))
        dealt: dict[int, set[tuple[str, str]]] = {}
        for row in read_predictions(tmp_path / "run" / "predictions.csv"):
            dealt.setdefault(row.seed, set()).add((row.fold, row.subject))
        assert len(set(map(frozenset, dealt.values()))) == 3

    def test_leaving_one_sample_out_is_said_to_leak(self, tmp_path: Path) -> None:
        maps = write_maps(tmp_path / "maps.npz", 2)
        assert run(maps, tmp_path / "run", protocol="loo")["leaks"]

    def test_classes_of_ones_own_are_taken_as_annotated(self, tmp_path: Path) -> None:
        maps = write_maps(tmp_path / "maps.npz", classes=np.array(["happy", "sad", "calm"]))
        assert run(maps, tmp_path / "run")["classes"] == ["calm", "happy", "sad"]

    def test_a_label_map_may_leave_clips_out(self, tmp_path: Path) -> None:
        maps = write_maps(tmp_path / "maps.npz", classes=np.array(["happiness", "disgust", "sadness"]))
        with pytest.warns(MienWarning) as caught:
            scores = run(maps, tmp_path / "run", labels="casme2_3_megc")
        assert "leaves out 12 of 36 clips" in str(caught[0].message)
        assert scores["n"] == 24

    def test_warnings_of_folds_reach_the_caller_once(self, tmp_path: Path) -> None:
        maps = write_maps(tmp_path / "maps.npz", 2)
        with pytest.warns(MienWarning, match="too few training subjects to calibrate") as caught:
            run(maps, tmp_path / "run", jobs=2)
        assert len(caught) == 1

    def test_how_the_apex_is_found_is_part_of_the_run(self, maps: Path, tmp_path: Path) -> None:
        run(maps, tmp_path / "run", protocol="kfold:2", apex="dnc-roi")
        assert json.loads(read(tmp_path / "run", "run.json"))["recipe"]["name"] == "motion-map+dnc-roi"
        with pytest.raises(MienError, match="apex policy 'loudest'"):
            run(maps, tmp_path / "other", apex="loudest")

    def test_errata_are_asked_of_corpora_that_have_some(self, maps: Path, tmp_path: Path) -> None:
        with pytest.raises(MienError, match="none are known"):
            run(maps, tmp_path / "run", errata=True)


class TestHonesty:
    def test_no_scaler_and_no_calibration_sees_a_test_subject(
        self, maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[set[int]] = []

        class Spy(svm_module.StandardScaler):
            def fit(self, X: np.ndarray, *rest: Any, **options: Any) -> Any:
                seen.append({round(255 * value / 10) for value in X[:, 0]})
                return super().fit(X, *rest, **options)

        monkeypatch.setattr(svm_module, "StandardScaler", Spy)
        for subject, fold, plan, data in self._folds("flow-svm", maps, tmp_path):
            seen.clear()
            run_fold(plan, data, fold, 0)
            assert len(seen) == 6  # the machine, and five for the calibration
            assert seen[0] == set(range(FOLDS)) - {subject}
            assert all(subject not in subjects for subjects in seen)

    @pytest.mark.parametrize("select", ["last", "inner", "test"])
    def test_no_network_sees_a_test_subject_whoever_chooses_the_epoch(
        self, maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, select: str
    ) -> None:
        pytest.importorskip("torch")
        from mien.methods import _network

        seen: list[set[int]] = []
        fit_network = _network.fit_network

        def spy(network: Any, inputs: Any, targets: Any, *rest: Any, **options: Any) -> Any:
            seen.append({round(float(value) / 10) for value in inputs[:, 0, 0, 0]})
            return fit_network(network, inputs, targets, *rest, **options)

        monkeypatch.setattr(_network, "fit_network", spy)
        for subject, fold, plan, data in self._folds("ststnet", maps, tmp_path, epochs=2, select=select):
            seen.clear()
            run_fold(plan, data, fold, 0)
            assert all(subject not in subjects for subjects in seen)
            assert [len(subjects) for subjects in seen] == (
                [FOLDS - 2, FOLDS - 1] if select == "inner" else [FOLDS - 1]
            )

    def test_only_hindsight_is_called_leaking(self, maps: Path, tmp_path: Path) -> None:
        pytest.importorskip("torch")
        options = {"method": "ststnet", "protocol": "kfold:2", "preset": "small"}
        scores = {name: run(maps, tmp_path / name, select=name, **options) for name in ("last", "inner", "test")}
        assert [bool(scores[name]["leaks"]) for name in ("last", "inner", "test")] == [False, False, True]
        assert scores["test"]["accuracy"] >= scores["last"]["accuracy"]
        assert {p.selection for p in read_predictions(tmp_path / "test" / "predictions.csv")} == {"test"}

    def test_kept_epochs_end_with_what_is_reported(self, maps: Path, tmp_path: Path) -> None:
        pytest.importorskip("torch")
        run(maps, tmp_path / "run", "ststnet", protocol="holdout:smic", preset="small", keep_epochs=True)
        [file] = (tmp_path / "run" / "epochs").iterdir()
        kept = np.load(file)
        assert kept["predicted"].shape == (METHODS["ststnet"].presets["small"]["epochs"], 18)
        reported = {p.sample_id: p.probabilities for p in read_predictions(tmp_path / "run" / "predictions.csv")}
        for sample_id, last in zip(kept["sample_id"], kept["probabilities"][-1], strict=True):
            np.testing.assert_allclose(list(reported[sample_id].values()), last, rtol=1e-6)

    def _folds(self, method: str, maps: Path, out: Path, *, epochs: int | None = None, select: str = "last") -> Any:
        settings = {"epochs": epochs} if epochs else METHODS[method].settings()
        data = read_labelled("motion-npz", maps, None, RECIPES["motion-map"])
        plan = Plan(method, settings, select, False, out, "key")
        ids, corpora = [s.sample_id for s in data.samples], [s.dataset for s in data.samples]
        for fold in splits("loso", data.subjects, corpora, ids):
            yield int(fold.name[-2:]), fold, plan, data


class TestRepeating:
    @pytest.mark.parametrize("method", ["flow-svm", "motion-svm", "ststnet", "off-apexnet"])
    def test_a_seed_gives_the_same_bytes_whatever_the_jobs(self, maps: Path, tmp_path: Path, method: str) -> None:
        options = {"protocol": "kfold:2", "seeds": (3,)}
        if METHODS[method].kind == "network":
            pytest.importorskip("torch")
            options["preset"] = "small"
        for name, jobs in (("a", 1), ("b", 2)):
            run(maps, tmp_path / name, method, jobs=jobs, **options)
        assert read(tmp_path / "a") == read(tmp_path / "b")

    def test_the_order_of_the_rows_changes_nothing(self, maps: Path, tmp_path: Path) -> None:
        arrays = dict(np.load(maps))
        turned = np.random.default_rng(1).permutation(len(arrays["y"]))
        np.savez(tmp_path / "turned.npz", **{name: array[turned] for name, array in arrays.items()})
        run(maps, tmp_path / "a")
        run(tmp_path / "turned.npz", tmp_path / "b")
        assert read(tmp_path / "a") == read(tmp_path / "b")
        first, second = (json.loads(read(tmp_path / name, "run.json"))["fingerprint"] for name in "ab")
        assert first == second


class TestResuming:
    def test_only_missing_folds_are_trained_again(
        self, maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run(maps, tmp_path / "run")
        before = read(tmp_path / "run")
        folds = sorted((tmp_path / "run" / "folds").iterdir())
        kept = {path: path.stat().st_mtime_ns for path in folds[2:]}
        for path in (*folds[:2], tmp_path / "run" / "predictions.csv"):
            path.unlink()
        run(maps, tmp_path / "run", resume=True)
        assert read(tmp_path / "run") == before
        assert {path: path.stat().st_mtime_ns for path in folds[2:]} == kept

    def test_a_killed_run_goes_on_and_ends_the_same(self, tmp_path: Path) -> None:
        maps = write_maps(tmp_path / "maps.npz", 16)
        code = (
            "import sys; from mien.evaluation import evaluate; "
            "evaluate('flow-svm', 'motion-npz', sys.argv[1], out=sys.argv[2], jobs=1)"
        )
        process = subprocess.Popen([sys.executable, "-c", code, maps, tmp_path / "run"], stderr=subprocess.DEVNULL)
        folds = tmp_path / "run" / "folds"
        while not any(folds.glob("*.json")) and process.poll() is None:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not (tmp_path / "run" / "predictions.csv").exists()
        assert 1 <= len(list(folds.glob("*.json"))) < 16
        run(maps, tmp_path / "run", resume=True)
        run(maps, tmp_path / "whole", jobs=2)
        assert read(tmp_path / "run") == read(tmp_path / "whole")

    @pytest.mark.parametrize("resume", [False, True])
    def test_a_run_killed_while_it_wrote_its_settings_can_begin_again(
        self, maps: Path, tmp_path: Path, resume: bool
    ) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / ".run-x7d2.json").write_text('{"method": "fl')
        run(maps, tmp_path / "run", protocol="kfold:2", resume=resume)
        assert (tmp_path / "run" / "predictions.csv").is_file()

    def test_a_taken_folder_is_refused(self, maps: Path, tmp_path: Path) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "thesis.txt").touch()
        with pytest.raises(MienError, match=r"with thesis\.txt in it"):
            run(maps, tmp_path / "run")
        with pytest.raises(MienError, match="without a readable run"):
            run(maps, tmp_path / "run", resume=True)

    def test_a_taken_folder_is_refused_before_inputs_are_prepared(
        self, maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "thesis.txt").touch()
        monkeypatch.setattr(run_module, "read_labelled", lambda *_, **__: pytest.fail("the inputs were read"))
        with pytest.raises(MienError, match=r"with thesis\.txt in it"):
            run(maps, tmp_path / "run")

    def test_a_worker_that_the_system_ends_is_one_line_and_the_run_goes_on(
        self, maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(run_module, "_run_placed", end_hard)
        with pytest.raises(MienError, match=r"that the system ended at a fold.*--resume$") as caught:
            run(maps, tmp_path / "run", jobs=2, protocol="kfold:2")
        assert "\n" not in str(caught.value)
        monkeypatch.undo()
        run(maps, tmp_path / "run", protocol="kfold:2", resume=True)

    def test_two_runs_at_once_into_one_folder_are_refused(self, maps: Path, tmp_path: Path) -> None:
        with locked(tmp_path / "run"), pytest.raises(MienError, match="another run is writing"):
            run(maps, tmp_path / "run")
        run(maps, tmp_path / "run")

    def test_other_settings_or_data_cannot_resume_a_run(self, maps: Path, tmp_path: Path) -> None:
        run(maps, tmp_path / "run", protocol="kfold:2")
        with pytest.raises(MienError, match="got protocol kfold:3 to resume a run with kfold:2"):
            run(maps, tmp_path / "run", protocol="kfold:3", resume=True)
        arrays = dict(np.load(maps))
        arrays["X"][0, 5, 5, 0] ^= 1
        np.savez(maps, **arrays)
        with pytest.raises(MienError, match="got fingerprint"):
            run(maps, tmp_path / "run", protocol="kfold:2", resume=True)

    def test_a_damaged_or_foreign_fold_is_refused(self, maps: Path, tmp_path: Path) -> None:
        run(maps, tmp_path / "run", protocol="kfold:2")
        path = next((tmp_path / "run" / "folds").iterdir())
        good = json.loads(path.read_text())
        path.write_text("{")
        with pytest.raises(MienError, match="delete the file"):
            run(maps, tmp_path / "run", protocol="kfold:2", resume=True)
        path.write_text(json.dumps(good | {"key": "other"}))
        with pytest.raises(MienError, match="belongs to another run"):
            run(maps, tmp_path / "run", protocol="kfold:2", resume=True)


def test_a_last_step_that_leaves_no_numbers_is_said_and_no_fold_is_kept(
    maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    wild = {"epochs": 1, "batch": 64, "lr": 1e38, "optimizer": "sgd"}
    method = replace(METHODS["ststnet"], presets=MappingProxyType({"paper": wild}))
    monkeypatch.setitem(METHODS._entries, "ststnet", method)
    with pytest.raises(MienError, match=r"no numbers from 'ststnet' in fold 'smic'.*lower the learning rate$"):
        run(maps, tmp_path / "run", "ststnet", protocol="holdout:smic")
    assert not list((tmp_path / "run").rglob("*smic*"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "flow-svn"}, "did you mean 'flow-svm'"),
        ({"protocol": "losso"}, "unknown protocol"),
        ({"protocol": "holdout:samm"}, "casme2, smic"),
        ({"labels": "megc"}, "unknown label map"),
        ({"seeds": ()}, "got the seeds"),
        ({"seeds": (1, 1)}, "got the seeds"),
        ({"seeds": (-1,)}, "got the seeds"),
        ({"preset": "large"}, "got the preset"),
        ({"select": "best"}, "got the selection"),
        ({"select": "test"}, "which has none"),
        ({"keep_epochs": True}, "which has none"),
        ({"jobs": 0}, "got 0 jobs"),
        ({"backend": "dask"}, "got the backend"),
    ],
)
def test_bad_use_is_one_clear_line_and_leaves_nothing(maps: Path, tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(MienError, match=message):
        run(maps, tmp_path / "run", **options)
    assert not (tmp_path / "run").exists()


def test_a_label_map_that_keeps_nothing_is_said(tmp_path: Path) -> None:
    maps = write_maps(tmp_path / "maps.npz", classes=np.array(["calm", "bored", "tired"]))
    with pytest.raises(MienError, match=r"got no sample that the label map 'casme2_5' keeps .*bored, calm, tired"):
        run(maps, tmp_path / "run", labels="casme2_5")


def test_a_fold_with_one_class_left_to_train_on_is_said(tmp_path: Path) -> None:
    maps = write_maps(tmp_path / "maps.npz", 2, y=np.repeat([0, 1], 6))
    with pytest.raises(MienError, match="to train on"):
        run(maps, tmp_path / "run", jobs=2)


def test_shuffled_labels_stay_with_their_subject_and_out_of_the_test(
    maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[list[int], list[str]]] = []
    fit = svm_module.fit

    def spy(method: Any, inputs: Any, targets: Any, *, groups: Any, **options: Any) -> Any:
        seen.append((targets.tolist(), groups))
        return fit(method, inputs, targets, groups=groups, **options)

    monkeypatch.setattr(svm_module, "fit", spy)
    scores = run(maps, tmp_path / "run", shuffle_labels=True)
    assert "shuffled" in scores["control"]
    assert "A control: trained on labels shuffled" in (tmp_path / "run" / "report.html").read_text()
    data = read_labelled("motion-npz", maps, None, RECIPES["motion-map"])
    truths = {row.sample_id: row.truth for row in read_predictions(tmp_path / "run" / "predictions.csv")}
    assert truths == {
        sample.sample_id: data.classes[target] for sample, target in zip(data.samples, data.targets, strict=True)
    }
    for targets, groups in seen:
        for subject in set(groups):
            labels = [target for target, group in zip(targets, groups, strict=True) if group == subject]
            assert sorted(labels) == [0, 0, 1, 1, 2, 2]
    assert all(targets != [0, 1, 2] * (len(targets) // 3) for targets, _ in seen)
    assert len({tuple(targets) for targets, _ in seen}) == FOLDS
