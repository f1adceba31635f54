"""The faults of published evaluations, E1 to E15: each a test that fails if mien could commit it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import mien.methods._svm as svm
from mien.cli import main
from mien.core import MienError, Prediction, Sample, Source
from mien.evaluation import _folds, evaluate
from mien.evaluation._data import Labelled
from mien.evaluation._folds import Plan, fold_file, run_fold
from mien.methods import METHODS, Method, published
from mien.protocols import Fold, compare, read_predictions, score, write_predictions
from mien.protocols.audit import audit
from mien.protocols.metrics import metrics
from mien.protocols.scores import TEST_SELECTION_LEAK
from mien.protocols.splits import SUBJECT_LEAK, splits
from mien.recipes import RECIPES, load, with_apex

MEGC = ("negative", "positive", "surprise")
SUBJECTS, CLIPS = 6, 6
# All networks run through the same loop, splits and folds; those of more parameters only cost more.
SMALLER = 3_000_000
QUICKER = [
    name
    for name in METHODS
    if METHODS[name].kind == "classic"
    or (METHODS[name].recipe == "motion-map" and (METHODS[name].parameters or 0) < SMALLER and name != "am3f-flownet")
]
NETWORKS = [name for name in QUICKER if METHODS[name].kind == "network"]
CLASSIC = [name for name in METHODS if METHODS[name].kind == "classic"]
SCALED = [name for name in CLASSIC if METHODS[name].settings().get("standardise", True)]
QUICK = {"epochs": 3, "batch": 16}

Row = tuple[str, str, str]


def write_maps(path: Path, strength: int = 8) -> Path:
    """Noise in which each class moves another third of the face, too little to be read surely; two corpora."""
    n = SUBJECTS * CLIPS
    targets = np.arange(n) % 3
    maps = np.random.default_rng(0).integers(0, 200, (n, 28, 28, 3), np.uint8)
    for image, target in zip(maps, targets, strict=True):
        image[9 * target : 9 * target + 9] += np.uint8(strength)
    subject = [f"s{row // CLIPS}" for row in range(n)]
    dataset = ["casme2" if row < n // 2 else "smic" for row in range(n)]
    np.savez(
        path, X=maps, y=targets, subject=subject, dataset=dataset, sample_id=[f"c{row % CLIPS}" for row in range(n)]
    )
    return path


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_maps(tmp_path_factory.mktemp("maps") / "maps.npz")


@pytest.fixture(scope="module")
def data(maps: Path) -> Labelled:
    from mien.evaluation._data import read_labelled

    return read_labelled("motion-npz", maps, None, RECIPES["motion-map"])


@pytest.fixture(scope="module")
def runs(maps: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One honest run, and one whose epoch the test folds chose, with their epochs kept."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("runs")
    options = {"protocol": "kfold:3", "preset": "small", "jobs": 1, "progress": False}
    evaluate("ststnet", "motion-npz", maps, out=folder / "last", keep_epochs=True, **options)
    evaluate("ststnet", "motion-npz", maps, out=folder / "test", select="test", keep_epochs=True, **options)
    return {name: folder / name for name in ("last", "test")}


def suited(method: str, data: Labelled) -> Labelled:
    """Every other pixel is enough, and far quicker, for what is no network; descriptors are vectors."""
    entry = METHODS[method]
    if entry.kind == "network":
        return data
    small = data.inputs[:, ::2, ::2]
    if entry.recipe == "motion-map":
        return replace(data, inputs=small)
    length = {"mdmo": 72, "dis-stlbp-rip": 2 * 630, "stclqp": 9 * 256}.get(method, 200)
    flat = small.reshape(len(small), -1)
    return replace(data, inputs=flat[:, np.arange(length) % flat.shape[1]].astype(np.float32))


def folds(data: Labelled, protocol: str = "loso") -> list[Fold]:
    corpora, ids = [s.dataset for s in data.samples], [s.sample_id for s in data.samples]
    return splits(protocol, data.subjects, corpora, ids)


def plan(method: str, folder: Path, select: str = "last", *, keep_epochs: bool = False, **settings: Any) -> Plan:
    quick = QUICK if METHODS[method].kind == "network" else {}
    return Plan(method, {**METHODS[method].settings(), **quick, **settings}, select, keep_epochs, folder, "key")


def fold_result(plan: Plan, data: Labelled, fold: Fold) -> dict[str, Any]:
    """What the fold wrote, without what depends on the clock."""
    run_fold(plan, data, fold, seed=0)
    result = json.loads(fold_file(plan.folder, 0, fold.name).read_text())
    return {name: result[name] for name in ("sample_ids", "predicted", "probabilities")}


def predictions(*rows: Row) -> list[Prediction]:
    return [Prediction("smic", s, f"{s}/c{i}", s, 0, "last", truth, guess) for i, (s, truth, guess) in enumerate(rows)]


def needs(method: str) -> None:
    if METHODS[method].kind == "network":
        pytest.importorskip("torch")


class TestE1BestEpochOnTheTestSubject:
    def test_the_last_epoch_is_reported_unless_asked_otherwise(self, runs: dict[str, Path]) -> None:
        assert inspect.signature(evaluate).parameters["select"].default == "last"
        reported = {row.sample_id: row.predicted for row in read_predictions(runs["last"] / "predictions.csv")}
        for path in (runs["last"] / "epochs").iterdir():
            kept = np.load(path)
            assert [reported[name] for name in kept["sample_id"]] == [MEGC[label] for label in kept["predicted"][-1]]

    def test_every_output_of_a_run_that_chose_by_the_test_says_so(
        self, runs: dict[str, Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        run = runs["test"]
        assert {row.selection for row in read_predictions(run / "predictions.csv")} == {"test"}
        assert json.loads((run / "scores.json").read_text())["leaks"] == [TEST_SELECTION_LEAK]
        assert json.loads((run / "run.json").read_text())["select"] == "test"
        assert "These scores leak" in (run / "report.html").read_text()
        main(["score", str(run / "predictions.csv")], standalone=False)
        assert capsys.readouterr().out.startswith("LEAK: ")
        main(["audit", str(run)], standalone=False)
        assert f"LEAK: {TEST_SELECTION_LEAK}" in capsys.readouterr().out
        main(["audit", str(run), "--json"], standalone=False)
        assert json.loads(capsys.readouterr().out)["leaks"] == [TEST_SELECTION_LEAK]

    @pytest.mark.parametrize("select", ["last", "inner"])
    def test_no_label_of_the_test_fold_changes_what_is_predicted(
        self, data: Labelled, tmp_path: Path, select: str
    ) -> None:
        pytest.importorskip("torch")
        fold = folds(data)[0]
        other = data.targets.copy()
        other[fold.test] = (other[fold.test] + 1) % 3
        found = [
            fold_result(plan("ststnet", tmp_path / name, select, keep_epochs=True, epochs=8, lr=1e-2), part, fold)
            for name, part in (("a", data), ("b", replace(data, targets=other)))
        ]
        assert found[0] == found[1]


class TestE2StoppingWhenTheTestIsPerfect:
    def test_every_fold_trains_all_its_epochs(self, tmp_path: Path) -> None:
        pytest.importorskip("torch")
        from mien.evaluation._data import read_labelled

        easy = read_labelled("motion-npz", write_maps(tmp_path / "maps.npz", strength=55), None, RECIPES["motion-map"])
        chosen = plan("ststnet", tmp_path / "run", keep_epochs=True, epochs=30, lr=1e-2)
        reached = []
        for fold in folds(easy, "kfold:2"):
            run_fold(chosen, easy, fold, seed=0)
            kept = np.load(tmp_path / "run" / "epochs" / f"0-{fold.name}.npz")
            assert len(kept["predicted"]) == 30
            reached.append((kept["predicted"] == kept["truth"]).mean(axis=1)[:-1].max())
        assert max(reached) == 1.0, "the test was perfect before the end, and yet training went on"


class TestE3SwappedAxes:
    def test_uar_is_recall_also_where_recall_and_precision_differ(self) -> None:
        """The confusion of STSTNet, from rows to score: its published UAR, .7605, is the precision."""
        counts = np.array([[219, 22, 9], [40, 62, 7], [21, 3, 59]])
        cells = [(MEGC[i], MEGC[j]) for i in range(3) for j in range(3) for _ in range(counts[i, j])]
        document = score(predictions(*((f"smic/s{i % 68}", *cell) for i, cell in enumerate(cells))))
        assert document["confusion"] == counts.tolist()
        assert document["uar"] == pytest.approx(0.7186, abs=5e-5)
        assert document["macro_precision"] == pytest.approx(0.7605, abs=5e-5)
        assert metrics(counts.T, MEGC)["uar"] == pytest.approx(document["macro_precision"])


class TestE4LostClipsAndRandomTests:
    def test_every_clip_of_every_subject_is_predicted_once(self, runs: dict[str, Path], data: Labelled) -> None:
        by_subject = json.loads((runs["last"] / "scores.json").read_text())["by_subject"]
        assert {name: part["n"] for name, part in by_subject.items()} == dict.fromkeys(data.subjects, CLIPS)

    def test_157_clips_are_not_compared_with_164(self) -> None:
        rows = predictions(*((f"smic/s{i % 16}", MEGC[i % 3], MEGC[0]) for i in range(164)))
        with pytest.raises(MienError, match=r"got 7 predictions .*\(164\) .*\(157\)"):
            compare({"ours": rows, "theirs": rows[:157]})

    @pytest.mark.parametrize("name", QUICKER)
    def test_a_clip_is_read_the_same_again_and_in_other_company(self, name: str, data: Labelled) -> None:
        needs(name)
        data = suited(name, data)
        trained = fitted(name, data)
        predicted, probabilities = trained.predict(data.inputs)
        np.testing.assert_array_equal(trained.predict(data.inputs)[1], probabilities)
        turned = trained.predict(data.inputs[::-1])
        np.testing.assert_array_equal(turned[0][::-1], predicted)
        np.testing.assert_allclose(turned[1][::-1], probabilities, atol=1e-6)
        np.testing.assert_allclose(trained.predict(data.inputs[:1])[1], probabilities[:1], atol=1e-6)


class TestE5InnerSplitThroughSubjects:
    def test_who_chooses_the_epoch_is_neither_trained_on_nor_tested(
        self, data: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("torch")
        trained_on: list[set[str]] = []
        judged_on: list[set[str]] = []
        fit, uf1 = _folds._fit, _folds._uf1
        people = np.array(data.subjects)

        def spy_fit(method: Any, settings: Any, part: Any, rows: Any, *rest: Any, **options: Any) -> Any:
            trained_on.append(set(people[rows]))
            return fit(method, settings, part, rows, *rest, **options)

        def spy_uf1(trained: Any, part: Any, rows: Any) -> float:
            judged_on.append(set(people[rows]))
            return uf1(trained, part, rows)

        monkeypatch.setattr(_folds, "_fit", spy_fit)
        monkeypatch.setattr(_folds, "_uf1", spy_uf1)
        for fold in folds(data):
            trained_on.clear()
            judged_on.clear()
            run_fold(plan("ststnet", tmp_path / "run", "inner"), data, fold, seed=0)
            inner, whole = trained_on
            assert len(judged_on) == QUICK["epochs"]
            for judges in judged_on:
                assert judges
                assert not judges & (inner | set(people[fold.test]))
                assert inner | judges == whole == set(people[fold.train])


@pytest.mark.parametrize("name", QUICKER)
def test_e6_what_predicts_is_given_no_label(name: str, data: Labelled) -> None:
    """MS3D chose among its heads by the loss, for which one needs the truth."""
    needs(name)
    assert list(inspect.signature(fitted(name, suited(name, data)).predict).parameters) == ["inputs"]


class TestE7TheTestSubjectAsValidation:
    def test_training_has_no_place_for_a_validation_set(self) -> None:
        assert not any("val" in name or "test" in name for name in inspect.signature(Method.fit).parameters)

    @pytest.mark.parametrize("select", ["last", "inner", "test"])
    @pytest.mark.parametrize("name", QUICKER)
    def test_nothing_of_the_test_subject_ever_reaches_training(
        self, name: str, select: str, data: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        needs(name)
        if METHODS[name].kind == "classic" and select != "last":
            return
        data = suited(name, data)
        fit, given = Method.fit, []

        def spy(self: Method, inputs: np.ndarray, targets: Any, groups: Any, *rest: Any, **options: Any) -> Any:
            given.append((inputs, set(groups)))
            return fit(self, inputs, targets, groups, *rest, **options)

        monkeypatch.setattr(Method, "fit", spy)
        fold = folds(data)[1]
        run_fold(plan(name, tmp_path, select), data, fold, seed=0)
        assert len(given) == (2 if select == "inner" else 1)
        for maps, groups in given:
            assert groups <= {data.subjects[row] for row in fold.train}
            assert not shared_rows(maps, data.inputs[fold.test])


class TestE8OneSampleOut:
    def test_one_subject_out_is_the_default(self) -> None:
        assert inspect.signature(evaluate).parameters["protocol"].default == "loso"

    def test_leaving_one_sample_out_is_said_to_leak_also_by_the_file_alone(
        self, maps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        scores = evaluate("flow-svm", "motion-npz", maps, out=tmp_path / "run", protocol="loo", jobs=1, progress=False)
        assert scores["leaks"] == [SUBJECT_LEAK]
        assert "These scores leak" in (tmp_path / "run" / "report.html").read_text()
        assert score(tmp_path / "run" / "predictions.csv")["leaks"] == [SUBJECT_LEAK]
        main(["audit", str(tmp_path / "run")], standalone=False)
        assert f"LEAK: {SUBJECT_LEAK}" in capsys.readouterr().out


class TestE9MeansOfFolds:
    ROWS = (*(("smic/s1", "negative", "negative"),) * 4, ("smic/s2", "positive", "negative"))

    def test_scores_are_pooled_and_fold_means_are_called_so(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        document = score(predictions(*self.ROWS))
        assert (document["accuracy"], document["fold_mean"]["accuracy"]) == (0.8, 0.5)
        write_predictions(tmp_path / "p.csv", predictions(*self.ROWS))
        main(["score", str(tmp_path / "p.csv")], standalone=False)
        assert "mean of folds" in capsys.readouterr().out

    def test_the_report_names_both(self, runs: dict[str, Path]) -> None:
        text = (runs["last"] / "report.html").read_text()
        assert "mean of folds" in text
        assert "not pooled" in text


class TestE10NumbersOfOtherProtocols:
    def test_every_published_number_says_what_it_is_of(self) -> None:
        for row in published():
            assert all((row.method, row.corpus, row.protocol, row.metric, row.source)), row
            assert row.classes or "not confirmed" in row.note, row

    def test_ours_is_shown_beside_the_same_protocol_classes_and_corpora_only(
        self, maps: Path, runs: dict[str, Path], tmp_path: Path
    ) -> None:
        heading = "Published numbers of the same protocol"
        options = {"jobs": 1, "progress": False}
        evaluate("flow-svm", "motion-npz", maps, out=tmp_path / "same", **options)
        arrays = dict(np.load(maps))
        np.savez(tmp_path / "other.npz", **arrays, classes=np.array(["happiness", "disgust", "others"]))
        evaluate("flow-svm", "motion-npz", tmp_path / "other.npz", out=tmp_path / "classes", **options)
        same, classes, protocol = (
            (folder / "report.html").read_text() for folder in (tmp_path / "same", tmp_path / "classes", runs["last"])
        )
        assert heading in same
        assert ">samm<" not in same, "no clip of SAMM was tested"
        assert heading not in classes
        assert heading not in protocol


def test_e11_hindsight_is_never_worse_and_the_audit_says_by_how_much(runs: dict[str, Path]) -> None:
    document = audit(runs["last"])
    rows = {row["name"]: row for row in document["shortcuts"]}
    best = rows["best epoch per test fold, by accuracy"]
    chosen = json.loads((runs["test"] / "scores.json").read_text())
    assert best["gain"]["accuracy"] > 0
    assert rows["best epoch of all, by UF1"]["gain"]["uf1"] >= 0
    assert {name: best[name] for name in ("accuracy", "uf1", "uar")} == pytest.approx(
        {name: chosen[name] for name in ("accuracy", "uf1", "uar")}
    ), "what --select test reports"


class TestE12StatisticsOfAllData:
    @pytest.mark.parametrize("name", QUICKER)
    def test_other_test_clips_leave_what_is_said_of_a_test_clip_as_it_was(
        self, name: str, data: Labelled, tmp_path: Path
    ) -> None:
        """Whatever it may learn from, a scaler, a codebook, class weights: not from the test fold."""
        needs(name)
        data = suited(name, data)
        fold = folds(data)[2]
        changed, labels = data.inputs.copy(), data.targets.copy()
        changed[fold.test[1:]] = np.random.default_rng(1).integers(0, 256, changed[fold.test[1:]].shape)
        labels[fold.test] = 0
        found = [
            fold_result(plan(name, tmp_path / run), part, fold)
            for run, part in (("a", data), ("b", replace(data, inputs=changed, targets=labels)))
        ]
        assert found[0]["predicted"][0] == found[1]["predicted"][0]
        assert found[0]["probabilities"][0] == found[1]["probabilities"][0]
        assert found[0]["probabilities"] != found[1]["probabilities"]

    @pytest.mark.parametrize("name", SCALED)
    def test_no_scaler_is_fitted_on_a_test_clip(
        self, name: str, data: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = suited(name, data)
        seen: list[np.ndarray] = []
        spy_on_fit(monkeypatch, svm.StandardScaler, seen)
        for fold in folds(data, "kfold:2"):
            seen.clear()
            run_fold(plan(name, tmp_path), data, fold, seed=0)
            assert len(seen) > 1, "the machine, and those for the calibration"
            test = METHODS[name].prepare(data.inputs[fold.test])
            assert not any(shared_rows(features, test) for features in seen)

    @pytest.mark.parametrize("part", ["PCA", "SVC", "LogisticRegression"])
    def test_nothing_else_is_fitted_on_more_than_the_training_clips(
        self, part: str, data: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = suited("motion-svm", data)
        seen: list[np.ndarray] = []
        spy_on_fit(monkeypatch, getattr(svm, part), seen)
        for fold in folds(data, "kfold:2"):
            run_fold(plan("motion-svm", tmp_path), data, fold, seed=0)
            assert seen
            assert all(len(features) <= len(fold.train) for features in seen)

    @pytest.mark.parametrize("name", NETWORKS)
    def test_class_weights_count_the_training_labels(
        self, name: str, data: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("torch")
        from mien.training import loop

        weigh, seen = loop.class_weights, []
        monkeypatch.setattr(loop, "class_weights", lambda *given: seen.append(given[0].tolist()) or weigh(*given))
        uneven = replace(data, targets=np.where(np.arange(len(data.targets)) < 9, 0, data.targets))
        for fold in folds(uneven, "kfold:2"):
            seen.clear()
            run_fold(plan(name, tmp_path, class_weights="balanced"), uneven, fold, seed=0)
            assert seen == [uneven.targets[fold.train].tolist()]


class TestE13CopiesOfTestClips:
    @pytest.mark.parametrize("protocol", ["loso", "loo", "kfold:3", "lodo", "holdout:smic"])
    def test_no_clip_is_trained_on_and_tested(self, protocol: str, data: Labelled) -> None:
        for fold in folds(data, protocol):
            ids = [{data.samples[row].sample_id for row in rows} for rows in (fold.train, fold.test)]
            assert not ids[0] & ids[1]

    @pytest.mark.parametrize("name", NETWORKS)
    def test_augmentation_is_given_training_clips_only(
        self, name: str, data: Labelled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("torch")
        from mien.methods import _network

        make, seen = _network.random_mirror, []

        def spy(*given: Any) -> Callable[..., Any]:
            mirror = make(*given)
            return lambda batch, generator: seen.append(batch.numpy().copy()) or mirror(batch, generator)

        monkeypatch.setattr(_network, "random_mirror", spy)
        fold = folds(data)[3]
        run_fold(plan(name, tmp_path, mirror=True), data, fold, seed=0)
        assert sum(map(len, seen)) == QUICK["epochs"] * len(fold.train)
        test = METHODS[name].prepare(data.inputs[fold.test])
        assert not any(shared_rows(batch, test) for batch in seen)


@pytest.mark.parametrize("policy", ["midpoint", "largest-difference"])
def test_e14_where_the_apex_lies_is_found_without_a_label(policy: str, tmp_path: Path) -> None:
    for number in range(9):
        frame = np.random.default_rng(5).integers(0, 256, (128, 128), np.uint8)
        cv2.imwrite(str(tmp_path / f"img{number}.png"), np.roll(frame, max(0, number - 4), axis=1))
    clip = Sample("x", "x/s", "x/s/c", "disgust", Source("frames", tmp_path), onset=0, offset=8, fps=200)
    relabelled = replace(clip, emotion="surprise", action_units=frozenset({1, 2}), action_units_text="1+2")
    recipe = with_apex(RECIPES["motion-map"], policy)
    with pytest.warns(match="."):
        found, again = (load([sample], recipe) for sample in (clip, relabelled))
    np.testing.assert_array_equal(found, again)


class TestE15LuckOfTheSeed:
    @pytest.mark.parametrize("name", QUICKER)
    def test_a_seed_gives_the_same_fold_again(self, name: str, data: Labelled, tmp_path: Path) -> None:
        needs(name)
        data = suited(name, data)
        fold = folds(data)[4]
        first, again = (fold_result(plan(name, tmp_path / run), data, fold) for run in "ab")
        assert first == again

    def test_several_seeds_are_reported_as_mean_and_spread(self, maps: Path, tmp_path: Path) -> None:
        options = {"protocol": "kfold:2", "seeds": (0, 1), "jobs": 1, "progress": False}
        scores = evaluate("flow-svm", "motion-npz", maps, out=tmp_path / "run", **options)
        values = [part["uf1"] for part in scores["seeds"].values()]
        assert values[0] != values[1], "kfold deals other subjects together"
        assert scores["uf1"] == pytest.approx(np.mean(values))
        assert "over 2 seeds" in (tmp_path / "run" / "report.html").read_text()


def fitted(name: str, data: Labelled) -> Any:
    entry = METHODS[name]
    settings = {**entry.settings(), **(QUICK if entry.kind == "network" else {})}
    return entry.fit(data.inputs, data.targets, data.subjects, data.classes, settings=settings)


def spy_on_fit(monkeypatch: pytest.MonkeyPatch, learner: type, seen: list[np.ndarray]) -> None:
    """Keep what every machine of this class is fitted on."""
    for name in ("fit", "fit_transform"):
        original = getattr(learner, name, None)
        if original is None:
            continue

        def spy(self: Any, X: np.ndarray, *rest: Any, original: Any = original, **options: Any) -> Any:
            seen.append(X)
            return original(self, X, *rest, **options)

        monkeypatch.setattr(learner, name, spy)


def shared_rows(a: np.ndarray, b: np.ndarray) -> set[bytes]:
    """Samples that are in both, by their exact content."""
    first, second = ({np.ascontiguousarray(row).tobytes() for row in rows.astype(np.float64)} for rows in (a, b))
    return first & second
