"""The spotting benchmark's scores, by hand; and that it runs, alike for a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.benchmarks import benchmark_spotting, write_benchmark
from mien.benchmarks._clips import FACE_PX, Job, Truth, load_clip, record, save_clip
from mien.benchmarks._scoring import judge, score_cell
from mien.core import Interval, MienError
from mien.spotting import SPOTTERS
from mien.synthesis import Event

EVENTS = tuple(Event(start, start + 0.2, start + 0.4, (12,), emotion="positive") for start in (1.0, 5.0, 9.0))
SPANS = (("talk", 2.0, 3.5), ("blinks", 3.3, 3.6), ("leave", 6.0, 8.0))
TRUTH = Truth(100.0, 1.0, 0, 20.0, 18.0, "astronaut", EVENTS, SPANS)


def found(*ends: tuple[float, float]) -> list[Interval]:
    return [Interval(0, 0, 0, a, (a + b) / 2, b, 1.0) for a, b in ends]


def test_a_perfect_spotter_scores_one() -> None:
    outcome = judge(TRUTH, "perfect", found(*((e.onset_s, e.offset_s) for e in EVENTS)))
    scores = score_cell([outcome])
    assert (scores["f1"], scores["precision"], scores["recall"]) == (1, 1, 1)
    assert (scores["onset_error_ms"], scores["offset_error_ms"], scores["false_alarms_per_min"]) == (0, 0, 0)
    assert (scores["events"], scores["minutes"], scores["alarms_by"]) == (3, 0.3, {})


def test_an_empty_spotter_scores_zero() -> None:
    scores = score_cell([judge(TRUTH, "empty", [])])
    assert (scores["f1"], scores["precision"], scores["recall"], scores["false_alarms_per_min"]) == (0, 0, 0, 0)
    assert scores["onset_error_ms"] is scores["offset_error_ms"] is scores["strs"] is None


def test_scores_by_hand() -> None:
    """Two of three found, 20 and 40 ms late and 10 and 30 ms short; four false alarms in 18 s that show the face."""
    finds = found((1.02, 1.39), (5.04, 5.37), (9.3, 9.9), (2.1, 2.4), (3.55, 3.9), (15.0, 15.3))
    scores = score_cell([judge(TRUTH, "some", finds)])
    assert scores["f1"] == pytest.approx(2 * 2 / (3 + 6))
    assert scores["precision"] == pytest.approx(2 / 6)
    assert scores["onset_error_ms"] == pytest.approx(30)
    assert scores["offset_error_ms"] == pytest.approx(20)
    assert scores["false_alarms_per_min"] == pytest.approx(4 / 0.3)
    assert scores["alarms_by"] == {"blinks": 1, "misplaced event": 1, "nothing": 1, "talk": 1}


def test_clips_are_pooled_before_ratios_are_taken() -> None:
    perfect = judge(TRUTH, "m", found(*((e.onset_s, e.offset_s) for e in EVENTS)))
    assert score_cell([perfect, judge(TRUTH, "m", [])])["f1"] == pytest.approx(2 * 3 / (6 + 3))


def test_a_clip_shows_its_truth_and_is_the_same_for_a_seed(tmp_path: Path) -> None:
    job = Job(fps=25, intensity_px=2.5, seconds=6.0, clip=0, seed=3)
    clip = record(job)
    truth = clip.truth
    assert len(truth.events) == 1
    assert {"talk", "leave"} <= {name for name, *_ in truth.spans}
    gone = [(a, b) for name, a, b in truth.spans if name == "leave"]
    assert truth.visible_s == pytest.approx(6.0 - sum(b - a for a, b in gone))
    again = load_clip(save_clip(tmp_path, clip))
    assert again.truth == truth
    for one, other, third in zip(clip.curves, again.curves, record(job).curves, strict=True):
        np.testing.assert_array_equal(one.regions, other.regions)
        np.testing.assert_allclose(one.regions, third.regions, atol=1e-9)
    assert record(Job(25, 2.5, 6.0, 0, 4)).truth.events != truth.events


def test_the_benchmark_runs_and_reruns_on_kept_curves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.benchmarks.spotting._QUICK", ((25.0,), (2.5,), 1, 7.0))
    steps: list[tuple[int, int]] = []
    document = benchmark_spotting(
        seed=1, quick=True, jobs=1, keep=tmp_path / "kept", advance=lambda *step: steps.append(step)
    )
    assert steps == [(1, 1)]
    assert [row["method"] for row in document["results"]] == list(SPOTTERS)
    for row in document["results"]:
        assert {"fps", "intensity_px", "strs", "recall", "precision", "alarms_by", "minutes"} <= set(row)
    assert [row["method"] for row in document["pooled"]] == list(SPOTTERS)
    again = benchmark_spotting(jobs=1, curves=tmp_path / "kept", methods=["mien"])
    assert again["results"] == [row for row in document["results"] if row["method"] == "mien"]
    folder = write_benchmark(document, tmp_path / "out")
    files = {"rates.csv", *(f"spotting.{ending}" for ending in ("json", "csv", "png", "svg"))}
    assert {path.name for path in folder.iterdir()} == files


def test_events_go_over_real_footage(shared_data: Path) -> None:
    footage = shared_data / "media" / "evm_face.mp4"
    clip = record(Job(fps=30, intensity_px=2.5, seconds=6.0, clip=1, seed=0, footage=footage))
    assert clip.truth.source == "evm_face.mp4"
    assert clip.truth.events
    assert clip.curves
    assert not {"blinks", "nods", "glances"} & {name for name, *_ in clip.truth.spans}


def test_footage_plays_back_and_forth_at_its_own_speed(shared_data: Path) -> None:
    from mien.benchmarks._footage import load_footage

    footage = load_footage(shared_data / "media" / "evm_face.mp4")
    last = len(footage.frames) - 1
    assert footage.at(0.0, 200) == (0, 1, 0.0)
    first, second, share = footage.at(1.5 / footage.fps, 200)
    assert (first, second, share) == (1, 2, pytest.approx(0.5))
    assert footage.at(last / footage.fps, footage.fps)[0] == last
    assert footage.at((last + 3) / footage.fps, footage.fps)[0] == last - 3
    span = footage.scene.points[42:48].mean(0) - footage.scene.points[36:42].mean(0)
    assert np.linalg.norm(span) == pytest.approx(0.4 * FACE_PX, rel=0.1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"methods": ["guess"]}, "guess"),
        ({"curves": "nowhere"}, "nowhere"),
        ({"over": ["none.mp4"]}, "none.mp4"),
        ({"seed": -1}, "-1"),
        ({"fps": [0.1]}, "0.1"),
    ],
)
def test_bad_use_is_one_line(wrong: dict, said: str) -> None:
    with pytest.raises(MienError, match=said) as raised:
        benchmark_spotting(**wrong)
    assert "\n" not in str(raised.value)
