"""What happens in a rendered clip is what was asked for."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core import MienError
from mien.synthesis import MEAN_FACE, Event, displacement
from mien.synthesis.events import draw_blinks, draw_events, read_events


def write(path: Path, document: object) -> Path:
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


ONE = {"onset_s": 1.0, "apex_s": 1.2, "offset_s": 1.4, "action_units": [12], "side": "left", "intensity_px": 2.0}


def test_an_events_file_is_read_as_written(tmp_path: Path) -> None:
    events, blinks = read_events(write(tmp_path / "e.json", {"events": [ONE]}), seconds=5)
    assert events == [Event(1.0, 1.2, 1.4, (12,), "left", 2.0)]
    assert blinks == []


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("not json", "cannot be read"),
        ({"happenings": []}, "cannot be read"),
        ({"events": [{**ONE, "apex_s": 0.5}]}, "onset < apex < offset"),
        ({"events": [{**ONE, "apex_s": float("nan")}]}, "onset < apex < offset"),
        ({"events": [{**ONE, "action_units": [3]}]}, "got the action units"),
        ({"events": [{**ONE, "action_units": []}]}, "got the action units"),
        ({"events": [{**ONE, "action_units": "12"}]}, "got the action units '12'; expected a list of whole numbers"),
        ({"events": [{**ONE, "action_units": [12.7]}]}, "expected a list of whole numbers"),
        ({"events": [{**ONE, "action_units": [True]}]}, "expected a list of whole numbers"),
        ({"events": [{**ONE, "action_units": {"12": 1}}]}, "expected a list of whole numbers"),
        ({"events": [{**ONE, "side": "top"}]}, "got the side"),
        ({"events": [{**ONE, "intensity_px": -1}]}, "got the intensity"),
        ({"events": [{**ONE, "offset_s": 9.0}]}, "ends at 9.0 s"),
    ],
)
def test_a_broken_events_file_gets_one_line(tmp_path: Path, document: object, says: str) -> None:
    with pytest.raises(MienError, match=says) as caught:
        read_events(write(tmp_path / "e.json", document), seconds=5)
    assert "e.json" in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.integers(0, 1000), st.floats(3, 40))
@settings(deadline=None, max_examples=25)
def test_drawn_events_are_micro_expressions_in_order_within_the_clip(seed: int, seconds: float) -> None:
    events = draw_events(seconds, np.random.default_rng(seed))
    assert events
    assert all(e.offset_s - e.onset_s <= 0.5 and e.apex_s - e.onset_s <= 0.2501 for e in events)
    assert all(e.onset_s >= 0.4 and e.offset_s < seconds for e in events)
    assert all(b.onset_s - a.offset_s > 0.4 for a, b in pairwise(events))
    assert {e.emotion for e in events} <= {"negative", "positive", "surprise"}


@given(st.integers(0, 1000))
@settings(deadline=None, max_examples=20)
def test_blinks_last_a_fifth_to_a_third_of_a_second(seed: int) -> None:
    blinks = draw_blinks(20, np.random.default_rng(seed))
    assert 2 <= len(blinks) <= 12
    assert all(0.15 <= b.offset_s - b.onset_s <= 0.4 for b in blinks)


@pytest.mark.parametrize("units", [(12,), (1, 2), (4, 7), (6, 12), (24,)])
@pytest.mark.parametrize("side", ["both", "left"])
def test_intensity_is_the_largest_displacement_at_a_128_px_face(units: tuple[int, ...], side: str) -> None:
    event = Event(0, 0.1, 0.2, units, side, 1.5)
    x, y = np.meshgrid(np.linspace(-1.25, 1.25, 128), np.linspace(-0.8, 1.7, 128))
    field = displacement(np.stack([x, y], axis=-1), event.activation()) * 128 / 2.5
    assert np.hypot(field[..., 0], field[..., 1]).max() == pytest.approx(1.5, rel=0.03)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("units", [(12,), (1, 2), (4,)])
def test_an_event_of_one_side_moves_the_landmarks_of_that_side(units: tuple[int, ...], side: str) -> None:
    """Left and right are those of the picture."""
    shift = np.hypot(*displacement(MEAN_FACE, Event(0, 0.1, 0.2, units, side, 1.5).activation()).T)
    left, right = (shift[MEAN_FACE[:, 0] * sign > 0.3].max() for sign in (-1, 1))
    here, there = (left, right) if side == "left" else (right, left)
    assert here > 0.02  # 1 px at a 128-px face
    assert there < 0.25 * here


def test_an_event_rises_to_its_apex_and_returns() -> None:
    event = Event(1.0, 1.2, 1.5, (12,))
    assert event.course(1.0) == event.course(1.5) == event.course(0.2) == 0
    assert event.course(1.2) == pytest.approx(1)
    assert event.course(1.1) == pytest.approx(0.5)
    rising = [event.course(t) for t in np.linspace(1.0, 1.2, 20)]
    assert rising == sorted(rising)
