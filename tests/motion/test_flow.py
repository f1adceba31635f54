"""Facts of motion: shifts, mirrors, rotations, shears."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from mien.core import MienError
from mien.motion import FLOWS, motion_map, optical_flow, resize_flow, strain, to_grey
from mien.motion.flow import mirror_flow

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


def smooth_pair(seed: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A texture, the same moved by two soft bumps of up to 1 px (quintic splines, not rounded), and that motion."""
    first = texture(seed=seed).astype(np.float64)
    rows, columns = np.indices(first.shape, np.float64)

    def motion(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        near, far = np.exp(-((x - 40) ** 2 + (y - 36) ** 2) / 400), np.exp(-((x - 60) ** 2 + (y - 64) ** 2) / 400)
        return np.stack([near - 0.5 * far, 0.7 * far - 0.4 * near])

    x, y = columns, rows
    for _ in range(50):  # where each pixel of the second frame comes from
        u, v = motion(x, y)
        x, y = columns - u, rows - v
    second = ndimage.map_coordinates(first, [y, x], order=5, mode="mirror")
    return first.astype(np.float32), second.astype(np.float32), motion(columns, rows)


@pytest.mark.parametrize("method", ["ilk", "lk"])
def test_lucas_kanade_sees_no_motion_at_all_in_identical_frames(method: str) -> None:
    assert not optical_flow(texture(), texture(), method).any()


@pytest.mark.parametrize("method", ["ilk", "lk"])
def test_lucas_kanade_follows_a_smooth_warp_to_a_twentieth_of_a_pixel(method: str) -> None:
    first, second, truth = smooth_pair()
    wrong = np.hypot(*(optical_flow(first, second, method) - truth))[8:-8, 8:-8]
    assert np.hypot(*truth).max() > 1
    assert wrong.mean() < 0.05


def test_lucas_kanade_finds_ten_pixels_through_its_pyramid() -> None:
    first = cv2.resize(texture(), (192, 192), interpolation=cv2.INTER_CUBIC)
    u, v = optical_flow(first, np.roll(first, 10, axis=1), "lk")[:, 32:-32, 32:-32]
    np.testing.assert_allclose(u, 10, atol=0.05)
    np.testing.assert_allclose(v, 0, atol=0.05)


@pytest.mark.parametrize("across", [0, 1])
def test_lucas_kanade_does_not_guess_where_the_aperture_hides_the_motion(across: int) -> None:
    stripes = np.tile(127 + 100 * np.sin(np.arange(96) / 3), (96, 1))
    rng = np.random.default_rng(0)
    first, second = (
        np.clip(np.rint(np.roll(stripes, shift, axis=1) + rng.normal(0, 1, stripes.shape)), 0, 255).astype(np.uint8)
        for shift in (0, across)
    )
    assert not optical_flow(first, second, "lk").any()


def test_lucas_kanade_takes_noise_on_an_even_surface_for_no_motion() -> None:
    first, second = np.random.default_rng(1).normal(128, 1, (2, 96, 96)).astype(np.float32)
    assert not optical_flow(first, second, "lk").any()


def test_lucas_kanades_mirrored_pair_negates_u_everywhere() -> None:
    first, second, _ = smooth_pair()
    turned = optical_flow(first[:, ::-1], second[:, ::-1], "lk")
    np.testing.assert_allclose(mirror_flow(turned), optical_flow(first, second, "lk"), atol=1e-3)


@pytest.mark.parametrize("method", sorted(FLOWS))
def test_whole_floats_move_as_uint8_does(method: str) -> None:
    first, second = texture(), np.roll(texture(), 1, axis=0)
    as_uint8 = optical_flow(first, second, method)
    np.testing.assert_array_equal(optical_flow(np.float32(first), np.float32(second), method), as_uint8)
    np.testing.assert_array_equal(optical_flow(first, np.float32(second), method), as_uint8)


@pytest.mark.parametrize("method", sorted(FLOWS))
def test_floats_show_the_motion_better_than_whole_grey_levels(method: str) -> None:
    first, second, truth = smooth_pair()
    faint = [frame / 5 + np.float32(100) for frame in (first, second)]
    kept, lost = (optical_flow(*pair, method) for pair in (faint, [np.rint(frame) for frame in faint]))
    if method == "dis":  # rounds by itself
        np.testing.assert_array_equal(kept, lost)
    else:
        assert np.hypot(*(kept - truth)).mean() < np.hypot(*(lost - truth)).mean()


@pytest.mark.parametrize("method", sorted(FLOWS))
def test_the_smallest_frames_have_a_flow_of_their_size(method: str) -> None:
    first = texture(16)
    assert optical_flow(first, np.roll(first, 1, axis=1), method).shape == (2, 16, 16)


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


def test_mirroring_a_flow_negates_u_and_keeps_the_strain() -> None:
    flow = cv2.GaussianBlur(np.random.default_rng(4).normal(size=(24, 32, 2)), (0, 0), 3).transpose(2, 0, 1)
    mirrored = mirror_flow(flow)
    np.testing.assert_array_equal(mirrored[0], -flow[0][:, ::-1])
    np.testing.assert_array_equal(mirrored[1], flow[1][:, ::-1])
    np.testing.assert_allclose(strain(mirrored), strain(flow)[:, ::-1], rtol=1e-6)
    np.testing.assert_array_equal(mirror_flow(mirrored), flow)


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
        (lambda: optical_flow(texture().astype(float), texture().astype(float)), "expected uint8 or float32"),
        (lambda: optical_flow(texture() / np.float32(255), texture() / np.float32(255)), "multiply it by 255"),
        (lambda: optical_flow(np.full((20, 20), np.nan, np.float32), np.zeros((20, 20), np.uint8)), "without NaN"),
        (lambda: optical_flow(np.zeros((20, 20, 4), np.float32), np.zeros((20, 20), np.uint8)), "float32 without"),
        (lambda: mirror_flow(np.zeros((32, 32, 2))), r"expected \(2, H, W\)"),
        (lambda: strain(np.zeros((32, 32, 2))), r"expected \(2, H, W\)"),
        (lambda: motion_map(np.full((2, 32, 32), np.nan)), "NaN"),
    ],
)
def test_bad_input_gets_one_clear_line(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MienError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
