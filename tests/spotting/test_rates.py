"""What a threshold means is measured, not guessed."""

from __future__ import annotations

from dataclasses import replace

from mien.spotting import SpotSettings, expected_rate


def test_a_higher_threshold_has_fewer_false_alarms_and_finds_less() -> None:
    rates = [expected_rate(SpotSettings(least_score=score)) for score in (4.5, 6.0, 10.0, 20.0)]
    alarms, recalls = [r.false_alarms_per_min for r in rates], [r.recall for r in rates]
    assert alarms == sorted(alarms, reverse=True)
    assert recalls == sorted(recalls, reverse=True)
    assert 0 < alarms[0] < 2
    assert recalls[0] > 0.7


def test_nothing_is_said_of_what_was_not_measured() -> None:
    shipped = SpotSettings()
    for other in (replace(shipped, least_score=1.0), replace(shipped, least_score=1e3), replace(shipped, most_px=9.0)):
        assert expected_rate(other) is None
