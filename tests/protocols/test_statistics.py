"""What needs no model: the majority class and guessing."""

from __future__ import annotations

import pytest

from mien.protocols.statistics import majority, random_baseline

MEGC = ["negative", "positive", "surprise"]


def truth(*sizes: int) -> list[str]:
    return [name for name, size in zip(MEGC, sizes, strict=True) for _ in range(size)]


@pytest.mark.parametrize(
    ("sizes", "accuracy"), [((250, 109, 83), 0.5656), ((88, 32, 25), 0.6069), ((92, 26, 15), 0.6917)]
)
def test_saying_negative_gives_the_published_majority(sizes: tuple[int, int, int], accuracy: float) -> None:
    scores = majority(truth(*sizes), MEGC)
    assert scores["accuracy"] == pytest.approx(accuracy, abs=5e-5)
    assert scores["uar"] == pytest.approx(1 / 3)


def test_guessing_has_a_third_of_accuracy_and_recall_and_less_f1_where_classes_are_uneven() -> None:
    uneven, even = random_baseline(truth(250, 109, 83), MEGC), random_baseline(truth(150, 150, 150), MEGC)
    assert uneven["accuracy"] == pytest.approx(1 / 3, abs=0.005)
    assert uneven["uar"] == pytest.approx(1 / 3, abs=0.005)
    assert uneven["uf1"] < even["uf1"] == pytest.approx(1 / 3, abs=0.005)
    assert random_baseline(truth(5, 5, 5), MEGC) == random_baseline(truth(5, 5, 5), MEGC)
