"""A study is the paper's table: the rows exist, an ablation takes out what it says, nothing runs twice."""

from __future__ import annotations

import csv
import json
import os
import signal
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import openpyxl
import pytest

from mien.core import MienError, MienWarning
from mien.datasets import DATASETS, write_fixture
from mien.evaluation import run as run_module
from mien.evaluation.studies import STUDIES, _plan, _run, run_study
from mien.methods import METHODS
from mien.protocols import label_map
from mien.protocols.predictions import read_predictions
from mien.synthesis import render_corpus

# Rows that the papers print and that nothing here stands for (yet): a name mistyped elsewhere would not be among them.
NOT_BUILT = {
    *(f"ast-svm {name}-softmax" for name in ("flow", "idsf", "no-fam", "cam", "sam", "2d", "3d")),
    *("ast-svm handcrafted", "ast-svm worst"),
    *(f"{name} paper" for name in ("au-gcn", "dacrossvit", "geme", "inceptr", "lfm", "lgccon", "memm4-resnet50")),
    *(f"{name} paper" for name in ("rcn", "ststnet-ga", "tft", "tsnn-lf")),
}
HEADER = "Subject Filename . OnsetFrame ApexFrame OffsetFrame . Action_Units Estimated_Emotion"
every_study = pytest.mark.parametrize("name", list(STUDIES))


