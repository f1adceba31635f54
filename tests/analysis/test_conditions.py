"""Rates of a study, against numbers computed by hand; and what a table of markers may say."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.analysis import Analysis, Marker, conditions_of, poisson_interval, read_markers
from mien.analysis._follow import Track
from mien.analysis._markers import marker_notes, marker_spans, markers_of
from mien.analysis.conditions import condition_rates, recording_end_s, recording_rate, study_of
from mien.core import Interval, MienError
from mien.spotting import REGIONS, Curves, SpotSettings


def face(times_s: np.ndarray, number: int = 1, **columns: np.ndarray) -> Track:
    """A face 100 px wide that looks into the camera in every frame, but for what is said."""
    count = len(times_s)
    quality = np.tile([100.0, 1.0, 0.0, 0.0, 0.0], (count, 1))
    for column, name in enumerate(("size", "blur", "yaw")):
        if name in columns:
            quality[:, column] = columns[name]
    frames, blank = np.arange(count), np.full(count, np.nan)
    curves = Curves(times_s, frames, np.zeros((count, len(REGIONS), 2)), blank, np.zeros((count, 2)))
    there = columns.get("found", np.ones(count, bool))
    return Track(number, frames, times_s, there, np.zeros((count, 4)), quality, [], curves, blank)


def event(apex_s: float, emotion: str = "positive", *, fps: float = 10, number: int = 1) -> Interval:
    frame = round(apex_s * fps)
    return Interval(frame - 1, frame, frame + 1, apex_s - 0.1, apex_s, apex_s + 0.1, 1.0, emotion=emotion, face=number)


def found(
    *events: Interval,
    seconds: float = 120,
    fps: float = 10,
    markers: tuple[Marker, ...] = (),
    tracks: tuple[Track, ...] | None = None,
    times_s: np.ndarray | None = None,
    **changes: Any,
) -> Analysis:
    """A recording of so many seconds, with one face that is always there."""
    times = np.arange(round(seconds * fps)) / fps if times_s is None else times_s
    return Analysis(
        source=Path("a.mp4"),
        sha256="",
        fps=fps,
        size=(640, 480),
        intervals=events,
        evidence=(),
        macro=(),
        frames=np.arange(len(times)),
        times_s=times,
        tracks=tracks or (face(times),),
        warnings=(),
        model={"classes": ["negative", "positive", "surprise"]},
        spotter="mien",
        settings=SpotSettings(),
        markers=markers,
    )


# Tables of the exact interval for counts of 0, 1 and 10: e.g. Ulm (1990), American Journal of Epidemiology 131.
@pytest.mark.parametrize(
    ("events", "low", "high"), [(0, 0, 3.6889), (1, 0.0253, 5.5716), (5, 1.6235, 11.6683), (10, 4.7954, 18.3904)]
)
def test_the_poisson_interval_is_that_of_the_tables(events: int, low: float, high: float) -> None:
    assert poisson_interval(events, 1.0) == pytest.approx((low, high), abs=1e-4)
    assert poisson_interval(events, 2.0) == pytest.approx((low / 2, high / 2), abs=1e-4)


def test_the_poisson_interval_covers_the_true_rate_at_least_as_often_as_it_says() -> None:
    counts = np.random.default_rng(0).poisson(3.0 * 2, 2000)
    covered = [low <= 3.0 <= high for low, high in (poisson_interval(int(n), 2.0) for n in counts)]
    assert 0.95 <= np.mean(covered) <= 0.99


def test_without_minutes_there_is_no_rate() -> None:
    assert all(math.isnan(limit) for limit in poisson_interval(0, 0.0))
    times = np.arange(100) / 10
    nobody = study_of(found(times_s=times, tracks=(face(times, found=np.zeros(100, bool)),)))["rate"]
    assert (nobody["minutes"], nobody["events_per_minute"], nobody["ci95"]) == (0, None, None)


def test_two_minutes_with_three_events() -> None:
    rate = recording_rate(found(event(10), event(30, "negative"), event(100)))
    assert rate.minutes == pytest.approx(2.0)
    assert rate.per_minute == pytest.approx(1.5)
    assert rate.emotions == {"negative": 1, "positive": 2, "surprise": 0}
    assert rate.ci95 == pytest.approx((0.6187 / 2, 8.7673 / 2), abs=1e-4)


def test_conditions_share_the_recording_between_them() -> None:
    markers = (Marker(0, "rest"), Marker(30, "film"), Marker(90, "rest"))
    rest, film = condition_rates(found(event(29.9), event(30.0), event(89.9), event(90.0), markers=markers))
    assert (rest.condition, rest.minutes, rest.events) == ("rest", pytest.approx(1.0), 2)
    assert (film.condition, film.minutes, film.events) == ("film", pytest.approx(1.0), 2)


def test_a_marker_in_the_middle_of_a_frame_divides_it() -> None:
    (film,) = condition_rates(found(seconds=60, markers=(Marker(10.05, "film", end_s=20.0),)))
    assert film.minutes * 60 == pytest.approx(9.95)


def test_what_no_marker_covers_is_in_no_condition() -> None:
    markers = (Marker(60, "film", end_s=80),)
    (film,) = conditions_of(found(event(10), event(70), event(80), markers=markers))
    assert film["condition"] == "film"
    assert film["minutes"] == pytest.approx(1 / 3)
    assert film["events"] == 1
    assert film["events_per_minute"] == pytest.approx(3)


def test_conditions_that_hold_at_once_each_have_the_event_and_one_that_is_said_twice_has_it_once() -> None:
    at_once = (Marker(0, "lie", end_s=60), Marker(30, "stress", end_s=90))
    assert [rate.events for rate in condition_rates(found(event(40), markers=at_once))] == [1, 1]
    twice = (Marker(0, "lie", end_s=60), Marker(30, "lie", end_s=90))
    (lie,) = condition_rates(found(event(40), markers=twice))
    assert (lie.events, lie.minutes) == (1, pytest.approx(1.5))


def test_only_frames_in_which_an_event_could_be_found_count() -> None:
    times = np.arange(600) / 10
    there, size, yaw = np.ones(600, bool), np.full(600, 100.0), np.zeros(600)
    there[:100], size[100:200], yaw[200:300] = False, 39, -26
    rate = recording_rate(
        found(event(15), event(45), times_s=times, tracks=(face(times, found=there, size=size, yaw=yaw),))
    )
    assert rate.minutes * 60 == pytest.approx(30)
    assert (rate.events, rate.outside) == (1, 1)


def test_a_turn_that_is_not_known_does_not_speak_against_a_frame() -> None:
    times = np.arange(600) / 10
    track = face(times, yaw=np.full(600, np.nan), size=np.full(600, np.nan))
    assert recording_rate(found(times_s=times, tracks=(track,))).minutes == pytest.approx(1.0)


def test_two_people_for_a_minute_are_two_minutes() -> None:
    times = np.arange(600) / 10
    rate = recording_rate(found(event(10), event(20, number=2), times_s=times, tracks=(face(times), face(times, 2))))
    assert rate.minutes == pytest.approx(2.0)
    assert rate.per_minute == pytest.approx(1.0)


def test_times_are_those_of_the_frames_and_a_gap_is_no_time() -> None:
    """10 s at 10 fps, a gap of 5 s, 10 s at 20 fps: 20 s of frames, and .15 s more of the gap's first frame."""
    times = np.concatenate([np.arange(100) / 10, 15 + np.arange(200) / 20])
    rate = recording_rate(found(times_s=times))
    assert rate.minutes * 60 == pytest.approx(20.15)
    assert recording_end_s(found(times_s=times)) == pytest.approx(25.0)


