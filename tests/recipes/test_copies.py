"""Copies of training clips: moved and mirrored as MS3D has them, with other onsets and apexes as MMNet has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError
from mien.faces import Box, canonical_points
from mien.motion import mirror_flow
from mien.recipes import COPIES, RECIPES, SHIFTS, Face, Recipe, Stage, Take, copies_of, run, with_jitter, with_mirror
from mien.recipes.steps.time import JITTERS

ONSET, APEX, OFFSET = 2, 12, 20
CROP = ("crop", {"by": "eyes", "side": 1.1, "above": 0.6, "below": 1.9, "size": 48, "grey": True})
FLOW = ("flow", {"algorithm": "lk", "first": "onset", "second": "apex"})
STEPS = {
    "frames": (CROP, ("stack", {"of": ("frames",)})),
    "flow": (CROP, FLOW, ("stack", {"of": ("flow",)})),
}


@pytest.fixture(scope="module")
def take() -> Take:
    """A texture that drifts to the right, a tenth of a pixel a frame."""
    cv2 = pytest.importorskip("cv2")
    texture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (140, 120), np.uint8), (0, 0), 2)

    def read(numbers: Sequence[int]) -> Iterator[np.ndarray]:
        for number in numbers:
            shift = np.array([[1, 0, number / 10], [0, 1, 0]])
            yield cv2.warpAffine(texture, shift, (120, 140), borderMode=cv2.BORDER_REFLECT)

    def locate(image: np.ndarray, number: int, faces: str, near: Box | None) -> Face:
        return Face(canonical_points(100) + 10)

    return Take("drift", ONSET, APEX, OFFSET, 100.0, read, locate)


def numbers(recipe: Recipe, take: Take) -> tuple[int, ...]:
    """Which frames a recipe takes."""
    seen: list[Stage] = []
    run(recipe, take, lambda _name, stage: seen.append(stage))
    return seen[0].numbers


class TestShiftsAndMirror:
    def test_a_training_clip_has_six_variants_of_which_one_is_itself(self, take: Take) -> None:
        recipe = Recipe.of("part", *STEPS["flow"])
        varied = copies_of("shifts-and-mirror").vary(recipe)
        made = [run(variant, take).array for variant in varied]
        assert len(varied) == len({variant.digest for variant in varied}) == 6
        assert varied[0] == recipe
        assert [variant.find("shift", (0, 0)) for variant in varied[:5]] == [(15 * x, 15 * y) for x, y in SHIFTS]
        assert len({array.tobytes() for array in made if array is not None}) == 6

    def test_all_six_are_samples_of_every_epoch(self) -> None:
        copies = copies_of("shifts-and-mirror")
        assert (copies.drawn, copies.per_epoch) == (False, len(copies.vary(RECIPES["ms3d"])))

    def test_a_mirrored_drift_to_the_right_goes_left(self, take: Take) -> None:
        recipe = Recipe.of("part", *STEPS["flow"])
        plain, mirrored = (np.moveaxis(run(one, take).array[0], -1, 0) for one in (recipe, with_mirror(recipe)))  # type: ignore[index]
        inner = plain[0, 12:36, 12:36]
        assert (inner > 0).mean() > 0.99
        assert (mirrored[0, 12:36, 12:36] < 0).mean() > 0.99
        np.testing.assert_array_equal(mirrored, mirror_flow(plain))

    def test_a_mirrored_frame_is_the_frame_from_right_to_left(self, take: Take) -> None:
        recipe = Recipe.of("part", *STEPS["frames"])
        plain, mirrored = (run(one, take).array for one in (recipe, with_mirror(recipe)))
        assert plain is not None
        np.testing.assert_array_equal(mirrored, plain[:, :, ::-1])

    def test_landmarks_do_not_outlive_a_mirror(self, take: Take) -> None:
        with pytest.raises(MienError, match="before a crop"):
            run(Recipe.of("part", CROP, FLOW, ("mirror", {}), ("mdmo", {})), take)
        with pytest.raises(MienError, match="'mirror' before a crop"):
            run(Recipe.of("part", ("mirror", {}), *STEPS["frames"]), take)


class TestJitter:
    @given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.sampled_from(sorted(JITTERS)))
    def test_it_never_leaves_the_clip_nor_turns_it_round(self, start: int, rise: int, fall: int, rule: str) -> None:
        pairs = JITTERS[rule].pairs(start, start + rise, start + rise + fall)
        assert pairs == [(start, start + rise)] or all(first < peak for first, peak in pairs)
        assert all(start <= first <= peak <= start + rise + fall for first, peak in pairs)

    @given(st.integers(5, 30), st.integers(0, 9))
    def test_the_text_takes_one_of_the_four_frames_around_and_never_the_frame_itself(
        self, rise: int, fall: int
    ) -> None:
        pairs = JITTERS["paper"].pairs(0, rise, rise + fall)
        assert {first for first, _ in pairs} == {1, 2}
        assert {peak - rise for _, peak in pairs} == {-2, -1, 1, 2} & set(range(-2, fall + 1))
        assert len(pairs) == len(set(pairs)) == 2 * len({peak for _, peak in pairs})

    @pytest.mark.parametrize(("rule", "share", "after"), [("official", "1/5", True), ("official-5", "3/20", False)])
    @given(st.integers(1, 200))
    def test_the_codes_take_a_share_of_the_way_to_the_apex(self, rule: str, share: str, after: bool, rise: int) -> None:
        reach = Fraction(share) * rise / 4
        pairs = JITTERS[rule].pairs(0, rise, 2 * rise)
        allowed = [step for step in range(-rise, rise + 1) if abs(step) <= reach]
        assert {first for first, _ in pairs} == {step for step in allowed if step >= 0}
        assert {peak - rise for _, peak in pairs} == {step for step in allowed if after or step <= 0}

    def test_eight_draws_are_all_that_the_text_allows_in_an_order_of_the_clips_own(self, take: Take) -> None:
        varied = copies_of("jitter").vary(Recipe.of("part", *STEPS["frames"]))
        drawn = [numbers(variant, take) for variant in varied]
        assert sorted(drawn) == [(first, peak) for first in (3, 4) for peak in (10, 11, 13, 14)]
        assert [numbers(variant, replace(take, name="other")) for variant in varied] != drawn
        assert [numbers(variant, take) for variant in varied] == drawn

    def test_the_other_frames_are_in_the_input(self, take: Take) -> None:
        recipe = Recipe.of("part", *STEPS["frames"])
        copy = with_jitter(recipe, "paper")
        first, peak = numbers(copy, take)
        there = run(Recipe.of("part", ("frames", {"which": "onset to offset"}), *STEPS["frames"]), take).array
        assert there is not None
        np.testing.assert_array_equal(run(copy, take).array, there[[first - ONSET, peak - ONSET]])

    def test_a_choice_of_other_frames_is_moved_as_well(self, take: Take) -> None:
        pair = numbers(with_jitter(Recipe.of("part", *STEPS["frames"]), "paper"), take)
        to_apex = Recipe.of("part", ("frames", {"which": "onset to apex"}), *STEPS["frames"])
        assert numbers(with_jitter(to_apex, "paper"), take) == tuple(range(pair[0], pair[1] + 1))

    def test_one_copy_of_a_clip_is_drawn_per_epoch(self) -> None:
        assert all((COPIES[name].drawn, COPIES[name].per_epoch) == (True, 1) for name in COPIES if "jitter" in name)

    def test_without_it_the_annotated_frames_are_taken(self, take: Take) -> None:
        assert numbers(Recipe.of("part", *STEPS["frames"]), take) == (ONSET, APEX)

    def test_unknown_names_list_what_there_is(self, take: Take) -> None:
        with pytest.raises(MienError, match="got copies = 'many'; expected one of shifts-and-mirror, jitter, "):
            copies_of("many")
        with pytest.raises(MienError, match="got the jitter 'wild'; expected one of paper, official, official-5"):
            run(with_jitter(Recipe.of("part", *STEPS["frames"]), "wild"), take)


def test_ms3d_without_flow_sees_sixteen_key_frames_magnified_as_with_it(take: Take) -> None:
    frames, flow = RECIPES["ms3d-frames"], RECIPES["ms3d"]
    assert frames.steps[:3] == flow.steps[:3]
    stages: list[Stage] = []
    array = run(frames, take, lambda _name, stage: stages.append(stage)).array
    assert array is not None
    assert (array.shape, array.dtype.name) == ((16, 134, 134), "float32")
    assert {ONSET, APEX, OFFSET} <= set(stages[-1].numbers)
    np.testing.assert_array_equal(array, stages[2].cropped("test")[[n - ONSET for n in stages[-1].numbers]])