@pytest.fixture(scope="module")
def casme2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people with a clip of each class, in CASME II's form."""
    folder = tmp_path_factory.mktemp("casme2")
    book = openpyxl.Workbook()
    book.active.append([None if word == "." else word.replace("_", " ") for word in HEADER.split()])
    for subject in ("01", "02"):
        for take, (units, emotion) in enumerate([("12", "happiness"), ("4", "disgust"), ("1+2", "surprise")]):
            book.active.append((subject, f"EP0{take + 1}_01", None, 46, 50, 54, None, units, emotion))
    book.save(folder / "CASME2-coding-20140508.xlsx")
    return write_fixture("casme2", folder / "CASME2-coding-20140508.xlsx", folder / "tree").root


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One epoch of the smallest networks, in this process."""
    monkeypatch.setattr(_run, "apart", lambda function, *given, **options: function(*given, **options))
    for name in METHODS:
        method = METHODS[name]
        if method.kind == "network":
            presets = {preset: _quick(name, method.presets[preset]) for preset in method.presets}
            monkeypatch.setitem(METHODS._entries, name, replace(method, presets=MappingProxyType(presets)))


def _quick(method: str, settings: Any) -> dict[str, Any]:
    size = {"adnet": {"size": 32}}.get(method, {})
    network = dict(settings.get("network", {})) | size
    return {**settings, "epochs": 1, **({"network": network} if network else {})}


def study(name: str, root: Path, out: Path, **options: Any) -> dict[str, Any]:
    return run_study(name, "casme2", root, out=out, **({"jobs": 1, "progress": False, "measure": False} | options))


class TestData:
    @every_study
    def test_every_row_names_what_there_is(self, name: str) -> None:
        for arm in STUDIES[name].arms:
            missing = arm.preset_for(small=False) is None
            assert not missing or f"{arm.method} {arm.preset}" in NOT_BUILT, arm
            assert missing == (arm.preset_for(small=True) is None), f"{arm}: no small form"

    @every_study
    def test_every_number_a_row_quotes_is_in_the_table_of_published_ones(self, name: str) -> None:
        entry = STUDIES[name]
        for arm in entry.arms:
            quoted = {metric for corpus in entry.corpora for metric in entry.quotes(arm, corpus)}
            assert quoted <= set(entry.metrics)
            assert bool(quoted) == (arm.variant is not None), arm

    @every_study
    def test_corpora_and_label_maps_exist(self, name: str) -> None:
        for corpus, maps in STUDIES[name].corpora.items():
            assert corpus in DATASETS
            assert all(label_map(labels).classes for labels in maps)

    def test_numbers_stand_where_the_papers_print_them(self) -> None:
        def row(name: str, row: str, corpus: str, labels: str | None = None) -> list[float]:
            entry = STUDIES[name]
            arm = next(arm for arm in entry.arms if arm.row == row)
            return [quote.value for _, quote in sorted(entry.quotes(arm, corpus, labels).items())]

        assert row("adnet-ablation", "Dense+CA", "casme2") == [0.8798, 0.8430]
        assert row("adnet-ablation", "AD-Net", "samm") == [0.8746, 0.8003]
        assert row("adnet-comparison", "MMNet", "samm") == [0.801, 0.729]
        assert row("mmnet-reproduction", "reproduction", "casme2") == [0.9615, 0.957]
        assert row("mmnet-reproduction", "reproduction", "casme2", "casme2_5") == [0.8715, 0.8652]
        assert row("mmnet-inputs", "Depth difference", "casme3") == [0.6898, 0.5193]
        assert row("ms3d-comparison", "DINet", "samm") == [0.7529, 0.739]
        assert row("ast-comparison", "AST+SVMNet", "samm") == [0.778, 0.751]
        assert row("ast-structure", "SAM only (SVM)", "megc2019") == [0.803, 0.791]

    def test_a_method_of_another_corpus_table_is_no_row(self) -> None:
        rows = [arm.row for arm in STUDIES["ast-comparison"].rows_for("samm")]
        assert rows == ["GEME", "TFT", "AST+SVMNet"]


class TestAblations:
    """Each option changes what it says it changes, and leaves the rest."""

    @staticmethod
    def network(method: str, preset: str) -> Any:
        pytest.importorskip("torch")
        from mien.methods._method import load_entry

        entry = METHODS[method]
        return load_entry(entry.network)(3, **entry.settings(preset).get("network", {}))

    @staticmethod
    def parameters(network: Any) -> int:
        return sum(p.numel() for p in network.parameters())

    def test_dense_has_no_coordinate_attention(self) -> None:
        dense, with_ca = self.network("adnet", "dense"), self.network("adnet", "dense-ca")
        assert len(dense.attention) == 0
        assert len(with_ca.attention) == 3
        ours = self.parameters(with_ca.attention)
        assert self.parameters(with_ca) - self.parameters(dense) == ours > 0

    @pytest.mark.parametrize(("preset", "calls"), [("small-dense", 0), ("small-dense-pgd", 1), ("small-dense-ca", 0)])
    def test_pgd_attacks_where_it_is_named_and_nowhere_else(
        self, preset: str, calls: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        loop = pytest.importorskip("mien.training.loop")
        attacks: list[int] = []
        real = loop.adversarial_backward
        monkeypatch.setattr(loop, "adversarial_backward", lambda *a, **o: attacks.append(o["steps"]) or real(*a, **o))
        clips = np.random.default_rng(0).integers(1, 256, (4, 1, 32, 32, 3), np.uint8)
        settings = _quick("adnet", METHODS["adnet"].settings(preset))
        METHODS["adnet"].fit(clips, [0, 1, 0, 1], list("abcd"), ["x", "y"], settings=settings)
        assert attacks == [2] * calls

    def test_madry_is_the_stronger_attack(self) -> None:
        ours, madry = METHODS["adnet"].settings("paper"), METHODS["adnet"].settings("madry")
        assert (madry["pgd_epsilon"], madry["pgd_steps"]) == (8 / 255, 7)
        assert madry["pgd_epsilon"] > ours["pgd_epsilon"]
        assert {name for name in ours if ours[name] != madry[name]} == {"pgd_epsilon", "pgd_step", "pgd_steps"}

    def test_weights_by_frequency_favour_the_majority_and_balanced_ones_the_minority(self) -> None:
        losses = pytest.importorskip("mien.training.losses")
        targets = np.array([0, 0, 0, 1])
        weights = {
            preset: losses.class_weights(targets, 2, METHODS["adnet"].settings(preset)["class_weights"])
            for preset in ("paper", "frequency")
        }
        assert weights["paper"][0] < weights["paper"][1]
        assert weights["frequency"][0] > weights["frequency"][1]

    def test_the_reproduction_of_mmnet_weighs_classes(self) -> None:
        assert METHODS["mmnet"].settings("reproduction")["class_weights"] == "inverse_mean1"
        assert "class_weights" not in METHODS["mmnet"].settings("paper")

    def test_mmnet_without_position_has_no_vision_transformer(self) -> None:
        assert self.network("mmnet", "no-position").position is None
        assert self.network("mmnet", "paper").position is not None

    def test_mmnet_without_prior_keeps_its_weights_but_not_their_use(self) -> None:
        import torch

        plain, prior = self.network("mmnet", "no-prior").eval(), self.network("mmnet", "paper").eval()
        plain.load_state_dict(prior.state_dict())
        x = torch.rand(1, 2, 3, 224, 224, generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            assert not torch.equal(plain(x), prior(x))

    @pytest.mark.parametrize("prefix", ["", "small-"])
    def test_ms3d_loses_what_is_taken_out(self, prefix: str) -> None:
        def parts(preset: str) -> tuple[int, int, int]:
            network = self.network("ms3d", preset)
            attention, scales = (self.parameters(part) for part in (network.attention, network.scales))
            return bool(attention), bool(scales), len(network.heads)

        assert parts("small" if prefix else "paper") == (True, True, 4)
        assert parts(f"{prefix}no-attention") == (False, True, 4)
        assert parts(f"{prefix}no-spatial") == (True, False, 4)
        assert parts(f"{prefix}no-temporal") == (True, True, 1)

    @pytest.mark.parametrize("prefix", ["", "small-"])
    def test_ast_has_the_streams_attention_and_branches_that_are_named(self, prefix: str) -> None:
        def parts(preset: str) -> tuple[list[str], set[str], int]:
            network = self.network("ast-svm", preset)
            kinds = {type(part).__name__ for part in network.modules()} & {"ChannelAttention", "SpatialAttention"}
            cells = 16 if prefix else 1  # the small presets keep features of 4 x 4 parts of the face apart
            return list(network.streams), kinds, network.classify.in_features // cells

        both = {"ChannelAttention", "SpatialAttention"}
        assert parts("small" if prefix else "paper") == (["flow", "idsf"], both, 384)
        assert parts(f"{prefix}flow") == (["flow"], both, 192)
        assert parts(f"{prefix}idsf") == (["idsf"], both, 192)
        assert parts(f"{prefix}no-fam") == (["flow", "idsf"], set(), 384)
        assert parts(f"{prefix}cam") == (["flow", "idsf"], {"ChannelAttention"}, 384)
        assert parts(f"{prefix}sam") == (["flow", "idsf"], {"SpatialAttention"}, 384)
        assert parts(f"{prefix}2d") == (["flow", "idsf"], both, 256)
        assert parts(f"{prefix}3d") == (["flow", "idsf"], both, 128)

    @pytest.mark.parametrize(("preset", "svm"), [("small", True), ("small-softmax", False)])
    def test_asts_classifier_is_the_one_named(self, preset: str, svm: bool) -> None:
        pytest.importorskip("torch")
        method = METHODS["ast-svm"]
        clips = np.random.default_rng(0).normal(size=(6, 2, 10, 32, 32)).astype(np.float32)
        settings = {**method.settings(preset), "epochs": 1, "network": {"size": 32}}
        trained = method.fit(clips, [0, 1, 2] * 2, list("abcdef"), ["x", "y", "z"], settings=settings)
        assert hasattr(trained, "svm") == svm


@pytest.mark.usefixtures("quick")
class TestRun:
    def test_a_study_goes_on_where_it_was_interrupted(
        self, casme2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pytest.importorskip("torch")
        real, folds = run_module.run_fold, []

        def counted(plan: Any, data: Any, fold: Any, seed: int) -> None:
            folds.append((plan.folder.name, fold.name))
            if len(folds) == 4:  # the second fold of the second row
                raise KeyboardInterrupt
            real(plan, data, fold, seed)

        monkeypatch.setattr(run_module, "run_fold", counted)
        out, said = tmp_path / "study", []
        with pytest.raises(KeyboardInterrupt):
            study("adnet-ablation", casme2, out, small=True, say=said.append)
        assert said[0].startswith("adnet-ablation: 4 arms x 2 folds x 1 epochs")
        begun = json.loads((out / "study.json").read_text())
        assert [row["state"] for row in begun["rows"]] == ["done", "to do", "to do", "to do"]
        first = {path: path.stat().st_mtime_ns for path in (out / "adnet-small-dense").rglob("*")}

        folds[:] = [("", "")] * 4
        document = study("adnet-ablation", casme2, out, small=True, say=said.append)
        assert [run for run, _ in folds[4:]] == [
            "adnet-small-dense-pgd",
            *["adnet-small-dense-ca"] * 2,
            *["adnet-small"] * 2,
        ]
        assert {path: path.stat().st_mtime_ns for path in first} == first
        assert "(1 of 4 are done)" in said[3]
        self.check(document, out)

        again = study("adnet-ablation", casme2, out, small=True)
        assert again == document
        with pytest.raises(MienError, match="got seeds"):
            study("adnet-ablation", casme2, out, small=True, seeds=(0, 1))

    @staticmethod
    def check(document: dict[str, Any], out: Path) -> None:
        """Table, figure and runs of a finished ablation of AD-Net."""
        rows = document["rows"]
        assert [row["row"] for row in rows] == ["Dense", "Dense+PGD", "Dense+CA", "AD-Net"]
        assert [row["parameters"] for row in rows] == [452835, 452835, 458731, 458731]
        assert [row["published"]["f1"]["value"] for row in rows] == [0.7898, 0.8256, 0.843, 0.8494]
        for row in rows:
            scores = json.loads((out / row["run"] / "scores.json").read_text())
            assert row["scores"]["f1"]["value"] == scores["uf1"]
            assert row["scores"]["accuracy"]["low"] == scores["ci95"]["accuracy"][0]
            assert row["latency_ms"] == scores["latency_ms"] > 0
            assert len(read_predictions(out / row["run"] / "predictions.csv")) == 6
        assert json.loads((out / "study.json").read_text()) == document
        with (out / "study.csv").open() as file:
            lines = list(csv.DictReader(file))
        assert [float(line["accuracy_published"]) for line in lines] == [0.8135, 0.8467, 0.8798, 0.9045]
        assert (out / "study.png").read_bytes().startswith(b"\x89PNG")
        assert document["difference"].startswith("Published (casme2_3_adnet_literal): one subject left out")
        assert "small presets instead of the paper's" in document["difference"]

    def test_a_row_that_cannot_be_run_stops_no_other(
        self, casme2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ran = []

        def fake(method: str, *_: Any, out: Path, **__: Any) -> None:
            ran.append(out.name)
            if method == "slstt":
                raise MienError("got no luck; expected some; try again")

        monkeypatch.setattr(_run, "evaluate", fake)
        with pytest.warns(MienWarning, match="SLSTT .* could not be run: got no luck"):
            document = study("adnet-comparison", casme2, tmp_path / "study")
        states = {row["row"]: row["state"] for row in document["rows"]}
        assert states["SLSTT"] == "failed"
        assert len(ran) == 6

        monkeypatch.setattr(_run, "evaluate", lambda *_, **__: fake("slstt", out=Path("x")))
        with pytest.warns(MienWarning), pytest.raises(MienError, match="got no luck"):
            study("adnet-comparison", casme2, tmp_path / "other")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"protocol": "losso"}, "unknown protocol"),
            ({"protocol": "kfold:9"}, "got kfold:9 for 2 subjects"),
            ({"seeds": (0, 0)}, "got the seeds"),
            ({"jobs": 0}, "got 0 jobs"),
            ({"apex": "loudest"}, "apex policy 'loudest'"),
            ({"faces": "absent.csv"}, "landmark file 'absent.csv'"),
        ],
    )
    def test_bad_use_is_said_once_and_leaves_no_folder_that_the_right_use_could_not_take(
        self, options: dict[str, Any], message: str, casme2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_run, "evaluate", lambda *_, **__: pytest.fail("a row was begun"))
        with pytest.raises(MienError, match=message):
            study("adnet-ablation", casme2, tmp_path / "study", **options)
        assert not (tmp_path / "study").exists()

    def test_rows_by_other_versions_are_told(
        self, casme2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
    ) -> None:
        monkeypatch.setattr(_run, "evaluate", lambda *_, **__: None)
        for versions, told in ((None, 0), (None, 0), ({"mien": "9.9"}, 1)):
            if versions:
                monkeypatch.setattr(_run, "versions", lambda: {"mien": "9.9"})
            recwarn.clear()
            study("adnet-ablation", casme2, tmp_path / "study")
            assert len([one for one in recwarn if "begun with other versions" in str(one.message)]) == told

    def test_a_folder_of_something_else_is_refused(self, casme2: Path, tmp_path: Path) -> None:
        (tmp_path / "mine.txt").touch()
        with pytest.raises(MienError, match="expected a new folder or a study"):
            study("adnet-ablation", casme2, tmp_path)

    def test_a_study_of_which_nothing_is_built_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(MienError, match="got the unknown study"):
            study("adnet-ablations", tmp_path, tmp_path / "out")


def test_a_row_runs_in_a_process_of_its_own() -> None:
    assert _run.apart(os.getpid) != os.getpid()


def test_what_a_row_warns_of_is_told() -> None:
    with pytest.warns(MienWarning, match="to be known"):
        _run.apart(warnings.warn, "to be known", MienWarning)


def test_the_cost_is_measured_where_it_can_be(casme2: Path) -> None:
    pytest.importorskip("torch")
    clips = _plan.read_clips("casme2", casme2, "casme2_3_megc", errata=False)
    rows = [row for row in _plan.plan_rows(STUDIES["ast-comparison"], "casme2", None, small=True) if row.preset]
    row = next(row for row in rows if row.arm.method == "off-apexnet")
    assert _plan.seconds_per_step("off-apexnet", row.settings, clips, "midpoint", "dlib") > 0
    # 2 folds of 3 training clips: a step each in 20 epochs, 2 s a step; a third core finds no fold
    for cores, took in ((1, "1.3 min of training on 1 cores"), (2, "40 s of training on 2 cores"), (4, "40 s of ")):
        line = _plan.cost([row], clips, "loso", (0,), {row.run: 2.0}, cores)
        assert line.startswith(f"1 arms x 2 folds x 20 epochs: about {took}")


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Stop once, when the second run begins; the runs that were begun."""
    begun: list[str] = []
    real = _run.evaluate

    def once(*given: Any, out: Path, **options: Any) -> Any:
        begun.append(out.name)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return real(*given, out=out, **options)

    monkeypatch.setattr(_run, "evaluate", once)
    return begun


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::mien.core.MienWarning")
@every_study
def test_every_table_runs_end_to_end_interrupted_and_resumed(
    name: str, casme2: Path, tmp_path: Path, quick: None, interrupted: list[str]
) -> None:
    pytest.importorskip("torch")
    dataset, root = "casme2", casme2
    if name == "mmnet-inputs":  # two of its rows need depth
        dataset, root = "synthetic-faces", tmp_path / "faces"
        render_corpus(root, people=2, clips_per_person=3, fps=50, depth=True)
    options: dict[str, Any] = {"out": tmp_path / "study", "small": True, "jobs": 1, "progress": False, "measure": False}
    runs = {row.run for row in _plan.plan_rows(STUDIES[name], dataset, None, small=True) if row.preset}
    if len(runs) > 1:
        with pytest.raises(KeyboardInterrupt):
            run_study(name, dataset, root, **options)
    document = run_study(name, dataset, root, **options)
    assert {row["run"] for row in document["rows"] if row["state"] == "done"} == runs
    assert {row["state"] for row in document["rows"]} <= {"done", "not built"}
    assert interrupted.count(interrupted[0]) == 1


