"""Samples in, one array out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien.core import MienError, Sample, UInt8Array
from mien.recipes._recipe import Recipe

__all__ = ["load"]


def load(samples: Sequence[Sample], recipe: Recipe) -> UInt8Array:
    """Prepare the input of every sample, in the order given.

    Parameters
    ----------
    samples : sequence of Sample
        Records of a dataset. Those whose source is a ready map are read as they are.
    recipe : Recipe
        How to make the input of the others.

    Returns
    -------
    uint8 array, (N, H, W, 3)
        RGB = u, v, strain; 28 x 28 where mien made them.

    Raises
    ------
    MienError
        If there is no sample, a sample has no ready map, a file does not read, or the sizes differ.
    """
    if not samples:
        raise MienError("got no samples; expected at least one; check the dataset and its label map")
    for sample in samples:
        if sample.source.kind != "motion":
            raise MienError(
                f"got '{sample.sample_id}' as {sample.source.kind}; "
                f"expected a ready motion map for the recipe '{recipe.name}'; use such a dataset"
            )
    files = {sample.source.path for sample in samples if sample.source.index is not None}
    arrays = {path: _array(path) for path in files}
    maps = [_map(sample, arrays) for sample in samples]
    for sample, image in zip(samples, maps, strict=True):
        if image.shape != maps[0].shape:
            raise MienError(
                f"got a {image.shape} map for '{sample.sample_id}' and {maps[0].shape} for '{samples[0].sample_id}'; "
                "expected one size; resize them"
            )
    return np.stack(maps)


def _map(sample: Sample, arrays: dict[Path, UInt8Array]) -> UInt8Array:
    path, index = sample.source.path, sample.source.index
    return _picture(path) if index is None else arrays[path][index]


def _array(path: Path) -> UInt8Array:
    """Return the maps of a motion-npz file, opened once however many samples it holds."""
    try:
        with np.load(path, allow_pickle=False) as file:
            maps: UInt8Array = file["X"]
            return maps
    except (OSError, ValueError, KeyError) as error:
        raise MienError(f"got '{path}', which does not read ({error}); expected a motion-npz file; check it") from error


def _picture(path: Path) -> UInt8Array:
    import cv2

    # Decoding from bytes: OpenCV cannot open every path that Python can.
    data = np.frombuffer(path.read_bytes(), np.uint8) if path.is_file() else np.empty(0, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None
    if image is None:
        raise MienError(f"got '{path}', which does not read; expected a PNG image; check the copy")
    return np.ascontiguousarray(image[..., ::-1])
