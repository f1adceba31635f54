"""Registration takes head motion away, and jitter with it, but leaves the expression."""

from __future__ import annotations

import numpy as np
import pytest

from mien.core import MienError
from mien.faces import MIRRORED, STABLE_POINTS, apply_affine, canonical_points, register_points

FACE = canonical_points(200).astype(float) + 100


def head_motion(times: np.ndarray) -> np.ndarray:
    """Slow sway, nod, tilt and approach, as a person sitting at a screen."""
    x, y = 6 * np.sin(2 * np.pi * 0.4 * times), 4 * np.sin(2 * np.pi * 0.3 * times + 1)
    angle, scale = 0.04 * np.sin(2 * np.pi * 0.25 * times), 1 + 0.02 * np.sin(2 * np.pi * 0.2 * times)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    middle = FACE.mean(axis=0)
    linear = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
    shift = middle - linear @ middle + np.stack([x, y], -1)
    return np.concatenate([linear, shift[..., None]], axis=-1)


def error(matrices: np.ndarray, clean: np.ndarray) -> float:
    """Root mean square distance of the registered true points from the reference, pixels."""
    return float(np.sqrt(np.mean(np.square(apply_affine(matrices, clean) - FACE).sum(axis=-1))))


@pytest.mark.parametrize("fps", [30, 100, 200])
def test_smoothing_brings_the_error_well_below_the_jitter(fps: int) -> None:
    rng = np.random.default_rng(0)
    times = np.arange(0, 6, 1 / fps) + rng.uniform(0, 0.2 / fps, 6 * fps)
    clean = apply_affine(head_motion(times), np.broadcast_to(FACE, (len(times), 68, 2)))
    jittered = clean + rng.normal(0, 0.3, clean.shape)
    raw, smooth = (error(register_points(jittered, times, FACE, window_s=w), clean) for w in (0, 0.4))
    assert smooth < raw / 1.5
    assert smooth < 0.3 * np.sqrt(2) / 3


def test_without_jitter_slow_motion_is_followed() -> None:
    times = np.arange(0, 6, 1 / 60)
    clean = apply_affine(head_motion(times), np.broadcast_to(FACE, (len(times), 68, 2)))
    assert error(register_points(clean, times, FACE), clean) < 0.01


def test_an_expression_survives() -> None:
    raised = FACE.copy()
    raised[17:27, 1] -= 3.0  # inner and outer brow raise
    track = np.stack([FACE] * 20 + [raised] * 10)
    matrices = register_points(track, np.arange(30) / 100, FACE)
    assert np.abs(matrices - np.eye(2, 3)).max() < 1e-9


def test_gaps_stay_gaps_and_nothing_leaks_across() -> None:
    times = np.arange(60) / 30
    track = np.stack([FACE] * 60)
    track[30:] += 50  # found again elsewhere
    track[25:30] = np.nan
    matrices = register_points(track, times, FACE)
    assert np.isnan(matrices[25:30]).all()
    assert matrices[:25] == pytest.approx(np.broadcast_to(np.eye(2, 3), (25, 2, 3)))
    assert matrices[30:, :, 2] == pytest.approx(np.full((30, 2), -50))
    alone = register_points(track[30:31], times[:1], FACE)
    assert alone[0, :, 2] == pytest.approx([-50, -50])


def test_a_long_track_is_smoothed_in_chunks_alike() -> None:
    rng = np.random.default_rng(3)
    track = FACE + rng.normal(0, 0.3, (4200, 68, 2))
    times = np.arange(4200) / 200
    whole = register_points(track, times, FACE)
    part = register_points(track[4000:], times[4000:], FACE)
    assert whole[4150] == pytest.approx(part[150], abs=1e-9)


def test_the_stable_points_are_symmetric() -> None:
    assert {int(MIRRORED[i]) for i in STABLE_POINTS} == set(STABLE_POINTS)


def test_bad_input() -> None:
    track = np.stack([FACE] * 3)
    for points, times, reference in (
        (track, [0, 1], FACE),
        (track, [0, 2, 1], FACE),
        (track, [0, 1, 2], FACE * np.nan),
        (track[:, :5], [0, 1, 2], FACE),
    ):
        with pytest.raises(MienError, match="expected"):
            register_points(points, times, reference)
    with pytest.raises(MienError, match="window"):
        register_points(track, [0, 1, 2], FACE, window_s=-1)
    assert register_points(np.empty((0, 68, 2)), [], FACE).shape == (0, 2, 3)
