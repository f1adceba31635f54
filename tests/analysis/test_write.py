"""What an analysis leaves in its folder: exports by name, the annotated video, the quality of the recording."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.analysis import Analysis, _video
from mien.analysis._follow import Track
from mien.analysis._write import EXPORTS, check_exports, check_results_folder, write_analysis
from mien.core import Interval, MienError
from mien.protocols import read_intervals
from mien.reports import IntervalPictures
from mien.spotting import REGIONS, Curves, SpotSettings
from mien.video import open_video, write_video

CARD = {
    "method": "svm",
    "classes": ["negative", "positive", "surprise"],
    "labels": {},
    "training_data": {"root": "/home/anna/models/secret"},
    "error": None,
    "recipe": {"name": "motion-map"},
}
MOMENT = Interval(
    10, 14, 20, 0.4, 0.56, 0.8, 0.9, "surprise", 0.8, {"negative": 0.1, "positive": 0.1, "surprise": 0.8}, "chin"
)
SIZE = (320, 240)
BOX = (100.0, 80.0, 90.0, 90.0)


def followed(times_s: Sequence[float], face: int = 1, *, gone: Sequence[int] = (), box: Any = BOX) -> Track:
    """A face that stays where it is; frames in ``gone`` do not show it."""
    count = len(times_s)
    found = ~np.isin(np.arange(count), gone)
    times, frames = np.array(times_s, float), np.arange(count)
    curves = Curves(times, frames, np.zeros((count, len(REGIONS), 2)), np.full(count, 0.3), np.zeros((count, 2)))
    boxes, quality = np.tile(np.array(box), (count, 1)), np.tile([120.0, 0.25, 3.0, -2.0, 1.0], (count, 1))
    boxes[~found], quality[~found] = np.nan, np.nan
    motion = np.where(found, np.hypot(0.1, np.sin(times)), np.nan)
    return Track(face, frames, times, found, boxes, quality, [(0, "found")], curves, motion)


def analysis(source: Path, times_s: Sequence[float], intervals: Sequence[Interval] = (), **changed: Any) -> Analysis:
    """An analysis as ``mien.analyze`` makes it, of a recording with one face."""
    picture = np.zeros((32, 32, 3), np.uint8)
    times = np.array(times_s, float)
    made = Analysis(
        source=source,
        sha256="0" * 64,
        fps=25.0,
        size=SIZE,
        intervals=tuple(intervals),
        evidence=tuple(IntervalPictures(picture, picture, np.zeros((2, 32, 32), np.float32)) for _ in intervals),
        macro=(),
        frames=np.arange(len(times)),
        times_s=times,
        tracks=(followed(times_s),),
        warnings=(),
        model=CARD,
        spotter="mien",
        settings=SpotSettings(),
    )
    return replace(made, **changed)


def every(seconds: float, count: int) -> list[float]:
    return [index * seconds for index in range(count)]


def film(path: Path, count: int, size: tuple[int, int] = SIZE) -> Path:
    """A video whose frames get brighter by 4 from one to the next, from 40."""
    frames = (np.full((size[1], size[0], 3), 40 + 4 * index, np.uint8) for index in range(count))
    return write_video(path, frames, 25)


@pytest.fixture
def found(tmp_path: Path) -> Analysis:
    return analysis(film(tmp_path / "talk.mp4", 30), every(0.04, 30), [MOMENT])


def test_each_export_is_one_file_in_the_folder(found: Analysis, tmp_path: Path) -> None:
    made = write_analysis(found, tmp_path / "out/talk", exports=list(EXPORTS))
    assert made.folder == tmp_path / "out/talk"
    assert {path.name for path in made.folder.iterdir()} == {
        "report.html", "intervals.csv", "frames.csv", "analysis.json",
        "talk.eaf", "talk_megc.csv", "talk_openface.csv", "talk_annotated.mp4",
    }  # fmt: skip
    [spans] = read_intervals(made.folder / "talk_megc.csv").values()
    assert [(span.onset_frame, span.offset_frame, span.kind) for span in spans] == [(11, 21, "micro")]
    [seen] = read_intervals(made.folder / "talk.eaf").values()
    assert [(span.onset_s, span.offset_s, span.emotion) for span in seen] == [(0.4, 0.8, "surprise")]
    with (made.folder / "talk_openface.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows] == list(range(1, 31))
    assert {row["success"] for row in rows} == {"1"}


def test_without_exports_there_are_the_four_files_of_the_contract(found: Analysis, tmp_path: Path) -> None:
    folder = write_analysis(found, tmp_path / "out/talk").folder
    assert folder is not None
    assert {path.name for path in folder.iterdir()} == {"report.html", "intervals.csv", "frames.csv", "analysis.json"}


def test_an_unknown_export_is_refused_before_anything_is_written(found: Analysis, tmp_path: Path) -> None:
    with pytest.raises(MienError, match="got the export 'xlsx'; expected one of elan, megc, openface, mp4"):
        write_analysis(found, tmp_path / "out/talk", exports=["elan", "xlsx"])
    assert not (tmp_path / "out").exists()
    with pytest.raises(MienError, match="got the export 'mp4' of"):
        check_exports(["mp4"], tmp_path / "gone.mp4")
    assert check_exports(["mp4", "elan", "mp4"]) == ("elan", "mp4")
    assert check_exports("megc") == ("megc",)


def test_earlier_results_with_exports_are_replaced(found: Analysis, tmp_path: Path) -> None:
    for _ in range(2):
        folder = tmp_path / "out/talk"
        check_results_folder(folder)
        write_analysis(found, folder, exports=["elan", "megc"])
    assert len(list(folder.iterdir())) == 6


@pytest.mark.parametrize("export", EXPORTS)
def test_an_export_that_was_edited_is_never_replaced(tmp_path: Path, export: str) -> None:
    folder = tmp_path / "talk"
    folder.mkdir()
    edited = folder / EXPORTS[export].format(name="talk")
    for path in (folder / "analysis.json", edited):
        path.touch()
        os.utime(path, (1000, 1000))
    check_results_folder(folder)
    os.utime(edited, (1001, 1001))
    with pytest.raises(MienError, match="edited after the analysis"):
        check_results_folder(folder)


def test_if_an_export_fails_nothing_is_left(found: Analysis, tmp_path: Path) -> None:
    broken = replace(found, intervals=(replace(MOMENT, onset_s=math.nan),))
    with pytest.raises(MienError, match="onset before offset"):
        write_analysis(broken, tmp_path / "out/talk", exports=["elan"])
    assert not list((tmp_path / "out").iterdir())


def test_quality_says_what_can_be_seen(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.08, 0.20, 0.24]  # two frames are missing
    track = followed(times, gone=[4])
    track.quality[:3, 2] = (30.0, -26.0, 10.0)
    track.quality[:4, 0] = (100.0, 110.0, 120.0, 130.0)
    folder = write_analysis(analysis(tmp_path / "a.mp4", times, tracks=(track,)), tmp_path / "a").folder
    assert folder is not None
    document = json.loads((folder / "analysis.json").read_text())
    quality = document["quality"]
    assert quality["face_px"] == 115.0
    assert quality["blur"] == 0.25
    assert quality["turned_share"] == 0.5
    assert quality["pitch"] == [-2.0, -2.0]
    assert quality["missing_frames"] == 2
    assert document["faces"][0]["quality"]["face_px"] == 115.0


def test_a_recording_without_any_number_is_still_valid_json(tmp_path: Path) -> None:
    track = followed(every(0.04, 5), gone=range(5))
    interval = replace(MOMENT, confidence=math.nan, emotion="", probabilities={})
    made = analysis(tmp_path / "a.mp4", every(0.04, 5), [interval], tracks=(track,))
    folder = write_analysis(made, tmp_path / "a", exports=["openface"]).folder
    assert folder is not None
    text = (folder / "analysis.json").read_text()
    assert json.loads(text, parse_constant=pytest.fail)["quality"]["face_px"] is None


def test_the_annotated_video_keeps_the_recordings_timing(found: Analysis, tmp_path: Path) -> None:
    path = _video.write_annotated(tmp_path / "a.mp4", found)
    video = open_video(path)
    assert video.fps == pytest.approx(25)
    frames = list(video)
    assert [frame.time_s for frame in frames] == pytest.approx(every(0.04, 30), abs=1e-3)
    assert [frame.image[5, 5].mean() for frame in frames] == pytest.approx([40 + 4 * i for i in range(30)], abs=3)


def test_a_frame_that_lasts_longer_is_repeated_and_one_too_short_is_left_out(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.045, 0.08, 0.20, 0.24]
    made = analysis(film(tmp_path / "a.mp4", 6), times)
    shown = [int(image[5, 5].mean()) for image in _video._drawn(made, neutral=False)]
    assert shown == pytest.approx([40, 48, 52, 52, 52, 56, 60], abs=3)


def test_a_box_has_the_colour_of_its_class_while_the_interval_lasts(found: Analysis) -> None:
    frames = list(_video._drawn(found, neutral=False))
    edge = [tuple(image[125, 100].tolist()) for image in frames]
    surprise = _video._COLOURS[2]
    assert [index for index, colour in enumerate(edge) if colour == surprise] == list(range(10, 21))
    assert edge[9] == edge[21] == _video._PLAIN
    label = [image[62:76, 100:230].max() for image in frames]
    assert label[15] > 200


def test_labels_say_class_and_probability() -> None:
    assert _video._reading(MOMENT) == "surprise 80 %"
    assert _video._reading(replace(MOMENT, confidence=0.4)) == "surprise 40 % (uncertain)"
    assert _video._reading(replace(MOMENT, emotion="")) == "micro-expression"


def test_each_of_two_faces_has_its_own_box(tmp_path: Path) -> None:
    times = every(0.04, 3)
    tracks = (followed(times), followed(times, 2, gone=[1], box=(220.0, 80.0, 60.0, 60.0)))
    made = analysis(film(tmp_path / "a.mp4", 3), times, tracks=tracks)
    frames = list(_video._drawn(made, neutral=False))
    assert [tuple(image[110, 220].tolist()) == _video._PLAIN for image in frames] == [True, False, True]


def test_the_cursor_moves_along_the_strip(found: Analysis) -> None:
    strip = _video._Strip.of(found, 640, 0)
    at = [int(np.argmax((strip.at(time)[30] == _video._INK).all(axis=1))) for time in (0.0, 0.4, 0.8)]
    assert at[2] - at[1] == pytest.approx(at[1] - at[0], abs=1)
    assert at[1] - at[0] > 100


def test_a_long_recording_turns_pages(tmp_path: Path) -> None:
    strip = _video._Strip.of(analysis(tmp_path / "a.mp4", every(0.5, 61)), 640, 0)
    assert np.array_equal(strip.at(1.0) == _video._INK, strip.at(1.0) == _video._INK)
    first, second = strip.at(2.0), strip.at(12.0)
    assert strip.page is not None
    assert strip.page[0] == 1
    assert not np.array_equal(first, second)


@pytest.mark.parametrize(("seconds", "page"), [(12.0, 0), (20.0, 1), (25.0, 2), (0.0, 0)])
def test_the_last_frame_is_on_the_page_of_those_before_it(tmp_path: Path, seconds: float, page: int) -> None:
    times = every(0.5, int(seconds * 2) + 1)
    strip = _video._Strip.of(analysis(tmp_path / "a.mp4", times), 640, 0)
    strip.at(float(times[-1]))
    assert strip.page is not None
    assert strip.page[0] == page


@pytest.mark.parametrize("size", [(16, 16), (33, 47), (320, 240), (641, 361)])
def test_any_size_gives_a_video_of_even_sides_wide_enough_to_read(tmp_path: Path, size: tuple[int, int]) -> None:
    made = analysis(film(tmp_path / "a.mkv", 2, size), every(0.04, 2), size=size)
    width, height = open_video(_video.write_annotated(tmp_path / "b.mp4", made)).size
    assert width % 2 == height % 2 == 0
    assert width >= 320
    assert height > size[1]


def test_frames_are_drawn_one_at_a_time(found: Analysis, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    pictures = _video._pictures

    def counted(*arguments: Any) -> Any:
        for row, image in pictures(*arguments):
            read.append(row)
            yield row, image

    monkeypatch.setattr(_video, "_pictures", counted)
    next(_video._drawn(found, neutral=False))
    assert read == [0]
