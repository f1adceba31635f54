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

from mien.core import Interval, MienError, Movement
from mien.reports import IntervalPictures, write_analysis_report
from mien.reports._moments import say_direction
from mien.reports._pictures import motion_picture, photograph
from mien.reports._timeline import timeline

SIZE = 128
VOID = {"meta", "link", "img", "br", "hr", "input", "source"}
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
    folder: Path,
    intervals: list[Interval] = MOMENTS,
    frames: int = 2000,
    lost: slice = slice(900, 940),
    pictures: list[Any] | None = None,
    faces: tuple[Any, ...] = (),
    **changes: Any,
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
        "spotting": {"method": "difference", "settings": {"least_score": 0.3, "half_widths_s": [0.09, 0.16]}},
        "warnings": WARNINGS,
        "intervals": [],
    }
    path = write_analysis_report(
        folder / "report.html",
        analysis=document | changes,
        intervals=intervals,
        pictures=[bump(0.2, -1.2)] * len(intervals) if pictures is None else pictures,
        times_s=times,
        curve=curve,
        faces=faces,
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
    assert "duration 320 ms, apex after 120 ms score 0.6 moved most chin" in page.text


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
        assert page.text.index(warning) < page.text.index("Quality of the recording")
    assert "uncertain emotion small face few frames" in page.text
    assert page.text.count("uncertain emotion") == 1
    assert "Know this before" not in Page(report(tmp_path, warnings=[])).text


def test_no_probability_is_said_as_certainty(tmp_path: Path) -> None:
    sure = replace(MOMENTS[0], confidence=0.9996, probabilities={"negative": 0.9996, "positive": 0.0004})
    text = Page(report(tmp_path, [sure], lost=slice(0, 40))).text
    assert "probability >99 %" in text
    assert "negative >99 % positive <1 %" in text
    assert not re.search(r"\b(100|0) %", text)


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


def test_a_shift_of_the_whole_head_is_not_drawn() -> None:
    still = motion_picture(bump(0, 0, shift=3.0).flow)
    assert still["arrows"] == ""
    moved, shifted = motion_picture(bump(0.1, -1.2).flow), motion_picture(bump(0.1, -1.2, shift=3.0).flow)
    assert shifted["scale_px"] == moved["scale_px"]


def test_the_face_stays_grey_where_it_rests_and_is_coloured_where_it_moves() -> None:
    drawn = motion_picture(bump(0, -1.2, at=(32, 32)).flow)
    data = np.frombuffer(base64.b64decode(drawn["image"].split(",")[1]), np.uint8)
    spread = np.ptp(cv2.imdecode(data, cv2.IMREAD_COLOR).astype(int), axis=2)
    assert spread[64, 64] > 80
    assert spread[160:, 160:].max() < 12


def test_arrows_point_where_the_face_went() -> None:
    parts = re.findall(r"M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)M", motion_picture(bump(1.0, -2.0).flow)["arrows"])
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


def test_pictures_are_asked_for_each_interval(tmp_path: Path) -> None:
    document: dict[str, Any] = {"model": {}, "spotting": {"settings": {}}}
    with pytest.raises(MienError, match="got 3 intervals and 0"):
        write_analysis_report(
            tmp_path / "r.html", analysis=document, intervals=MOMENTS, pictures=[], times_s=[0], curve=[0]
        )


def moving(count: int = 8) -> IntervalPictures:
    """As :func:`bump`, with the frames of its loop."""
    still = bump(0.2, -1.2)
    frames = np.stack([np.roll(still.onset, k % 5, axis=0) for k in range(count)])
    return IntervalPictures(still.onset, still.apex, still.flow, frames, 1.2 + np.arange(count) / 28)


def test_a_loop_says_how_much_it_is_slowed_and_magnified_and_offers_a_still(tmp_path: Path) -> None:
    page = Page(report(tmp_path, MOMENTS[:2], pictures=[moving(), bump(0.2, -1.2)]))
    assert page.tags.count("picture") == 1, "a moment without frames has none"
    assert "250 ms in 2.0 s: 8 times slowed, motion 4 times magnified" in page.text
    assert page.values("media").count("(prefers-reduced-motion: reduce)") == 1
    assert all(src.startswith("data:image/webp") for src in page.values("srcset"))
    assert "Moment 1 from onset to offset, slowed and its motion magnified" in page.values("alt")
    assert "picture" not in Page(report(tmp_path, MOMENTS)).tags


def test_where_the_recogniser_looked_is_shown_where_it_can_say(tmp_path: Path) -> None:
    plain = bump(0.2, -1.2)
    looked = replace(plain, heat=np.eye(7, dtype=np.float32))
    page = Page(report(tmp_path, MOMENTS[:2], pictures=[looked, plain]))
    assert "Where the recogniser looked in moment 1" in page.values("alt")
    assert "Where the recogniser looked in moment 2" not in page.values("alt")


def test_what_moved_is_told_in_words_and_suggests_units_by_name(tmp_path: Path) -> None:
    smile = (Movement("left mouth corner", -0.8, -0.9), Movement("right mouth corner", 0.7, 0.0))
    told = replace(MOMENTS[0], movements=smile, action_units={12: 0.81, 99: 0.1})
    text = Page(report(tmp_path, [told])).text
    assert "left mouth corner 1.2 px up and outward (left) right mouth corner 0.7 px outward (right)" in text
    assert "The movement suggests AU 12 (lip corner puller) 0.81, AU 99 0.10" in text
    assert "suggests AU" not in Page(report(tmp_path)).text
    assert "What moved" not in Page(report(tmp_path)).text


def test_units_that_the_recogniser_names_stand_with_their_probability_and_what_it_is(tmp_path: Path) -> None:
    text = Page(report(tmp_path, [replace(MOMENTS[0], named_units={12: 0.996, 6: 0.45})])).text
    assert "The recogniser names AU 12 (lip corner puller) >99 %, AU 6 (cheek raiser) 45 %" in text
    assert "stands its probability: a reading of motion, not a coding by a trained person" in text
    assert "recogniser names" not in Page(report(tmp_path)).text


@pytest.mark.parametrize(
    ("movement", "words"),
    [
        (("chin", 0.0, 2.0), "down"),
        (("upper lip", -1.0, 0.1), "left"),
        (("left inner brow", 0.5, -0.5), "up and inward (right)"),
        (("right cheek", -0.5, 0.5), "down and inward (left)"),
        (("right mouth corner", 1.0, 0.3), "outward (right)"),
        (("chin", 0.0, 0.0), "–"),
    ],
)
def test_left_and_right_are_the_pictures_and_outward_is_away_from_the_nose(movement: tuple, words: str) -> None:
    assert say_direction(Movement(*movement)) == words


def test_units_bear_the_names_that_the_synthesis_gives_them() -> None:
    from mien.reports._moments import _UNITS
    from mien.synthesis import ACTION_UNITS

    known = {unit.number: unit.name for unit in ACTION_UNITS.values()}
    assert {number: _UNITS.get(number) for number in known} == known


def test_regions_that_moved_little_are_counted_not_listed(tmp_path: Path) -> None:
    moved = tuple(Movement(f"region {i}", 0.0, 2.0 - 0.1 * i) for i in range(8))
    text = Page(report(tmp_path, [replace(MOMENTS[0], movements=moved)])).text
    assert "region 5" in text
    assert "region 6" not in text
    assert "2 more regions moved less" in text


def test_one_face_is_drawn_as_if_it_were_not_numbered(tmp_path: Path) -> None:
    times = np.arange(2000) / 200
    one = ((1, times, np.zeros(2000)),)
    assert report(tmp_path, faces=one) == report(tmp_path)
    several = Page(report(tmp_path, faces=(*one, (2, times, np.zeros(2000))))).text
    assert "Face 1" in several
    assert "face 1 · probability 70 %" in several


def test_faces_beyond_those_there_is_room_for_are_named(tmp_path: Path) -> None:
    times = np.arange(2000) / 200
    faces = tuple((face, times[: 2000 - face], np.zeros(2000 - face)) for face in range(1, 16))
    found = [replace(moment, face=15) for moment in MOMENTS]
    text = Page(report(tmp_path, found, faces=faces)).text
    assert "Not drawn for want of room: face 12, 13, 14." in text


def test_longer_expressions_are_bars_and_a_line_never_cards(tmp_path: Path) -> None:
    longer = [{"onset_s": 5.0, "offset_s": 6.25, "face": 1}, {"onset_s": 0.5, "offset_s": 1.2, "face": 1}]
    source = report(tmp_path, macro_expressions=longer)
    page = Page(source)
    assert "2 longer expressions (macro): 0.7 s at 0.5 s, 1.2 s at 5.0 s." in page.text
    assert source.count('class="longer"') == 2
    assert page.tags.count("article") == len(MOMENTS)
    assert "longer expression" not in Page(report(tmp_path, macro_expressions=[])).text


def test_a_recording_read_in_part_says_so_first(tmp_path: Path) -> None:
    text = Page(report(tmp_path, partial="the file ends early")).text
    assert text.index("the file ends early") < text.index(WARNINGS[0])
    assert "Not the whole recording" not in Page(report(tmp_path, partial=None)).text


def test_the_quality_of_the_recording_is_told_as_far_as_it_is_known(tmp_path: Path) -> None:
    text = Page(report(tmp_path)).text
    assert "frames 200.0 a second 2,000 in all; one every 5.0 ms picture 640 × 480 px face visible 98 %" in text
    assert "head turned" not in text
    known = {"face_px": 212.4, "yaw": [-4.2, 11.0], "light_flicker": 0.123456, "blur": None, "roll": [None, 2.0]}
    text = Page(report(tmp_path, quality=known)).text
    assert "width of the face 212 px median head turned −4° to +11°" in text
    assert "light flicker 0.1235 head tilted –, 2 0° is upright" in text
    assert "sharpness" not in text


def test_conditions_are_a_table_and_markers_stand_in_the_timeline(tmp_path: Path) -> None:
    rows = [
        {"condition": "film", "minutes": 1.5, "events": 2, "events_per_minute": 1.333, "ci95": [0.16, 4.8]},
        {"condition": "rest", "minutes": 0.0, "events": 0, "events_per_minute": None, "ci95": None},
    ]
    marks = [{"time_s": 5.0, "label": "film", "end_s": 7.5}, {"time_s": 2.5, "label": "question", "end_s": None}]
    page = Page(report(tmp_path, conditions=rows, markers=marks))
    assert "film 1.50 2 1.33 0.16 to 4.80 rest 0.00 0 – –" in page.text
    assert "film 0:05.0 0:07.5 question 0:02.5 –" in page.text
    drawn = timeline([0.0, 10.0], [0.0, 0.0], [], None, markers=marks)["markers"]
    assert [(m["left"], m["width"], m["lasts"], m["room"]) for m in drawn] == [
        (25.0, 0.0, False, 25.0),
        (50.0, 25.0, True, 50.0),
    ]
    without = Page(report(tmp_path)).text
    assert "By condition" not in without
    assert "Markers" not in without


def test_motion_alone_shows_nothing_of_the_face(tmp_path: Path) -> None:
    shown = bump(0.2, -1.2, at=(32, 32))
    source = report(tmp_path, MOMENTS[:1], pictures=[shown.flow])
    page = Page(source)
    assert "img" not in page.tags
    assert page.tags.count("image") == 1
    (address,) = [link for link in page.values("href") if link.startswith("data:image")]
    data = np.frombuffer(base64.b64decode(address.split(",")[1]), np.uint8)
    ground = cv2.imdecode(data, cv2.IMREAD_COLOR)[160:, 160:]
    assert np.ptp(ground) < 12, "one grey where nothing moves"
    assert "flips between" not in page.text


def test_a_moment_without_any_picture_keeps_its_numbers(tmp_path: Path) -> None:
    page = Page(report(tmp_path, MOMENTS[:1], pictures=[None]))
    assert "img" not in page.tags
    assert "image" not in page.tags
    assert "duration 320 ms, apex after 120 ms" in page.text


def test_of_a_thousand_moments_the_strongest_have_cards_and_all_are_listed(tmp_path: Path) -> None:
    many = [Interval(k, k, k, k / 100, k / 100, k / 100, score=k / 1000) for k in range(1000)]
    source = report(tmp_path, many, pictures=[None] * 1000)
    page = Page(source)
    assert page.tags.count("article") == 200
    assert sum(name.startswith("moment-") for name in page.values("id")) == 1000
    assert page.text.index("1000 emotion not read") < page.text.index("Further moments")
    assert "200 of 1000 moments, those of the highest score, have a card" in page.text
    assert source.count('class="span"') == 1000
    assert len(source) < 1_500_000


def test_fifty_moments_with_all_their_pictures_stay_below_12_mb(tmp_path: Path) -> None:
    full = replace(moving(28), heat=np.eye(28, dtype=np.float32))
    one, two = (len(report(tmp_path, MOMENTS[:1] * n, pictures=[full] * n)) for n in (1, 2))
    assert one + 49 * (two - one) < 12_000_000


def test_whatever_comes_from_outside_is_escaped_in_the_optional_parts_too(tmp_path: Path) -> None:
    evil = '"><script>x</script><b>'
    odd = replace(MOMENTS[0], movements=(Movement(evil, 1.0, 0.0),))
    outside: dict[str, Any] = {
        "partial": evil,
        "quality": {evil: evil},
        "markers": [{"time_s": 1.0, "label": evil, "end_s": 2.0}],
        "conditions": [{"condition": evil, "minutes": 1.0, "events": 1, "events_per_minute": 1.0, "ci95": None}],
    }
    page = Page(report(tmp_path, [odd], **outside))
    assert "script" not in page.tags
    assert "b" not in page.tags
    assert page.text.count("<script>x</script>") >= 6


def test_headings_go_down_one_level_at_a_time(tmp_path: Path) -> None:
    levels = [int(tag[1]) for tag in Page(report(tmp_path)).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_the_report_says_what_its_threshold_means_where_that_was_measured(tmp_path: Path) -> None:
    settings = {"method": "mien", "settings": {"least_score": 4.5}}
    rate = {"false_alarms_per_min": 0.964, "recall": 0.828}
    told = " ".join(report(tmp_path, spotting=settings | {"expected": rate}).split())
    assert "<strong>1.0 false alarms a minute</strong>" in told
    assert "found 83 % of the movements" in told
    for unknown in (settings, settings | {"expected": None}):
        assert "false alarms a minute" not in report(tmp_path, spotting=unknown)
