"""Samples in, one array out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien.core import MienError, MienWarning, Sample, UInt8Array
from mien.recipes._clips import NOTES, prepare_sample
from mien.recipes._recipe import Recipe

__all__ = ["load"]

_MANY = 64  # clips from which starting processes pays


def load(samples: Sequence[Sample], recipe: Recipe, *, jobs: int | None = None) -> UInt8Array:
    """Prepare the input of every sample, in the order given.

    Ready maps are read as they are. Of frames and videos the onset and the apex are read, by the number at the end of
    the file's name; the face is found on the onset frame. Where no apex is annotated the recipe says what stands in
    (:func:`mien.recipes.with_apex`; by default the middle frame).

    Parameters
    ----------
    samples : sequence of Sample
        Records of a dataset.
    recipe : Recipe
        How to make the input.
    jobs : int, optional
        Processes; by default one per core where there are many clips of frames, else this one alone.

    Returns
    -------
    uint8 array, (N, H, W, 3)
        RGB = u, v, strain; 28 x 28 where mien made them.

    Raises
    ------
    MienError
        If there is no sample, a file or frame is missing or does not read, a picture shows no face, or sizes differ.

    Warns
    -----
    MienWarning
        Once for each thing that a reader should know, with the number of clips it holds for.
    """
    if not samples:
        raise MienError("got no samples; expected at least one; check the dataset and its label map")
    files = {s.source.path for s in samples if s.source.kind == "motion" and s.source.index is not None}
    arrays = {path: _array(path) for path in files}
    made = iter(_prepared([sample for sample in samples if sample.source.kind != "motion"], recipe, jobs))
    maps = [_map(sample, arrays) if sample.source.kind == "motion" else next(made) for sample in samples]
    for sample, image in zip(samples, maps, strict=True):
        if image.shape != maps[0].shape:
            raise MienError(
                f"got a {image.shape} map for '{sample.sample_id}' and {maps[0].shape} for '{samples[0].sample_id}'; "
                "expected one size; resize them"
            )
    return np.stack(maps)


def _prepared(samples: Sequence[Sample], recipe: Recipe, jobs: int | None) -> list[UInt8Array]:
    """Maps of clips of frames; what is to be known of them is said once."""
    if not samples:
        return []
    import joblib

    jobs = jobs or (joblib.cpu_count() if len(samples) >= _MANY else 1)
    made = joblib.Parallel(n_jobs=jobs)(joblib.delayed(prepare_sample)(sample, recipe) for sample in samples)
    for note, text in NOTES.items():
        held = [sample.sample_id for sample, (_, notes) in zip(samples, made, strict=True) if note in notes]
        if held:
            say = f"{len(held)} of {len(samples)} clips ('{held[0]}', say): {text}"
            warnings.warn(say, MienWarning, stacklevel=3)
    return [array for array, _ in made]


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
