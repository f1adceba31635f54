"""A video goes in, a report comes out: what it finds, what it says, what it writes."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

import mien
from mien.analysis import Analysis, find_sources
from mien.analysis._write import check_results_folder
from mien.core import MienError
from mien.synthesis import Event

EVENTS = [
    Event(0.8, 1.0, 1.2, (1, 2), intensity_px=1.6),
    Event(2.6, 2.75, 3.0, (6, 12), intensity_px=1.8),
]
BLINK = {"onset_s": 1.7, "apex_s": 1.8, "offset_s": 2.0}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds at 100 fps: raised brows, a blink, a smile, slight head motion and noise."""
    folder = tmp_path_factory.mktemp("clip")
    script = folder / "script.json"
    events = [
        {k: getattr(e, k) for k in ("onset_s", "apex_s", "offset_s", "action_units", "intensity_px")} for e in EVENTS
    ]
    script.write_text(json.dumps({"events": events, "blinks": [BLINK]}))
    return mien.render(folder / "clip.mp4", fps=100, seconds=4, size=(320, 240), seed=1, events=script)


@pytest.fixture(scope="module")
def found(clip: Path) -> Analysis:
    return mien.analyze(clip, out=clip.parent / "out", elan=True)


def overlap(interval: mien.Interval, event: Event) -> float:
    shared = min(interval.offset_s, event.offset_s) - max(interval.onset_s, event.onset_s)
    whole = max(interval.offset_s, event.offset_s) - min(interval.onset_s, event.onset_s)
    return max(0.0, shared) / whole


def test_the_rendered_expressions_are_found_and_the_blink_is_not(found: Analysis) -> None:
    assert len(found.intervals) == 2
    for interval, event in zip(found.intervals, EVENTS, strict=True):
        assert overlap(interval, event) >= 0.5
        assert interval.apex_s == pytest.approx(event.apex_s, abs=0.04)


def test_they_are_read_as_what_they_are(found: Analysis) -> None:
    assert [interval.emotion for interval in found.intervals] == ["surprise", "positive"]
    for interval in found.intervals:
        assert sum(interval.probabilities.values()) == pytest.approx(1)
        assert interval.confidence == interval.probabilities[interval.emotion]


def test_the_files_are_those_of_the_contract(found: Analysis) -> None:
    assert found.folder is not None
    assert found.folder.name == "clip"
    names = {path.name for path in found.folder.iterdir()}
    assert names == {"report.html", "intervals.csv", "frames.csv", "analysis.json", "clip.eaf"}
    with (found.folder / "intervals.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == [
        "onset_frame", "apex_frame", "offset_frame", "onset_s", "apex_s", "offset_s", "duration_s", "emotion",
        "confidence", "p_negative", "p_positive", "p_surprise", "score", "region", "face", "notes", "action_units",
        "named_units",
    ]  # fmt: skip
    assert len(rows) == 3
    with (found.folder / "frames.csv").open() as file:
        frames = list(csv.DictReader(file))
    assert list(frames[0])[:8] == ["frame", "time_s", "face", "box_x", "box_y", "box_w", "box_h", "motion"]
    assert [int(row["frame"]) for row in frames] == list(range(400))
    assert {row["face"] for row in frames} == {"1"}


def test_the_json_says_what_was_done(found: Analysis) -> None:
    assert found.folder is not None
    document = json.loads((found.folder / "analysis.json").read_text())
    assert {"source", "sha256", "fps", "frames", "size", "versions", "model", "recipe", "warnings", "intervals"} <= set(
        document
    )
    assert document["fps"] == pytest.approx(100)
    assert document["frames"] == 400
    assert document["recipe"]["name"] == "motion-map"
    assert "error" in document["model"]
    assert [row["apex_frame"] for row in document["intervals"]] == [i.apex_frame for i in found.intervals]


def test_an_interval_is_read_by_the_recipe_that_training_uses(clip: Path, found: Analysis) -> None:
    from mien.faces import Box, eye_crop_matrix, face_backend, warp
    from mien.methods import load_model
    from mien.motion import motion_map, optical_flow
    from mien.video import read_frames

    model, first = load_model("default"), found.intervals[0]
    onset, apex = (frame.image for frame in read_frames(clip, [first.onset_frame, first.apex_frame]))
    points = face_backend("dlib").landmarks(onset, Box(*found.track(1).boxes[first.onset_frame]))
    matrix = eye_crop_matrix(points, 128)
    seen = motion_map(optical_flow(warp(onset, matrix, 128), warp(apex, matrix, 128)))
    _, probabilities = model.predict(seen[None])
    assert dict(zip(model.classes, probabilities[0], strict=True)) == first.probabilities


def test_the_same_video_gives_the_same_intervals(clip: Path, found: Analysis) -> None:
    again = mien.analyze(clip)
    assert again.intervals == found.intervals
    assert again.folder is None


