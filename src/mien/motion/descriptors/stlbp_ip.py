"""STLBP-IP and DisSTLBP-RIP: binary patterns of integral projections, Huang et al., ICCVW 2015 and TAC 2017."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError
from mien.motion.descriptors._patterns import (
    PixelArray,
    block_of,
    circle,
    histograms,
    offset,
    pattern_codes,
    uniform_bins,
    whole_numbers,
)

__all__ = ["dis_stlbp_rip", "integral_projections", "laplacian_scores", "robust_pca", "select_groups", "stlbp_ip"]

RealArray = npt.NDArray[np.float64]

_WINDOW = 9  # W of the one-dimensional pattern: four neighbours on either side
_SPAN = _WINDOW // 2


def stlbp_ip(frames: npt.NDArray[Any], blocks: tuple[int, int] = (5, 5)) -> FloatArray:
    """Describe a clip by binary patterns of the projections of its differences to the first frame (STLBP-IP).

    Huang, Wang, Zhao & Pietikainen, ICCVW 2015. In each block, each difference image I_t - I_1 (t = 2 to T) is summed
    along its rows and along its columns. Form: one-dimensional patterns of these projections, window W = 9, so eight
    neighbours and 256 bins, averaged over the frames. Motion: the projections of all frames, one below the other, are
    an image over x and t or over y and t, described by its uniform patterns of eight neighbours at radius 1, 59 bins.

    Parameters
    ----------
    frames : uint8 or float array, (T, H, W)
        The registered face, grey levels 0-255, at least four frames. Real values are rounded to 1/4096.
    blocks : (rows, columns)
        The grid of blocks, each at least 9 px wide and high.

    Returns
    -------
    float32 array, (630 times blocks,)
        Block by block (row, column; column runs fastest): 256 of the projection on the vertical axis (a sum per row),
        256 of that on the horizontal axis, 59 of XT, 59 of YT, each of sum 1.

    Raises
    ------
    MienError
        For frames of another shape or type, NaN, too few frames or too small blocks.

    Examples
    --------
    >>> stlbp_ip(np.zeros((10, 128, 128), np.uint8)).shape
    (15750,)
    """
    volume = whole_numbers(frames)
    if len(volume) < 4:
        raise MienError(f"got {len(volume)} frames; expected at least 4 for STLBP-IP; interpolate to more")
    return _describe(volume[1:].astype(np.float64) - volume[0], blocks)


def dis_stlbp_rip(frames: npt.NDArray[Any], blocks: tuple[int, int] = (5, 5)) -> FloatArray:
    """Describe a clip as :func:`stlbp_ip` does, on its subtle motion instead of its difference images (DisSTLBP-RIP).

    Huang, Wang, Liu, Zhao, Feng & Pietikainen, IEEE Trans. Affective Computing 10, 2019. The clip, one column per
    frame, is split into a part of low rank, the face, and a sparse one, the subtle motion E_t (:func:`robust_pca`);
    the projections are those of E_t, all T of them. The selection of feature groups is learnt and stands apart, in
    :func:`select_groups`.

    Parameters
    ----------
    frames : uint8 or float array, (T, H, W)
        The registered face, grey levels 0-255, at least three frames.
    blocks : (rows, columns)
        The grid of blocks, each at least 9 px wide and high.

    Returns
    -------
    float32 array, (630 times blocks,)
        As :func:`stlbp_ip`.

    Raises
    ------
    MienError
        For frames of another shape or type, NaN, too few frames or too small blocks.

    Examples
    --------
    >>> dis_stlbp_rip(np.zeros((10, 45, 45), np.uint8)).shape
    (15750,)
    """
    whole_numbers(frames)
    if len(frames) < 3:
        raise MienError(f"got {len(frames)} frames; expected at least 3 for DisSTLBP-RIP; interpolate to more")
    _, sparse = robust_pca(frames.reshape(len(frames), -1).T)
    return _describe(whole_numbers(sparse.T.reshape(frames.shape)), blocks)


def integral_projections(image: npt.NDArray[Any]) -> tuple[RealArray, RealArray]:
    """Sum an image (..., H, W) along its rows, giving (..., H), and along its columns, giving (..., W).

    Examples
    --------
    >>> integral_projections(np.array([[1, 2, 3], [4, 5, 6]]))
    (array([ 6., 15.]), array([5., 7., 9.]))
    """
    return image.sum(axis=-1, dtype=np.float64), image.sum(axis=-2, dtype=np.float64)


def _describe(images: PixelArray, blocks: tuple[int, int]) -> FloatArray:
    """630 numbers per block of the images (T, H, W), which hold whole numbers."""
    if (
        len(blocks) != 2
        or min(blocks) < 1
        or any(size // number < _WINDOW for size, number in zip(images.shape[1:], blocks, strict=True))
    ):
        raise MienError(
            f"got {blocks} blocks of {images.shape[1:]} px; expected blocks of at least {_WINDOW}x{_WINDOW} px; "
            "use fewer blocks or larger crops"
        )
    rows, columns = (block_of(size, number) for size, number in zip(images.shape[1:], blocks, strict=True))
    parts = []
    for row in range(blocks[0]):
        for column in range(blocks[1]):
            vertical, horizontal = integral_projections(images[:, rows == row][:, :, columns == column])
            parts += [_form(vertical), _form(horizontal), _motion(horizontal), _motion(vertical)]
    return np.concatenate(parts)


def _form(projections: RealArray) -> FloatArray:
    """Histogram of the one-dimensional patterns of projections (T, L), (256,); bit 0 is the neighbour 4 px before."""
    points = [offset(0, 0, step) for step in range(-_SPAN, _SPAN + 1) if step]
    codes = pattern_codes(projections[None], points, (0, 0, _SPAN)).astype(np.int64)
    return histograms(np.zeros_like(codes), codes, 1, 256)[0]


def _motion(projections: RealArray) -> FloatArray:
    """Histogram of the uniform patterns of projections (T, L) as an image, (59,)."""
    points = [offset(0, cosine, -sine) for sine, cosine in circle(8)]
    table, count = uniform_bins(8)
    bins = table[pattern_codes(projections[None], points, (0, 1, 1))]
    return histograms(np.zeros_like(bins), bins, 1, count)[0]


def robust_pca(
    matrix: npt.NDArray[Any], *, weight: float | None = None, tolerance: float = 1e-7, max_iterations: int = 500
) -> tuple[RealArray, RealArray]:
    """Split a matrix into one of low rank and a sparse one: minimise ||A||_* + weight ||E||_1 with D = A + E.

    Inexact augmented Lagrange multipliers, Lin, Chen & Ma, arXiv 1009.5055, 2010, algorithm 5, with their starting
    values: Y = D / max(||D||_2, ||D||_inf / weight), mu = 1.25 / ||D||_2, which grows by 1.5. It stops on the residual,
    not at the exact minimum: a clip with noise ended a share of 2e-5 above it.

    Parameters
    ----------
    matrix : array, (m, n)
        Finite numbers; for a clip one column per frame.
    weight : float, optional
        Price of the sparse part, by default 1 / sqrt(max(m, n)).
    tolerance : float
        Stop when ||D - A - E||_F is at most this share of ||D||_F.
    max_iterations : int
        Give up after so many.

    Returns
    -------
    low_rank, sparse : float64 arrays, (m, n)
        A and E; the zeros of E are exact.

    Raises
    ------
    MienError
        For another shape, NaN, a weight that is not positive, or if it does not converge.

    Examples
    --------
    >>> face = np.outer(np.arange(1.0, 31), np.ones(20))
    >>> moved = face.copy()
    >>> moved[3, 5] += 40
    >>> low_rank, sparse = robust_pca(moved)
    >>> bool(np.abs(low_rank - face).max() < 1e-3)
    True
    """
    data = _finite(matrix, "a matrix")
    if weight is None:
        weight = 1 / float(np.sqrt(max(data.shape)))
    if not weight > 0:
        raise MienError(f"got weight {weight}; expected a positive number; leave it out for 1 / sqrt(max(m, n))")
    scale, spectral = float(np.linalg.norm(data)), float(np.linalg.norm(data, 2))
    if scale == 0:
        return np.zeros_like(data), np.zeros_like(data)
    sparse = np.zeros_like(data)
    multiplier = data / max(spectral, float(np.abs(data).max()) / weight)
    mu = 1.25 / spectral
    limit = mu * 1e7
    for _ in range(max_iterations):
        low_rank = _shrink(data - sparse + multiplier / mu, 1 / mu)
        rest = data - low_rank + multiplier / mu
        sparse = np.sign(rest) * np.maximum(np.abs(rest) - weight / mu, 0)
        residual = data - low_rank - sparse
        if np.linalg.norm(residual) <= tolerance * scale:
            return low_rank, sparse
        multiplier += mu * residual
        mu = min(1.5 * mu, limit)
    raise MienError(
        f"got no split of a {data.shape} matrix in {max_iterations} iterations; expected a residual of {tolerance:g}; "
        "raise max_iterations or tolerance"
    )


def _shrink(matrix: RealArray, by: float) -> RealArray:
    """The matrix with its singular values reduced, by the eigenvalues of its smaller product: fast for a tall one."""
    if matrix.shape[0] < matrix.shape[1]:
        return _shrink(matrix.T, by).T
    squares, right = np.linalg.eigh(matrix.T @ matrix)
    kept = squares > by**2
    right = right[:, kept]
    return (matrix @ (right * (1 - by / np.sqrt(squares[kept])))) @ right.T


def laplacian_scores(features: npt.NDArray[Any], neighbours: int = 5) -> RealArray:
    """Score how well each feature keeps the neighbourhoods of the samples, without labels: small is good.

    He, Cai & Niyogi, NIPS 2005: f' L f / f' D f of the feature less its D-weighted mean, L and D of a graph that joins
    each sample with its nearest ones, either way, by exp(-d^2 / t). Here t is the mean of d^2 over these pairs.

    Parameters
    ----------
    features : array, (N, dims)
        One row per sample; the training fold only.
    neighbours : int
        Nearest samples joined with each, from 1 to N - 1.

    Returns
    -------
    float64 array, (dims,)
        From 0 to 2; infinite for a constant feature, which tells nothing.

    Raises
    ------
    MienError
        For another shape, NaN, or as many neighbours as samples.

    Examples
    --------
    >>> two_groups = np.array([0.0, 0.1, 0.2, 5.0, 5.1, 5.2])
    >>> noise = np.array([0.3, 0.0, 0.2, 0.1, 0.3, 0.0])
    >>> good, bad = laplacian_scores(np.stack([two_groups, noise], axis=1), neighbours=2)
    >>> bool(good < bad)
    True
    """
    return _ratio(*_laplacian_parts(features, neighbours))


def select_groups(
    features: npt.NDArray[Any], group_size: int, keep: int, *, neighbours: int = 5
) -> npt.NDArray[np.int64]:
    """Return the columns of the groups of features that keep the neighbourhoods of the samples best.

    A group is ``group_size`` columns side by side, such as the 630 of a block; its score is the Laplacian score of the
    group as one feature of many dimensions: the sum of f' L f over the sum of f' D f (:func:`laplacian_scores`).

    Parameters
    ----------
    features : array, (N, dims)
        One row per sample; the training fold only.
    group_size : int
        Columns of a group; divides dims.
    keep : int
        Groups to keep, from 1 to their number.
    neighbours : int
        Nearest samples joined with each, from 1 to N - 1.

    Returns
    -------
    int64 array, (keep * group_size,)
        Columns in rising order.

    Raises
    ------
    MienError
        As :func:`laplacian_scores`, or for a group size that does not divide the columns, or too many groups.

    Examples
    --------
    >>> two_groups = np.array([0.0, 0.1, 0.2, 5.0, 5.1, 5.2])
    >>> noise = np.array([0.3, 0.0, 0.2, 0.1, 0.3, 0.0])
    >>> select_groups(np.stack([noise, noise, two_groups, two_groups], axis=1), 2, 1, neighbours=2)
    array([2, 3])
    """
    dims = _finite(features, "features").shape[1]
    if group_size < 1 or dims % group_size or not 1 <= keep <= dims // group_size:
        raise MienError(
            f"got {keep} groups of {group_size} of {dims} columns; expected a size that divides them and from 1 to all "
            "groups; change group_size or keep"
        )
    parts = (part.reshape(-1, group_size).sum(axis=1) for part in _laplacian_parts(features, neighbours))
    best = np.sort(np.argsort(_ratio(*parts), kind="stable")[:keep])
    return (best[:, None] * group_size + np.arange(group_size)).ravel()


def _laplacian_parts(features: npt.NDArray[Any], neighbours: int) -> tuple[RealArray, RealArray]:
    """Every centred feature's f' L f and f' D f, (dims,) each."""
    from sklearn.neighbors import kneighbors_graph

    data = _finite(features, "features")
    if not 1 <= neighbours < len(data):
        raise MienError(
            f"got {neighbours} neighbours of {len(data)} samples; expected from 1 to one fewer; change them"
        )
    graph = kneighbors_graph(data, neighbours, mode="distance")
    squares = graph.data**2
    graph.data = np.exp(-squares / (squares.mean() or 1.0))
    graph = graph.maximum(graph.T).tocsr()
    degree = np.asarray(graph.sum(axis=1)).ravel()
    centred = data - degree @ data / degree.sum()
    centred[:, np.ptp(data, axis=0) == 0] = 0  # a constant feature, exactly
    spread = degree @ centred**2
    return spread - np.einsum("nd,nd->d", centred, graph @ centred), spread


def _ratio(part: RealArray, whole: RealArray) -> RealArray:
    return np.divide(part, whole, out=np.full(len(whole), np.inf), where=whole > 0)


def _finite(matrix: npt.NDArray[Any], what: str) -> RealArray:
    data = np.asarray(matrix, dtype=np.float64)
    if data.ndim != 2 or not data.size or not np.isfinite(data).all():
        raise MienError(
            f"got {what} of shape {data.shape}; expected finite numbers in two dimensions; check their source"
        )
    return data
