"""An apex that nobody annotated is where the clip alone shows most; labels and other clips play no part."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.core import MienError
from mien.motion.apex import APEX_POLICIES, APEX_REGIONS, dnc_roi, find_apex, largest_difference, largest_flow, midpoint

SEARCHES = [largest_difference, largest_flow, dnc_roi]


def clip(apex: int, frames: int = 15, size: int = 64, noise: float = 0.0) -> np.ndarray:
    """Texture in which the mouth goes down and comes back, most at ``apex``."""
    rng = np.random.default_rng(1)
    still = cv2.GaussianBlur(rng.integers(0, 256, (size, size)).astype(np.float32), (0, 0), 1.2)
    x, y = np.meshgrid(np.arange(size, dtype=np.float32), np.arange(size, dtype=np.float32))
    bell = np.exp(-(((x - size / 2) / (0.16 * size)) ** 2) - ((y - 0.7 * size) / (0.1 * size)) ** 2)
    moved = []
    for index in range(frames):
        rest = index / apex if index <= apex else (frames - 1 - index) / (frames - 1 - apex)
        image = cv2.remap(still, x, y - np.float32(3 * rest) * bell, cv2.INTER_LINEAR)
        moved.append(image + rng.normal(0, noise, image.shape))
    return np.clip(np.stack(moved) * 1.5, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("apex", [4, 7, 10])
def test_the_strongest_frame_is_found(search: object, apex: int) -> None:
    assert abs(search(clip(apex)) - apex) <= 1  # type: ignore[operator]


@pytest.mark.parametrize("search", [largest_difference, largest_flow])
def test_noise_moves_it_little(search: object) -> None:
    assert abs(search(clip(10, noise=3.0)) - 10) <= 2  # type: ignore[operator]


@pytest.mark.parametrize("policy", APEX_POLICIES)
def test_a_still_clip_has_its_apex_in_the_middle(policy: str) -> None:
    assert find_apex(np.full((9, 64, 64), 90, np.uint8), policy) == 4


@pytest.mark.parametrize("policy", APEX_POLICIES)
def test_one_frame_is_its_own_apex(policy: str) -> None:
    assert find_apex(clip(1, frames=3)[:1], policy) == 0


def test_the_middle_is_that_of_the_numbers() -> None:
    assert 261 + midpoint(np.zeros((321 - 261 + 1, 2, 2), np.uint8)) == 291  # CASME II, sub04/EP12_01f


def test_what_lies_outside_the_regions_does_not_count_for_dnc_roi() -> None:
    frames = clip(4)
    frames[12, :, :6] = np.random.default_rng(0).integers(0, 256, (64, 6))  # someone passes at the edge
    assert abs(dnc_roi(frames) - 4) <= 1
    assert all(left >= 6 / 64 for left, *_ in APEX_REGIONS.values())


def test_divide_and_conquer_keeps_the_half_with_more_change() -> None:
    """One high peak alone loses against two lower ones that together are higher: that is the method."""
    frames = np.repeat(clip(4, frames=3)[:1], 21, axis=0)
    mouth = (slice(38, 50), slice(20, 44))
    for index, shift in ((4, 5), (13, 3), (17, 3)):
        frames[(index, *mouth)] = np.roll(frames[(index, *mouth)], shift, axis=1)
    assert dnc_roi(frames) in (13, 17)


def test_colour_counts_as_its_luma() -> None:
    grey = clip(10)
    assert find_apex(np.repeat(grey[..., None], 3, axis=3), "dnc-roi") == find_apex(grey, "dnc-roi")


@pytest.mark.parametrize(
    ("frames", "policy", "says"),
    [
        (np.zeros((3, 32, 32), np.uint8), "largest", "expected one of midpoint"),
        (np.zeros((0, 32, 32), np.uint8), "midpoint", "T at least 1"),
        (np.zeros((32, 32), np.uint8), "midpoint", "T at least 1"),
        (np.zeros((3, 32, 32), np.uint8), "dnc-roi", "at least 48x48"),
        (np.zeros((3, 64, 64)), "largest-flow", "expected uint8"),
    ],
)
def test_bad_input_is_one_line(frames: np.ndarray, policy: str, says: str) -> None:
    with pytest.raises(MienError, match=says):
        find_apex(frames, policy)
