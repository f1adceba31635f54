"""The records that flow: what they promise about names, times and shapes."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import Clip, Interval, MienError, Prediction, Sample, Source

SOURCE = Source("frames", Path("sub01/EP02_01f"))


def sample(**changes: Any) -> Sample:
    base = {
        "dataset": "casme2",
        "subject": "casme2/sub01",
        "sample_id": "casme2/sub01/EP02_01f",
        "emotion": "happiness",
        "source": SOURCE,
    }
    return Sample(**{**base, **changes})


def interval(**changes: Any) -> Interval:
    frames = {"onset_frame": 10, "apex_frame": 20, "offset_frame": 40}
    seconds = {"onset_s": 0.1, "apex_s": 0.2, "offset_s": 0.4}
    return Interval(**{**frames, **seconds, "score": 4.0, **changes})


def test_subject_one_of_two_corpora_is_two_people() -> None:
    with pytest.raises(MienError, match="got the subject 'sub01'; expected 'casme2/…'"):
        sample(subject="sub01")
    with pytest.raises(MienError, match="got the subject 'samm/006'"):
        sample(subject="samm/006")


def test_a_sample_belongs_to_its_subject() -> None:
    with pytest.raises(MienError, match="got the sample 'casme2/sub02/EP02_01f'"):
        sample(sample_id="casme2/sub02/EP02_01f")
    with pytest.raises(MienError, match="got the sample 'casme2/sub010/EP01'"):
        sample(sample_id="casme2/sub010/EP01")


def test_an_apex_may_be_missing_and_a_sample_cannot_be_edited() -> None:
    assert sample().apex is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        sample().emotion = "fear"


@given(fps=st.floats(1, 1000), frames=st.integers(2, 50), start=st.floats(0, 100))
def test_fps_comes_from_the_times_of_the_frames(fps: float, frames: int, start: float) -> None:
    clip = Clip(np.zeros((frames, 4, 6), np.uint8), start + np.arange(frames) / fps)
    assert len(clip) == frames
    assert clip.fps == pytest.approx(fps, rel=1e-6)


def test_a_dropped_frame_lowers_the_mean_rate_but_moves_no_time() -> None:
    clip = Clip(np.zeros((3, 4, 6, 3), np.uint8), np.array([0.0, 0.01, 0.03]))
    assert clip.fps == pytest.approx(2 / 0.03)


def test_one_frame_has_no_rate() -> None:
    assert math.isnan(Clip(np.zeros((1, 4, 6), np.uint8), np.zeros(1)).fps)


@pytest.mark.parametrize(("shape", "times"), [((2, 4), 2), ((2, 4, 6), 3), ((2, 4, 6, 3, 1), 2)])
def test_a_clip_has_one_time_per_frame(shape: tuple[int, ...], times: int) -> None:
    with pytest.raises(MienError, match=r"expected \(T, H, W\) or \(T, H, W, 3\) and T times"):
        Clip(np.zeros(shape, np.uint8), np.arange(times, dtype=float), name="a")


def test_an_interval_lasts_from_onset_to_offset_and_may_be_unread() -> None:
    assert interval().duration_s == pytest.approx(0.3)
    assert interval().emotion == ""
    assert math.isnan(interval().confidence)


def test_probabilities_are_never_shared_between_records() -> None:
    with pytest.raises(TypeError):
        interval().probabilities["negative"] = 1.0  # type: ignore[index]
    prediction = Prediction("smic", "smic/s1", "smic/s1/a", "smic/s1", 0, "last", "negative", "positive")
    assert dict(prediction.probabilities) == {}
