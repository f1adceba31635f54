"""The timeline: nothing is lost however long the recording, and each face has its own line."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import Interval, MienError
from mien.reports._timeline import clock, timeline

MOMENT = Interval(240, 264, 304, 1.2, 1.32, 1.52, 0.62, "negative", 0.7, {"negative": 0.7, "positive": 0.3}, "chin")


def test_no_peak_is_lost_however_long_the_recording() -> None:
    curve = np.zeros(720_000)
    curve[345_678] = 1.0
    drawn = timeline(np.arange(720_000) / 200, curve, [], least_score=None)
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", drawn["panels"][0]["curve"])]
    assert min(heights) == pytest.approx(drawn["plot_px"] * (1 - 1 / 1.08), abs=0.1)


def test_a_gap_without_a_face_is_grey_and_breaks_the_curve() -> None:
    times, curve = np.arange(101) / 10, np.full(101, 0.1)
    curve[40:60] = np.nan
    drawn = timeline(times, curve, [], least_score=0.3)
    assert drawn["panels"][0]["lost"] == [{"left": 40.0, "width": 20.0}]
    assert drawn["panels"][0]["curve"].count("M") == 2


@given(st.lists(st.floats(0, 100), max_size=40).map(sorted))
def test_marks_of_one_row_keep_their_distance_while_there_are_rows(apexes: list[float]) -> None:
    moments = [Interval(0, 0, 0, apex, apex, apex, 1.0) for apex in apexes]
    bands = timeline([0.0, 100.0], [0.0, 0.0], moments, None)["panels"][0]["bands"]
    crowded = any(sum(abs(a - b) < 4.5 for b in apexes) > 6 for a in apexes)
    for lane in {band["mark_y"] for band in bands}:
        places = [band["apex"] for band in bands if band["mark_y"] == lane]
        assert crowded or all(b - a >= 4.49 for a, b in pairwise(places))


@given(st.floats(0, 1e6), st.floats(1e-3, 1e5))
def test_time_ticks_are_few_in_order_and_inside(start: float, length: float) -> None:
    ticks = timeline([start, start + length], [0.0, 0.0], [], None)["x_ticks"]
    places = [tick["at"] for tick in ticks]
    assert places == sorted(places)
    assert len(ticks) <= 14


def test_times_are_read_as_a_player_shows_them() -> None:
    assert [clock(time) for time in (0, 59.6, 61, 3599.995)] == ["0:00", "1:00", "1:01", "1:00:00"]
    assert clock(63.2046, 3) == "1:03.205"


@pytest.mark.parametrize(
    ("times", "curve"),
    [([], []), ([0, 1], [0]), ([1, 0], [0, 0]), ([0, np.nan], [0, 0]), ([0, 1], [0, np.inf]), ([[0], [1]], [[0], [1]])],
)
def test_a_curve_that_does_not_fit_its_times_is_refused(times: list, curve: list) -> None:
    with pytest.raises(MienError, match="expected"):
        timeline(times, curve, [], None)


def test_each_of_several_faces_has_its_own_curve_and_moments() -> None:
    times = np.arange(1001) / 100
    quiet, late = np.full(1001, 0.1), np.full(501, 0.2)
    moments = [replace(MOMENT, face=1), replace(MOMENT, face=2)]
    drawn = timeline(times, quiet, moments, 0.3, faces=[(1, times, quiet), (2, times[500:], late)])
    first, second = drawn["panels"]
    assert (first["face"], second["face"], first["lost"]) == (1, 2, [])
    assert second["lost"] == [{"left": 0.0, "width": 50.0}], "not seen before its track begins"
    assert [[band["index"] for band in panel["bands"]] for panel in drawn["panels"]] == [[0], [1]]
    assert second["top"] >= first["floor"]
