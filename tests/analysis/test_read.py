"""What each interval is read as: what moved, which action units, how sure; and the pictures it is shown by."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import mien
from mien.analysis import Analysis
from mien.analysis._follow import Track
from mien.analysis._moment import MOST_FRAMES
from mien.analysis._movements import measure_displacement, with_movements
from mien.analysis._read import name_emotion
from mien.analysis._units import known_units
from mien.spotting import REGIONS, Curves
from mien.synthesis import Event

NAMES = list(REGIONS)
EVENTS = [
    Event(0.8, 1.0, 1.2, (1, 2), "both", 1.6),
    Event(2.2, 2.4, 2.6, (12,), "left", 1.6),
    Event(3.6, 3.8, 4.0, (17,), "both", 1.6),
]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4.8 s at 60 fps: raised brows, half a smile, a raised chin, slight head motion and noise."""
    out = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return mien.render(out, fps=60, seconds=4.8, size=(240, 200), seed=1, events=EVENTS, distractors="head,noise")


@pytest.fixture(scope="module")
def found(clip: Path) -> Analysis:
    return mien.analyze(clip)


def near(found: Analysis, event: Event) -> int:
    (place,) = (k for k, one in enumerate(found.intervals) if abs(one.apex_s - event.apex_s) < 0.1)
    return place


@pytest.mark.parametrize(
    ("event", "regions", "axis", "sign"),
    [
        (EVENTS[0], {"left inner brow", "right inner brow"}, 1, -1),
        (EVENTS[1], {"left mouth corner"}, 0, -1),
        (EVENTS[2], {"chin", "lower lip"}, 1, -1),
    ],
    ids=["brows rise", "a corner of the mouth goes out", "the chin rises"],
)
def test_the_region_that_moved_farthest_is_first_and_its_direction_is_right(
    found: Analysis, event: Event, regions: set[str], axis: int, sign: int
) -> None:
    movements = found.intervals[near(found, event)].movements
    first = movements[0]
    assert first.region in regions
    assert sign * (first.right_px, first.down_px)[axis] > 0.3
    assert first.distance_px <= 1.3 * event.intensity_px
    distances = [movement.distance_px for movement in movements]
    assert distances == sorted(distances, reverse=True)
    assert min(distances) > 0.15


def test_half_a_smile_moves_one_corner_of_the_mouth(found: Analysis) -> None:
    movements = found.intervals[near(found, EVENTS[1])].movements
    assert "right mouth corner" not in [movement.region for movement in movements]


def test_the_action_units_are_those_that_were_rendered(found: Analysis) -> None:
    for event in EVENTS:
        units = found.intervals[near(found, event)].action_units
        assert next(iter(units)) in event.action_units
        assert set(event.action_units) <= set(units)
        assert sum(units.values()) == pytest.approx(1)


def test_the_recogniser_names_the_units_that_were_rendered(found: Analysis) -> None:
    for event in EVENTS:
        named = found.intervals[near(found, event)].named_units
        assert next(iter(named)) in event.action_units
        assert all(0.25 <= probability <= 1 for probability in named.values())


def test_the_loop_goes_from_onset_to_offset_on_the_crop_of_the_onset(found: Analysis) -> None:
    for interval, pictures in zip(found.intervals, found.evidence, strict=True):
        count = min(MOST_FRAMES, interval.offset_frame - interval.onset_frame + 1)
        assert pictures.frames.shape == (count, 128, 128, 3)
        assert pictures.frames.nbytes <= 24 * 128 * 128 * 3
        assert pictures.times_s[[0, -1]] == pytest.approx([interval.onset_s, interval.offset_s])
        assert np.ptp(np.diff(pictures.times_s)) <= 0.0168  # even, to a frame
        np.testing.assert_allclose(pictures.frames[0], pictures.onset, atol=2)


