"""An input is made once, for exactly the frames, annotation, recipe and code that decide it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.cli import main
from mien.core import MienError, MienWarning, Sample, Source
from mien.evaluation import prepare
from mien.recipes import RECIPES, Cache, Prepared, Recipe, cache_key, fill_cache, load, with_apex, with_faces
from mien.recipes._identity import syntax

RECIPE = with_faces(RECIPES["motion-map"], "precropped")


def clip(folder: Path, name: str = "1", *, frames: int = 9, seed: int = 0) -> Sample:
    """A texture that moves to the right."""
    (folder / name).mkdir(parents=True)
    texture = cv2.GaussianBlur(np.random.default_rng(seed).integers(0, 256, (80, 80), np.uint8), (0, 0), 2)
    for number in range(1, frames + 1):
        cv2.imwrite(str(folder / name / f"img{number}.png"), np.roll(texture, number, axis=1))
    source = Source("frames", folder / name)
    return Sample("made", "made/a", f"made/a/{name}", "positive", source, onset=2, apex=5, offset=8, fps=200.0)


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    return [clip(tmp_path / "clips", str(k), seed=k) for k in range(4)]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def test_a_second_time_nothing_is_made(samples: list[Sample], cache: Cache) -> None:
    first = load(samples, RECIPE, jobs=1, cache=cache)
    kept = {path: path.stat().st_ino for path in cache.folder.rglob("*.npz")}
    outcomes = fill_cache(samples, RECIPE, jobs=1, cache=cache)
    assert {outcome.state for outcome in outcomes} == {"cached"}
    np.testing.assert_array_equal(load(samples, RECIPE, jobs=1, cache=cache), first)
    assert {path: path.stat().st_ino for path in cache.folder.rglob("*.npz")} == kept


def test_the_key_changes_with_all_that_decides_the_input(samples: list[Sample], tmp_path: Path) -> None:
    sample = replace(samples[0], apex=None)
    key = cache_key(sample, RECIPE)
    longer = Recipe.of("motion-map", *((n, dict(p) | ({"size": 96} if n == "crop" else {})) for n, p in RECIPE.steps))
    others = [
        cache_key(replace(sample, onset=3), RECIPE),
        cache_key(replace(sample, fps=100.0), RECIPE),
        cache_key(sample, with_apex(RECIPE, "dnc-roi")),
        cache_key(sample, longer),
    ]
    cv2.imwrite(str(sample.source.path / "img4.png"), np.zeros((80, 80), np.uint8))
    others.append(cache_key(sample, RECIPE))
    assert len({key, *others}) == 6


def test_a_moved_corpus_keeps_its_keys(samples: list[Sample], tmp_path: Path) -> None:
    key = cache_key(samples[0], RECIPE)
    moved = shutil.move(samples[0].source.path, tmp_path / "elsewhere")
    assert cache_key(replace(samples[0], source=Source("frames", Path(moved))), RECIPE) == key


def test_a_frame_outside_the_interval_does_not_matter(samples: list[Sample]) -> None:
    key = cache_key(samples[0], RECIPE)
    (samples[0].source.path / "img9.png").unlink()
    assert cache_key(samples[0], RECIPE) == key


def test_other_landmarks_are_another_input(samples: list[Sample], tmp_path: Path) -> None:
    keys = set()
    for shift in (0, 1):
        path = tmp_path / f"{shift}" / "points.json"
        path.parent.mkdir()
        path.write_text(str(shift))
        keys.add(cache_key(samples[0], with_faces(RECIPES["motion-map"], str(path))))
    assert len(keys) == 2


def test_a_changed_formula_empties_the_cache_and_a_docstring_does_not() -> None:
    before = 'def strain(x):\n    """One."""\n    return x + 1\n'
    assert syntax(before) == syntax(before.replace("One.", "Two."))
    assert syntax(before) != syntax(before.replace("+ 1", "+ 2"))


def test_a_broken_file_is_made_again_and_told(samples: list[Sample], cache: Cache) -> None:
    good = load(samples[:1], RECIPE, cache=cache)
    (path,) = cache.folder.rglob("*.npz")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.warns(MienWarning, match="does not read"):
        np.testing.assert_array_equal(load(samples[:1], RECIPE, cache=cache), good)
    assert cache.get(RECIPE, cache_key(samples[0], RECIPE)) is not None


def test_a_clip_that_fails_does_not_stop_the_others(samples: list[Sample], cache: Cache) -> None:
    for number in (2, 3):
        (samples[1].source.path / f"img{number}.png").unlink()
    outcomes = fill_cache(samples, RECIPE, jobs=2, cache=cache)
    assert [outcome.state for outcome in outcomes] == ["made", "failed", "made", "made"]
    assert "'made/a/1' without frame 2" in outcomes[1].reason


def test_all_failures_are_told_together(samples: list[Sample], cache: Cache) -> None:
    for sample in samples[:2]:
        (sample.source.path / "img2.png").unlink()
    with pytest.raises(MienError, match=r"2 of 4 clips that cannot be prepared: .*made/a/0.* \| .*made/a/1"):
        load(samples, RECIPE, jobs=1, cache=cache)


def test_ready_maps_feed_no_other_recipe(tmp_path: Path) -> None:
    ready = Sample("made", "made/a", "made/a/1", "positive", Source("motion", tmp_path / "maps.npz", 0))
    other = Recipe.of("other", ("crop", {"size": 8}))
    with pytest.raises(MienError, match="expected frames or videos"):
        load([ready], other)


def test_several_processes_fill_one_cache(samples: list[Sample], cache: Cache) -> None:
    code = (
        "import sys; from tests_clip import samples\n"
        "from mien.recipes import RECIPES, Cache, fill_cache, with_faces\n"
        "recipe = with_faces(RECIPES['motion-map'], 'precropped')\n"
        "print(len(fill_cache(samples, recipe, jobs=1, cache=Cache(sys.argv[1]))))"
    )
    told = "\n".join(
        f"Sample('made', 'made/a', {s.sample_id!r}, 'positive', Source('frames', Path({str(s.source.path)!r})), "
        "onset=2, apex=5, offset=8, fps=200.0),"
        for s in samples
    )
    module = cache.folder.parent / "tests_clip.py"
    module.write_text(
        f"from pathlib import Path\nfrom mien.core import Sample, Source\nsamples = [{told}]\n", encoding="utf-8"
    )
    command = [sys.executable, "-c", code, str(cache.folder)]
    environment = os.environ | {"PYTHONPATH": str(module.parent)}
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    assert [process.communicate()[0].strip() for process in both] == [b"4", b"4"]
    assert len(list(cache.folder.rglob("*.npz"))) == 4
    assert not [path for path in cache.folder.rglob("*") if path.name.startswith(".")]


def test_prune_frees_what_was_chosen(cache: Cache) -> None:
    other = Recipe.of("other", ("crop", {"size": 8}))
    for recipe, key in ((RECIPE, "a" * 64), (RECIPE, "b" * 64), (other, "a" * 64)):
        cache.put(recipe, key, Prepared(np.zeros(1000, np.uint8), ()))
    assert [(entry.recipe, entry.inputs) for entry in cache.entries()] == [("motion-map+precropped", 2), ("other", 1)]
    old = next(cache.folder.rglob("*a.npz"))
    os.utime(old, (0, 0))
    assert cache.prune(unused_days=365)[0] == 1
    assert cache.prune(recipe="other")[0] + len(list(cache.folder.rglob("*.npz"))) == 2
    with pytest.raises(MienError, match="expected one in the cache"):
        cache.prune(recipe="othr")
    cache.prune()
    assert cache.entries() == []


# --- the commands ---------------------------------------------------------------------------------------------------


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two clips of frames as a dataset ``folder``, one of them without frames."""
    (tmp_path / "corpus").mkdir()
    rows = ["clip,subject,emotion,path,onset,apex,offset,fps"]
    for name in ("one", "two"):
        clip(tmp_path / "corpus", name)
        rows.append(f"{name},{name},positive,{name},2,5,8,200")
    (tmp_path / "corpus" / "annotations.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path / "corpus"


def test_prepare_is_continued_by_repeating_it(corpus: Path, capsys: pytest.CaptureFixture, tmp_path: Path) -> None:
    command = (
        f"prepare folder {corpus} --recipe motion-map --faces precropped --jobs 1 --cache {tmp_path / 'c'}".split()
    )
    missing = corpus / "two" / "img2.png"
    kept = missing.read_bytes()
    missing.unlink()
    assert main(command, standalone=False) == 2
    said = capsys.readouterr()
    assert "1 made, 0 in the cache already, 1 failed" in said.out
    assert "failed: folder/two/two: got" in said.err
    missing.write_bytes(kept)
    assert main(command, standalone=False) == 0
    assert "1 made, 1 in the cache already, 0 failed" in capsys.readouterr().out
    assert main(["cache", "--cache", str(tmp_path / "c")], standalone=False) == 0
    assert "motion-map+precropped" in capsys.readouterr().out
    assert main(["cache", "--cache", str(tmp_path / "c"), "prune"], standalone=False) == 2
    assert main(["cache", "--cache", str(tmp_path / "c"), "prune", "--all"], standalone=False) == 0
    assert "2 inputs deleted" in capsys.readouterr().out


def test_ready_maps_need_no_preparing(tmp_path: Path) -> None:
    from mien.synthesis import generate_motion

    generate_motion(tmp_path / "maps.npz", per_class=1)
    with pytest.raises(MienError, match="whose inputs are ready"):
        prepare("motion-npz", tmp_path / "maps.npz", recipe="motion-map")


def test_jobs_are_a_positive_number(samples: list[Sample], cache: Cache) -> None:
    with pytest.raises(MienError, match="expected 1 or more"):
        fill_cache(samples, RECIPE, jobs=0, cache=cache)
