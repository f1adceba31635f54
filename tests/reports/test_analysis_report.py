"""The analysis report: one file, offline, in which a person can judge each moment, and that promises nothing."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import Interval, MienError
from mien.reports import IntervalPictures, write_analysis_report
from mien.reports._pictures import motion_picture, photograph
from mien.reports._timeline import clock, timeline

SIZE = 128
VOID = {"meta", "link", "img", "br", "hr", "input"}
ERROR = {
    "text": "Trained without any real face, it names 62 of 100 real clips rightly.",
    "scores": [
        {"corpus": "SMIC-HS", "n": 164, "uf1": 0.59, "uar": 0.62, "accuracy": 0.58, "recall": {"negative": 0.36}},
        {"corpus": "SAMM", "n": 133},
    ],
}
WARNINGS = ["30.0 frames a second are few", "no face in 40 of 2000 frames"]
MOMENTS = [
    Interval(240, 264, 304, 1.2, 1.32, 1.52, 0.62, "negative", 0.7, {"negative": 0.7, "positive": 0.3}, "chin"),
    Interval(680, 700, 740, 3.4, 3.5, 3.7, 1.4, "positive", 0.45, {"negative": 0.4, "positive": 0.45}, "upper lip", 1,
             "small face; few frames"),
    Interval(1400, 1420, 1460, 7.0, 7.1, 7.3, 0.8),
]  # fmt: skip


class Page(HTMLParser):
    """Text and attributes of a page; fails where a tag is not closed, or closed out of turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    def values(self, name: str) -> list[str]:
        return [value for known, value in self.attributes if known == name]


def bump(u: float, v: float, at: tuple[int, int] = (40, 50), shift: float = 0.0) -> IntervalPictures:
    """A face that moves in one place, while the head shifts as a whole."""
    y, x = np.mgrid[:SIZE, :SIZE]
    weight = np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 200)
    flow = np.stack([u * weight + shift, v * weight - shift]).astype(np.float32)
    rng = np.random.default_rng(0)
    face = cv2.GaussianBlur(rng.integers(0, 256, (SIZE, SIZE), dtype=np.uint8), (0, 0), 4)
    face = np.repeat(face[..., None], 3, axis=2)
    return IntervalPictures(face, face.copy(), flow)


def report(
    folder: Path, intervals: list[Interval] = MOMENTS, frames: int = 2000, lost: slice = slice(900, 940), **changes: Any
) -> str:
    """The source of a report of a made-up recording at 200 frames a second."""
    times = np.arange(frames) / 200
    curve = np.abs(np.sin(times * 40)) * 0.2
    curve[lost] = np.nan
    model = {"method": "flow-svm", "classes": ["negative", "positive"], "label_map": None, "error": ERROR}
    document = {
        "source": "interview.mp4",
        "sha256": "0" * 64,
        "fps": 200.0,
        "frames": frames,
        "duration_s": float(times[-1]),
        "size": [640, 480],
        "face_frames": int(np.isfinite(curve).sum()),
        "face_events": [],
        "versions": {"mien": "0.1.0"},
        "model": model | changes.pop("model", {}),
        "recipe": {"flow": "tvl1", "crop": {"size": 128}},
        "spotting": {"method": "difference", "settings": {"least_px": 0.3, "half_widths_s": [0.09, 0.16]}},
        "warnings": WARNINGS,
        "intervals": [],
    }
    path = write_analysis_report(
        folder / "report.html",
        analysis=document | changes,
        intervals=intervals,
        pictures=[bump(0.2, -1.2)] * len(intervals),
        times_s=times,
        curve=curve,
    )
    return path.read_text(encoding="utf-8")


def test_the_page_is_balanced_and_loads_nothing_from_anywhere(tmp_path: Path) -> None:
    source = report(tmp_path)
    page = Page(source)
    assert "script" not in page.tags
    links = page.values("src") + page.values("href") + page.values("xlink:href")
    assert all(link.startswith(("data:", "#")) for link in links)
    assert {link[1:] for link in links if link.startswith("#")} <= set(page.values("id"))
    assert not re.search(r"@import|url\(|https?://", re.sub(r"data:[^\"]*", "", source))
    assert len(page.values("id")) == len(set(page.values("id")))
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]


def test_every_moment_has_its_card_its_mark_on_the_timeline_and_pictures_in_words(tmp_path: Path) -> None:
    page = Page(report(tmp_path))
    for number in (1, 2, 3):
        assert f"moment-{number}" in page.values("id")
        assert f"#moment-{number}" in page.values("href")
        assert f"Face at the apex of moment {number}, {MOMENTS[number - 1].apex_s:.3f} s" in page.values("alt")
    assert "How far the face moved from onset to apex; most in the chin" in page.values("aria-label")
    assert "3 possible micro-expressions in 10.0 s; face visible in 98 % of the frames" in page.text
    assert "onset 1.200 s, frame 240 apex 1.320 s, frame 264 offset 1.520 s, frame 304" in page.text
    assert "duration 320 ms, apex after 120 ms score 0.62 px moved most chin" in page.text


