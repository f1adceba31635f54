"""The sliding window: difference to both ends, contrast, relative threshold."""

from __future__ import annotations

import numpy as np
import pytest

from mien.spotting import REGIONS, SPOTTERS, Curves, SpotSettings
from mien.spotting.methods.sliding_window import window_difference

FIVE = [list(REGIONS).index(name) for name in ("left cheek", "right cheek", "upper lip", "lower lip", "chin")]


def bump(times: np.ndarray, onset: float, offset: float) -> np.ndarray:
    return np.sin(np.pi * np.clip((times - onset) / (offset - onset), 0, 1)) ** 2


def recording(fps: float = 100.0, seconds: float = 10.0) -> Curves:
    count = round(fps * seconds)
    times = np.arange(count) / fps
    return Curves(times, np.arange(count), np.zeros((count, 15, 2)), np.full(count, 0.3), np.full((count, 2), 64.0))


def spot(curves: Curves, **settings: float) -> tuple:
    return SPOTTERS["sliding-window"].spot(curves, SpotSettings(**settings), 3)


def test_the_difference_is_to_the_mean_of_both_ends() -> None:
    place = np.zeros((9, 3, 2))
    place[4, 0] = (3, -4)  # away by 5 px and back
    place[4:, 1] = (3, -4)  # away and stays: half of it
    place[:, 2, 0] = np.arange(9)  # drifts: none
    assert window_difference(place, 2)[4] == pytest.approx([5, 2.5, 0])


def test_a_bump_is_found_and_its_contrast_is_half_its_height() -> None:
    curves = recording()
    curves.regions[:, FIVE, 0] += 2 * bump(curves.times_s, 4.0, 4.3)[:, None]
    micro, macro, curve = spot(curves)
    assert macro == []
    [found] = micro
    assert found.apex_s == pytest.approx(4.15, abs=0.011)
    assert found.onset_s == pytest.approx(4.0, abs=0.04)
    assert found.offset_s == pytest.approx(4.3, abs=0.04)
    # F = 2 at the apex and 1 at half a window before and after, where the apex is one of the ends: C = 2 - 1.
    assert found.score == pytest.approx(1.0, abs=0.01)
    assert found.face == 3
    assert curve.min() >= 0, "negative contrast counts as none"


def test_what_lasts_longer_than_the_limit_is_macro() -> None:
    curves = recording()
    curves.regions[:, FIVE, 0] += 2 * bump(curves.times_s, 4.0, 4.3)[:, None]
    micro, macro, _ = spot(curves, longest_s=0.15)
    assert micro == []
    assert [interval.kind for interval in macro] == ["macro"]
    assert macro[0].onset_s < 4.15 < macro[0].offset_s


def test_a_long_expression_falls_into_several_short_ones() -> None:
    """The known weakness of one window: rise, top and fall each stand out in it."""
    curves = recording()
    curves.regions[:, FIVE, 0] += 2 * bump(curves.times_s, 4.0, 5.5)[:, None]
    assert len(spot(curves)[0]) == 3


def test_a_step_is_no_bump() -> None:
    """An expression that stays: the difference has a plateau of half its height on both sides of the step."""
    curves = recording()
    curves.regions[:, FIVE, 0] += 2.0 * (curves.times_s > 5)[:, None]
    _, _, curve = spot(curves)
    assert curve.max() <= 0.5 * 2.0 + 1e-9


def test_steady_drift_has_no_difference() -> None:
    curves = recording()
    curves.regions[:, FIVE, 0] += 3 * curves.times_s[:, None]
    _, _, curve = spot(curves)
    assert curve[100:-100] == pytest.approx(np.zeros(len(curve) - 200), abs=1e-9)
