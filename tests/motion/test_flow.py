"""Facts of motion: shifts, mirrors, rotations, shears."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core import MienError
from mien.motion import FLOWS, motion_map, optical_flow, resize_flow, strain, to_grey

INNER = (slice(None), slice(16, -16), slice(16, -16))


def texture(size: int = 96, seed: int = 0) -> np.ndarray:
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(size, size)), (0, 0), 2.0)
    return cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)


@pytest.mark.parametrize("method", sorted(FLOWS))
def test_a_texture_shifted_one_pixel_right_gives_u_one(method: str) -> None:
    first = texture()
    u, v = optical_flow(first, np.roll(first, 1, axis=1), method)[INNER]
    assert abs(u.mean() - 1) < 0.1
    assert abs(v.mean()) < 0.1


@pytest.mark.parametrize("method", sorted(FLOWS))
def test_a_texture_shifted_one_pixel_down_gives_v_one(method: str) -> None:
    first = texture(seed=1)
    u, v = optical_flow(first, np.roll(first, 1, axis=0), method)[INNER]
    assert abs(v.mean() - 1) < 0.1
    assert abs(u.mean()) < 0.1


@pytest.mark.parametrize("method", sorted(FLOWS))
def test_a_mirrored_pair_negates_u(method: str) -> None:
    first = texture(seed=2)
    x, y = np.meshgrid(np.arange(96, dtype=np.float32), np.arange(96, dtype=np.float32))
    bell = np.exp(-((x - 40) ** 2 + (y - 50) ** 2) / 400).astype(np.float32)
    second = cv2.remap(first, x - bell, y - 0.5 * bell, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    u, v = optical_flow(first, second, method)
    mirrored_u, mirrored_v = optical_flow(first[:, ::-1], second[:, ::-1], method)
    assert np.corrcoef(mirrored_u[:, ::-1].ravel(), -u.ravel())[0, 1] > 0.97
    assert np.corrcoef(mirrored_v[:, ::-1].ravel(), v.ravel())[0, 1] > 0.9  # TV-L1's solver is not exactly symmetric


@pytest.mark.parametrize("method", sorted(FLOWS))
def test_identical_frames_have_no_motion(method: str) -> None:
    assert np.abs(optical_flow(texture(), texture(), method)).max() < 1e-3


def grid(size: int = 40) -> tuple[np.ndarray, np.ndarray]:
    steps = np.arange(size, dtype=np.float64) - size / 2
    return np.meshgrid(steps, steps)


def test_a_rotation_strains_nothing() -> None:
    x, y = grid()
    assert strain(np.stack([-0.02 * y, 0.02 * x])).max() < 1e-6


@given(st.floats(-0.5, 0.5))
def test_a_shear_strains_by_its_slope_over_root_two(a: float) -> None:
    _, y = grid()
    np.testing.assert_allclose(strain(np.stack([a * y, 0 * y])), abs(a) / np.sqrt(2), atol=1e-6)


@given(st.floats(-0.5, 0.5))
def test_an_expansion_strains_by_its_slope_times_root_two(a: float) -> None:
    x, y = grid()
    np.testing.assert_allclose(strain(np.stack([a * x, a * y])), abs(a) * np.sqrt(2), atol=1e-6)


def test_resizing_a_flow_scales_its_vectors() -> None:
    u, v = resize_flow(np.stack([np.full((20, 30), 3.0), np.full((20, 30), 2.0)]), 40, 15)
    np.testing.assert_allclose(u, 1.5, rtol=1e-6)
    np.testing.assert_allclose(v, 4.0, rtol=1e-6)
    assert u.shape == (40, 15)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_mirroring_the_face_turns_the_maps_u_into_255_minus_u(seed: int) -> None:
    rng = np.random.default_rng(seed)
    flow = cv2.GaussianBlur(rng.normal(size=(56, 56, 2)), (0, 0), 4).transpose(2, 0, 1)
    mirrored = flow[:, :, ::-1] * np.array([-1, 1])[:, None, None]
    straight, turned = motion_map(flow).astype(int), motion_map(mirrored).astype(int)[:, ::-1]
    assert np.abs(turned[..., 0] - (255 - straight[..., 0])).max() <= 1
    assert np.abs(turned[..., 1:] - straight[..., 1:]).max() <= 1


def test_a_map_fills_the_range_of_each_channel() -> None:
    made = motion_map(np.random.default_rng(0).normal(size=(2, 64, 64)))
    assert made.shape == (28, 28, 3)
    assert (made.min(axis=(0, 1)) == 0).all()
    assert (made.max(axis=(0, 1)) == 255).all()


def test_no_motion_gives_an_empty_map() -> None:
    assert not motion_map(np.zeros((2, 32, 32))).any()


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: optical_flow(np.zeros((20, 20), np.uint8), np.zeros((20, 21), np.uint8)), "one size"),
        (lambda: optical_flow(np.zeros((8, 8), np.uint8), np.zeros((8, 8), np.uint8)), "at least 16x16"),
        (lambda: optical_flow(texture(), texture(), "tvl2"), "did you mean 'tvl1'"),
        (lambda: to_grey(np.zeros((4, 4, 4), np.uint8)), "expected uint8"),
        (lambda: strain(np.zeros((32, 32, 2))), r"expected \(2, H, W\)"),
        (lambda: motion_map(np.full((2, 32, 32), np.nan)), "NaN"),
    ],
)
def test_bad_input_gets_one_clear_line(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MienError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
