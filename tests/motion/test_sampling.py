"""Interpolation in time keeps the ends; choice in time keeps the apex."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError
from mien.motion.sampling import apex_neighbours, equal_interval, linear, tim, tim_matrix

COUNTS = st.integers(2, 40)


def graph_embedding(frames: np.ndarray, count: int) -> np.ndarray:
    """The model as published: eigenvectors of the path graph's Laplacian, mapped back to images by an SVD."""
    n = len(frames)
    adjacency = np.eye(n, k=1) + np.eye(n, k=-1)
    order, vectors = np.linalg.eigh(np.diag(adjacency.sum(axis=1)) - adjacency)
    vectors = vectors[:, np.argsort(order)][:, 1:]  # without the constant one
    mean = frames.mean(axis=0)
    left, singular, right = np.linalg.svd((frames - mean).T, full_matrices=False)
    left, singular, right = left[:, : n - 1], singular[: n - 1], right[: n - 1]
    embedded = singular[:, None] * right  # centred frames in their own n - 1 dimensions
    weights = np.linalg.lstsq(vectors, embedded.T, rcond=None)[0]  # embedded = (vectors @ weights).T
    k = np.arange(1, n)
    sampled = []
    for place in 1 / n + (1 - 1 / n) * np.arange(count) / (count - 1):
        curve = np.sin(place * k * np.pi + np.pi * (n - k) / (2 * n))  # the eigenvectors made continuous
        grid = np.sin(np.multiply.outer(np.arange(1, n + 1) / n, k * np.pi) + np.pi * (n - k) / (2 * n))
        scale = (grid * vectors).sum(axis=0) / (grid**2).sum(axis=0)  # sign and length of each numerical eigenvector
        sampled.append(mean + left @ (weights.T @ (scale * curve)))
    return np.stack(sampled)


@pytest.mark.parametrize(("n", "count"), [(2, 5), (3, 5), (7, 10), (11, 11), (30, 11), (65, 17)])
def test_the_matrix_is_the_graph_embedding(n: int, count: int) -> None:
    frames = np.random.default_rng(n).uniform(0, 1, (n, 200))
    np.testing.assert_allclose(tim_matrix(n, count) @ frames, graph_embedding(frames, count), atol=1e-9)


def test_the_weights_of_small_cases() -> None:
    np.testing.assert_allclose(tim_matrix(2, 3), [[1, 0], [0.5, 0.5], [0, 1]], atol=1e-12)
    np.testing.assert_allclose(tim_matrix(3, 5)[1], [0.455342, 0.666667, -0.122008], atol=1e-6)
    np.testing.assert_allclose(tim_matrix(3, 5)[2], [0, 1, 0], atol=1e-12)


@given(COUNTS, COUNTS)
def test_weights_sum_to_one_and_keep_the_ends(n: int, count: int) -> None:
    matrix = tim_matrix(n, count)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(matrix[[0, -1]], np.eye(n)[[0, -1]], atol=1e-12)
    np.testing.assert_allclose(matrix, matrix[::-1, ::-1], atol=1e-12)  # time runs either way


@given(COUNTS)
def test_as_many_frames_as_there_are_stay_as_they_are(n: int) -> None:
    np.testing.assert_allclose(tim_matrix(n, n), np.eye(n), atol=1e-12)


def test_tim_interpolates_images_of_any_shape() -> None:
    clip = np.random.default_rng(0).integers(0, 256, (9, 6, 5, 3), np.uint8)
    made = tim(clip, 11)
    assert made.shape == (11, 6, 5, 3)
    assert made.dtype == np.float32
    np.testing.assert_allclose(made, np.einsum("tn,n...->t...", tim_matrix(9, 11), clip), atol=1e-3)
    np.testing.assert_allclose(made[[0, -1]], clip[[0, -1]], atol=1e-4)


def test_an_overshoot_is_not_clipped() -> None:
    made = tim(np.array([[255], [255], [0], [0], [255], [255]], np.uint8), 17)
    assert made.min() < 0
    assert made.max() > 255


def test_tim_is_linear_in_the_frames() -> None:
    one, two = np.random.default_rng(1).normal(size=(2, 7, 4))
    np.testing.assert_allclose(tim(2 * one - two, 10), 2 * tim(one, 10) - tim(two, 10), atol=1e-5)


def test_linear_stays_between_neighbours() -> None:
    np.testing.assert_allclose(linear(np.array([0, 10, 40], np.uint8), 5), [0, 5, 10, 25, 40], atol=1e-5)
    np.testing.assert_allclose(linear(np.array([0, 10, 40], np.uint8), 2), [0, 40], atol=1e-5)


@pytest.mark.parametrize("sample", [tim, linear])
def test_a_steady_motion_keeps_its_middle(sample) -> None:  # type: ignore[no-untyped-def]
    ramp = np.arange(9, dtype=np.float64)[:, None, None] * np.ones((2, 2))
    np.testing.assert_allclose(sample(ramp, 11)[5], 4, atol=1e-5)


@given(st.integers(0, 500), st.integers(0, 100), COUNTS)
def test_equal_intervals_differ_by_one_frame_at_most(first: int, length: int, count: int) -> None:
    numbers = equal_interval(first, first + length, count)
    assert len(numbers) == count
    assert (numbers[0], numbers[-1]) == (first, first + length)
    steps = np.diff(numbers)
    assert steps.max() - steps.min() <= 1
    assert all(isinstance(number, int) for number in numbers)


def test_halves_go_to_the_later_frame() -> None:
    assert equal_interval(10, 20, 5) == (10, 13, 15, 18, 20)
    assert equal_interval(0, 1, 3) == (0, 1, 1)


def test_ad_net_sees_the_frames_before_the_apex() -> None:
    assert apex_neighbours(10, 40) == (30, 32, 34, 36, 38, 40)
    assert apex_neighbours(37, 40) == (38, 40)
    assert apex_neighbours(40, 40) == (40,)
    assert apex_neighbours(10, 40, stride=3, reach=7) == (34, 37, 40)


@given(st.integers(0, 99), st.integers(0, 99), st.integers(1, 5), st.integers(0, 20))
def test_never_beyond_onset_apex_or_reach(onset: int, length: int, stride: int, reach: int) -> None:
    apex = onset + length
    numbers = apex_neighbours(onset, apex, stride=stride, reach=reach)
    assert numbers[-1] == apex
    assert numbers[0] >= max(onset, apex - reach)
    assert numbers[0] - stride < max(onset, apex - reach)  # none is missing
    assert set(np.diff(numbers)) <= {stride}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: tim(np.zeros((1, 4, 4)), 10), "got 1 frames"),
        (lambda: tim(np.zeros((5, 4, 4)), 1), "expected at least 2"),
        (lambda: linear(np.zeros((1, 4)), 10), "got 1 frames"),
        (lambda: tim_matrix(5, 0), "expected at least 2"),
        (lambda: tim(np.array([0, np.nan, 1]), 3), "NaN"),
        (lambda: linear(np.array([0, np.inf, 1]), 3), "NaN"),
        (lambda: tim(np.float32(3), 3), "without time"),
        (lambda: equal_interval(5, 4, 3), "first <= last"),
        (lambda: equal_interval(4, 5, 1), "at least 2"),
        (lambda: apex_neighbours(41, 40), "onset <= apex"),
        (lambda: apex_neighbours(4, 40, stride=0), "stride of at least 1"),
        (lambda: apex_neighbours(4, 40, reach=-1), "reach of at least 0"),
    ],
)
def test_bad_use_gets_one_clear_line(call, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MienError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
