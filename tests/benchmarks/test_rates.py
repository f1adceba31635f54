"""What heeding only clear finds gives, counted by hand."""

from __future__ import annotations

import pytest

from mien.benchmarks._clips import Truth
from mien.benchmarks._scoring import Outcome, rate_by_score
from mien.synthesis import Event


def test_finds_below_the_score_are_not_counted() -> None:
    events = tuple(Event(start, start + 0.1, start + 0.3, (12,)) for start in (1.0, 3.0, 5.0, 7.0))
    truth = Truth(100, 1.5, 0, 60.0, 30.0, "astronaut", events, ())
    outcome = Outcome(
        truth, "mien", 5, ((0.0, 0.0),) * 3, ("talk", "nods"), scores=(5.0, 8.0, 20.0), alarm_scores=(4.6, 9.0)
    )
    rows = rate_by_score([outcome], [4.5, 6.0, 10.0])
    assert [row["false_alarms_per_min"] for row in rows] == [4.0, 2.0, 0.0]  # in half a minute with a face
    assert [row["recall"] for row in rows] == pytest.approx([0.75, 0.5, 0.25])
