"""Calibration against sums done by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from mien.core import MienError, Prediction
from mien.protocols import (
    brier_score,
    classwise_calibration_error,
    expected_calibration_error,
    measure_calibration,
    reliability_curve,
)


def rows(*said: tuple[float, bool], subjects: Sequence[str] = (), seed: int = 0) -> list[Prediction]:
    """Predictions of 'calm' against 'joy', with this probability of calm, right or wrong."""
    return [
        Prediction(
            "smic",
            f"smic/{subjects[i] if subjects else 's1'}",
            f"smic/{subjects[i] if subjects else 's1'}/c{i}",
            "",
            seed,
            "last",
            "calm" if right else "joy",
            "calm",
            {"calm": p, "joy": 1 - p},
        )
        for i, (p, right) in enumerate(said)
    ]


def test_ece_by_hand() -> None:
    # .95 .95 .95 .95, three right: |.75 - .95| = .2, of 4 of 10; .55 x 6, three right: |.5 - .55| = .05, of 6 of 10
    said = [*[(0.95, True)] * 3, (0.95, False), *[(0.55, True)] * 3, *[(0.55, False)] * 3]
    expected = 0.4 * 0.2 + 0.6 * 0.05
    for by in ("width", "mass"):
        assert expected_calibration_error(rows(*said), by=by) == pytest.approx(expected)


def test_bins_of_equal_width_include_their_upper_edge() -> None:
    # With 5 bins .6 is in (.4, .6] with .45, and .65 apart: |1 - .525| * 2/3 + |0 - .65| / 3
    said = [(0.45, True), (0.6, True), (0.65, False)]
    assert expected_calibration_error(rows(*said), bins=5) == pytest.approx(0.475 * 2 / 3 + 0.65 / 3)


def test_bins_of_equal_mass_halve_a_run_and_keep_equal_confidences_together() -> None:
    # two bins by the median (.65): {.5, .6} all wrong: .55; {.7, .8} all right: .25
    said = [(0.5, False), (0.6, False), (0.7, True), (0.8, True)]
    assert expected_calibration_error(rows(*said), bins=2, by="mass") == pytest.approx(0.5 * 0.55 + 0.5 * 0.25)
    curve = reliability_curve(rows(*said), bins=2, by="mass", resamples=5)
    assert [(one.low, one.high, one.n) for one in curve] == [(0.5, 0.6, 2), (0.7, 0.8, 2)]
    assert len(reliability_curve(rows(*[(0.7, True)] * 9), by="mass", resamples=5)) == 1


def test_opposite_errors_cancel_within_a_bin_only() -> None:
    within = [(0.91, True), (0.91, False)]  # half right, .91 sure
    assert expected_calibration_error(rows(*within)) == pytest.approx(0.41)
    apart = [(0.75, True), (0.85, False)]  # one too modest, one too sure: they must not cancel
    assert expected_calibration_error(rows(*apart)) == pytest.approx(0.5 * 0.25 + 0.5 * 0.85)
    assert expected_calibration_error(rows(*apart), bins=1) == pytest.approx(abs(0.5 - 0.8))


def test_classwise_ece_by_hand() -> None:
    said = [(0.9, True), (0.9, False), (0.3, False)]
    # calm: .9 twice, half true: .4 of 2/3; .3, never true: .3 of 1/3. joy: .1 twice, half true: .4; .7, true: .3
    calm = 0.4 * 2 / 3 + 0.3 / 3
    assert classwise_calibration_error(rows(*said)) == pytest.approx((calm + calm) / 2)


def test_classwise_ece_tells_classes_apart() -> None:
    p = {"a": 0.5, "b": 0.3, "c": 0.2}
    row = Prediction("smic", "smic/s1", "smic/s1/x", "", 0, "last", "b", "a", p)
    assert classwise_calibration_error([row]) == pytest.approx((0.5 + 0.7 + 0.2) / 3)
    assert brier_score([row]) == pytest.approx(0.25 + 0.49 + 0.04)
    assert expected_calibration_error([row]) == pytest.approx(0.5)


def test_brier_of_saying_nothing_is_two_thirds_for_three_classes() -> None:
    even = dict.fromkeys("abc", 1 / 3)
    table = [Prediction("smic", "smic/s1", f"smic/s1/{t}", "", 0, "last", t, "a", even) for t in "abc"]
    assert brier_score(table) == pytest.approx(2 / 3)


def test_confidence_is_that_of_the_named_class_even_where_another_is_likelier() -> None:
    row = Prediction("smic", "smic/s1", "smic/s1/a", "", 0, "last", "joy", "joy", {"calm": 0.6, "joy": 0.4})
    assert expected_calibration_error([row]) == pytest.approx(0.6)
    assert measure_calibration([row], resamples=5)["not_likeliest"] == 1


def test_seeds_are_scored_alone_and_averaged() -> None:
    right, wrong = rows((0.8, True), seed=0), rows((0.8, False), seed=1)
    wrong = [Prediction(r.dataset, r.subject, f"{r.subject}/other", "", 1, "last", "joy", "calm", r.probabilities)
             for r in wrong]  # fmt: skip
    assert expected_calibration_error([*right, *wrong]) == pytest.approx((0.2 + 0.8) / 2)


def test_a_run_whose_probabilities_hold_is_as_chance_would_have_it() -> None:
    rng = np.random.default_rng(0)
    said = rng.uniform(0.4, 1, 3000)
    table = rows(*zip(said.tolist(), (rng.random(3000) < said).tolist(), strict=True))
    document = measure_calibration(table, resamples=200)
    assert document["ece_width"] < document["ece_if_calibrated"]["width"]["p95"] < 0.04
    overconfident = rows(*zip(said.tolist(), (rng.random(3000) < said - 0.2).tolist(), strict=True))
    assert measure_calibration(overconfident, resamples=200)["ece_width"] == pytest.approx(0.2, abs=0.02)


def test_intervals_resample_subjects_not_clips() -> None:
    # Two people of 20 clips each: all of a right, all of b wrong. A resample is a alone, b alone or both.
    names = ["a"] * 20 + ["b"] * 20
    table = rows(*[(0.75, True)] * 20, *[(0.75, False)] * 20, subjects=names)
    (one,) = reliability_curve(table, resamples=500)
    assert (one.accuracy, one.ci95) == (0.5, (0.0, 1.0))
    assert measure_calibration(table, resamples=500)["ci95"]["ece_width"] == pytest.approx([0.25, 0.75])


def test_the_document_agrees_with_the_functions(noisy: Callable[..., list[Prediction]]) -> None:
    table = noisy(120)
    document = measure_calibration(table, resamples=50)
    assert document["ece_width"] == expected_calibration_error(table)
    assert document["ece_mass"] == expected_calibration_error(table, by="mass")
    assert document["classwise_ece_width"] == classwise_calibration_error(table)
    assert document["classwise_ece_mass"] == classwise_calibration_error(table, by="mass")
    assert document["brier"] == brier_score(table)
    assert document["n"] == 120
    assert document["accuracy"] == pytest.approx(np.mean([r.truth == r.predicted for r in table]))
    for name, (low, high) in document["ci95"].items():
        assert low <= high, name
    shuffled = [table[i] for i in np.random.default_rng(3).permutation(120)]
    assert measure_calibration(shuffled, resamples=50)["ece_mass"] == pytest.approx(document["ece_mass"])


def test_bad_use_is_said_in_one_line() -> None:
    bare = Prediction("smic", "smic/s1", "smic/s1/a", "", 0, "last", "joy", "joy")
    with pytest.raises(MienError, match="without probabilities"):
        expected_calibration_error([bare])
    with pytest.raises(MienError, match="0 bins"):
        expected_calibration_error(rows((0.5, True)), bins=0)
    with pytest.raises(MienError, match="bins by 'size'"):
        expected_calibration_error(rows((0.5, True)), by="size")  # type: ignore[arg-type]
    with pytest.raises(MienError, match="0 resamples"):
        measure_calibration(rows((0.5, True)), resamples=0)
