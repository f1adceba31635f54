"""Facts of STLBP-IP, robust PCA and the Laplacian score."""

from __future__ import annotations

import numpy as np
import pytest

from mien.core import MienError
from mien.motion.descriptors.lbp_top import lbp_codes
from mien.motion.descriptors.stlbp_ip import (
    dis_stlbp_rip,
    integral_projections,
    laplacian_scores,
    robust_pca,
    select_groups,
    stlbp_ip,
)


def noise(*shape: int, seed: int = 0, high: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, high, shape, np.uint8)


def parts(features: np.ndarray) -> list[np.ndarray]:
    """Vertical axis, horizontal axis, XT, YT of one block."""
    return np.split(features, [256, 512, 571])


def test_a_block_has_630_dimensions() -> None:
    assert stlbp_ip(noise(10, 90, 90), (1, 1)).shape == (630,)
    assert stlbp_ip(noise(10, 90, 90), (5, 6)).shape == (30 * 630,)
    assert dis_stlbp_rip(noise(10, 90, 90), (2, 3)).shape == (6 * 630,)


def test_the_projections_by_hand() -> None:
    image = np.array([[1, -2, 3], [0, 5, 0]])
    rows, columns = integral_projections(image)
    assert rows.tolist() == [2, 5]
    assert columns.tolist() == [1, 3, 3]


def test_the_features_of_a_ramp_by_hand() -> None:
    frames = np.zeros((4, 9, 9), np.uint8)
    frames[1:] = 3 * np.arange(9, dtype=np.uint8)[:, None]  # every later frame grows brighter downwards
    vertical, horizontal, xt, yt = parts(stlbp_ip(frames, (1, 1)))
    assert np.flatnonzero(vertical).tolist() == [0b11110000]  # one centre: rows before are darker, after brighter
    assert np.flatnonzero(horizontal).tolist() == [255]  # every column has the same sum
    assert np.flatnonzero(xt).tolist() == [57]  # code 255 is the last of the uniform ones
    uniform = [c for c in range(256) if bin(c ^ (c >> 1 | (c & 1) << 7)).count("1") <= 2]
    assert np.flatnonzero(yt).tolist() == [uniform.index(0b11110001)]


def test_every_histogram_sums_to_one() -> None:
    for block in np.split(stlbp_ip(noise(10, 60, 60), (2, 3)), 6):
        assert [part.sum() for part in parts(block)] == pytest.approx([1, 1, 1, 1], rel=1e-5)


def test_form_counts_the_patterns_of_each_difference_image_as_a_slow_reference_does() -> None:
    frames = noise(5, 14, 17)
    counts = np.zeros((2, 256))
    for frame in frames[1:].astype(int) - frames[0]:
        for axis, line in enumerate((frame.sum(axis=1).tolist(), frame.sum(axis=0).tolist())):
            for centre in range(4, len(line) - 4):
                near = line[centre - 4 : centre] + line[centre + 1 : centre + 5]
                counts[axis, sum(2**bit for bit, value in enumerate(near) if value >= line[centre])] += 1
    vertical, horizontal, *_ = parts(stlbp_ip(frames, (1, 1)))
    np.testing.assert_array_equal(vertical, (counts[0] / counts[0].sum()).astype(np.float32))
    np.testing.assert_array_equal(horizontal, (counts[1] / counts[1].sum()).astype(np.float32))


def test_motion_is_the_texture_of_the_projections_over_time() -> None:
    frames = noise(12, 20, 20, high=10)
    images = frames[1:].astype(np.float32) - frames[0]
    _, _, xt, yt = parts(stlbp_ip(frames, (1, 1)))
    uniform = [c for c in range(256) if bin(c ^ (c >> 1 | (c & 1) << 7)).count("1") <= 2]
    for found, axis in ((xt, 1), (yt, 2)):
        codes = lbp_codes(images.sum(axis=axis)).ravel()
        expected = [np.mean(codes == code) for code in uniform] + [np.mean(~np.isin(codes, uniform))]
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_still_picture_laid_over_the_clip_changes_nothing() -> None:
    frames = noise(8, 40, 40, high=100)
    picture = noise(1, 40, 40, seed=1, high=150)
    np.testing.assert_array_equal(stlbp_ip(frames + picture, (2, 2)), stlbp_ip(frames, (2, 2)))


