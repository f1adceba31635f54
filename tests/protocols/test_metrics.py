"""Pooled metrics against hand counts and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core import MienError, MienWarning
from mien.protocols.metrics import confusion, fold_means, measures, metrics

MEGC = ["negative", "positive", "surprise"]
STSTNET = np.array([[219, 22, 9], [40, 62, 7], [21, 3, 59]])


def test_the_published_uar_of_ststnet_is_its_macro_precision() -> None:
    scores = metrics(STSTNET, MEGC)
    assert scores["accuracy"] == pytest.approx(0.7692, abs=5e-5)
    assert scores["uf1"] == pytest.approx(0.7353, abs=5e-5)
    assert scores["uar"] == pytest.approx(0.7186, abs=5e-5)
    assert scores["macro_precision"] == pytest.approx(0.7605, abs=5e-5)
    assert scores["n"] == 442
    assert {name: row["n"] for name, row in scores["per_class"].items()} == dict(zip(MEGC, [250, 109, 83], strict=True))


def test_swapping_the_axes_swaps_uar_and_precision_and_leaves_uf1() -> None:
    right, swapped = metrics(STSTNET, MEGC), metrics(STSTNET.T, MEGC)
    assert swapped["uar"] == pytest.approx(right["macro_precision"])
    assert swapped["macro_precision"] == pytest.approx(right["uar"])
    assert swapped["uf1"] == pytest.approx(right["uf1"])


@pytest.mark.filterwarnings("ignore::mien.core.MienWarning")
def test_one_versus_rest_accuracy_flatters() -> None:
    """Of three classes, (TP + TN) / N turns an accuracy of .619 into .746."""
    scores = metrics([[619, 381, 0], [0, 0, 0], [0, 0, 0]], MEGC)
    by_hand = np.mean([619 / 1000, 619 / 1000, 1.0])
    assert scores["accuracy"] == pytest.approx(0.619)
    assert scores["ovr_accuracy"] == pytest.approx(by_hand)
    assert scores["ovr_accuracy"] == pytest.approx(0.746)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
@pytest.mark.filterwarnings("ignore::mien.core.MienWarning")
def test_the_scores_are_those_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics import accuracy_score, confusion_matrix, f1_score, precision_score, recall_score

    classes = ["a", "b", "c", "d"]
    truth, predicted = ([classes[pair[side]] for pair in pairs] for side in (0, 1))
    counts = confusion(truth, predicted, classes)
    scores = metrics(counts, classes)
    macro = {"labels": classes, "average": "macro", "zero_division": 0}
    np.testing.assert_array_equal(counts, confusion_matrix(truth, predicted, labels=classes))
    assert scores["accuracy"] == pytest.approx(accuracy_score(truth, predicted))
    assert scores["uf1"] == pytest.approx(f1_score(truth, predicted, **macro))
    assert scores["uar"] == pytest.approx(recall_score(truth, predicted, **macro))
    assert scores["macro_precision"] == pytest.approx(precision_score(truth, predicted, **macro))
    weighted = f1_score(truth, predicted, labels=classes, average="weighted", zero_division=0)
    assert scores["f1_weighted"] == pytest.approx(weighted)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1), min_size=1, max_size=6))
def test_a_fold_mean_is_the_mean_of_scikit_learns_folds(folds: list[list[tuple[int, int]]]) -> None:
    from sklearn.metrics import accuracy_score, f1_score

    named = [([MEGC[t] for t, _ in fold], [MEGC[p] for _, p in fold]) for fold in folds]
    means = fold_means(np.stack([confusion(*fold, MEGC) for fold in named]))
    assert means["accuracy"] == pytest.approx(np.mean([accuracy_score(*fold) for fold in named]))
    assert means["uf1"] == pytest.approx(np.mean([f1_score(*fold, average="macro") for fold in named]))


def test_a_stack_scores_as_each_of_its_matrices() -> None:
    stack = np.random.default_rng(0).integers(0, 9, (2, 3, 3, 3))
    for name, values in measures(stack).items():
        assert values.shape == (2, 3)
        assert values[1, 2] == pytest.approx(measures(stack[1, 2])[name])


def test_a_class_that_never_occurs_counts_as_zero_with_a_warning() -> None:
    with pytest.warns(MienWarning, match="truly surprise"):
        scores = metrics([[2, 0, 0], [0, 2, 0], [0, 0, 0]], MEGC)
    assert scores["uf1"] == scores["uar"] == pytest.approx(2 / 3)
    with pytest.warns(MienWarning, match="truly surprise"):
        only_predicted = metrics([[2, 0, 1], [0, 2, 0], [0, 0, 0]], MEGC)
    assert only_predicted["per_class"]["surprise"] == {"f1": 0, "recall": 0, "precision": 0, "n": 0}


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1, 2], [3, 4]], "shape"),
        ([[-1, 0, 0], [0, 1, 0], [0, 0, 1]], "negative or fractional"),
        (np.eye(3) / 2, "negative or fractional"),
        (np.zeros((3, 3), int), "without a single sample"),
    ],
)
def test_what_is_not_a_confusion_is_refused(matrix: object, message: str) -> None:
    with pytest.raises(MienError, match=message):
        metrics(matrix, MEGC)  # type: ignore[arg-type]


@pytest.mark.parametrize(("truth", "predicted"), [([], []), (["positive"], []), (["joy"], ["positive"])])
def test_what_cannot_be_counted_is_refused(truth: list[str], predicted: list[str]) -> None:
    with pytest.raises(MienError, match="got"):
        confusion(truth, predicted, MEGC)