def test_a_class_is_told_by_its_shape_too(tmp_path: Path) -> None:
    source = report(tmp_path)
    drawn = dict(re.findall(r'<path class="shape" d="([^"]+)" fill="(#\w{6})"', source))
    assert len(drawn) == len(set(drawn.values())) == 2, "circles are shared with what was not read, never the colour"


def test_the_error_on_real_clips_stands_once_above_the_moments(tmp_path: Path) -> None:
    text = Page(report(tmp_path)).text
    assert text.count(ERROR["text"]) == 1
    assert text.index(ERROR["text"]) < text.index("probability 70 %")
    assert "SMIC-HS 164 58 % 36 % 0.59 0.62 SAMM 133 – – – –" in text
    assert "is not known" not in text


@pytest.mark.parametrize("error", [None, {}])
def test_an_error_that_nobody_measured_is_said_to_be_unknown(tmp_path: Path, error: dict | None) -> None:
    text = Page(report(tmp_path, model={"error": error})).text
    assert text.count("The error of this recogniser on real faces is not known.") == 1


def test_warnings_stand_before_any_result_and_flags_beside_their_moment(tmp_path: Path) -> None:
    page = Page(report(tmp_path))
    for warning in WARNINGS:
        assert page.text.index(warning) < page.text.index("Motion over time")
    assert "uncertain emotion small face few frames" in page.text
    assert page.text.count("uncertain emotion") == 1
    assert "Know this before" not in Page(report(tmp_path, warnings=[])).text


def test_a_decision_against_the_probabilities_is_said(tmp_path: Path) -> None:
    odd = replace(MOMENTS[0], emotion="positive", confidence=0.3)
    assert "another class is more probable" in Page(report(tmp_path, [odd])).text
    assert "another class is more probable" not in Page(report(tmp_path)).text


def test_nothing_found_reads_as_such_and_claims_nothing(tmp_path: Path) -> None:
    text = Page(report(tmp_path, [], warnings=[], lost=slice(0, 0))).text
    assert "No micro-expression was found in 10.0 s; face visible in 100 % of the frames" in text
    assert "That does not show that there was none" in text
    assert "probability" not in text


def test_limits_are_said_once_in_every_report(tmp_path: Path) -> None:
    for intervals in ([], MOMENTS):
        text = Page(report(tmp_path, intervals)).text
        for words in ("evidence of a lie", "no medical device", "consent", "Article 5(1)(f)"):
            assert text.count(words) == 1


def test_names_from_outside_are_text_never_markup(tmp_path: Path) -> None:
    evil = '<script>alert("1")</script> & <b>.mp4'
    odd = replace(MOMENTS[0], emotion=evil, region=evil, notes=evil, probabilities={evil: 0.7})
    outside = {"source": evil, "warnings": [evil], "versions": {evil: evil}, "model": {"error": {"text": evil}}}
    source = report(tmp_path, [odd], **outside)
    page = Page(source)
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert f"Possible micro-expressions in {evil}" in page.text


def test_what_is_not_known_is_a_gap_never_the_word_nan(tmp_path: Path) -> None:
    half = replace(MOMENTS[0], emotion="", confidence=float("nan"), probabilities={"negative": float("nan")})
    for lost in (slice(0, 1), slice(0, 2000), slice(1999, 2000), slice(0, 2000, 2)):
        source = re.sub(r"data:[^\"]*", "", report(tmp_path, [half, MOMENTS[2]], lost=lost))
        assert not re.search(r"\b[Nn]a[Nn]\b|\binf\b|\bNone\b", source)
    assert "emotion not read" in source


def test_settings_and_versions_are_there_folded(tmp_path: Path) -> None:
    page = Page(report(tmp_path))
    assert "details" in page.tags
    assert "open" not in [name for name, _ in page.attributes]
    for line in ("crop.size 128", "settings.half_widths_s 0.09, 0.16", "label_map –", "size 640, 480", "mien 0.1.0"):
        assert line in page.text


def test_an_hour_at_200_frames_a_second_stays_small(tmp_path: Path) -> None:
    source = report(tmp_path, [], frames=720_000, lost=slice(1000, 700_000, 3))
    assert len(source.encode()) < 300_000
    assert "in 1:00:00 h" in Page(source).text


def test_no_peak_is_lost_however_long_the_recording() -> None:
    curve = np.zeros(720_000)
    curve[345_678] = 1.0
    drawn = timeline(np.arange(720_000) / 200, curve, [], least_px=None)
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", drawn["curve"])]
    assert min(heights) == pytest.approx(drawn["plot_px"] * (1 - 1 / 1.08), abs=0.1)


def test_a_gap_without_a_face_is_grey_and_breaks_the_curve() -> None:
    times, curve = np.arange(101) / 10, np.full(101, 0.1)
    curve[40:60] = np.nan
    drawn = timeline(times, curve, [], least_px=0.3)
    assert drawn["lost"] == [{"left": 40.0, "width": 20.0}]
    assert drawn["curve"].count("M") == 2


