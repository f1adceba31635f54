"""An apex that nobody annotated is where the clip alone shows most; labels and other clips play no part."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.core import MienError
from mien.motion.apex import (
    APEX_POLICIES,
    APEX_REGIONS,
    _conquer,
    dnc_roi,
    find_apex,
    frequency,
    largest_difference,
    largest_flow,
    midpoint,
)

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


def replaced(changes: dict[int, list[tuple[str, int]]], frames: int = 21, size: int = 96) -> np.ndarray:
    """A still clip; in some frames the first rows of a region, as many as said, are another texture."""
    made = np.repeat(clip(4, frames=3, size=size)[:1], frames, axis=0)
    other = np.random.default_rng(5).integers(0, 256, (size, size), np.uint8)
    for index, regions in changes.items():
        for region, rows in regions:
            left, top, right, _ = (int(share * size) for share in APEX_REGIONS[region])
            here = (slice(top, top + rows), slice(left, right))
            made[(index, *here)] = other[here]
    return made


def test_divide_and_conquer_keeps_the_half_with_the_larger_sum_of_peaks() -> None:
    """One peak of 5 loses against 3 and 4, since together they are 7; of these 4 is the larger half."""
    curve = np.zeros(21)
    curve[[4, 13, 17]] = 5, 3, 4
    assert _conquer(curve) == 17
    curve[13] = 0  # now 4 alone
    assert _conquer(curve) == 4


def test_divide_and_conquer_counts_peaks_not_what_lies_between() -> None:
    slope = np.array([0, 1, 2, 3, 4, 5, 4.5, 4.4, 4.3, 4.2, 3, 6, 2, 0, 0, 0])  # the first half has 5, the second 6
    assert _conquer(slope) == 11


def test_two_lower_peaks_beat_the_highest_on_a_clip_too() -> None:
    frames = replaced({4: [("mouth", 14)], 13: [("mouth", 10)], 17: [("mouth", 12)]})
    assert dnc_roi(frames) == 17
    assert dnc_roi(replaced({4: [("mouth", 14)], 17: [("mouth", 12)]})) == 4  # without its companion, it loses


@pytest.mark.parametrize("region", APEX_REGIONS)
def test_the_region_that_changes_most_decides(region: str) -> None:
    others = [(name, 6) for name in APEX_REGIONS if name != region]
    assert dnc_roi(replaced({6: [(region, 16)], 14: others})) == 6
    assert dnc_roi(replaced({6: others, 14: [(region, 16)]})) == 14


@pytest.mark.parametrize("apex", [15, 45])
def test_frequency_finds_which_half_of_the_clip_moves_fastest(apex: int) -> None:
    assert abs(frequency(clip(apex, frames=61)) - apex) <= 8  # half of its window of 31 would be 15


@pytest.mark.parametrize("seed", range(8))
def test_frequency_is_the_largest_sum_above_half_a_cycle(seed: int) -> None:
    """Its definition, window by window and block by block: 9 frames, 6 x 6 blocks of 8 x 8 patterns."""
    rng = np.random.default_rng(seed)
    frames = clip(9, frames=18, size=50)
    frames[rng.integers(0, 18, 6)] += rng.integers(0, 20, (6, 50, 50), np.uint8)
    neighbours = [np.roll(frames, (-y, -x), axis=(1, 2)) for y, x in [(-1, -1), (-1, 0), (-1, 1), (0, 1)]]
    neighbours += [np.roll(frames, (y, x), axis=(1, 2)) for y, x in [(-1, -1), (-1, 0), (-1, 1), (0, 1)]]
    codes = sum(2.0**bit * (other >= frames) for bit, other in enumerate(neighbours))[:, 1:-1, 1:-1]
    codes = np.concatenate([codes[:1]] * 4 + [codes] + [codes[-1:]] * 4)
    t, y, x = np.meshgrid(*(np.fft.fftfreq(size) for size in (9, 8, 8)), indexing="ij")
    passes = (t**2 + y**2 + x**2 >= 0.25) & (t != 0)
    corners = [(row, column) for row in range(0, 48, 8) for column in range(0, 48, 8)]
    sums = [
        sum(np.abs(np.fft.fftn(codes[start : start + 9, r : r + 8, c : c + 8])[passes]).sum() for r, c in corners)
        for start in range(18)
    ]
    assert frequency(frames) == np.argmax(sums)


def test_frequency_runs_as_well_backwards() -> None:
    frames = clip(12, frames=41)
    assert frequency(frames[::-1]) == 40 - frequency(frames)


def test_brightness_means_nothing_to_frequency() -> None:
    dark = clip(12, frames=41) // 2
    flicker = np.random.default_rng(2).integers(0, 100, (41, 1, 1), np.uint8)
    assert frequency(dark + flicker) == frequency(dark)


def test_colour_counts_as_its_luma() -> None:
    grey = clip(10)
    assert find_apex(np.repeat(grey[..., None], 3, axis=3), "dnc-roi") == find_apex(grey, "dnc-roi")


@pytest.mark.parametrize(
    ("frames", "policy", "says"),
    [
        (np.zeros((3, 32, 32), np.uint8), "largest", "expected one of midpoint"),
        (np.zeros((0, 32, 32), np.uint8), "midpoint", "T at least 1"),
        (np.zeros((32, 32), np.uint8), "midpoint", "T at least 1"),
        (np.zeros((3, 32, 32), np.uint8), "dnc-roi", "at least 48x48 for dnc-roi"),
        (np.zeros((3, 32, 64), np.uint8), "frequency", "at least 48x48 for frequency"),
        (np.zeros((3, 64, 64)), "largest-flow", "expected uint8"),
    ],
)
def test_bad_input_is_one_line(frames: np.ndarray, policy: str, says: str) -> None:
    with pytest.raises(MienError, match=says):
        find_apex(frames, policy)
