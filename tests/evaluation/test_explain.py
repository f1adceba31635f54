"""Where the network looked, in a run: which clips, what is kept, what the report shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.core import MienError, MienWarning, Sample, Source
from mien.datasets import DATASETS
from mien.evaluation import evaluate
from mien.evaluation._data import Labelled
from mien.evaluation._explain import choose, looks, write_looks
from mien.nn.explain import Looked
from mien.recipes import RECIPES, load
from mien.synthesis import render_corpus

CLASSES = ("negative", "positive", "surprise")


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    """Two clips of each class by each of four people."""
    targets = np.arange(24) % 3
    images = np.random.default_rng(0).integers(0, 100, (24, 28, 28, 3), np.uint8)
    for image, target in zip(images, targets, strict=True):
        image[9 * target : 9 * target + 9] += 100
    people = [f"s{row // 6}" for row in range(24)]
    ids = [f"clip{row % 6}" for row in range(24)]
    np.savez(tmp_path / "maps.npz", X=images, y=targets, subject=people, dataset=["smic"] * 24, sample_id=ids)
    return tmp_path / "maps.npz"


def run(maps: Path, out: Path, method: str = "ststnet", **options: Any) -> dict[str, Any]:
    chosen = {"jobs": 1, "progress": False, "protocol": "kfold:2", "preset": "small"} | options
    return evaluate(method, "motion-npz", maps, out=out, **chosen)


def kept(folder: Path) -> dict[str, list[str]]:
    return {file.name: np.load(file)["sample_id"].tolist() for file in sorted((folder / "explain").glob("*.npz"))}


def labelled(*clips: tuple[str, str, int]) -> Labelled:
    samples = tuple(
        Sample("smic", f"smic/{subject}", f"smic/{subject}/{name}", "", Source("motion", Path("maps.npz"), 0))
        for subject, name, _ in clips
    )
    targets = np.array([target for *_, target in clips])
    return Labelled(samples, np.zeros((len(clips), 4, 4, 3), np.uint8), targets, CLASSES, "megc2019", 0)


class TestChoice:
    def test_the_first_by_id_and_of_each_subject_one_before_a_second(self) -> None:
        data = labelled(("s2", "a", 0), ("s1", "c", 0), ("s1", "b", 0), ("s3", "a", 0), ("s3", "z", 1))
        assert choose(data, 3) == ("smic/s1/b", "smic/s2/a", "smic/s3/a", "smic/s3/z")
        assert choose(data, 9) == ("smic/s1/b", "smic/s2/a", "smic/s3/a", "smic/s1/c", "smic/s3/z")
        assert choose(data, 0) == ()


class TestRun:
    def test_every_fold_keeps_its_own_clips_and_the_report_shows_them(self, maps: Path, tmp_path: Path) -> None:
        run(maps, tmp_path / "run", explain=1, protocol="loso")
        assert kept(tmp_path / "run") == {"0-smic%2Fs0.npz": [f"smic/s0/clip{row}" for row in range(3)]}
        content = np.load(tmp_path / "run" / "explain" / "0-smic%2Fs0.npz")
        assert (content["map"].shape, content["map"].dtype) == ((3, 10, 10), np.float32)
        assert content["truth"].tolist() == list(CLASSES)
        rows = (tmp_path / "run" / "predictions.csv").read_text().splitlines()
        told = [next(row for row in rows if name in row) for name in content["sample_id"]]
        assert all(f",{name}," in row for name, row in zip(content["predicted"], told, strict=True))
        page = (tmp_path / "run" / "report.html").read_text()
        assert "Where the network looked" in page
        assert page.count("Motion map of smic/s0/") == 3

    def test_it_changes_no_prediction(self, maps: Path, tmp_path: Path) -> None:
        run(maps, tmp_path / "plain")
        run(maps, tmp_path / "explained", explain=2)
        assert not (tmp_path / "plain" / "explain").exists()
        assert "Where the network looked" not in (tmp_path / "plain" / "report.html").read_text()
        pair = [(tmp_path / name / "predictions.csv").read_bytes() for name in ("plain", "explained")]
        assert pair[0] == pair[1]

    def test_a_finished_run_is_resumed_for_the_folds_that_lack_maps(self, maps: Path, tmp_path: Path) -> None:
        run(maps, tmp_path / "run", protocol="loso")
        folds = tmp_path / "run" / "folds"
        before = {file.name: file.stat().st_mtime_ns for file in folds.iterdir()}
        predictions = (tmp_path / "run" / "predictions.csv").read_bytes()
        run(maps, tmp_path / "run", protocol="loso", explain=1, resume=True)
        again = {file.name for file in folds.iterdir() if file.stat().st_mtime_ns > before[file.name]}
        assert again == {"0-smic%2Fs0.json"}
        assert (tmp_path / "run" / "predictions.csv").read_bytes() == predictions

    def test_of_several_seeds_the_report_shows_the_first(self, maps: Path, tmp_path: Path) -> None:
        run(maps, tmp_path / "run", explain=1, seeds=(3, 4))
        assert {name.partition("-")[0] for name in kept(tmp_path / "run")} == {"3", "4"}
        page = (tmp_path / "run" / "report.html").read_text()
        assert page.count("Motion map of") == 3
        assert "Of the first seed. The maps are Grad-CAM" in page

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"explain": -1}, "got -1 clips to explain"),
            ({"explain": 1, "method": "flow-svm", "preset": None}, "which is no network"),
            ({"explain": 1, "select": "test"}, "keeps no epoch's network"),
        ],
    )
    def test_bad_use_is_one_clear_line(self, maps: Path, tmp_path: Path, options: dict, message: str) -> None:
        with pytest.raises(MienError, match=message):
            run(maps, tmp_path / "run", **options)
        assert not (tmp_path / "run").exists()

    def test_a_method_that_cannot_tell_does_not_end_the_run(self, tmp_path: Path) -> None:
        data = labelled(("s1", "a", 0))
        with pytest.warns(MienWarning, match="cannot be shown where the network looked: got a 'object'"):
            write_looks(tmp_path / "maps.npz", object(), data, np.array([0]), np.array([1]))
        assert not (tmp_path / "maps.npz").exists()

    @pytest.mark.parametrize("end", [-10, 0, None])
    def test_a_broken_file_is_said(self, maps: Path, tmp_path: Path, end: int | None) -> None:
        run(maps, tmp_path / "run", explain=1)
        file = next((tmp_path / "run" / "explain").iterdir())
        file.write_bytes(b"no maps" if end is None else file.read_bytes()[:end])
        with pytest.raises(MienError, match=re.escape(file.name)):
            run(maps, tmp_path / "run", explain=1, resume=True)


class TestPicture:
    """The picture under a map is cut out as the network's input is: of MMNet's input the apex is the second frame."""

    @pytest.mark.parametrize(("name", "place"), [("mmnet", np.s_[0, 1]), ("capsulenet", np.s_[0, 0])])
    def test_it_is_the_apex_frame_of_the_input(self, tmp_path: Path, name: str, place: Any) -> None:
        root = render_corpus(tmp_path / "faces", people=1, clips_per_person=1, fps=20, jobs=1)
        samples = tuple(DATASETS["synthetic-faces"].read(root))
        recipe = RECIPES[name]
        inputs = load(samples, recipe)
        data = Labelled(samples, inputs, np.array([0]), CLASSES, "megc2019", 0)

        class Answered:
            def where(self, inputs: np.ndarray, _classes: list[int]) -> Looked:
                return Looked(np.zeros((len(inputs), 2, 2), np.float32), "attention")

        write_looks(tmp_path / "maps.npz", Answered(), data, np.array([0]), np.array([1]))
        (look,) = looks([tmp_path / "maps.npz"], data, (samples[0].sample_id,), recipe)
        np.testing.assert_array_equal(look.picture, inputs[place])
        assert (look.truth, look.predicted, look.is_map) == ("negative", "positive", False)
