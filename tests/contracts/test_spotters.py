"""What every spotting method keeps to, those of the future included."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from mien.spotting import REGIONS, SPOTTERS, Curves, SpotSettings, Spotted

MOVING = [
    list(REGIONS).index(name)
    for name in ("left mouth corner", "right mouth corner", "left cheek", "right cheek", "upper lip")
]
ONSET_S, APEX_S, OFFSET_S = 4.0, 4.14, 4.32

spotters = pytest.mark.parametrize("name", list(SPOTTERS))
rates = pytest.mark.parametrize("fps", [60.0, 200.0])


def still(fps: float, seconds: float = 8.0, noise: float = 0.0) -> Curves:
    count = round(fps * seconds)
    regions = np.random.default_rng(0).normal(0, noise, (count, len(REGIONS), 2))
    # Frames start at 7: a method that writes rows for frame numbers shows.
    times = np.arange(count) / fps
    return Curves(times, np.arange(count) + 7, regions, np.full(count, 0.3), np.full((count, 2), 64.0))


def moved(fps: float, noise: float = 0.01, *, at_s: float = 0.0) -> Curves:
    """A smile of 1.5 px from 4.00 over 4.14 to 4.32 s."""
    curves = still(fps, noise=noise)
    times = curves.times_s - at_s
    part = np.where(times < APEX_S, (times - ONSET_S) / (APEX_S - ONSET_S), (OFFSET_S - times) / (OFFSET_S - APEX_S))
    curves.regions[:, MOVING, 1] -= 1.5 * (0.5 - 0.5 * np.cos(np.pi * np.clip(part, 0, 1)))[:, None]
    return curves


def run(name: str, curves: Curves, face: int = 1) -> Spotted:
    before = curves.regions.copy()
    spotted = SPOTTERS[name].spot(curves, SpotSettings(), face)
    np.testing.assert_array_equal(curves.regions, before, "the curves are the caller's")
    return spotted


@spotters
def test_a_method_says_what_it_is(name: str) -> None:
    entry = SPOTTERS[name]
    assert entry.name == name
    assert entry.title
    assert entry.paper
    assert name == "mien" or entry.deviations, "a published method says where it departs from the paper"


@spotters
@rates
def test_a_clear_movement_is_one_micro_expression_where_it_is(name: str, fps: float) -> None:
    micro, _, curve = run(name, moved(fps), face=4)
    inside = [i for i in micro if i.onset_s < OFFSET_S and i.offset_s > ONSET_S]
    assert len(inside) == 1
    [found] = inside
    assert found.apex_s == pytest.approx(APEX_S, abs=0.04)
    shared = min(found.offset_s, OFFSET_S) - max(found.onset_s, ONSET_S)
    assert shared / (max(found.offset_s, OFFSET_S) - min(found.onset_s, ONSET_S)) >= 0.5
    assert found.region in {list(REGIONS)[row] for row in MOVING}
    assert found.face == 4
    assert abs(APEX_S - np.arange(len(curve))[np.nanargmax(curve)] / fps) < 0.06


@spotters
@rates
def test_intervals_are_whole_sorted_and_within_the_recording(name: str, fps: float) -> None:
    curves = moved(fps, noise=0.05)
    micro, macro, _ = run(name, curves)
    for found, kind in ((micro, "micro"), (macro, "macro")):
        assert [i.onset_s for i in found] == sorted(i.onset_s for i in found)
        assert all(a.offset_s <= b.onset_s for a, b in pairwise(found)), "of one kind none overlap"
        for i in found:
            assert i.kind == kind
            assert curves.times_s[0] <= i.onset_s <= i.apex_s <= i.offset_s <= curves.times_s[-1]
            numbers = (i.onset_frame, i.apex_frame, i.offset_frame)
            assert [(frame - 7) / fps for frame in numbers] == pytest.approx([i.onset_s, i.apex_s, i.offset_s])
            assert np.isfinite(i.score)


@spotters
def test_the_frame_rate_changes_nothing_but_the_grain(name: str) -> None:
    [slow], [fast] = (
        [i for i in run(name, moved(fps, noise=0.0))[0] if i.onset_s < APEX_S < i.offset_s] for fps in (60.0, 200.0)
    )
    for one, other in ((slow.onset_s, fast.onset_s), (slow.apex_s, fast.apex_s), (slow.offset_s, fast.offset_s)):
        assert one == pytest.approx(other, abs=1.5 / 60)
    assert slow.score == pytest.approx(fast.score, rel=0.1)


@spotters
@rates
def test_a_still_face_has_nothing(name: str, fps: float) -> None:
    micro, macro, curve = run(name, still(fps))
    assert (micro, macro) == ([], [])
    assert np.abs(curve).max() == 0


@spotters
@rates
def test_noise_alone_is_nothing_unless_the_method_says_that_its_threshold_is_relative(name: str, fps: float) -> None:
    if not any("threshold is relative" in text for text in SPOTTERS[name].deviations):
        assert run(name, still(fps, noise=0.02))[:2] == ([], [])


@spotters
def test_the_curve_has_a_value_wherever_there_is_a_face(name: str) -> None:
    curves = moved(100.0)
    gone = (curves.times_s >= 2.0) & (curves.times_s < 2.5)
    for part in (curves.regions, curves.eyes, curves.head):
        part[gone] = np.nan
    micro, macro, curve = run(name, curves)
    assert curve.shape == curves.times_s.shape
    assert np.isnan(curve[gone]).all()
    assert np.isfinite(curve[~gone]).all()
    assert all(i.offset_s < 2.0 or i.onset_s >= 2.5 for i in (*micro, *macro)), "none reaches across"
    assert any(i.onset_s < APEX_S < i.offset_s for i in micro)


@spotters
def test_a_face_that_goes_during_a_movement_ends_what_is_known_of_it(name: str) -> None:
    curves = moved(200.0)
    gone = curves.times_s >= APEX_S - 0.05
    for part in (curves.regions, curves.eyes, curves.head):
        part[gone] = np.nan
    micro, macro, _ = run(name, curves)
    assert all(i.offset_s < APEX_S for i in (*micro, *macro))


@spotters
def test_no_face_at_all_and_a_single_frame_are_empty(name: str) -> None:
    curves = still(100.0, seconds=1.0)
    curves.regions[:] = np.nan
    single = still(100.0, seconds=0.01)
    for nothing in (curves, single):
        micro, macro, curve = run(name, nothing)
        assert (micro, macro) == ([], [])
        assert curve.shape == nothing.times_s.shape
        assert np.isnan(curve).all()