def test_the_recogniser_that_comes_with_mien_has_no_heat(found: Analysis) -> None:
    assert all(pictures.heat is None for pictures in found.evidence)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2 s at 60 fps: raised brows."""
    out = tmp_path_factory.mktemp("short") / "short.mp4"
    events = [Event(0.8, 1.0, 1.2, (1, 2), "both", 2.4)]
    return mien.render(out, fps=60, seconds=2, size=(240, 200), seed=2, events=events, distractors="none")


def test_the_head_is_held_still_in_the_loop(short: Path, tmp_path: Path) -> None:
    """A picture that drifts by 8 px within the moment: the nose stays where it was."""
    from mien.motion import optical_flow
    from mien.video import open_video, write_video

    with open_video(short) as video:
        frames = [frame.image for frame in video]
    drift = np.rint(8 / (1 + np.exp(-(np.arange(len(frames)) - 60) / 8))).astype(int)
    moved = [np.roll(frame, shift, axis=1) for frame, shift in zip(frames, drift, strict=True)]
    result = mien.analyze(write_video(tmp_path / "moved.mp4", moved, 60))
    (interval,), (pictures,) = result.intervals, result.evidence
    assert drift[interval.offset_frame] - drift[interval.onset_frame] >= 4
    flow = optical_flow(pictures.frames[0], pictures.frames[-1])
    assert np.abs(np.median(flow[:, 40:70, 54:74], axis=(1, 2))).max() < 0.5


def still(seconds: float = 6.0, fps: float = 100.0, noise: float = 0.03, seed: int = 0) -> Track:
    """A face that does nothing, 128 px wide."""
    rng = np.random.default_rng(seed)
    count = round(seconds * fps)
    frames, times = np.arange(count), np.arange(count) / fps
    regions = rng.normal(0, noise, (count, len(NAMES), 2))
    curves = Curves(times, frames, regions, np.full(count, 0.3), np.zeros((count, 2)))
    quality = np.tile([128.0, 10.0, 0.0, 0.0, 0.0], (count, 1))
    return Track(1, frames, times, np.ones(count, bool), np.ones((count, 4)), quality, [], curves, np.zeros(count))


def moment(onset: int = 200, apex: int = 215, offset: int = 230, score: float = 1.0, **changes: Any) -> mien.Interval:
    return replace(mien.Interval(onset, apex, offset, onset / 100, apex / 100, offset / 100, score), **changes)


def test_displacement_and_noise_are_those_that_were_put_in() -> None:
    track, chin = still(noise=0.05), NAMES.index("chin")
    track.curves.regions[212:, chin] += (0.3, -0.8)
    moved, noise = measure_displacement(moment(), track)
    np.testing.assert_allclose(moved[chin], (0.3, -0.8), atol=0.1)
    np.testing.assert_allclose(noise, 0.05 * 2**0.5, rtol=0.25)  # a difference of two places


def test_a_movement_counts_above_three_times_its_noise_only() -> None:
    quiet, noisy = still(noise=0.02), still(noise=0.2)
    for track in (quiet, noisy):
        track.curves.regions[210:222, NAMES.index("chin")] += (0.0, -0.6)
    assert [m.region for m in with_movements(moment(), quiet, [moment()]).movements] == ["chin"]
    assert with_movements(moment(), noisy, [moment()]).movements == ()


def test_what_happens_in_other_intervals_is_no_noise() -> None:
    track, busy = still(seconds=6, noise=0.02), []
    for start in range(30, 560, 60):  # the chin is up for nearly half of the time
        track.curves.regions[start + 5 : start + 30, NAMES.index("chin")] += (0.0, -0.7)
        busy.append(moment(start, start + 15, start + 32))
    assert measure_displacement(busy[2], track, busy)[1][NAMES.index("chin")] < 0.05


def test_nothing_is_measured_across_a_loss_of_the_face() -> None:
    track = still(noise=0.02)
    track.curves.regions[300:310] = np.nan
    track.curves.regions[310:] += 5  # after a loss places start anew
    assert measure_displacement(moment(), track)[1].max() < 0.05


def model(*shares: float, decided: int = 0) -> Any:
    return SimpleNamespace(
        classes=("negative", "positive", "surprise")[: len(shares)],
        predict=lambda prepared: (np.array([decided]), np.array([shares])),
        name_units=lambda prepared: [{}],
    )


MOVED = {"movements": (mien.core.Movement("chin", 0.0, -0.8),)}


@pytest.mark.parametrize(
    ("shares", "changes", "note"),
    [
        ((0.8, 0.1, 0.1), {}, ""),
        ((0.48, 0.3, 0.22), {}, "uncertain emotion; no class reaches one half"),
        ((0.52, 0.44, 0.04), {}, "uncertain emotion; two classes nearly equal"),
        ((0.8, 0.1, 0.1), {"score": 0.4}, "uncertain emotion; weak movement"),
        ((0.8, 0.1, 0.1), {"movements": ()}, "uncertain emotion; weak movement"),
        (
            (0.4, 0.35, 0.25),
            {"score": 0.35, "movements": (), "notes": "early"},
            "early; uncertain emotion; no class reaches one half; two classes nearly equal; weak movement",
        ),
    ],
)
def test_weak_evidence_is_said_with_its_reasons_each_once(shares: tuple, changes: dict, note: str) -> None:
    named = name_emotion(moment(**(MOVED | changes)), still(), model(*shares), np.zeros(3), least_score=0.3)
    assert named.notes == note
    assert named.emotion == "negative"
    assert named.confidence == shares[0]


def test_a_small_face_and_few_frames_make_an_emotion_uncertain() -> None:
    small = still()
    small.quality[:, 0] = 60
    assert name_emotion(moment(**MOVED), small, model(0.8, 0.2), np.zeros(3), 0.3).notes == "uncertain emotion"
    few = moment(200, 203, 206, **MOVED)
    assert name_emotion(few, still(), model(0.8, 0.2), np.zeros(3), 0.3).notes == "uncertain emotion"


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small STSTNet, trained on a few synthetic maps."""
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("model")
    maps = mien.generate_motion(folder / "maps.npz", per_class=12, seed=0)
    return mien.train("ststnet", "motion-npz", maps, out=folder / "model", preset="small")


