"""Action units move the skin that FACS says, where it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core import MienError
from mien.synthesis import ACTION_UNITS, MEAN_FACE, displacement

LEFT_BROW, RIGHT_BROW = slice(17, 22), slice(22, 27)
REQUIRED = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 20, 25, 26)
UNITS = st.sampled_from(sorted(ACTION_UNITS))


def moved(unit: int, *points: int) -> np.ndarray:
    """Mean displacement of landmarks by a unit of intensity 1, both sides."""
    return displacement(MEAN_FACE[list(points)], {unit: (1.0, 1.0)}).mean(axis=0)


def test_the_required_units_are_modelled() -> None:
    assert set(REQUIRED) <= set(ACTION_UNITS)


@pytest.mark.parametrize(
    ("unit", "point", "axis", "sign"),
    [
        (1, 22, 1, -1),  # the inner brow goes up
        (2, 25, 1, -1),  # the outer brow goes up
        (4, 22, 1, +1),  # the brow goes down ...
        (4, 22, 0, -1),  # ... and towards the middle
        (5, 43, 1, -1),  # the upper lid goes up
        (7, 46, 1, -1),  # the lower lid goes up
        (9, 35, 1, -1),  # the nose wing goes up
        (10, 52, 1, -1),  # the upper lip goes up
        (12, 54, 0, +1),  # the lip corner goes out ...
        (12, 54, 1, -1),  # ... and up
        (15, 54, 1, +1),  # the lip corner goes down
        (17, 8, 1, -1),  # the chin goes up
        (20, 54, 0, +1),  # the lip corner goes out
        (25, 57, 1, +1),  # the lower lip goes down
        (26, 8, 1, +1),  # the jaw goes down
        (45, 43, 1, +1),  # a blink brings the upper lid down
    ],
)
def test_a_unit_moves_its_landmark_its_way(unit: int, point: int, axis: int, sign: int) -> None:
    assert moved(unit, point)[axis] * sign > 0.1


@given(UNITS, st.floats(0.01, 1.0), st.floats(0.0, 1.0))
@settings(deadline=None)
def test_mirroring_the_face_swaps_the_sides_and_negates_u(unit: int, left: float, right: float) -> None:
    points = np.random.default_rng(unit).uniform((-1.2, -0.5), (1.2, 1.8), (50, 2))
    straight = displacement(points, {unit: (left, right)})
    mirrored = displacement(points * (-1, 1), {unit: (right, left)})
    np.testing.assert_allclose(mirrored, straight * (-1, 1), atol=1e-12)


@given(UNITS, st.floats(0.005, 0.1))
@settings(deadline=None, max_examples=30)
def test_intensity_is_the_largest_displacement(unit: int, intensity: float) -> None:
    x, y = np.meshgrid(np.linspace(-1.25, 1.25, 81), np.linspace(-0.9, 1.9, 91))
    field = displacement(np.stack([x, y], axis=-1), {unit: (intensity, intensity)})
    assert np.hypot(field[..., 0], field[..., 1]).max() == pytest.approx(intensity, rel=0.03)


@given(UNITS, UNITS)
@settings(deadline=None)
def test_units_add_up(first: int, second: int) -> None:
    one, two = {first: (0.3, 0.2)}, {second: (0.1, 0.4)}
    both = {**one, **two} if first != second else {first: (0.4, 0.6)}
    np.testing.assert_allclose(
        displacement(MEAN_FACE, both), displacement(MEAN_FACE, one) + displacement(MEAN_FACE, two), atol=1e-12
    )


@pytest.mark.parametrize("unit", sorted(set(ACTION_UNITS) - {17, 24, 25, 26, 23}))
def test_a_one_sided_action_leaves_the_other_half_almost_still(unit: int) -> None:
    field = displacement(MEAN_FACE, {unit: (0.0, 1.0)})
    strength = np.hypot(field[:, 0], field[:, 1])
    assert strength[MEAN_FACE[:, 0] < -0.35].max() < 0.25 * strength.max()


def test_lips_do_not_drag_each_other() -> None:
    upper, lower = MEAN_FACE[62] + (0, -0.06), MEAN_FACE[66] + (0, 0.06)
    field = displacement(np.array([upper, lower]), {16: (1.0, 1.0)})
    assert field[1, 1] > 0.3
    assert abs(field[0, 1]) < 0.05


def test_no_field_folds_the_skin_at_the_strength_of_a_micro_expression() -> None:
    """The map x -> x + d(x) keeps its orientation for every unit at 3 px on a 128-px face, off the lips' line."""
    step = 0.01
    x, y = np.meshgrid(np.arange(-1.2, 1.2, step), np.arange(-0.6, 1.85, step))
    points = np.stack([x, y], axis=-1)
    away = np.abs(y - MEAN_FACE[[62, 66], 1].mean()) > 0.1
    for unit in ACTION_UNITS:
        u, v = np.moveaxis(displacement(points, {unit: (3 / 51.2, 3 / 51.2)}), -1, 0)
        u_y, u_x = np.gradient(u, step)
        v_y, v_x = np.gradient(v, step)
        assert ((1 + u_x) * (1 + v_y) - u_y * v_x)[away].min() > 0, unit


def test_an_unknown_unit_is_named() -> None:
    with pytest.raises(MienError, match="got action unit 99"):
        displacement(MEAN_FACE, {99: (1.0, 1.0)})


def test_the_corner_of_a_smiling_mouth_goes_up_at_the_angle_that_was_measured() -> None:
    """About 47 degrees above the horizontal in spontaneous smiles (Tarantili, Halazonetis & Spyropoulos 2005)."""
    right, down = displacement(MEAN_FACE, {12: (0.02, 0.02)})[54]
    assert np.degrees(np.arctan2(-down, right)) == pytest.approx(47, abs=3)
