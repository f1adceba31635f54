"""Spotting on rendered clips, frame rate by frame rate: what the README says of it. Slow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import mien

pytestmark = pytest.mark.slow

SEEDS = (301, 302, 303, 304)  # not those that anything was set on


def overlap(interval: mien.Interval, event: dict) -> float:
    shared = min(interval.offset_s, event["offset_s"]) - max(interval.onset_s, event["onset_s"])
    whole = max(interval.offset_s, event["offset_s"]) - min(interval.onset_s, event["onset_s"])
    return max(0.0, shared) / whole


@pytest.mark.parametrize(("fps", "needed"), [(200, 0.8), (100, 0.8), (60, 0.6), (30, 0.6)])
def test_rendered_micro_expressions_are_found_and_blinks_are_not(tmp_path: Path, fps: float, needed: float) -> None:
    hits = alarms = events = on_blinks = 0
    for seed in SEEDS:
        clip = mien.render(tmp_path / f"{seed}.mp4", fps=fps, seconds=10, seed=seed)
        truth = json.loads(clip.with_suffix(".json").read_text())
        found = list(mien.analyze(clip).intervals)
        matched = 0
        for event in truth["events"]:
            best = max(found, key=lambda interval: overlap(interval, event), default=None)
            if best is not None and overlap(best, event) >= 0.5:
                found.remove(best)
                matched += 1
        false = [i for i in found if not any(overlap(i, event) > 0 for event in truth["events"])]
        on_blinks += sum(overlap(i, blink) > 0 for i in false for blink in truth["blinks"])
        hits, alarms, events = hits + matched, alarms + len(found), events + len(truth["events"])
    print(f"{fps} fps: {hits} of {events} found, {alarms} false alarms, {on_blinks} on blinks")
    assert 2 * hits / (events + hits + alarms) >= needed
    assert on_blinks == 0