def test_a_network_says_where_it_looked(short: Path, network: Path) -> None:
    result = mien.analyze(short, model=network)
    assert result.intervals
    for pictures in result.evidence:
        assert pictures.heat is not None
        assert pictures.heat.ndim == 2
        assert pictures.heat.min() >= 0
        assert pictures.heat.max() in (0, 1)  # stretched; all 0 if it looked nowhere


def test_the_restored_network_answers_as_the_exported_one(network: Path) -> None:
    from mien.methods import load_model

    loaded = load_model(network)
    restored = loaded.restore()
    assert restored is not None
    maps = np.random.default_rng(0).integers(0, 255, (4, 28, 28, 3), np.uint8)
    np.testing.assert_allclose(restored.predict(maps)[1], loaded.predict(maps)[1], atol=1e-4)


def test_without_torch_or_weights_there_is_no_heat_and_no_complaint(
    network: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from mien.methods import load_model

    loaded = load_model(network)
    monkeypatch.delitem(sys.modules, "mien.methods._network", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert loaded.restore() is None


def test_the_bundled_network_is_not_asked_where_so_that_reports_are_the_same_without_torch(short: Path) -> None:
    result = mien.analyze(short)
    assert result.intervals
    assert all(pictures.heat is None for pictures in result.evidence)


@pytest.mark.slow
def test_units_of_rendered_clips_are_recovered(tmp_path: Path) -> None:
    """51 expressions of 1.5 px, on both sides and on one, spotted or not: read between their true onset and apex."""
    from mien.analysis._follow import Following
    from mien.faces import FaceTracks, face_backend
    from mien.video import open_video

    sets = [(1,), (2,), (4,), (6,), (9,), (10,), (12,), (14,), (15,), (17,), (24,), (25,), (26,), (1, 2), (6, 12),
            (9, 17), (1, 2, 26)]  # fmt: skip
    right = said = there = 0
    for number, side in enumerate(("both", "left", "right")):
        events = [
            Event(0.6 + 1.1 * k, 0.78 + 1.1 * k, 1.02 + 1.1 * k, units, side, 1.5) for k, units in enumerate(sets)
        ]
        clip = mien.render(tmp_path / f"{side}.mp4", fps=100, seconds=20, size=(320, 240), seed=40 + number,
                           events=events, distractors="head,noise")  # fmt: skip
        with open_video(clip, grey=True) as video, Following(FaceTracks(face_backend("dlib"))) as following:
            for frame in video:
                following.push(frame)
        (track,) = following.known()
        spans = [moment(*(round(100 * t) for t in (e.onset_s, e.apex_s, e.offset_s))) for e in events]
        for event, span in zip(events, spans, strict=True):
            truth = {known_units()[unit] for unit in event.action_units}
            units = set(with_movements(span, track, spans).action_units)
            right, said, there = right + len(truth & units), said + len(units), there + len(truth)
    print(f"recall {right / there:.2f}, precision {right / said:.2f}")
    assert right / there >= 0.85
    assert right / said >= 0.80