@given(st.lists(st.floats(0, 100), max_size=40).map(sorted))
def test_marks_of_one_row_keep_their_distance_while_there_are_rows(apexes: list[float]) -> None:
    moments = [Interval(0, 0, 0, apex, apex, apex, 1.0) for apex in apexes]
    bands = timeline([0.0, 100.0], [0.0, 0.0], moments, None)["bands"]
    crowded = any(sum(abs(a - b) < 3 for b in apexes) > 6 for a in apexes)
    for lane in {band["lane"] for band in bands}:
        places = [band["apex"] for band in bands if band["lane"] == lane]
        assert crowded or all(b - a >= 2.99 for a, b in pairwise(places))


@given(st.floats(0, 1e6), st.floats(1e-3, 1e5))
def test_time_ticks_are_few_in_order_and_inside(start: float, length: float) -> None:
    ticks = timeline([start, start + length], [0.0, 0.0], [], None)["x_ticks"]
    places = [tick["at"] for tick in ticks]
    assert places == sorted(places)
    assert len(ticks) <= 14


def test_times_are_read_as_a_player_shows_them() -> None:
    assert [clock(time) for time in (0, 59.6, 61, 3599.995)] == ["0:00", "1:00", "1:01", "1:00:00"]
    assert clock(63.2046, 3) == "1:03.205"


def test_a_shift_of_the_whole_head_is_not_drawn() -> None:
    still = motion_picture(bump(0, 0, shift=3.0))
    assert still["arrows"] == ""
    moved, shifted = motion_picture(bump(0.1, -1.2)), motion_picture(bump(0.1, -1.2, shift=3.0))
    assert shifted["scale_px"] == moved["scale_px"]


def test_the_face_stays_grey_where_it_rests_and_is_coloured_where_it_moves() -> None:
    drawn = motion_picture(bump(0, -1.2, at=(32, 32)))
    data = np.frombuffer(base64.b64decode(drawn["image"].split(",")[1]), np.uint8)
    spread = np.ptp(cv2.imdecode(data, cv2.IMREAD_COLOR).astype(int), axis=2)
    assert spread[64, 64] > 80
    assert spread[160:, 160:].max() < 12


def test_arrows_point_where_the_face_went() -> None:
    parts = re.findall(r"M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)M", motion_picture(bump(1.0, -2.0))["arrows"])
    ways = np.array([(float(c) - float(a), float(d) - float(b)) for a, b, c, d in parts])
    assert len(ways) > 2
    assert (ways[:, 0] > 0).all()
    assert (ways[:, 1] < 0).all(), "v is positive downwards, as in the picture"


def test_photographs_are_small_and_keep_their_colour() -> None:
    red = np.zeros((SIZE, SIZE, 3), np.uint8)
    red[..., 0] = 200
    data = np.frombuffer(base64.b64decode(photograph(red).split(",")[1]), np.uint8)
    blue, green, red_mean = cv2.imdecode(data, cv2.IMREAD_COLOR).mean(axis=(0, 1))
    assert (blue, green, red_mean) == pytest.approx((0, 0, 200), abs=3)
    assert len(photograph(bump(1, 1).onset)) < 40_000


@pytest.mark.parametrize(
    ("onset", "flow"),
    [
        (np.zeros((8, 8, 3), np.uint8), np.zeros((2, 9, 9), np.float32)),
        (np.zeros((8, 9, 3), np.uint8), np.zeros((2, 8, 8), np.float32)),
        (np.zeros((8, 8), np.uint8), np.zeros((2, 8, 8), np.float32)),
        (np.zeros((8, 8, 3), np.float32), np.zeros((2, 8, 8), np.float32)),
        (np.zeros((0, 0, 3), np.uint8), np.zeros((2, 0, 0), np.float32)),
        (np.zeros((8, 8, 3), np.uint8), np.full((2, 8, 8), np.nan, np.float32)),
    ],
)
def test_pictures_that_do_not_fit_are_refused(onset: np.ndarray, flow: np.ndarray) -> None:
    with pytest.raises(MienError, match="expected"):
        IntervalPictures(onset, onset.copy(), flow)


@pytest.mark.parametrize(
    ("times", "curve"),
    [([], []), ([0, 1], [0]), ([1, 0], [0, 0]), ([0, np.nan], [0, 0]), ([0, 1], [0, np.inf]), ([[0], [1]], [[0], [1]])],
)
def test_a_curve_that_does_not_fit_its_times_is_refused(times: list, curve: list) -> None:
    with pytest.raises(MienError, match="expected"):
        timeline(times, curve, [], None)


def test_pictures_are_asked_for_each_interval(tmp_path: Path) -> None:
    document: dict[str, Any] = {"model": {}, "spotting": {"settings": {}}}
    with pytest.raises(MienError, match="got 3 intervals and 0"):
        write_analysis_report(
            tmp_path / "r.html", analysis=document, intervals=MOMENTS, pictures=[], times_s=[0], curve=[0]
        )
