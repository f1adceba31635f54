"""Facts of LBP-TOP, and equality with a slow reference that walks pixel by pixel."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.feature import local_binary_pattern

from mien.core import MienError
from mien.motion.descriptors.lbp_top import PLANES, lbp_codes, lbp_top, plane_codes


def noise(*shape: int, seed: int = 0, high: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, high, shape, np.uint8)


def reference_code(volume, centre, plane, radii, points) -> int:
    """One pattern by the definition, in whole numbers: positions to 1/1024 px, real grey values to 1/4096."""
    grey = (lambda v: round(float(v) * 4096)) if volume.dtype != np.uint8 else int
    code = 0
    for p in range(points):
        sine, cosine = math.sin(2 * math.pi * p / points), math.cos(2 * math.pi * p / points)
        x, y, t = radii
        step = {"xy": (0, y * cosine, -x * sine), "xt": (-t * cosine, 0, -x * sine), "yt": (-t * sine, -y * cosine, 0)}
        at = [c * 1024 + round(s * 1024) for c, s in zip(centre, step[plane], strict=True)]
        total = 0
        for corner in product((0, 1), repeat=3):
            weight, place = 1, []
            for value, upper in zip(at, corner, strict=True):
                part = value % 1024
                weight *= part if upper else 1024 - part
                place.append(value // 1024 + upper)
            if weight:
                total += weight * grey(volume[tuple(place)])
        code += 2**p * (total >= 1024**3 * grey(volume[centre]))
    return code


@lru_cache
def reference_bin(code: int, points: int) -> int:
    uniform = [c for c in range(2**points) if changes(c, points) <= 2]
    return uniform.index(code) if code in uniform else len(uniform)


def changes(code: int, points: int) -> int:
    bits = [code >> p & 1 for p in range(points)]
    return sum(bits[p] != bits[p - 1] for p in range(points))


def reference_lbp_top(volume, radii, neighbours, blocks) -> np.ndarray:
    frames, height, width = volume.shape
    rows, columns, times = blocks
    x_r, y_r, t_r = radii
    tables = {
        (b, plane): [0] * (points * (points - 1) + 3)
        for b in product(range(times), range(rows), range(columns))
        for plane, points in zip(PLANES, neighbours, strict=True)
    }
    for t, y, x in product(range(t_r, frames - t_r), range(y_r, height - y_r), range(x_r, width - x_r)):
        block = (t * times // frames, y * rows // height, x * columns // width)
        for plane, points in zip(PLANES, neighbours, strict=True):
            code = reference_code(volume, (t, y, x), plane, radii, points)
            tables[block, plane][reference_bin(code, points)] += 1
    return np.concatenate([np.array(table) / sum(table) for table in tables.values()]).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.integers(5, 6), st.integers(5, 7), st.integers(5, 7)), elements=st.integers(0, 4)),
    st.sampled_from([(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, 2)]),
    st.sampled_from([(8, 8, 8), (8, 4, 4), (4, 8, 6)]),
)
def test_any_small_volume_has_exactly_the_codes_and_counts_of_the_slow_reference(volume, radii, neighbours) -> None:
    found = lbp_top(volume, radii=radii, neighbours=neighbours, blocks=(1, 1, 1))
    np.testing.assert_array_equal(found, reference_lbp_top(volume, radii, neighbours, (1, 1, 1)))


@pytest.mark.parametrize(("radii", "blocks"), [((1, 1, 1), (2, 3, 2)), ((3, 2, 2), (1, 2, 1)), ((1, 1, 3), (3, 2, 1))])
def test_blocks_and_radii_count_exactly_as_the_slow_reference_does(radii, blocks) -> None:
    volume = noise(8, 11, 13)
    found = lbp_top(volume, radii=radii, blocks=blocks)
    np.testing.assert_array_equal(found, reference_lbp_top(volume, radii, (8, 8, 8), blocks))


def test_interpolated_frames_have_exactly_the_counts_of_the_slow_reference() -> None:
    coarse = noise(7, 9, 9, high=4).astype(np.float32)
    frames = np.concatenate([coarse, (0.3 * coarse[:-1] + 0.7 * coarse[1:])])  # ties and near-ties
    found = lbp_top(frames, radii=(1, 1, 2), blocks=(2, 2, 1))
    np.testing.assert_array_equal(found, reference_lbp_top(frames, (1, 1, 2), (8, 8, 8), (2, 2, 1)))


def test_the_default_has_59_bins_of_three_planes_in_64_blocks() -> None:
    found = lbp_top(noise(10, 128, 128))
    assert found.shape == (11328,)
    assert found.dtype == np.float32


@pytest.mark.parametrize(("points", "bins"), [(8, 59), (4, 15)])
def test_uniform_patterns_have_59_bins_for_eight_neighbours_and_15_for_four(points, bins) -> None:
    found = lbp_top(noise(10, 32, 32), neighbours=(points,) * 3, blocks=(1, 1, 1))
    assert found.shape == (3 * bins,)


def test_every_histogram_sums_to_one() -> None:
    found = lbp_top(noise(10, 40, 52, seed=1), blocks=(5, 4, 2), radii=(1, 1, 2))
    np.testing.assert_allclose(found.reshape(-1, 59).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("grey", [np.uint8(7), np.float32(0.1), np.float32(254.3)])
@pytest.mark.parametrize("plane", PLANES)
def test_a_constant_volume_has_the_code_255_everywhere(grey, plane) -> None:
    volume = np.full((9, 12, 12), grey)
    assert (plane_codes(volume, plane, radii=(3, 2, 4)) == 255).all()
    found = lbp_top(volume, radii=(3, 2, 4), blocks=(1, 1, 1)).reshape(3, 59)
    assert (found.max(axis=1) == 1).all()


@given(shift=st.integers(0, 155), seed=st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_brightening_every_pixel_alike_changes_nothing(shift, seed) -> None:
    frames = noise(6, 16, 16, seed=seed, high=101)
    same = {"radii": (2, 1, 2), "blocks": (2, 2, 1)}
    np.testing.assert_array_equal(lbp_top(frames + np.uint8(shift), **same), lbp_top(frames, **same))


def test_a_steeper_contrast_changes_nothing() -> None:
    frames = noise(6, 16, 16, high=64)
    same = {"radii": (1, 1, 2), "blocks": (2, 2, 1)}
    np.testing.assert_array_equal(lbp_top(3 * frames + 9, **same), lbp_top(frames, **same))


@given(st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_with_neighbours_on_whole_pixels_any_rising_change_of_grey_changes_nothing(seed) -> None:
    frames = noise(6, 16, 16, seed=seed, high=40)
    rising = np.sort(np.random.default_rng(seed).choice(256, 40, replace=False)).astype(np.uint8)
    same = {"radii": (2, 1, 2), "neighbours": (4, 4, 4), "blocks": (2, 2, 1)}
    np.testing.assert_array_equal(lbp_top(rising[frames], **same), lbp_top(frames, **same))


def moved(histogram: np.ndarray, to: list[int]) -> np.ndarray:
    """The histogram of all 2^P codes after neighbour p has gone where neighbour to[p] was."""
    codes = np.arange(len(histogram))
    new = sum((codes >> p & 1) << q for p, q in enumerate(to))
    out = np.empty_like(histogram)
    out[new] = histogram
    return out


NEGATED = [-p % 8 for p in range(8)]  # the angle's sine changes sign
OPPOSED = [(4 - p) % 8 for p in range(8)]  # its cosine does


def every_code(frames: np.ndarray) -> np.ndarray:
    return lbp_top(frames, radii=(2, 1, 2), blocks=(1, 1, 1), uniform=False).reshape(3, 256)


def test_reversing_time_keeps_xy_and_reflects_the_patterns_of_xt_and_yt() -> None:
    frames = noise(8, 20, 20)
    xy, xt, yt = every_code(frames)
    np.testing.assert_array_equal(every_code(frames[::-1]), [xy, moved(xt, OPPOSED), moved(yt, NEGATED)])
    assert not np.array_equal(moved(xt, OPPOSED), xt)


def test_mirroring_the_face_keeps_yt_and_reflects_the_patterns_of_xy_and_xt() -> None:
    frames = noise(8, 20, 20, seed=1)
    xy, xt, yt = every_code(frames)
    np.testing.assert_array_equal(every_code(frames[:, :, ::-1]), [moved(xy, NEGATED), moved(xt, NEGATED), yt])


def test_mirroring_the_face_mirrors_the_blocks() -> None:
    frames = noise(8, 24, 24, seed=2)
    grid = lbp_top(frames, radii=(1, 1, 1), blocks=(2, 3, 1)).reshape(2, 3, 3, 59)
    mirrored = lbp_top(frames[:, :, ::-1], radii=(1, 1, 1), blocks=(2, 3, 1)).reshape(2, 3, 3, 59)
    np.testing.assert_array_equal(mirrored[:, ::-1, 2], grid[:, :, 2])  # YT


def test_a_quarter_turn_of_the_image_turns_its_patterns_by_a_quarter() -> None:
    image = noise(20, 20)
    codes = lbp_codes(image, 2).astype(int)
    turned = np.rot90(lbp_codes(np.rot90(image), 2), -1)
    # Neighbours run clockwise, 0 below, 2 left, 4 above; turned counterclockwise, what was above (4) is left (2).
    np.testing.assert_array_equal(turned, (codes >> 2 | codes << 6) & 255)


def test_a_moving_texture_in_one_block_changes_the_histograms_of_that_block_only() -> None:
    still = np.repeat(noise(1, 64, 64), 10, axis=0)
    moving = still.copy()
    inner = (slice(34, 46), slice(18, 30))  # block (2, 1) of 4 x 4, less a margin
    for t in range(10):
        moving[t][inner] = np.roll(still[0][inner], t, axis=1)
    before, after = (lbp_top(clip, blocks=(4, 4, 1)).reshape(4, 4, 3, 59) for clip in (still, moving))
    changed = (before != after).any(axis=-1)
    assert changed[2, 1].all()
    changed[2, 1] = False
    assert not changed.any()


def test_a_block_of_time_sees_its_own_frames_only() -> None:
    frames = noise(12, 16, 16)
    other = frames.copy()
    other[:5] = noise(5, 16, 16, seed=1)
    first, second = (lbp_top(clip, radii=(1, 1, 1), blocks=(1, 1, 2)).reshape(2, 177) for clip in (frames, other))
    np.testing.assert_array_equal(first[1], second[1])
    assert (first[0] != second[0]).any()


def test_in_a_still_clip_the_frames_before_and_after_always_equal_the_centre() -> None:
    still = np.repeat(noise(1, 16, 16), 9, axis=0)
    assert (plane_codes(still, "xt") & 0b00010001 == 0b00010001).all()  # cosine 1 and -1
    assert (plane_codes(still, "yt") & 0b01000100 == 0b01000100).all()  # sine 1 and -1


def test_the_code_by_hand() -> None:
    image = np.array([[0, 9, 0], [9, 5, 0], [0, 0, 0]], np.uint8)  # up and left are brighter
    assert lbp_codes(image, 1, 4)[0, 0] == 0b0110  # below, left, above, right
    between = 9 * 2 * 724 * 300 / 1024**2 + 5 * (300 / 1024) ** 2  # up left at 724/1024 px, next to a dark corner
    assert between < 5
    assert lbp_codes(image)[0, 0] == 0b00010100


def test_the_patterns_of_a_binary_image_are_those_of_scikit_image() -> None:
    image = 128 * noise(40, 40, high=2)
    theirs = local_binary_pattern(image, 8, 1)[1:-1, 1:-1].astype(int)  # q turns the other way and starts elsewhere
    ours = sum((theirs >> q & 1) << (-q - 2) % 8 for q in range(8))
    np.testing.assert_array_equal(lbp_codes(image), ours)


def test_codes_exist_where_the_circle_fits() -> None:
    volume = noise(10, 20, 30)
    assert plane_codes(volume, "xy", radii=(3, 2, 4)).shape == (2, 16, 24)
    assert lbp_codes(volume[0], 3).shape == (14, 24)


@pytest.mark.parametrize(
    ("frames", "options", "expected"),
    [
        (noise(10, 64, 64), {"radii": (1, 1, 5)}, "smaller radius"),
        (noise(8, 64, 64), {}, "interpolate to more frames"),
        (noise(10, 64, 64), {"radii": (0, 1, 1)}, "whole numbers of at least 1"),
        (noise(10, 64, 64), {"blocks": (8, 8, 2)[:2]}, "blocks"),
        (noise(10, 64, 64), {"blocks": (65, 8, 1)}, "blocks"),
        (noise(12, 64, 64), {"blocks": (8, 8, 5)}, "a pattern in every block"),
        (noise(10, 64, 64), {"neighbours": (8, 8)}, "neighbours"),
        (noise(10, 64, 64), {"neighbours": (8, 8, 17)}, "neighbours"),
        (noise(64, 64), {}, r"\(T, H, W\)"),
        (noise(10, 64, 64).astype(int), {}, "uint8 or float32"),
        (np.full((10, 64, 64), np.nan, np.float32), {}, "NaN"),
    ],
)
def test_what_cannot_be_described_is_refused_in_one_line(frames, options, expected) -> None:
    with pytest.raises(MienError, match=expected) as error:
        lbp_top(frames, **options)
    assert "\n" not in str(error.value)


def test_an_unknown_plane_is_refused() -> None:
    with pytest.raises(MienError, match="xy, xt, yt"):
        plane_codes(noise(10, 16, 16), "tx")
