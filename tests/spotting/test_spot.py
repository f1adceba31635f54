"""What is a micro-expression in the motion of the regions, and what is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core import MienError
from mien.spotting import REGIONS, Curves, SpotSettings, spot, spot_macro

CORNERS = [list(REGIONS).index(name) for name in ("left mouth corner", "right mouth corner")]


def bump(times: np.ndarray, onset: float, apex: float, offset: float) -> np.ndarray:
    part = np.where(times < apex, (times - onset) / (apex - onset), (offset - times) / (offset - apex))
    return 0.5 * (1 - np.cos(np.pi * np.clip(part, 0, 1)))


def recording(fps: float = 200.0, seconds: float = 4.0, noise: float = 0.01, seed: int = 0) -> Curves:
    """A still face: nothing but noise."""
    count = round(fps * seconds)
    rng = np.random.default_rng(seed)
    regions = rng.normal(0, noise, (count, len(REGIONS), 2))
    times = np.arange(count) / fps
    return Curves(times, np.arange(count), regions, np.full(count, 0.3), np.full((count, 2), 64.0))


def smile(curves: Curves, course: np.ndarray, height: float = 1.0) -> Curves:
    """Both mouth corners move up along a time course."""
    curves.regions[:, CORNERS, 1] -= height * course[:, None]
    return curves


@settings(deadline=None, max_examples=15)
@given(st.sampled_from([60.0, 100.0, 200.0, 500.0]), st.floats(0.08, 0.22), st.floats(0.1, 0.25))
def test_a_bump_is_found_where_it_is_at_any_frame_rate(fps: float, rise: float, fall: float) -> None:
    curves = recording(fps)
    found, _ = spot(smile(curves, bump(curves.times_s, 1.5, 1.5 + rise, 1.5 + rise + fall)))
    assert len(found) == 1
    slack = 0.02 + 1.5 / fps
    assert found[0].onset_s == pytest.approx(1.5, abs=slack)
    assert found[0].apex_s == pytest.approx(1.5 + rise, abs=slack)
    assert found[0].offset_s == pytest.approx(1.5 + rise + fall, abs=slack)
    assert "mouth corner" in found[0].region


@pytest.mark.parametrize("seed", range(3))
def test_a_still_face_has_none(seed: int) -> None:
    assert spot(recording(seed=seed, noise=0.03))[0] == []


def test_an_expression_that_stays_is_not_micro() -> None:
    curves = recording()
    assert spot(smile(curves, np.clip((curves.times_s - 1.5) / 0.3, 0, 1)))[0] == []


def test_an_expression_of_two_seconds_is_not_micro() -> None:
    curves = recording(seconds=6)
    assert spot(smile(curves, bump(curves.times_s, 1.5, 2.5, 3.5), 2.0))[0] == []


@pytest.mark.parametrize("fps", [30.0, 200.0])
def test_an_expression_of_two_seconds_is_a_macro_expression(fps: float) -> None:
    curves = recording(fps, seconds=8)
    smile(curves, bump(curves.times_s, 2.0, 3.0, 4.0), 2.0)
    longer = spot_macro(curves, [])
    assert [(interval.kind, interval.region.split()[-1]) for interval in longer] == [("macro", "corner")]
    assert longer[0].onset_s == pytest.approx(2.0, abs=0.15)
    assert longer[0].offset_s == pytest.approx(4.0, abs=0.15)


def test_an_expression_that_is_held_is_one_macro_expression() -> None:
    curves = recording(100.0, seconds=8)
    held = np.clip(np.minimum(curves.times_s - 2, 4.5 - curves.times_s) / 0.4, 0, 1)
    longer = spot_macro(smile(curves, held, 2.0), [])
    assert len(longer) == 1
    assert longer[0].onset_s == pytest.approx(2.0, abs=0.2)
    assert longer[0].offset_s == pytest.approx(4.5, abs=0.2)


def test_a_micro_expression_is_no_macro_expression() -> None:
    curves = recording(seconds=6)
    smile(curves, bump(curves.times_s, 1.5, 1.65, 1.9), 2.0)
    micro, _ = spot(curves)
    assert len(micro) == 1
    assert spot_macro(curves, micro) == []


def test_drift_of_the_face_is_not_motion() -> None:
    curves = recording()
    curves.regions[..., 0] += 3 * np.sin(2 * np.pi * 0.1 * curves.times_s)[:, None]
    assert spot(curves)[0] == []


def blinking(curves: Curves, course: np.ndarray) -> Curves:
    """The lids go down by two pixels, brows and cheeks by a little."""
    lids = np.zeros((len(REGIONS), 2))
    lids[:, 1] = [2 if "eye" in name else 0.3 if "brow" in name or "cheek" in name else 0 for name in REGIONS]
    curves.regions[:] += course[:, None, None] * lids
    curves.eyes[:] -= 0.2 * course
    return curves


def test_skin_that_moves_a_little_in_a_blink_does_not_count() -> None:
    curves = recording()
    assert spot(blinking(curves, bump(curves.times_s, 1.5, 1.6, 1.8)))[0] == []


def test_what_this_person_moves_in_blinks_does_not_count() -> None:
    curves = recording(seconds=12)
    for start in (1.0, 4.0, 7.0, 10.0):
        blinking(curves, bump(curves.times_s, start, start + 0.1, start + 0.3))
    assert spot(curves)[0] == []


def test_a_clear_movement_during_a_blink_counts() -> None:
    curves = recording()
    closing = bump(curves.times_s, 1.5, 1.6, 1.8)
    found, _ = spot(smile(blinking(curves, closing), closing, 2.0))
    assert ["mouth corner" in interval.region for interval in found] == [True]


def test_speech_does_not_count() -> None:
    """The mouth goes up and down four times a second for two seconds; each time it is back in a quarter of one."""
    curves = recording(seconds=6)
    talking = 0.5 * (1 - np.cos(2 * np.pi * 4 * curves.times_s)) * ((curves.times_s > 2) & (curves.times_s < 4))
    assert spot(smile(curves, talking, 2.0))[0] == []


def test_a_movement_that_is_no_action_unit_does_not_count() -> None:
    """A hand before half of the face: every region goes another way."""
    curves = recording()
    way = np.random.default_rng(1).normal(0, 1, (len(REGIONS), 2))
    curves.regions[:] += bump(curves.times_s, 1.5, 1.65, 1.8)[:, None, None] * way
    assert spot(curves)[0] == []


def test_noise_that_is_shared_by_all_regions_hides_nothing() -> None:
    """The whole face trembles by a pixel, more than the smile that is on it."""
    curves = recording()
    tremble = np.random.default_rng(2).normal(0, 1, (len(curves.times_s), 1, 2))
    curves.regions[:] += tremble
    found, _ = spot(smile(curves, bump(curves.times_s, 1.5, 1.65, 1.85), 0.5))
    assert [interval.apex_s for interval in found] == pytest.approx([1.65], abs=0.03)


def test_what_moves_with_a_nod_does_not_count() -> None:
    curves = recording()
    nod = bump(curves.times_s, 1.5, 1.7, 1.9)
    curves.head[:, 1] += 12 * nod
    assert spot(smile(curves, nod, 0.6))[0] == []


def test_a_small_movement_beside_a_nod_counts_less_than_a_large_one() -> None:
    curves = recording()
    nod = bump(curves.times_s, 1.5, 1.7, 1.9)
    curves.head[:, 1] += 10 * nod
    assert spot(smile(curves, nod, 0.4))[0] == []
    assert len(spot(smile(curves, nod, 1.6))[0]) == 1


def test_while_the_head_moves_far_nothing_is_told() -> None:
    curves = recording()
    nod = bump(curves.times_s, 1.5, 1.7, 1.9)
    curves.head[:, 1] += 20 * nod
    assert spot(smile(curves, nod, 2.5))[0] == []


def test_a_smile_while_the_brows_are_busy_does_not_count() -> None:
    """Brows go up and down three times before it and three times after it, within a second: speech."""
    curves = recording()
    smile(curves, bump(curves.times_s, 1.9, 2.05, 2.2), 2.0)
    brows = [row for row, name in enumerate(REGIONS) if "brow" in name]
    for start in (0.95, 1.25, 1.55, 2.25, 2.55, 2.85):
        curves.regions[:, brows, 1] -= 2 * bump(curves.times_s, start, start + 0.12, start + 0.25)[:, None]
    assert not [interval for interval in spot(curves)[0] if "mouth" in interval.region]


def test_a_swing_of_speech_does_not_count_by_its_repetition_alone() -> None:
    curves = recording(seconds=6)
    talking = 0.5 * (1 - np.cos(2 * np.pi * 4 * curves.times_s)) * ((curves.times_s > 2) & (curves.times_s < 4))
    assert spot(smile(curves, talking, 2.0), SpotSettings(others=999))[0] == []


def test_a_small_movement_after_a_much_larger_one_of_the_same_parts_does_not_count() -> None:
    curves = recording()
    smile(curves, bump(curves.times_s, 1.5, 1.65, 1.8), 0.6)
    assert len(spot(curves)[0]) == 1
    smile(curves, bump(curves.times_s, 1.15, 1.3, 1.45), 4.0)
    assert spot(curves)[0] == []


def test_movements_too_large_for_a_micro_expression_are_left_out() -> None:
    curves = recording()
    assert spot(smile(curves, bump(curves.times_s, 1.5, 1.6, 1.8), 9.0))[0] == []


def test_a_tenth_of_a_pixel_is_sway_however_quiet_the_face() -> None:
    curves = recording(noise=0.001)
    assert spot(smile(curves, bump(curves.times_s, 1.5, 1.65, 1.85), 0.1))[0] == []


def test_two_in_a_row_are_two_in_time_order() -> None:
    curves = recording()
    smile(curves, bump(curves.times_s, 2.5, 2.65, 2.8), 2.0)
    smile(curves, bump(curves.times_s, 1.0, 1.15, 1.3), 1.0)
    found, _ = spot(curves)
    assert [i.apex_s for i in found] == pytest.approx([1.15, 2.65], abs=0.02)
    assert found[0].offset_s <= found[1].onset_s


def test_nothing_is_found_across_a_lost_face() -> None:
    curves = recording()
    smile(curves, bump(curves.times_s, 1.5, 1.65, 1.8), 2.0)
    lost = (curves.times_s > 1.6) & (curves.times_s < 1.7)
    curves.regions[lost] = np.nan
    curves.eyes[lost] = np.nan
    curves.head[lost] = np.nan
    found, curve = spot(curves)
    assert found == []
    assert np.isnan(curve[lost]).all()
    assert np.isfinite(curve[~lost]).all()


@pytest.mark.parametrize("more", [(False, True), (True, False)])
def test_a_face_that_was_just_found_or_is_about_to_be_lost_is_not_believed(more: tuple[bool, bool]) -> None:
    curves = recording(seconds=3)
    times = curves.times_s[::-1] if more[0] else curves.times_s
    smile(curves, bump(times, 2.5, 2.65, 2.85), 2.0)
    assert len(spot(curves)[0]) == 1
    cut = Curves(curves.times_s, curves.frames, curves.regions, curves.eyes, curves.head, more)
    assert spot(cut)[0] == []


def test_uneven_frame_times_are_taken_as_they_are() -> None:
    rng = np.random.default_rng(0)
    curves = recording(fps=100)
    times = np.sort(curves.times_s + rng.uniform(-0.003, 0.003, len(curves.times_s)))
    uneven = Curves(times, curves.frames, curves.regions, curves.eyes, curves.head)
    found, _ = spot(smile(uneven, bump(times, 1.5, 1.65, 1.85)))
    assert len(found) == 1
    assert found[0].apex_s == pytest.approx(1.65, abs=0.02)


def test_limits_of_duration_are_parameters() -> None:
    curves = recording(seconds=6)
    smile(curves, bump(curves.times_s, 1.5, 1.9, 2.3), 2.0)
    assert spot(curves)[0] == []
    longer = SpotSettings(longest_s=1.0, reach_s=0.8, durations_s=(0.4, 0.8))
    assert len(spot(curves, longer)[0]) == 1


def test_a_recording_without_a_face_gives_an_empty_curve() -> None:
    curves = recording(seconds=1)
    curves.regions[:] = np.nan
    found, curve = spot(curves)
    assert found == []
    assert np.isnan(curve).all()


def test_curves_of_different_lengths_are_refused() -> None:
    curves = recording(seconds=1)
    with pytest.raises(MienError, match="expected one length"):
        Curves(curves.times_s[:-1], curves.frames, curves.regions, curves.eyes, curves.head)


def test_lids_that_go_up_count_and_lids_that_go_down_do_not() -> None:
    eyes = [list(REGIONS).index(name) for name in ("left eye", "right eye")]
    for direction, expected in ((-1, 1), (+1, 0)):
        curves = recording()
        curves.regions[:, eyes, 1] += direction * 0.6 * bump(curves.times_s, 1.5, 1.65, 1.8)[:, None]
        assert len(spot(curves)[0]) == expected


def test_a_blink_soon_after_does_not_lengthen_an_expression() -> None:
    curves = recording()
    smile(curves, bump(curves.times_s, 1.5, 1.62, 1.74))
    smile(curves, -0.4 * bump(curves.times_s, 1.9, 2.0, 2.2))
    found, _ = spot(curves)
    assert len(found) == 1
    assert found[0].offset_s == pytest.approx(1.74, abs=0.03)


def test_a_long_recording_is_spotted_in_pieces_and_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bumps at the seams of pieces, and a face that is lost within one, are as in one piece."""
    curves = recording(100, seconds=30)
    for start in (2.9, 7.0, 11.9, 20.0):
        curves = smile(curves, bump(curves.times_s, start, start + 0.15, start + 0.35))
    curves.regions[1500:1600] = np.nan
    whole, curve = spot(curves)
    monkeypatch.setattr("mien.spotting.signal._PIECE", 97)
    found, again = spot(curves)
    assert len(whole) == 4
    assert [(i.onset_frame, i.apex_frame, i.offset_frame) for i in found] == [
        (i.onset_frame, i.apex_frame, i.offset_frame) for i in whole
    ]
    np.testing.assert_allclose(again, curve, rtol=1e-9, atol=1e-9)