def test_a_still_clip_has_one_bin_everywhere() -> None:
    still = np.repeat(noise(1, 40, 40), 8, axis=0)
    for features in (stlbp_ip(still, (2, 2)), dis_stlbp_rip(still, (2, 2))):
        assert sorted(np.unique(features)) == [0, 1]
        assert features.sum() == 16


def test_reversing_the_later_frames_keeps_the_form() -> None:
    frames = noise(9, 30, 30)
    turned = np.concatenate([frames[:1], frames[:0:-1]])
    first, second = parts(stlbp_ip(frames, (1, 1))), parts(stlbp_ip(turned, (1, 1)))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize("describe", [stlbp_ip, dis_stlbp_rip])
def test_a_motion_in_one_block_changes_the_features_of_that_block_only(describe) -> None:
    still = np.repeat(noise(1, 60, 60), 10, axis=0)
    moving = still.copy()
    moving[4:7, 24:32, 44:52] = np.roll(moving[4:7, 24:32, 44:52], 2, axis=1)
    before, after = (describe(clip, (3, 3)).reshape(3, 3, 630) for clip in (still, moving))
    assert np.argwhere((before != after).any(axis=-1)).tolist() == [[1, 2]]


def test_a_flash_in_the_first_frame_is_a_subtle_motion_of_that_frame_alone() -> None:
    frames = np.repeat(noise(1, 40, 40, high=200), 10, axis=0)
    frames[0, 10:18, 12:20] += 40
    differences, subtle = stlbp_ip(frames, (1, 1)), dis_stlbp_rip(frames, (1, 1))
    assert differences[255] < 0.9  # every later frame differs from the first
    assert 0.9 <= subtle[255] < 1  # in nine of ten frames nothing moves


