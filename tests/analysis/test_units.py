"""Action units out of the movement of regions: known fields go in, their units come out."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from mien.analysis import _units
from mien.analysis._units import known_units, skin_movement, suggest_units
from mien.spotting import REGIONS
from mien.spotting.units import SIDES, unit_templates
from mien.synthesis import ACTION_UNITS, Event

NAMES = list(REGIONS)
PROTOTYPES = [
    (6, 12), (1, 2), (1, 2, 5), (1, 2, 26), (4, 7), (9, 17), (1, 4), (1, 4, 15), (12, 25), (4, 9), (15, 17), (1, 2, 4),
    (6, 12, 25), (10, 17), (4, 24),
]  # fmt: skip
SINGLE = [(unit,) for unit in ACTION_UNITS if unit != 45]


def composed(units: tuple[int, ...], side: str, px: float) -> np.ndarray:
    """What regions do when an expression moves the skin by at most ``px``: a sum of its units' fields."""
    activation = Event(0, 0.1, 0.2, units, side, px).activation()
    return sum(unit_templates()[unit, side] * max(halves) * 51.2 for unit, halves in activation.items())


def recovered(cases: list[tuple[tuple[int, ...], np.ndarray]]) -> tuple[float, float]:
    """Recall and precision of the units, of alike ones the one that stands for both."""
    right = said = there = 0
    for units, moved in cases:
        truth, found = {known_units()[unit] for unit in units}, set(suggest_units(moved))
        right, said, there = right + len(truth & found), said + len(found), there + len(truth)
    return right / there, right / said


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("units", SINGLE, ids=str)
def test_a_single_unit_is_found_alone(units: tuple[int], side: str) -> None:
    assert suggest_units(composed(units, side, 1.5)) == {known_units()[units[0]]: pytest.approx(1)}


def test_expressions_of_several_units_are_taken_apart() -> None:
    recall, precision = recovered([(u, composed(u, s, 1.5)) for u, s in product(PROTOTYPES, SIDES)])
    print(f"{len(PROTOTYPES) * 3} composed expressions: recall {recall:.2f}, precision {precision:.2f}")
    assert recall >= 0.84
    assert precision >= 0.98


def test_noise_as_measured_takes_little_of_it_away() -> None:
    """The noise of the regions on rendered clips is .02 to .05 px."""
    rng = np.random.default_rng(0)
    cases = [(u, composed(u, s, 1.5)) for u, s in product(SINGLE + PROTOTYPES, SIDES)]
    recall, precision = recovered([(u, moved + rng.normal(0, 0.05, moved.shape)) for u, moved in cases])
    print(f"{len(cases)} composed expressions with noise: recall {recall:.2f}, precision {precision:.2f}")
    assert recall >= 0.85
    assert precision >= 0.95


def test_shares_sum_to_one_and_the_largest_is_first() -> None:
    shares = suggest_units(2 * unit_templates()[12, "both"] + unit_templates()[6, "both"])
    assert set(shares) == {6, 12}
    assert sum(shares.values()) == pytest.approx(1)
    assert list(shares.values()) == sorted(shares.values(), reverse=True)


def test_what_no_face_does_suggests_nothing() -> None:
    assert suggest_units(np.zeros((len(NAMES), 2))) == {}
    assert suggest_units(np.full((len(NAMES), 2), np.nan)) == {}
    rng = np.random.default_rng(1)
    said = [bool(suggest_units(rng.normal(0, 1, (len(NAMES), 2)))) for _ in range(100)]
    print(f"units suggested by {sum(said)} of 100 random movements")
    assert sum(said) <= 25


def test_units_that_regions_cannot_tell_apart_are_those_of_the_docstring() -> None:
    merged = {unit: stands for unit, stands in known_units().items() if unit != stands}
    assert merged == {20: 14, 16: 25}
    for unit, stands in merged.items():
        assert f"{stands} (" in str(_units.__doc__)
        assert f"also for\n{unit} (" in str(_units.__doc__) or f"also for {unit} (" in str(_units.__doc__)


def test_raised_cheeks_do_not_make_the_chin_sink() -> None:
    measured, chin = composed((6, 12), "both", 2.0), NAMES.index("chin")
    skin = skin_movement(measured)
    assert measured[chin, 1] > 0.5
    assert abs(skin[chin]).max() < 0.15  # the tail of the smile
    assert skin[NAMES.index("right mouth corner"), 0] > 0.5 > -0.3 > skin[NAMES.index("right mouth corner"), 1]
    unknown = np.random.default_rng(4).normal(0, 1, (len(NAMES), 2))
    assert suggest_units(unknown) or (skin_movement(unknown) == unknown).all()
