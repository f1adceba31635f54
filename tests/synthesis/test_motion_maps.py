"""Synthetic motion maps: honest mixtures, reproducible files, classes that differ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.core import MienError
from mien.synthesis import MEAN_FACE, MapSettings, displacement, generate_motion, synthetic_flow
from mien.synthesis.emotions import CLASSES, CORPORA, PROTOTYPES, class_shares, draw_expression, mixture
from mien.synthesis.face import head_depth
from mien.synthesis.filmed import WIDE
from mien.synthesis.motion_maps import crop_flow, synthetic_maps

PURE = MapSettings(  # by formula, and the formula spoils nothing
    identity=0.0, extra_unit=0.0, unit_spread=0.0, amplitude_spread=0.0, asymmetry=0.0, weak_side=1.0,
    blink=0.0, drawn=0.0, noise=0.0, blur=(0.1, 0.1), gain_spread=0.0, formula_head=0.0,
)  # fmt: skip
QUIET = replace(  # drawn, and the camera and the head are still
    MapSettings(), amplitude=0.0, head=0.0, blink=0.0, gaze=0.0, drawn=1.0, sensor=(0.0, 0.0), light=0.0,
)  # fmt: skip
EXACT = replace(  # one crop of 2 by 2.5 units, upright
    MapSettings(), crop_width=(2.0, 2.0), crop_height=(2.5, 2.5), crop_eyes=(0.25, 0.25), crop_shift=0.0, crop_roll=0.0,
)  # fmt: skip
STEPS = (np.arange(72) + 0.5) / 72 * WIDE[2]
GRID = np.stack(np.meshgrid(WIDE[0] + STEPS, WIDE[1] + STEPS), axis=-1)


def flow_of(emotion: str, seed: int, settings: MapSettings) -> np.ndarray:
    return synthetic_flow(emotion, np.random.default_rng(seed), settings)[0]


def near(place: np.ndarray, reach: float = 0.12) -> np.ndarray:
    """Where on the grid of a flow is near a place in face units."""
    return np.hypot(*np.moveaxis(GRID - place, -1, 0)) < reach


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


def test_a_longer_file_begins_with_the_same_maps(tmp_path: Path) -> None:
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


def test_class_shares_sum_to_one_and_every_class_has_one() -> None:
    shares = class_shares()
    assert tuple(shares) == CLASSES
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares.values()) > 1 / 6  # half of the shares is even


def test_a_smile_goes_up_and_out_at_the_mouth_on_average() -> None:
    rng = np.random.default_rng(0)
    mean = np.mean([synthetic_flow("positive", rng)[0] for _ in range(40)], axis=0)
    left, right = (mean[:, near(MEAN_FACE[corner])].mean(axis=1) for corner in (48, 54))
    assert left[0] < -0.003  # a median clip's largest displacement is .022
    assert right[0] > 0.003
    assert max(left[1], right[1]) < -0.004


def test_a_flow_covers_the_wide_box_in_face_units() -> None:
    flow, units = synthetic_flow("surprise", np.random.default_rng(0))
    assert flow.shape == (2, 72, 72)
    assert flow.dtype == np.float32
    assert units in {e.action_units for e in mixture("surprise")}
    assert 0.002 < np.abs(flow).max() < 0.5


@pytest.mark.parametrize("fold", [True, False])
def test_by_a_formula_that_spoils_nothing_the_flow_is_the_displacement_field(fold: bool) -> None:
    settings = replace(PURE, only_units=(1, 2, 5), eye_cover_fold=fold)
    flow, units = synthetic_flow("surprise", np.random.default_rng(3), settings)
    expected = displacement(GRID, dict.fromkeys(units, (0.022, 0.022)), eye_cover_fold=fold)
    np.testing.assert_allclose(flow, np.moveaxis(expected, -1, 0), atol=1e-6)


def test_the_eye_cover_fold_follows_the_brow_where_the_settings_say_so() -> None:
    brow_raise = replace(PURE, only_units=(1, 2))
    lid = near(np.array([0.5, -0.12]), 0.05)
    with_fold, without = (
        flow_of("surprise", 0, replace(brow_raise, eye_cover_fold=fold))[1, lid].mean() for fold in (True, False)
    )
    assert with_fold < 1.2 * without < 0


def test_only_the_units_asked_for_are_drawn() -> None:
    made = synthetic_maps(12, 0, replace(PURE, only_units=(4, 12, 1, 2)))
    assert {unit for units in made.action_units for unit in units} == {1, 2, 4, 12}


def test_without_emotion_priors_the_classes_are_alike() -> None:
    alike = replace(PURE, emotion_priors=False)
    drawn = [
        [synthetic_flow(emotion, np.random.default_rng(seed), alike)[1] for seed in range(20)] for emotion in CLASSES
    ]
    assert drawn[0] == drawn[1] == drawn[2]
    assert len(set(drawn[0])) > 10


def test_what_concerns_drawn_frames_leaves_the_formula_alone_and_the_other_way_round() -> None:
    for seed in range(3):
        formula, filmed = replace(PURE, noise=0.1), replace(MapSettings(), drawn=1.0)
        np.testing.assert_array_equal(
            flow_of("negative", seed, formula), flow_of("negative", seed, replace(formula, sensor=(9.0, 9.0), head=1.0))
        )
        np.testing.assert_array_equal(
            flow_of("negative", seed, filmed), flow_of("negative", seed, replace(filmed, noise=9.0, formula_head=1.0))
        )
        assert np.abs(flow_of("negative", seed, formula) - flow_of("negative", seed, filmed)).max() > 0.001


def test_the_share_of_drawn_clips_is_the_share_asked_for() -> None:
    """A clip that is not drawn does not change with the camera."""
    few, noisy = replace(MapSettings(), drawn=0.3), replace(MapSettings(), drawn=0.3, sensor=(8.0, 8.0))
    changed = [not np.array_equal(flow_of("positive", s, few), flow_of("positive", s, noisy)) for s in range(40)]
    assert 5 <= sum(changed) <= 19  # 12 expected, 2.9 the standard deviation


def test_where_nothing_happens_an_estimator_finds_nothing() -> None:
    assert np.abs(flow_of("positive", 0, QUIET)).max() == pytest.approx(0, abs=1e-6)


def test_head_motion_moves_the_brow_line_of_a_face_that_does_nothing() -> None:
    nodding = replace(QUIET, head=0.03, head_spread=0.0)
    brows = near(MEAN_FACE[19]) | near(MEAN_FACE[24])
    seen = [np.hypot(*flow_of("positive", seed, nodding)[:, brows].mean(axis=1)) for seed in range(8)]
    assert 0.01 < np.median(seen) < 0.1


@pytest.mark.parametrize("base", [replace(PURE, only_units=(12,)), QUIET], ids=["formula", "drawn"])
def test_blinks_move_lids_and_no_chin(base: MapSettings) -> None:
    lids, chin = near(MEAN_FACE[[43, 44]].mean(axis=0), 0.1), near(MEAN_FACE[8], 0.1)
    still, blinking = (
        np.abs([flow_of("positive", seed, replace(base, blink=chance)) for seed in range(6)]) for chance in (0.0, 1.0)
    )
    assert blinking[..., lids].mean() > still[..., lids].mean() + 0.002
    assert blinking[..., chin].mean() == pytest.approx(still[..., chin].mean(), abs=5e-4)


def test_people_have_faces_of_their_own_only_if_identity_varies() -> None:
    one = replace(PURE, only_units=(12,))
    np.testing.assert_allclose(flow_of("positive", 0, one), flow_of("positive", 1, one), atol=1e-6)
    varied = replace(one, identity=1.0)
    assert np.abs(flow_of("positive", 0, varied) - flow_of("positive", 1, varied)).max() > 1e-3


def test_amplitude_is_the_largest_displacement_in_face_units() -> None:
    one = replace(PURE, only_units=(12,), amplitude=0.05)
    assert np.hypot(*flow_of("positive", 0, one)).max() == pytest.approx(0.05, rel=0.03)


def test_a_one_sided_expression_leaks_as_much_as_the_settings_say() -> None:
    """AU 14 moves both mouth corners alike, or one of them and the other by a tenth."""
    settings = replace(PURE, only_units=(14,), weak_side=0.1)
    ratios = set()
    for seed in range(40):
        flow = np.hypot(*flow_of("negative", seed, settings))
        left, right = (flow[near(MEAN_FACE[corner], 0.08)].mean() for corner in (48, 54))
        ratios.add(round(float(min(left, right) / max(left, right)), 2))
    assert ratios == {0.1, 1.0}


def test_a_crop_of_a_constant_flow_is_constant_in_its_own_pixels() -> None:
    """56 px over 2 units in x, over 2.5 in y."""
    flow = np.stack([np.full((72, 72), 0.1), np.full((72, 72), -0.2)]).astype(np.float32)
    seen = crop_flow(flow, np.random.default_rng(0), EXACT)
    assert seen.shape == (2, 56, 56)
    np.testing.assert_allclose(seen[0], 0.1 * 56 / 2, rtol=1e-5)
    np.testing.assert_allclose(seen[1], -0.2 * 56 / 2.5, rtol=1e-5)


def test_a_crop_has_its_width_height_and_the_eyes_where_the_settings_say() -> None:
    """A flow that says where it is: u holds x and v holds y, in face units."""
    seen = crop_flow(np.moveaxis(GRID, -1, 0).astype(np.float32), np.random.default_rng(0), EXACT)
    x, y = seen[0] * 2 / 56, seen[1] * 2.5 / 56
    half = 0.5 / 56
    np.testing.assert_allclose(x[:, [0, -1]], [[-1 + 2 * half, 1 - 2 * half]] * 56, atol=1e-3)
    np.testing.assert_allclose(y[[0, -1], 0], [-0.625 + 2.5 * half, 1.875 - 2.5 * half], atol=1e-3)
    assert np.abs(y[:, 0]).argmin() in (13, 14)  # the eyes' line, a quarter down


def test_crops_spread_as_the_settings_say() -> None:
    settings = replace(EXACT, crop_width=(1.6, 2.7), crop_shift=0.05)
    flow, rng = np.moveaxis(GRID, -1, 0).astype(np.float32), np.random.default_rng(0)
    widths = []
    for _ in range(200):
        u = crop_flow(np.ones((2, 72, 72), np.float32), rng, settings)[0, 0, 0]
        widths.append(56 / u)
    assert 1.6 <= min(widths) < 1.7
    assert 2.6 < max(widths) <= 2.7
    still = replace(settings, crop_width=(2.0, 2.0))
    middles = [crop_flow(flow, rng, still)[0].mean() * 2 / 56 for _ in range(200)]
    assert np.std(middles) == pytest.approx(0.05, rel=0.2)


def test_crops_of_one_clip_differ_and_share_its_labels() -> None:
    made = synthetic_maps(2, 0, PURE, crops=3)
    assert made.maps.shape == (6, 3, 28, 28, 3)
    assert made.maps.dtype == np.uint8
    assert made.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert len(made.action_units) == 6
    for clip in made.maps:
        assert not np.array_equal(clip[0], clip[1])
        assert np.corrcoef(clip[0].ravel(), clip[1].ravel())[0, 1] > 0.3


def test_maps_are_the_same_whatever_the_number_of_processes() -> None:
    one, two = (synthetic_maps(17, 5, replace(MapSettings(), drawn=0.1), crops=2, jobs=jobs) for jobs in (1, 2))
    np.testing.assert_array_equal(one.maps, two.maps)
    np.testing.assert_array_equal(one.labels, two.labels)
    assert one.action_units == two.action_units


def test_more_clips_begin_with_the_same_ones() -> None:
    few, many = (synthetic_maps(per_class, 9, crops=2, jobs=1) for per_class in (1, 3))
    np.testing.assert_array_equal(few.maps, many.maps[:3])
    assert few.action_units == many.action_units[:3]


def test_progress_is_told_in_clips() -> None:
    told: list[tuple[int, int]] = []
    synthetic_maps(20, 0, PURE, jobs=1, advance=lambda done, of: told.append((done, of)))
    assert told == [(50, 60), (60, 60)]


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


@pytest.mark.parametrize(
    ("use", "says"),
    [
        ({"per_class": 0}, "got 0 maps per class and 1 crops"),
        ({"crops": 0}, "got 3 maps per class and 0 crops"),
        ({"seed": -1}, "got the seed -1"),
    ],
)
def test_bad_use_of_synthetic_maps_is_named(use: dict, says: str) -> None:
    with pytest.raises(MienError, match=says):
        synthetic_maps(**({"per_class": 3, "seed": 0} | use))
