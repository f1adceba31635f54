"""MDMD: the published arithmetic, by hand, and what follows from it."""

from __future__ import annotations

import numpy as np
import pytest

from mien.spotting import REGIONS, SPOTTERS, Curves, SpotSettings
from mien.spotting._peaks import contrast, largest_third, relative_threshold, stretches
from mien.spotting.methods.mdmd import directional_difference

CORNERS = [list(REGIONS).index(name) for name in ("left mouth corner", "right mouth corner")]
FIVE = [*CORNERS, *(list(REGIONS).index(name) for name in ("left cheek", "right cheek", "upper lip"))]


def bump(times: np.ndarray, onset: float, offset: float) -> np.ndarray:
    return np.sin(np.pi * np.clip((times - onset) / (offset - onset), 0, 1)) ** 2


def recording(fps: float = 100.0, seconds: float = 10.0) -> Curves:
    count = round(fps * seconds)
    times = np.arange(count) / fps
    return Curves(times, np.arange(count), np.zeros((count, 15, 2)), np.full(count, 0.3), np.full((count, 2), 64.0))


def spot(curves: Curves, **settings: float) -> tuple:
    return SPOTTERS["mdmd"].spot(curves, SpotSettings(**settings), 1)


def test_a_region_that_comes_back_counts_by_how_far_it_went_and_one_that_stays_does_not() -> None:
    place = np.zeros((9, 3, 2))
    place[4, 0] = (3, -4)  # away by 5 px and back
    place[4:, 1] = (3, -4)  # away and stays
    place[:, 2, 0] = np.arange(9)  # drifts by 1 px a frame: 2 px to i, 4 px to i + 2
    assert directional_difference(place, 2)[4] == pytest.approx([5, 0, -2])


def test_the_paper_counts_how_far_not_whether_it_is_the_same_way() -> None:
    place = np.zeros((9, 1, 2))
    place[4, 0], place[6, 0] = (2, 0), (-3, 0)
    assert directional_difference(place, 2)[4, 0] == pytest.approx(2 - 3)


def test_a_third_of_fifteen_regions_is_five() -> None:
    assert largest_third(np.arange(15.0)[None])[0] == pytest.approx((10 + 11 + 12 + 13 + 14) / 5)


def test_contrast_and_threshold_by_hand() -> None:
    feature = np.array([0.0, 1, 0, 6, 0, 1, 0])
    course = contrast(feature, 2)
    assert course[3] == pytest.approx(6 - (1 + 1) / 2)
    assert course[1] == pytest.approx(1 - (0 + 6) / 2)
    assert relative_threshold([course], 0.08) == pytest.approx(course.mean() + 0.08 * (5 - course.mean()))


def test_a_bump_of_five_regions_is_found_where_it_is_with_its_contrast_as_score() -> None:
    curves = recording()
    curves.regions[:, FIVE, 1] -= bump(curves.times_s, 5.0, 5.3)[:, None]
    micro, macro, curve = spot(curves)
    assert macro == []
    [found] = micro
    assert found.apex_s == pytest.approx(5.15, abs=0.011)
    assert found.onset_s == pytest.approx(5.0, abs=0.06)
    assert found.offset_s == pytest.approx(5.3, abs=0.06)
    # At the apex the five regions have F = 1. k before it they have |0 - 0| - |1 - 0| = -1, so the largest third are
    # others, with 0; k after it they have |0 - 1| - |0 - 1| = 0. So C = 1.
    assert found.score == pytest.approx(1.0, abs=0.01)
    assert curve.max() == pytest.approx(found.score)
    assert found.kind == "micro"
    assert found.region in {list(REGIONS)[row] for row in FIVE}


def test_an_expression_of_a_second_and_a_half_is_macro() -> None:
    curves = recording(seconds=20)
    curves.regions[:, FIVE, 1] -= 2 * bump(curves.times_s, 9.0, 10.5)[:, None]
    micro, [found], _ = spot(curves)
    assert found.kind == "macro"
    assert (found.onset_s, found.offset_s) == pytest.approx((9.15, 10.34), abs=0.02)
    assert found.apex_s == pytest.approx(9.75, abs=0.05)
    assert len(micro) == 1, "its top looks like a micro-expression to the shorter window, as published"


def test_the_threshold_is_relative_so_a_large_movement_hides_a_small_one() -> None:
    """The known weakness of the published threshold: it is kept."""
    small, both = recording(), recording()
    for curves in (small, both):
        curves.regions[:, FIVE, 1] -= 0.3 * bump(curves.times_s, 3.0, 3.3)[:, None]
    both.regions[:, FIVE, 1] -= 6 * bump(both.times_s, 7.0, 7.3)[:, None]
    assert [interval.apex_s for interval in spot(small)[0]] == pytest.approx([3.15], abs=0.02)
    assert [interval.apex_s for interval in spot(both)[0]] == pytest.approx([7.15], abs=0.02)


def test_limits_of_duration_are_those_of_the_settings() -> None:
    curves = recording()
    curves.regions[:, FIVE, 1] -= bump(curves.times_s, 5.0, 5.3)[:, None]
    assert spot(curves, longest_s=0.1)[0] == []


def test_a_lost_face_parts_the_recording_and_nothing_is_compared_across() -> None:
    curves = recording(seconds=4)
    curves.regions[200:210] = np.nan
    curves.regions[210:] += 5  # the new stretch lies elsewhere
    assert [(part.start, part.stop) for part in stretches(curves)] == [(0, 200), (210, 400)]
    assert spot(curves)[:2] == ([], [])


def test_a_hole_in_time_parts_the_recording() -> None:
    curves = recording(seconds=4)
    curves.times_s[150:] += 0.5
    assert [(part.start, part.stop) for part in stretches(curves)] == [(0, 150), (150, 400)]