def test_frames_in_a_folder_are_a_recording_too(clip: Path, found: Analysis, tmp_path: Path) -> None:
    from mien.video import open_video, write_image

    with open_video(clip) as video:
        for frame in video:
            if frame.index < 180:
                write_image(tmp_path / "frames" / f"img{frame.index}.png", frame.image)
    result = mien.analyze(tmp_path / "frames", fps=100, out=tmp_path / "out")
    assert len(result.intervals) == 1
    assert abs(result.intervals[0].apex_frame - found.intervals[0].apex_frame) <= 1
    with pytest.raises(MienError, match="fps"):
        mien.analyze(tmp_path / "frames")


def test_a_low_frame_rate_is_said(tmp_path: Path) -> None:
    clip = mien.render(
        tmp_path / "slow.mp4", fps=25, seconds=2, size=(320, 240), events=[EVENTS[0]], distractors="none"
    )
    assert any("25.0 frames a second are few" in note for note in mien.analyze(clip).warnings)


def test_a_face_that_leaves_is_said_and_nothing_is_found_without_it(tmp_path: Path) -> None:
    from mien.video import open_video, write_video

    clip = mien.render(tmp_path / "a.mp4", fps=50, seconds=3, size=(320, 240), events=[EVENTS[0]], distractors="none")
    with open_video(clip) as video:
        frames = [frame.image if frame.index < 75 else np.full_like(frame.image, 90) for frame in video]
    result = mien.analyze(write_video(tmp_path / "b.mp4", frames, 50))
    assert any("no face in" in note for note in result.warnings)
    assert all(interval.offset_frame <= 75 for interval in result.intervals)
    assert not result.found[110:].any()


def test_a_recording_without_a_face_ends_with_one_line_and_no_files(tmp_path: Path) -> None:
    from mien.video import write_video

    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (240, 320, 3), dtype=np.uint8) for _ in range(10)]
    clip = write_video(tmp_path / "noise.mp4", noise, 25)
    with pytest.raises(MienError, match="without a face in any of its 10 frames") as caught:
        mien.analyze(clip, out=tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_names_keep_their_ending_where_two_share_a_stem(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mov", "b.mp4", "notes.txt"):
        (tmp_path / name).touch()
    assert {name for _, name in find_sources([tmp_path])} == {"a.mp4", "a.mov", "b"}


def test_two_sources_of_one_name_are_refused_since_one_result_would_replace_the_other(tmp_path: Path) -> None:
    for folder in ("monday", "tuesday"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.mp4").touch()
    with pytest.raises(MienError, match=r"two sources named 'a\.mp4'"):
        find_sources([tmp_path / "monday", tmp_path / "tuesday"])


def test_results_replace_earlier_results_and_nothing_else(clip: Path, tmp_path: Path) -> None:
    from mien.video import open_video, write_image

    with open_video(clip) as video:
        frames = [frame.image for frame in video][:40]
    for number, image in enumerate(frames):
        write_image(tmp_path / "person" / f"{number}.png", image)
    with pytest.raises(MienError, match="holds other things"):
        mien.analyze(tmp_path / "person", fps=100, out=tmp_path)
    assert len(list((tmp_path / "person").iterdir())) == 40
    for _ in range(2):
        result = mien.analyze(tmp_path / "person", fps=100, out=tmp_path / "out")
    assert result.folder == tmp_path / "out/person"


def results(folder: Path, *names: str) -> Path:
    """A folder of earlier results, and what else is named; files that were not edited since have one time."""
    folder.mkdir()
    for name in ("report.html", "intervals.csv", "frames.csv", "analysis.json", *names):
        (folder / name).touch()
        os.utime(folder / name, (1000, 1000))
    return folder


@pytest.mark.parametrize("names", [(), ("person.eaf",)])
def test_earlier_results_with_their_own_elan_file_are_replaced(tmp_path: Path, names: tuple[str, ...]) -> None:
    check_results_folder(results(tmp_path / "person", *names))


def test_an_elan_file_of_the_users_own_is_never_replaced(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"holds other things, such as 'human\.eaf'"):
        check_results_folder(results(tmp_path / "person", "human.eaf"))
    lone = results(tmp_path / "lone", "lone.eaf")
    (lone / "analysis.json").unlink()
    with pytest.raises(MienError, match=r"such as 'lone\.eaf'"):
        check_results_folder(lone)
    edited = results(tmp_path / "interview", "interview.eaf")
    os.utime(edited / "interview.eaf", (1001, 1001))
    with pytest.raises(MienError, match=r"interview\.eaf', which was edited after the analysis"):
        check_results_folder(edited)
    (tmp_path / "file").touch()
    with pytest.raises(MienError, match="which is a file"):
        check_results_folder(tmp_path / "file")


def test_what_mien_wrote_for_elan_does_not_count_as_edited(found: Analysis) -> None:
    assert found.folder is not None
    assert (found.folder / "clip.eaf").is_file()
    check_results_folder(found.folder)


def test_a_nearly_still_face_gives_at_most_one_interval(shared_data: Path) -> None:
    assert len(mien.analyze(shared_data / "media/evm_face.mp4").intervals) <= 1


def test_intervals_lie_where_there_is_a_face(shared_data: Path) -> None:
    result = mien.analyze(shared_data / "media/face_noface.mov")
    assert 0 < result.found.sum() < len(result.found)
    for interval in result.intervals:
        assert result.found[interval.onset_frame : interval.offset_frame + 1].all()