def planted(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    low_rank = rng.normal(size=(120, 3)) @ rng.normal(size=(3, 80))
    sparse = np.where(rng.random((120, 80)) < 0.05, rng.uniform(-20, 20, (120, 80)), 0)
    return low_rank, sparse


@pytest.mark.parametrize("seed", range(4))
def test_robust_pca_recovers_a_planted_low_rank_and_a_sparse_matrix(seed) -> None:
    low_rank, sparse = planted(seed)
    found_low, found_sparse = robust_pca(low_rank + sparse)
    assert np.linalg.norm(found_low - low_rank) < 1e-5 * np.linalg.norm(low_rank)
    assert np.linalg.norm(found_sparse - sparse) < 1e-5 * np.linalg.norm(sparse)
    assert np.linalg.matrix_rank(found_low, tol=1e-3) == 3
    np.testing.assert_array_equal(np.abs(found_sparse) > 1e-3, np.abs(sparse) > 1e-3)


def test_robust_pca_scales_with_the_matrix_and_turns_with_it() -> None:
    matrix = sum(planted(1))
    low_rank, sparse = robust_pca(matrix)
    np.testing.assert_allclose(robust_pca(100 * matrix)[1], 100 * sparse, atol=1e-3)
    np.testing.assert_allclose(robust_pca(matrix.T)[0], low_rank.T, atol=1e-5)


def test_robust_pca_of_a_matrix_of_rank_one_has_no_sparse_part() -> None:
    face = np.outer(noise(400).astype(float), np.ones(10))
    low_rank, sparse = robust_pca(face)
    np.testing.assert_allclose(low_rank, face, atol=1e-3)
    assert np.abs(sparse).max() < 1e-3
    assert not np.any(robust_pca(np.zeros((5, 4))))


@pytest.mark.parametrize("shape", [(8, 8), (32, 8), (4, 25)])
def test_a_flat_matrix_has_no_sparse_part_from_the_weight_on_at_which_both_norms_cost_the_same(shape) -> None:
    flat = np.full(shape, 3.0)  # ||A||_* = 3 sqrt(mn), ||E||_1 = 3 mn
    even = 1 / np.sqrt(flat.size)
    assert np.abs(robust_pca(flat, weight=1.1 * even)[1]).max() < 1e-5
    assert robust_pca(flat, weight=0.9 * even)[1].min() > 0.1


def test_robust_pca_that_does_not_converge_says_so() -> None:
    with pytest.raises(MienError, match="raise max_iterations"):
        robust_pca(sum(planted()), max_iterations=3)


def test_the_laplacian_score_is_the_papers_formula() -> None:
    features = np.random.default_rng(0).normal(size=(12, 5))
    squares = ((features[:, None] - features) ** 2).sum(axis=-1)
    near = np.zeros((12, 12), bool)
    for i, row in enumerate(squares):
        near[i, np.argsort(row)[1:4]] = True
    weights = np.where(near | near.T, np.exp(-squares / squares[near].mean()), 0)
    degree = np.diag(weights.sum(axis=1))
    ones = np.ones(12)
    expected = []
    for feature in features.T:
        f = feature - (feature @ degree @ ones) / (ones @ degree @ ones)
        expected.append((f @ (degree - weights) @ f) / (f @ degree @ f))
    np.testing.assert_allclose(laplacian_scores(features, 3), expected, rtol=1e-10)


def test_the_laplacian_score_knows_no_scale_and_no_offset_of_all_features() -> None:
    features = np.random.default_rng(1).normal(size=(30, 6))
    np.testing.assert_allclose(laplacian_scores(5 * features + 3), laplacian_scores(features), rtol=1e-9)


def test_a_constant_feature_is_worst_and_samples_that_are_the_same_do_no_harm() -> None:
    features = np.random.default_rng(2).normal(size=(20, 3))
    features[:, 1] = 0.1
    features[10:] = features[:10]
    scores = laplacian_scores(features)
    assert np.isinf(scores).tolist() == [False, True, False]
    assert np.isinf(laplacian_scores(np.ones((8, 2)))).all()


def test_the_groups_that_hold_the_clusters_are_selected() -> None:
    rng = np.random.default_rng(3)
    features = rng.uniform(0, 1, (60, 12))
    features[:, 3:6] += 4 * rng.integers(0, 2, (60, 1))
    features[:, 9:12] += 4 * rng.integers(0, 2, (60, 1))
    assert select_groups(features, 3, 2).tolist() == [3, 4, 5, 9, 10, 11]
    assert select_groups(features, 3, 4).tolist() == list(range(12))


def test_a_group_of_one_column_is_ranked_by_its_laplacian_score() -> None:
    features = np.random.default_rng(4).normal(size=(40, 9))
    best = np.sort(np.argsort(laplacian_scores(features))[:4])
    np.testing.assert_array_equal(select_groups(features, 1, 4), best)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: stlbp_ip(noise(3, 40, 40)), "at least 4"),
        (lambda: stlbp_ip(noise(10, 40, 40), (5, 5)), "at least 9x9"),
        (lambda: stlbp_ip(noise(10, 40, 40), (0, 1)), "at least 9x9"),
        (lambda: stlbp_ip(noise(10, 40, 40).astype(int)), "uint8 or float32"),
        (lambda: dis_stlbp_rip(noise(2, 90, 90)), "at least 3"),
        (lambda: dis_stlbp_rip(np.full((5, 90, 90), np.nan, np.float32)), "NaN"),
        (lambda: robust_pca(np.zeros(4)), "two dimensions"),
        (lambda: robust_pca(np.ones((4, 4)), weight=0), "positive"),
        (lambda: laplacian_scores(np.ones((5, 2)), 5), "one fewer"),
        (lambda: select_groups(np.ones((8, 10)), 3, 1), "divides"),
        (lambda: select_groups(np.ones((8, 9)), 3, 4), "divides"),
    ],
)
def test_what_cannot_be_described_is_refused(call, expected) -> None:
    with pytest.raises(MienError, match=expected):
        call()