def test_a_condition_of_two_subjects_is_two_rows() -> None:
    markers = (Marker(0, "film", end_s=60, subject="s1"), Marker(60, "film", end_s=120, subject="s2"))
    assert [(row["subject"], row["events"]) for row in conditions_of(found(event(10), markers=markers))] == [
        ("s1", 1),
        ("s2", 0),
    ]


def test_a_marker_lasts_until_the_next_one_or_the_end() -> None:
    markers = (Marker(5, "a"), Marker(10, "b", end_s=12), Marker(20, "c"), Marker(100, "d"))
    assert [span for _, span in marker_spans(markers, end_s=60)] == [(5, 10), (10, 12), (20, 60)]


def test_a_marker_beyond_the_recording_is_said_and_has_no_minutes() -> None:
    markers = (Marker(110, "a", end_s=130, row=2), Marker(500, "b", row=3))
    late, later = marker_notes(markers, end_s=120)
    assert "(row 2) ends at 130 s" in late
    assert "(row 3) begins after the end" in later
    assert [rate.minutes for rate in condition_rates(found(markers=markers))] == [pytest.approx(1 / 6), 0]
    assert marker_notes((Marker(0, "a", end_s=120.05),), end_s=120) == []


def test_markers_go_to_the_recording_that_they_name_or_to_all() -> None:
    study = (Marker(9, "c", recording="b.mp4"), Marker(3, "a"), Marker(0, "b", recording="a"))
    assert [marker.label for marker in markers_of(study, ("b", "b.mp4"))] == ["a", "c"]


def test_two_markers_at_one_time_need_an_end() -> None:
    with pytest.raises(MienError, match="'b' at 1 s \\(row 3\\) at the same time without an end"):
        markers_of((Marker(1, "a", row=2), Marker(1, "b", row=3)), ("x",))
    assert len(markers_of((Marker(1, "a", end_s=5), Marker(1, "b")), ("x",))) == 2


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "markers.csv"
    path.write_text(text, encoding=encoding)
    return path


def test_a_table_of_excel_with_other_columns_is_read(tmp_path: Path) -> None:
    path = table(tmp_path, 'recording,time_s,label,remark\r\na,1.5,"film, sad",x\r\n', "utf-8-sig")
    assert read_markers(path) == (Marker(1.5, "film, sad", recording="a", row=2),)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("-1,film,", "in row 3 at -1 s"),
        ("nan,film,", "in row 3 at nan s"),
        ("1,film,inf", "in row 3 at inf s"),
        ("5,film,5", "in row 3 from 5 to 5 s"),
        ("5,film,4", "in row 3 from 5 to 4 s"),
        ("5,  ,", "in row 3 without a label"),
        ('"1,5",film,', "time_s '1,5' in row 3"),
        (",film,", "time_s '' in row 3"),
        ("5,film,later", "end_s 'later' in row 3"),
        ("5,film,6,x", "row 3 with more fields"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, row: str, said: str) -> None:
    with pytest.raises(MienError) as caught:
        read_markers(table(tmp_path, f"time_s,label,end_s\n0,rest,\n{row}\n7,film,\n"))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_table_of_markers_is_said(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"\(1 more rows are broken\)"):
        read_markers(table(tmp_path, "time_s,label\n-1,a\n2,a\n3,\n"))
    with pytest.raises(MienError, match="columns time;label"):
        read_markers(table(tmp_path, "time;label\n1;a\n"))
    with pytest.raises(MienError, match="without a marker"):
        read_markers(table(tmp_path, "time_s,label\n"))
    with pytest.raises(MienError, match="UTF-8"):
        read_markers(table(tmp_path, "time_s,label\n1,Ärger\n", "latin-1"))
    with pytest.raises(MienError, match="No such file"):
        read_markers(tmp_path / "none.csv")
