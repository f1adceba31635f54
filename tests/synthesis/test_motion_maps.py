"""Synthetic motion maps: honest mixtures, reproducible files, classes that differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.core import MienError
from mien.synthesis import generate_motion, synthetic_flow
from mien.synthesis.emotions import CLASSES, CORPORA, PROTOTYPES, draw_expression, mixture
from mien.synthesis.motion_maps import head_depth


@pytest.mark.parametrize("emotion", CLASSES)
def test_weights_sum_to_one(emotion: str) -> None:
    assert sum(e.weight for e in mixture(emotion)) == pytest.approx(1)
    assert all(0 <= e.one_sided <= 1 for e in mixture(emotion))


def test_no_tested_corpus_is_in_the_mixtures() -> None:
    assert not {"casme2", "samm", "smic"} & set(CORPORA)


@pytest.mark.parametrize(
    ("emotion", "units"), [("negative", {4}), ("positive", {12}), ("surprise", {1, 2})], ids=CLASSES
)
def test_each_class_shows_most_what_facs_expects(emotion: str, units: set[int]) -> None:
    share = sum(e.weight for e in mixture(emotion) if units <= set(e.action_units))
    others = [sum(e.weight for e in mixture(c) if units <= set(e.action_units)) for c in CLASSES if c != emotion]
    assert share > 0.4
    assert share > 2 * max(others)


def test_every_prototype_is_drawn_from() -> None:
    sets = {e.action_units for emotion in CLASSES for e in mixture(emotion)}
    for text in (text for rows in PROTOTYPES.values() for text in rows):
        assert tuple(map(int, text.split("+"))) in sets


def test_a_class_that_is_not_there_is_named() -> None:
    with pytest.raises(MienError, match="got the class 'joy'"):
        draw_expression("joy", np.random.default_rng(0))


def test_the_same_seed_gives_the_same_maps(tmp_path: Path) -> None:
    first, second, other = (tmp_path / f"{n}.npz" for n in "abc")
    generate_motion(first, per_class=4, seed=3)
    generate_motion(second, per_class=4, seed=3)
    generate_motion(other, per_class=4, seed=4)
    assert first.read_bytes() == second.read_bytes()
    assert not np.array_equal(np.load(first)["X"], np.load(other)["X"])


def test_more_maps_begin_with_the_same_ones(tmp_path: Path) -> None:
    generate_motion(tmp_path / "few.npz", per_class=2, seed=0)
    generate_motion(tmp_path / "many.npz", per_class=5, seed=0)
    few, many = np.load(tmp_path / "few.npz"), np.load(tmp_path / "many.npz")
    np.testing.assert_array_equal(few["X"], many["X"][: len(few["X"])])


def test_the_file_is_a_motion_npz(tmp_path: Path) -> None:
    with np.load(generate_motion(tmp_path / "m.npz", per_class=3), allow_pickle=False) as made:
        assert made["X"].shape == (9, 28, 28, 3)
        assert made["X"].dtype == np.uint8
        assert np.bincount(made["y"]).tolist() == [3, 3, 3]
        assert len(set(made["sample_id"].tolist())) == 9
        assert list(made["classes"]) == list(CLASSES)


def test_a_smile_goes_up_and_out_at_the_mouth_on_average() -> None:
    rng = np.random.default_rng(0)
    mean = np.mean([synthetic_flow("positive", rng)[0] for _ in range(60)], axis=0)
    right, left = mean[:, 33:42, 34:44], mean[:, 33:42, 12:22]
    assert right[1].mean() < -0.05
    assert left[1].mean() < -0.05
    assert right[0].mean() > 0.03 > -0.03 > left[0].mean()


def test_the_head_is_deepest_at_the_nose_and_flat_beyond_its_outline() -> None:
    nose, cheek, beyond = head_depth(np.array([[0.0, 0.5], [0.8, 0.5], [1.3, 0.5]]))
    assert nose > cheek > 0.3
    assert beyond < 1e-9


@pytest.mark.parametrize(
    ("name", "use", "says"),
    [
        ("a.npz", {"per_class": 0}, "at least 1"),
        ("a.npz", {"seed": -1}, "got the seed -1"),
        ("a.npy", {}, r"ending in \.npz"),
    ],
)
def test_bad_use_is_named(tmp_path: Path, name: str, use: dict, says: str) -> None:
    with pytest.raises(MienError, match=says):
        generate_motion(tmp_path / name, **({"per_class": 3} | use))
    assert not list(tmp_path.iterdir())
