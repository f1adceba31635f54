"""Many recordings in one go: each its results, all together a table, and nothing done twice or lost."""

from __future__ import annotations

import csv
import json
import multiprocessing
import os
import shutil
import signal
import stat
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mien
from mien.analysis import Batch, Marker, Outcome, analyze_many, find_sources
from mien.analysis._sources import name_recordings, recording_name
from mien.analysis._summary import Book, Entry
from mien.analysis._workers import Job, Left, run_here
from mien.core import MienError, MienWarning
from mien.spotting import SpotSettings
from mien.synthesis import Event
from mien.video import open_video, write_image, write_video

EVENT = Event(0.5, 0.7, 0.9, (12,), intensity_px=2.0)
MARKERS = (
    Marker(0.0, "rest", recording="anna", subject="s1"),
    Marker(0.6, "film", recording="anna.mp4", subject="s1"),
    Marker(0.0, "rest", recording="ben"),
    Marker(0.0, "rest", recording="text"),
)


def markers_of(*names: str) -> tuple[Marker, ...]:
    return tuple(marker for marker in MARKERS if marker.recording.removesuffix(".mp4") in names)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings with one micro-expression each, and a file that is no video."""
    folder = tmp_path_factory.mktemp("videos")
    for seed, name in enumerate(("anna", "ben")):
        mien.render(
            folder / f"{name}.mp4",
            fps=60,
            seconds=2,
            size=(160, 120),
            seed=seed,
            events=[EVENT],
            distractors="none",
        )
    (folder / "text.mp4").write_text("this is no video")
    return folder


@pytest.fixture(scope="module")
def long(videos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Anna for ten seconds."""
    with open_video(videos / "anna.mp4") as video:
        frames = [frame.image for frame in video]
    return write_video(tmp_path_factory.mktemp("long") / "long.mp4", frames * 5, 60)


@pytest.fixture(scope="module")
def batch(videos: Path) -> Batch:
    return analyze_many([videos], out=videos / "out", jobs=1, markers=MARKERS, exports=["elan"])


@pytest.fixture
def results(batch: Batch, videos: Path, tmp_path: Path) -> Path:
    """A copy of the results that a test may change."""
    return Path(shutil.copytree(videos / "out", tmp_path / "out"))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def statuses(batch: Batch) -> dict[str, str]:
    return {outcome.name: outcome.status for outcome in batch.outcomes}


def test_a_bad_file_does_not_stop_the_rest(batch: Batch, videos: Path) -> None:
    assert statuses(batch) == {"anna": "done", "ben": "done", "text": "failed"}
    assert "text.mp4" in batch.named("failed")[0].error
    assert sorted(path.name for path in (videos / "out").iterdir()) == [
        "anna", "ben", "conditions.csv", "summary.csv", "summary.json",
    ]  # fmt: skip
    assert (videos / "out/ben/ben.eaf").is_file()


def test_the_table_has_a_row_for_each_recording(batch: Batch, videos: Path) -> None:
    anna, ben, text = rows(videos / "out/summary.csv")
    assert (anna["recording"], anna["status"], anna["frames"], anna["faces"]) == ("anna", "done", "120", "1")
    assert float(anna["analysable_minutes"]) == pytest.approx(2 / 60, abs=1e-3)
    assert (ben["micro_expressions"], ben["events"], ben["n_positive"], ben["n_negative"]) == ("1", "1", "1", "0")
    # One event in two seconds is 30 a minute; the exact interval of one event is .0253 to 5.5716.
    assert float(ben["events_per_minute"]) == pytest.approx(30, rel=0.02)
    assert float(ben["ci_low"]) == pytest.approx(0.0253 * 30, rel=0.02)
    assert float(ben["ci_high"]) == pytest.approx(5.5716 * 30, rel=0.02)
    assert "frames a second are few" in ben["warnings"]
    assert (text["status"], text["micro_expressions"], text["n_positive"]) == ("failed", "", "")
    assert "text.mp4" in text["error"]


def test_the_conditions_are_one_long_table(batch: Batch, videos: Path) -> None:
    table = rows(videos / "out/conditions.csv")
    assert [(row["recording"], row["subject"], row["condition"], row["events"]) for row in table] == [
        ("anna", "s1", "rest", "0"),
        ("anna", "s1", "film", "1"),
        ("ben", "", "rest", "1"),
    ]
    assert [float(row["minutes"]) * 60 for row in table] == pytest.approx([0.6, 1.4, 2.0], abs=0.02)
    document = json.loads((videos / "out/anna/analysis.json").read_text())
    assert [row["condition"] for row in document["conditions"]] == ["rest", "film"]
    assert document["markers"][1] | {"time_s": 0.6, "end_s": None, "label": "film"} == document["markers"][1]


