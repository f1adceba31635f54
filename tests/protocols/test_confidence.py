"""Rejection by confidence against sums done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mien.core import MienError, Prediction
from mien.protocols import area_under_risk, coverage_by_class, measure_rejection, risk_coverage


def rows(*said: tuple[float, bool], subject: str = "s1", seed: int = 0) -> list[Prediction]:
    """Predictions of 'calm' against 'joy', with this probability of calm, right or wrong."""
    return [
        Prediction("smic", f"smic/{subject}", f"smic/{subject}/c{i}", "", seed, "last", "calm" if right else "joy",
                   "calm", {"calm": p, "joy": 1 - p})
        for i, (p, right) in enumerate(said)
    ]  # fmt: skip


def named(truth: str, predicted: str, p: float, clip: int) -> Prediction:
    """One of three classes, named with this probability."""
    others = [name for name in ("a", "b", "c") if name != predicted]
    said = {predicted: p} | dict.fromkeys(others, (1 - p) / 2)
    return Prediction("smic", "smic/s1", f"smic/s1/{clip}", "", 0, "last", truth, predicted, said)


FIVE = [(0.9, True), (0.8, False), (0.7, True), (0.6, True), (0.5, False)]


def test_the_curve_by_hand() -> None:
    found = [(p.threshold, p.coverage, p.risk, p.n) for p in risk_coverage(rows(*FIVE))]
    assert found == [(0.9, 0.2, 0.0, 1), (0.8, 0.4, 0.5, 2), (0.7, 0.6, 1 / 3, 3), (0.6, 0.8, 0.25, 4),
                     (0.5, 1.0, 0.4, 5)]  # fmt: skip


def test_the_order_of_the_rows_changes_nothing() -> None:
    table = rows(*FIVE)
    assert area_under_risk(table[::-1]) == area_under_risk(table)
    assert risk_coverage(table[::-1]) == risk_coverage(table)


def test_the_area_by_hand() -> None:
    # risks 0, 1/2, 1/3, 1/4, 2/5; the best order rejects both errors first: 0, 0, 0, 1/4, 2/5; chance: 2/5 throughout
    areas = area_under_risk(rows(*FIVE))
    assert areas["aurc"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 4 + 2 / 5) / 5)
    assert areas["best"] == pytest.approx((1 / 4 + 2 / 5) / 5)
    assert areas["random"] == pytest.approx(0.4)
    assert areas["excess"] == pytest.approx((1 / 2 + 1 / 3) / 5)


def test_a_confidence_that_says_nothing_is_random_rejection() -> None:
    areas = area_under_risk(rows(*[(0.7, i % 3 > 0) for i in range(12)]))
    assert areas["aurc"] == pytest.approx(areas["random"]) == pytest.approx(1 / 3)
    assert len(risk_coverage(rows(*[(0.7, i % 3 > 0) for i in range(12)]))) == 1


def test_among_equal_confidences_every_order_counts_the_same() -> None:
    # .9 right; then .6 twice, one of them wrong: mean of (0, 1/2, 1/3) and (0, 0, 1/3)
    areas = area_under_risk(rows((0.9, True), (0.6, True), (0.6, False)))
    assert areas["aurc"] == pytest.approx((0 + 1 / 4 + 1 / 3) / 3)


def test_a_confidence_that_orders_wrongly_is_worse_than_chance() -> None:
    worst = area_under_risk(rows((0.9, False), (0.8, False), (0.6, True), (0.5, True)))
    assert worst["aurc"] == pytest.approx((1 + 1 + 2 / 3 + 1 / 2) / 4)
    assert worst["aurc"] > worst["random"]
    perfect = area_under_risk(rows((0.9, True), (0.8, True), (0.6, False), (0.5, False)))
    assert perfect["excess"] == 0


def test_seeds_are_ranked_apart_and_averaged() -> None:
    first, second = rows((0.9, True), (0.8, False)), rows((0.9, False), (0.8, False), subject="s2", seed=1)
    assert area_under_risk([*first, *second])["aurc"] == pytest.approx(((0 + 1 / 2) / 2 + 1) / 2)


def test_coverage_by_class_shows_that_one_class_is_never_answered() -> None:
    # a and b are named surely, c never: the answers that remain are all right, but every c is lost
    table = [named("a", "a", 0.9, 0), named("a", "a", 0.8, 1), named("b", "b", 0.9, 2), named("b", "a", 0.85, 3),
             named("c", "c", 0.5, 4), named("c", "c", 0.4, 5), named("c", "b", 0.5, 6)]  # fmt: skip
    found = coverage_by_class(table, 0.7)
    assert {name: part["coverage"] for name, part in found.items()} == {"a": 1.0, "b": 1.0, "c": 0.0}
    assert (found["b"]["recall"], found["b"]["n"]) == (0.5, 2)
    assert math.isnan(found["c"]["recall"])
    assert (found["a"]["named"], found["a"]["named_coverage"]) == (3, 1.0)
    assert found["a"]["risk"] == pytest.approx(1 / 3)
    assert (found["b"]["named"], found["b"]["named_coverage"], found["b"]["risk"]) == (2, 0.5, 0.0)
    assert coverage_by_class(table, 0.5)["c"]["coverage"] == pytest.approx(2 / 3)


def test_intervals_resample_subjects() -> None:
    # one person always right, one always wrong, equally sure: a resample has an error rate of 0, 1/2 or 1
    table = [*rows(*[(0.7, True)] * 8), *rows(*[(0.7, False)] * 8, subject="s2")]
    document = measure_rejection(table, resamples=300)
    assert document["ci95"]["random"] == [0.0, 1.0]
    assert document["ci95"]["gain"] == pytest.approx([0, 0])
    assert document["half"]["coverage"] == 1


def test_the_document_agrees_with_the_functions() -> None:
    rng = np.random.default_rng(0)
    said = rng.uniform(0.4, 1, 200)
    answers = list(zip(said.tolist(), (rng.random(200) < said).tolist(), strict=True))
    table = [row for k in range(20) for row in rows(*answers[k::20], subject=f"s{k}")]
    document = measure_rejection(table, resamples=50)
    assert document["aurc"] == area_under_risk(table)["aurc"]
    assert document["gain"] == pytest.approx(document["random"] - document["aurc"])
    assert document["ci95"]["aurc"][0] < document["aurc"] < document["ci95"]["aurc"][1]
    assert (document["half"]["n"], document["half"]["coverage"]) == (100, 0.5)
    assert document["half"]["risk"] < document["random"]


def test_bad_use_is_said_in_one_line() -> None:
    bare = Prediction("smic", "smic/s1", "smic/s1/a", "", 0, "last", "joy", "joy")
    with pytest.raises(MienError, match="without probabilities"):
        area_under_risk([bare])
    with pytest.raises(MienError, match=r"threshold 1\.5"):
        coverage_by_class(rows(*FIVE), 1.5)
    with pytest.raises(MienError, match="0 resamples"):
        measure_rejection(rows(*FIVE), resamples=0)
