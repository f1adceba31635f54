"""Similarities are found exactly, never as reflections; maps chain and undo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError
from mien.faces import apply_affine, canonical_points, compose, fit_similarity, invert

angles = st.floats(-3.1, 3.1)
scales = st.floats(0.2, 5)
shifts = st.floats(-500, 500)


def similarity(scale: float, angle: float, x: float, y: float) -> np.ndarray:
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    return np.array([[cos, -sin, x], [sin, cos, y]])


@given(scales, angles, shifts, shifts)
def test_a_similarity_is_found_exactly(scale: float, angle: float, x: float, y: float) -> None:
    truth = similarity(scale, angle, x, y)
    points = canonical_points(100)
    found = fit_similarity(points, apply_affine(truth, points))
    assert found == pytest.approx(truth, abs=1e-6)
    assert apply_affine(compose(invert(truth), truth), points) == pytest.approx(points, abs=1e-6)


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    points = canonical_points(100)
    found = fit_similarity(points, points * [-1, 1])
    assert np.linalg.det(found[:, :2]) > 0


def test_a_stack_is_fitted_frame_by_frame_and_weights_count() -> None:
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(4, 9, 2)), rng.normal(size=(4, 9, 2))
    weights = np.array([0, 0, 0, 1, 2, 3, 1, 1, 1.0])
    stacked = fit_similarity(source, target, weights)
    for one, s, t in zip(stacked, source, target, strict=True):
        assert one == pytest.approx(fit_similarity(s[3:], t[3:], weights[3:]))
    assert apply_affine(stacked, source)[2] == pytest.approx(apply_affine(stacked[2], source[2]))


def test_the_fit_is_the_best_one() -> None:
    rng = np.random.default_rng(1)
    source, target = rng.normal(size=(9, 2)), rng.normal(size=(9, 2))
    best = fit_similarity(source, target)
    error = np.square(apply_affine(best, source) - target).sum()
    for nudge in (similarity(1.01, 0, 0, 0), similarity(1, 0.01, 0, 0), similarity(1, 0, 0.01, 0)):
        assert np.square(apply_affine(compose(nudge, best), source) - target).sum() > error


def test_bad_points() -> None:
    for source, target, weights in (
        (np.zeros((3, 2)), np.zeros((4, 2)), None),
        (np.ones((3, 2)), np.ones((3, 2)), None),
        (np.eye(2), np.eye(2), [1, -1]),
        (np.eye(2), np.eye(2), [1, 0]),
    ):
        with pytest.raises(MienError, match="expected"):
            fit_similarity(source, target, weights)
    with pytest.raises(MienError, match="singular"):
        invert(np.zeros((2, 3)))