def test_map_networks_are_tested_against_each_other_by_pairs(tmp_path: Path, quick: None) -> None:
    from mien.core import MienWarning

    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "maps.npz",
        X=rng.integers(0, 255, (18, 28, 28, 3), np.uint8),
        y=np.arange(18) % 3,
        subject=np.repeat(["a", "b", "c"], 6),
        dataset=np.repeat(["casme2"], 18),
        sample_id=np.arange(18).astype(str),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MienWarning)
        document = run_study(
            "map-networks",
            "motion-npz",
            tmp_path / "maps.npz",
            out=tmp_path / "out",
            seeds=(0, 1),
            jobs=1,
            progress=False,
            measure=False,
        )
    assert [row["state"] for row in document["rows"]] == ["done"] * 5
    assert len(document["pairs"]) == 5 * 4 // 2
    assert {pair["a"] for pair in document["pairs"]} <= {row["row"] for row in document["rows"]}
    assert all("p_holm" in pair["permutation"] for pair in document["pairs"])
    assert all(row["folds_s"] > 0 for row in document["rows"])
    assert document["rows"][1]["published"]["uf1"]["value"] == 0.7353


def write_maps(path: Path, rng_seed: int = 0) -> Path:
    """Six noisy maps of each of three people; another seed gives other pixels of the same clips."""
    np.savez(
        path,
        X=np.random.default_rng(rng_seed).integers(0, 255, (18, 28, 28, 3), np.uint8),
        y=np.arange(18) % 3,
        subject=np.repeat(["a", "b", "c"], 6),
        dataset=np.repeat(["casme2"], 18),
        sample_id=np.arange(18).astype(str),
    )
    return path


@pytest.mark.filterwarnings("ignore::mien.core.MienWarning")
def test_rows_of_other_pixels_are_never_one_table(tmp_path: Path, quick: None, interrupted: list[str]) -> None:
    pytest.importorskip("torch")
    maps, given = tmp_path / "maps.npz", {"out": tmp_path / "out", "jobs": 1, "progress": False, "measure": False}
    with pytest.raises(KeyboardInterrupt):
        run_study("map-networks", "motion-npz", write_maps(maps), **given)
    write_maps(maps, 1)
    for _ in range(2):
        with pytest.raises(MienError, match=r"other inputs .*ststnet-small' than in 'flow-svm-paper'"):
            run_study("map-networks", "motion-npz", maps, **given)
    assert interrupted == ["flow-svm-paper", "ststnet-small", "ststnet-small"]


def end_hard(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_of_a_row_that_is_killed_is_one_line_as_any_row_that_cannot_be_run() -> None:
    with pytest.raises(MienError, match="that the system ended; expected enough memory") as caught:
        _run.apart(end_hard)
    assert "\n" not in str(caught.value)
