"""Spotting over a corpus: the corpus's numbers against ours, what is kept, and videos that cannot be read."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.analysis import spot_corpus
from mien.core import AnnotatedInterval, Interval, LongVideo, MienError, Source
from mien.protocols import agree, read_intervals
from mien.spotting import Curves, SpotSettings, Spotted, Spotter
from mien.video import write_image

FPS = 50.0
MICRO, MACRO = (10, 14, 20), (25, 40, 60)  # rows of the video in which the stand-in finds something


def find_fixed(curves: Curves, settings: SpotSettings, face: int) -> Spotted:
    """Always the same rows of what is there, whatever moved."""

    def interval(rows: tuple[int, int, int], kind: str) -> Interval:
        frames = (int(curves.frames[row]) for row in rows)
        times = (float(curves.times_s[row]) for row in rows)
        return Interval(*frames, *times, score=1.0, region="chin", face=face, kind=kind)  # type: ignore[arg-type]

    macro = [interval(MACRO, "macro")] if len(curves.frames) > MACRO[2] else []
    return [interval(MICRO, "micro")], macro, np.zeros(len(curves.frames))


@pytest.fixture(autouse=True)
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Spotter("fixed", "the same rows always", "none", find_fixed)
    # Not by the module's name: pytest imports it a second time for its doctests.
    monkeypatch.setitem(spot_corpus.__globals__, "SPOTTERS", {"fixed": entry, "other": replace(entry, name="other")})


def film(folder: Path, numbers: list[int]) -> Path:
    """A face that does not move, in frames with these numbers."""
    image = np.random.default_rng(0).integers(0, 255, (128, 128), np.uint8)
    folder.mkdir(parents=True)
    for number in numbers:
        write_image(folder / f"img{number:03d}.png", image)
    return folder


def video(folder: Path, name: str, *intervals: AnnotatedInterval) -> LongVideo:
    return LongVideo("made", "made/s1", f"made/s1/{name}", Source("frames", folder), FPS, intervals)


def annotated(kind: str, onset: int, apex: int | None, offset: int | None) -> AnnotatedInterval:
    return AnnotatedInterval(f"{kind}{onset}", kind, onset, apex, offset, "others")  # type: ignore[arg-type]


def spot(videos: list[LongVideo], out: Path, **options: object) -> dict:
    given = {"spotter": "fixed", "faces": "precropped", "jobs": 1, **options}
    return spot_corpus(videos, out, **given)  # type: ignore[arg-type]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("first", [0, 1, 147])
def test_annotated_numbers_meet_ours_whatever_the_first_is(tmp_path: Path, first: int) -> None:
    """The usual mistake: a corpus whose first frame is img001 against rows that count from 0."""
    truth = [annotated(kind, *(row + first for row in at)) for kind, at in (("micro", MICRO), ("macro", MACRO))]
    folder = film(tmp_path / "frames", list(range(first, first + 80)))
    scores = spot([video(folder, "v", *truth)], tmp_path / "out")["scores"]
    assert (scores["tp"], scores["fp"], scores["fn"]) == (2, 0, 0)
    assert [scores[f"{point}_error_ms"] for point in ("onset", "apex", "offset")] == [0, 0, 0]
    micro = rows(tmp_path / "out" / "intervals.csv")[0]
    assert [int(micro[f"{point}_frame"]) for point in ("onset", "apex", "offset")] == [*MICRO], "ours count from 0"
    assert [int(micro[f"{point}_number"]) - first for point in ("onset", "apex", "offset")] == [*MICRO]
    assert float(micro["onset_s"]) == MICRO[0] / FPS


def test_a_frame_off_is_an_error_of_a_frame(tmp_path: Path) -> None:
    truth = annotated("micro", MICRO[0] + 2, None, MICRO[2] + 2)
    scores = spot([video(film(tmp_path / "f", list(range(1, 60))), "v", truth)], tmp_path / "out")["scores"]
    assert scores["onset_error_ms"] == pytest.approx(1000 / FPS)


def test_overlap_counts_the_last_frame_as_the_challenges_do(tmp_path: Path) -> None:
    """Frames 10..20 against 10..31: 11 of 22 frames are half; in seconds 10 of 21 would not be."""
    truth = annotated("micro", 10, None, 31)
    assert spot([video(film(tmp_path / "f", list(range(60))), "v", truth)], tmp_path / "out")["scores"]["tp"] == 1


def test_missing_frames_are_a_hole_in_time_and_keep_their_numbers(tmp_path: Path) -> None:
    numbers = [*range(1, 6), *range(45, 80)]
    truth = annotated("micro", numbers[MICRO[0]], numbers[MICRO[1]], numbers[MICRO[2]])
    unseen = annotated("macro", 20, 25, 30)
    document = spot([video(film(tmp_path / "f", numbers), "v", truth, unseen)], tmp_path / "out")
    assert (document["scores"]["tp"], document["scores"]["fn"]) == (1, 1)
    assert document["scores"]["onset_error_ms"] == 0
    [one] = document["videos"]
    assert "39 frames are missing (numbers 6-44)" in one["warnings"][0]
    assert "1 annotated intervals begin or end where there is no frame: macro20" in one["warnings"][1]
    assert (one["first_number"], one["frames"], one["duration_s"]) == (1, 40, pytest.approx(78 / FPS))
    found = rows(tmp_path / "out" / "intervals.csv")[0]
    assert (int(found["onset_frame"]), int(found["onset_number"])) == (49, 50)
    assert float(found["onset_s"]) == pytest.approx(49 / FPS)


def test_the_two_tables_agree_as_the_scores_say(tmp_path: Path) -> None:
    truth = [annotated("micro", 12, 15, 22), annotated("micro", 50, 55, 58), annotated("macro", 26, None, 61)]
    document = spot([video(film(tmp_path / "f", list(range(1, 80))), "v", *truth)], tmp_path / "out")
    files = (tmp_path / "out" / "truth.csv", tmp_path / "out" / "intervals.csv")
    again, scores = agree(*files, fps=FPS), document["scores"]
    for name in ("unit", "tp", "fp", "fn", "f1", "by_video"):
        assert again[name] == scores[name]
    assert again["onset_error_ms"] == pytest.approx(scores["onset_error_ms"])
    assert again["by_kind"]["micro"]["fn"] == 1
    assert {span.kind for span in read_intervals(files[1])["made/s1/v"]} == {"micro", "macro"}


def test_kinds_are_scored_apart_and_videos_without_anything_count(tmp_path: Path) -> None:
    """A macro-expression where a micro-expression is annotated is no match."""
    first = video(film(tmp_path / "a", list(range(80))), "a", annotated("micro", *MACRO))
    empty = video(film(tmp_path / "b", list(range(50))), "b")
    scores = spot([first, empty], tmp_path / "out")["scores"]
    assert scores["by_kind"]["micro"]["tp"] == scores["by_kind"]["macro"]["tp"] == 0
    assert scores["by_video"]["made/s1/b"] == {"tp": 0, "fp": 1, "fn": 0}
    assert (scores["n_truth"], scores["n_found"]) == (1, 3)


def test_what_cannot_be_read_is_left_out_with_the_reason_and_made_later(tmp_path: Path) -> None:
    good = video(film(tmp_path / "good", list(range(1, 50))), "good", annotated("micro", 11, 15, 21))
    broken = video(film(tmp_path / "broken", list(range(1, 50))), "broken", annotated("micro", 11, 15, 21))
    (tmp_path / "broken" / "img030.png").write_bytes(b"not a picture")
    document = spot([broken, good], tmp_path / "out")
    assert [(item["video"], "img030.png" in item["reason"]) for item in document["left_out"]] == [
        ("made/s1/broken", True)
    ]
    assert (document["scores"]["videos"], document["scores"]["fn"]) == (1, 0), "it counts neither way"
    (tmp_path / "broken" / "img030.png").write_bytes((tmp_path / "broken" / "img029.png").read_bytes())
    assert spot([broken, good], tmp_path / "out", resume=True)["left_out"] == []


def test_resume_keeps_what_is_finished_and_only_that(tmp_path: Path) -> None:
    videos = [video(film(tmp_path / name, list(range(1, 40))), name) for name in "ab"]
    spot(videos, tmp_path / "out")
    kept = {name: tmp_path / "out" / "videos" / "made" / "s1" / f"{name}.json" for name in "ab"}
    before = {name: path.stat().st_mtime_ns for name, path in kept.items()}
    kept["b"].write_text("{")  # as if the machine had failed
    done: list[tuple[int, int]] = []
    spot(videos, tmp_path / "out", resume=True, progress=lambda *now: done.append(now))
    assert done == [(2, 2)]
    assert kept["a"].stat().st_mtime_ns == before["a"]
    assert json.loads(kept["b"].read_text())["frames"] == 39
    for change in ({"spotter": "other"}, {"settings": SpotSettings(longest_s=0.4)}):
        done.clear()
        spot(videos, tmp_path / "out", resume=True, progress=lambda *now: done.append(now), **change)
        assert len(done) == 2, f"{change} makes them anew"
    (tmp_path / "a" / "img039.png").unlink()
    done.clear()
    spot(videos, tmp_path / "out", resume=True, progress=lambda *now: done.append(now), **change)
    assert len(done) == 1, "one has a frame less"


def test_a_changed_annotation_needs_no_second_look_at_the_pixels(tmp_path: Path) -> None:
    folder = film(tmp_path / "f", list(range(1, 40)))
    assert spot([video(folder, "v")], tmp_path / "out")["scores"]["tp"] == 0
    again = spot([video(folder, "v", annotated("micro", 11, 15, 21))], tmp_path / "out", resume=True)
    assert again["scores"]["tp"] == 1


def test_what_is_in_the_document(tmp_path: Path) -> None:
    whole = annotated("macro", 26, 41, 61)
    videos = [video(film(tmp_path / "f", list(range(1, 40))), "v", annotated("macro", 5, None, None), whole)]
    document = spot(videos, tmp_path / "out", notes=["two videos have no frames"])
    assert document == json.loads((tmp_path / "out" / "spotting.json").read_text())
    assert document["warnings"] == [
        "two videos have no frames",
        "1 annotated intervals have no offset and cannot be scored: they are left out",
        "no macro-expressions were found in any video: the method may not seek them",
    ]
    assert (document["dataset"], document["spotter"]["name"], document["faces"]) == ("made", "fixed", "precropped")
    assert document["settings"]["longest_s"] == SpotSettings().longest_s
    assert "mien" in document["versions"]
    assert document["minutes"] == pytest.approx(39 / FPS / 60)
    assert str(tmp_path) not in json.dumps(document), "no path of this machine"


def test_video_files_count_from_0(tmp_path: Path) -> None:
    from mien.video import write_video

    image = np.random.default_rng(0).integers(0, 255, (128, 128), np.uint8)
    path = write_video(tmp_path / "v.mp4", [image] * 60, 25)
    one = LongVideo("made", "made/s", "made/s/v", Source("video", path), FPS, (annotated("micro", *MICRO),))
    document = spot([one], tmp_path / "out")
    assert (document["scores"]["tp"], document["scores"]["onset_error_ms"]) == (1, 0)
    assert "the file has 25 frames a second, the corpus 50" in document["videos"][0]["warnings"][-1]


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    folder = film(tmp_path / "f", list(range(1, 30)))
    write_image(folder / "img010.png", np.zeros((64, 100), np.uint8))
    with pytest.raises(MienError, match=r"none can be read; the first: got '.*img010.png' of 100x64; expected 128x128"):
        spot([video(folder, "v")], tmp_path / "out")


@pytest.mark.parametrize(
    ("use", "says"),
    [
        ({"spotter": "unheard"}, "unheard"),
        ({"faces": "unheard"}, "unheard"),
        ({"jobs": 0}, "expected at least 1"),
        ({"videos": []}, "no videos"),
        ({"videos": 2}, "two videos named 'made/s1/v'"),
    ],
)
def test_bad_use_is_one_line_and_leaves_nothing(tmp_path: Path, use: dict, says: str) -> None:
    videos = [video(film(tmp_path / "f", [1, 2]), "v")]
    videos = use.pop("videos", videos) if use.get("videos") != 2 else use.pop("videos") * videos
    with pytest.raises((MienError, KeyError), match=says) as caught:
        spot(videos, tmp_path / "out", **use)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    videos = [video(film(tmp_path / "f", list(range(1, 40))), "v")]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").touch()
    with pytest.raises(MienError, match=r"such as 'thesis.txt'"):
        spot(videos, tmp_path / "out", resume=True)
    (tmp_path / "out" / "thesis.txt").unlink()
    spot(videos, tmp_path / "out")
    with pytest.raises(MienError, match="give --resume"):
        spot(videos, tmp_path / "out")
    with pytest.raises(MienError, match="which is a file"):
        spot(videos, tmp_path / "out" / "intervals.csv")