def test_what_is_done_is_not_done_again(results: Path, videos: Path) -> None:
    before = (results / "anna/analysis.json").stat().st_mtime_ns
    sources, markers = [videos / "anna.mp4", videos / "ben.mp4"], markers_of("anna", "ben")
    again = analyze_many(sources, out=results, resume=True, markers=markers, exports=["elan"])
    assert statuses(again) == {"anna": "skipped", "ben": "skipped"}
    assert (results / "anna/analysis.json").stat().st_mtime_ns == before
    assert [(row["recording"], row["status"]) for row in rows(results / "summary.csv")] == [
        ("anna", "skipped"),
        ("ben", "skipped"),
    ]
    assert len(rows(results / "conditions.csv")) == 3


@pytest.fixture
def unrun(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single recording that would be analysed is given back as stopped."""
    monkeypatch.setattr("mien.analysis.many.run_here", lambda job, progress: Left(stopped=True))


@pytest.mark.usefixtures("unrun")
@pytest.mark.parametrize("changed", ["nothing", "settings", "spotter", "faces", "markers", "exports", "result"])
def test_what_would_come_out_otherwise_is_done_again(results: Path, videos: Path, changed: str) -> None:
    change = {
        "settings": {"settings": SpotSettings(least_score=0.5)},
        "spotter": {"spotter": "mdmd"},
        "faces": {"most_faces": 1},
        "markers": {"markers": MARKERS[:1]},
        "exports": {"exports": ["megc"]},
    }
    if changed == "result":
        (results / "anna/analysis.json").write_text("{}")
    asked: dict[str, Any] = {"markers": markers_of("anna"), "exports": ["elan"]} | change.get(changed, {})
    batch = analyze_many([videos / "anna.mp4"], out=results, resume=True, **asked)
    assert statuses(batch) == {"anna": "skipped" if changed == "nothing" else "stopped"}


@pytest.mark.usefixtures("unrun")
def test_a_changed_file_is_done_again_and_a_moved_one_is_not(results: Path, videos: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere/anna.mp4"
    moved.parent.mkdir()
    shutil.copy(videos / "anna.mp4", moved)
    asked: dict[str, Any] = {"out": results, "resume": True, "markers": markers_of("anna"), "exports": ["elan"]}
    assert statuses(analyze_many([moved], **asked)) == {"anna": "skipped"}
    with moved.open("ab") as file:
        file.write(b"more")
    assert statuses(analyze_many([moved], **asked)) == {"anna": "stopped"}


def test_ctrl_c_keeps_what_was_read_and_resume_goes_on(long: Path, tmp_path: Path) -> None:
    def interrupt(name: str, done: int, total: int | None) -> None:
        if done > 60:
            signal.raise_signal(signal.SIGINT)

    first = analyze_many([long], out=tmp_path, resume=True, progress=interrupt)
    assert (first.interrupted, first.waiting, statuses(first)) == (True, ("long",), {"long": "partial"})
    assert rows(tmp_path / "summary.csv")[0]["status"] == "partial"
    assert 60 < int(rows(tmp_path / "summary.csv")[0]["frames"]) < 600
    second = analyze_many([long], out=tmp_path, resume=True)
    assert (second.interrupted, statuses(second)) == (False, {"long": "done"})
    assert rows(tmp_path / "summary.csv")[0]["frames"] == "600"


def test_ctrl_c_stops_a_batch(videos: Path, long: Path, tmp_path: Path) -> None:
    """The first is done, the second partial, the third not begun."""

    def interrupt(name: str, done: int, total: int | None) -> None:
        if name == "long" and done > 30:
            signal.raise_signal(signal.SIGINT)

    batch = analyze_many([videos / "anna.mp4", long, videos / "ben.mp4"], out=tmp_path, jobs=1, progress=interrupt)
    assert batch.interrupted
    assert statuses(batch) == {"anna": "done", "long": "partial"}
    assert batch.waiting == ("long", "ben")
    assert [(row["recording"], row["status"]) for row in rows(tmp_path / "summary.csv")] == [
        ("anna", "done"),
        ("long", "partial"),
    ]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.slow
def test_a_crash_is_one_failed_recording(videos: Path, long: Path, tmp_path: Path) -> None:
    def crash(name: str, done: int, total: int | None) -> None:
        if name == "long":
            for process in multiprocessing.active_children():
                process.kill()

    told: list[Outcome] = []
    batch = analyze_many([long, videos / "ben.mp4"], out=tmp_path, jobs=1, progress=crash, finished=told.append)
    assert statuses(batch) == {"long": "failed", "ben": "done"}
    assert "died (signal 9)" in batch.named("failed")[0].error
    assert told == list(batch.outcomes)
    assert not batch.interrupted


def test_pseudonyms_stay_from_run_to_run_and_only_the_key_leads_back(videos: Path, tmp_path: Path) -> None:
    out, key = tmp_path / "out", tmp_path / "key.csv"
    asked: dict[str, Any] = {"out": out, "deidentify": True, "key": key, "resume": True}
    for name, status in (("ben", "done"), ("text", "failed"), ("ben", "skipped")):
        (outcome,) = analyze_many([videos / f"{name}.mp4"], markers=markers_of(name), **asked).outcomes
        assert (outcome.name, outcome.status) == ({"ben": "recording-001", "text": "recording-002"}[name], status)
    assert [(row["recording"], row["source"]) for row in rows(key)] == [
        ("recording-001", str(videos / "ben.mp4")),
        ("recording-002", str(videos / "text.mp4")),
    ]
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert [row["recording"] for row in rows(out / "conditions.csv")] == ["recording-001"]
    told = [path for path in out.rglob("*") if path.is_file()]
    secret = rows(key)[0]["sha256"]
    assert len(secret) == 64
    for path in told:
        text = path.read_text(encoding="utf-8")
        assert not any(word in text for word in ("ben.mp4", "text.mp4", str(videos), secret)), path
        assert "ben" not in path.name


def test_the_error_of_a_pseudonym_does_not_name_the_file(videos: Path, tmp_path: Path) -> None:
    batch = analyze_many([videos / "text.mp4"], out=tmp_path / "out", deidentify=True, key=tmp_path / "key.csv")
    assert statuses(batch) == {"recording-001": "failed"}
    analyze_many([videos / "text.mp4"], out=tmp_path / "out", deidentify=True, key=tmp_path / "key.csv", resume=True)
    said = rows(tmp_path / "out/summary.csv")[0]["error"]
    assert "got 'recording-001'" in said
    assert str(videos) not in said


def test_a_file_called_001_is_not_recording_001(tmp_path: Path) -> None:
    sources = [tmp_path / "001.mp4", tmp_path / "b.mp4"]
    assert [recording.name for recording in name_recordings(sources, deidentify=True)] == [
        "recording-002",
        "recording-003",
    ]


def test_the_key_lies_apart_and_is_needed_to_go_on(videos: Path, tmp_path: Path) -> None:
    asked: dict[str, Any] = {"sources": [videos / "ben.mp4"], "out": tmp_path / "out"}
    with pytest.raises(MienError, match="expected a file apart from the results"):
        analyze_many(**asked, deidentify=True, key=tmp_path / "out/key.csv")
    with pytest.raises(MienError, match=r"expected --key FILE\.csv"):
        analyze_many(**asked, deidentify=True, resume=True)
    with pytest.raises(MienError, match="--key without --deidentify"):
        analyze_many(**asked, key=tmp_path / "key.csv")
    (tmp_path / "key.csv").write_text("name,door\n")
    (tmp_path / "key.csv").write_text("name,door\nanna,3\n")
    with pytest.raises(MienError, match="its columns are others"):
        analyze_many(**asked, deidentify=True, key=tmp_path / "key.csv")


def test_a_table_that_mien_did_not_write_is_left_alone(videos: Path, tmp_path: Path) -> None:
    for name, text in (("summary.csv", "my,own\n"), ("summary.json", "[1]"), ("conditions.csv", "a")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / name).write_text(text)
        with pytest.raises(MienError, match="which is no table of mien's"):
            analyze_many([videos], out=folder)
        assert (folder / name).read_text() == text


def test_names_and_pseudonyms_do_not_share_a_folder(results: Path) -> None:
    with pytest.raises(MienError, match="with recordings under their own names"):
        Book(results, deidentified=True)


def test_earlier_results_stay_in_the_table_as_long_as_they_are_there(results: Path) -> None:
    assert sorted(Book(results).entries) == ["anna", "ben"]
    shutil.rmtree(results / "ben")
    book = Book(results)
    book.put("carl", Entry("failed", {"recording": "carl", "status": "failed", "error": "broken"}))
    book.write()
    assert [row["recording"] for row in rows(results / "summary.csv")] == ["anna", "carl"]
    assert sorted(Book(results).entries) == ["anna"]


def test_a_single_recording_makes_no_table_unless_there_is_one(videos: Path, results: Path, tmp_path: Path) -> None:
    analyze_many([videos / "ben.mp4"], out=tmp_path / "one")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["ben"]
    analyze_many([videos / "ben.mp4"], out=results)
    assert [row["recording"] for row in rows(results / "summary.csv")] == ["anna", "ben"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"jobs": 0}, "got 0 jobs"),
        ({"spotter": "guess"}, "unknown spotting method 'guess'"),
        ({"exports": ["docx"]}, "export 'docx'"),
        ({"model": "nowhere"}, "nowhere"),
        ({"markers": "none.csv"}, r"none\.csv"),
    ],
)
def test_what_no_recording_can_be_given_is_one_error_before_any_work(
    videos: Path, tmp_path: Path, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(MienError, match=said):
        analyze_many([videos], out=tmp_path / "out", **asked)
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("unrun")
def test_who_has_no_marker_is_said(results: Path, videos: Path) -> None:
    marker = Marker(0, "rest", recording="anna", row=2)
    with pytest.warns(MienWarning) as told:
        analyze_many([videos / "ben.mp4"], out=results, markers=[marker])
    assert [str(one.message) for one in told] == [
        "'anna' is none of the recordings, but has the marker 'rest' at 0 s (row 2): not counted",
        "1 of 1 recordings have no marker: ben",
    ]


def test_frames_in_folders_are_recordings(videos: Path, tmp_path: Path) -> None:
    with open_video(videos / "ben.mp4") as video:
        for frame in video:
            write_image(tmp_path / "clip1" / f"{frame.index:04d}.png", frame.image)
    assert statuses(analyze_many([tmp_path / "clip1"], out=tmp_path / "out", fps=60)) == {"clip1": "done"}
    assert np.isclose(json.loads((tmp_path / "out/clip1/analysis.json").read_text())["fps"], 60)


# --- what a second reader found -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unrun")
def test_results_under_a_pseudonym_are_not_replaced_by_those_of_another_person(videos: Path, tmp_path: Path) -> None:
    """A run of one recording without a key writes no table: the folder alone says that the name is taken."""
    out, key = tmp_path / "out", tmp_path / "key.csv"
    (out / "recording-001").mkdir(parents=True)
    for asked in ({}, {"key": key}):
        with pytest.raises(MienError, match="results of another recording under 'recording-001'"):
            analyze_many([videos / "ben.mp4"], out=out, deidentify=True, **asked)
    key.write_text(f"recording,source,sha256,request\nrecording-001,{videos / 'anna.mp4'},,\n")
    for name, pseudonym in (("anna", "recording-001"), ("ben", "recording-002")):
        batch = analyze_many([videos / f"{name}.mp4"], out=out, deidentify=True, key=key)
        assert statuses(batch) == {pseudonym: "stopped"}


def test_a_broken_picture_in_a_folder_named_after_a_person_does_not_name_her(tmp_path: Path) -> None:
    folder = tmp_path / "annaschmidt"
    for index in range(3):
        write_image(folder / f"annaschmidt_{index}.png", np.zeros((64, 64, 3), np.uint8))
    for broken in (b"no picture", None):
        picture = folder / "annaschmidt_2.png"
        picture.write_bytes(broken) if broken else write_image(picture, np.zeros((32, 32, 3), np.uint8))
        asked: dict[str, Any] = {"deidentify": True, "key": tmp_path / "key.csv", "resume": True}
        batch = analyze_many([folder], out=tmp_path / "out", fps=30, faces="precropped", **asked)
        assert "annaschmidt_2.png" in batch.outcomes[0].error  # the person at the screen must find it
        for path in (tmp_path / "out").iterdir():
            assert "annaschmidt" not in path.read_text()
        assert "got 'recording-001'" in rows(tmp_path / "out/summary.csv")[0]["error"]


@pytest.mark.usefixtures("unrun")
def test_an_error_stays_readable_where_the_file_has_a_name_of_one_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "got '{}', a video whose index is missing"
    monkeypatch.setattr("mien.analysis.many.run_here", lambda job, _: Left(error=said.format(job.source)))
    (tmp_path / "a.mp4").touch()
    analyze_many(
        [tmp_path / "a.mp4"], out=tmp_path / "out", deidentify=True, key=tmp_path / "key.csv", markers=[Marker(0, "b")]
    )
    assert rows(tmp_path / "out/summary.csv")[0]["error"] == said.format("recording-001")


def test_hidden_files_in_a_folder_are_no_recordings(tmp_path: Path) -> None:
    """macOS leaves ._talk.mp4 beside every talk.mp4 on a disk that is not its own."""
    for name in ("talk.mp4", "._talk.mp4"):
        (tmp_path / name).touch()
    assert find_sources([tmp_path]) == [(tmp_path / "talk.mp4", "talk")]
    assert find_sources([tmp_path / "._talk.mp4"]) == [(tmp_path / "._talk.mp4", "._talk")]


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="there, every name is text")
def test_a_name_that_is_not_utf8_is_one_failed_recording(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    path = Path(os.fsdecode(os.fsencode(folder) + b"/m\xfcller.mp4"))  # from a disk of the days of Latin-1
    path.touch()
    key = tmp_path / "key.csv"
    for out, asked in (("named", {}), ("pseudonym", {"deidentify": True, "key": key})):
        batch = analyze_many([path], out=tmp_path / out, resume=True, **asked)
        assert [outcome.status for outcome in batch.outcomes] == ["failed"]
        assert "whose name is not in UTF-8" in rows(tmp_path / out / "summary.csv")[0]["error"]
        assert b"m\xfcller" not in (tmp_path / out / "summary.csv").read_bytes()
    again = analyze_many([path], out=tmp_path / "pseudonym", resume=True, deidentify=True, key=key)
    assert statuses(again) == {"recording-001": "failed"}  # the key knew the file again


def test_one_file_under_two_names_has_one_pseudonym_only(tmp_path: Path) -> None:
    (tmp_path / "anna.mp4").touch()
    (tmp_path / "link.mp4").symlink_to(tmp_path / "anna.mp4")
    assert [recording.name for recording in name_recordings([tmp_path])] == ["anna", "link"]
    with pytest.raises(MienError, match=r"anna\.mp4' and '.*link\.mp4', which are one file"):
        name_recordings([tmp_path], deidentify=True)


def test_a_link_is_called_what_the_person_called_it(videos: Path, tmp_path: Path) -> None:
    """In a data set under git-annex every file is a link to one that is named by its hash."""
    (tmp_path / "carla.mp4").symlink_to(videos / "anna.mp4")
    marker = Marker(0.0, "rest", recording="carla.mp4")
    assert statuses(analyze_many([tmp_path / "carla.mp4"], out=tmp_path / "out", markers=[marker])) == {"carla": "done"}
    assert [(row["recording"], row["condition"]) for row in rows(tmp_path / "out/conditions.csv")] == [
        ("carla", "rest")
    ]
    for clip in ("one", "two"):
        (tmp_path / clip / "img").mkdir(parents=True)
        (tmp_path / f"clip-{clip}").symlink_to(tmp_path / clip / "img")
    assert [recording_name(tmp_path / f"clip-{clip}") for clip in ("one", "two")] == ["clip-one", "clip-two"]


def test_a_file_that_changed_while_it_was_analysed_is_done_again(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(shutil.copy(videos / "ben.mp4", tmp_path))

    def meanwhile(job: Job, progress: None) -> Left:
        left = run_here(job, progress)
        with path.open("ab") as file:
            file.write(b"more")
        return left

    for change, status in ((meanwhile, "done"), (lambda *_: Left(stopped=True), "stopped")):
        monkeypatch.setattr("mien.analysis.many.run_here", change)
        assert statuses(analyze_many([path], out=tmp_path / "out", resume=True)) == {"ben": status}


def test_results_that_go_while_others_are_made_are_one_failed_recording(
    videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.analysis.many.run_here", lambda job, progress: Left(written=True))
    batch = analyze_many([videos / "ben.mp4"], out=tmp_path / "out", resume=True)
    assert statuses(batch) == {"ben": "failed"}
    assert "have gone since" in rows(tmp_path / "out/summary.csv")[0]["error"]


def test_a_file_that_goes_while_it_is_read_is_one_line(tmp_path: Path) -> None:
    options: dict[str, Any] = {"fps": 60, "seconds": 1, "size": (160, 120), "events": [], "distractors": "none"}
    path = mien.render(tmp_path / "a.mp4", **options)
    batch = analyze_many([path], out=tmp_path / "out", progress=lambda *_: path.unlink(missing_ok=True))
    assert statuses(batch) == {"a": "failed"}
    assert batch.outcomes[0].error.startswith(f"got '{path}', but [Errno 2] No such file")
