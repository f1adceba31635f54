"""Samples in, one array out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError, MienWarning, Sample, UInt8Array
from mien.recipes._cache import Cache, Prepared
from mien.recipes._prepare import Outcome, fill_cache, prepare_sample
from mien.recipes._recipe import Recipe
from mien.recipes._take import NOTES

__all__ = ["load"]

_MANY = 32  # clips from which starting processes pays
_SHOWN = 3  # failures that a message tells


def load(
    samples: Sequence[Sample],
    recipe: Recipe,
    *,
    jobs: int | None = None,
    cache: Cache | None = None,
    advance: Callable[[Outcome], None] | None = None,
) -> npt.NDArray[Any]:
    """Prepare the input of every sample, in the order given.

    Ready maps are read as they are. Frames and videos go through the recipe, once: what was made is kept in the cache
    and read from there the next time. Frames are taken by the number at the end of the file's name; the face is found
    on the onset frame. Where no apex is annotated the recipe says what stands in (:func:`mien.recipes.with_apex`; by
    default the middle frame).

    Parameters
    ----------
    samples : sequence of Sample
        Records of a dataset.
    recipe : Recipe
        How to make the input.
    jobs : int, optional
        Processes; by default one per core where there are many clips of frames, else this one alone.
    cache : Cache, optional
        By default the user's.
    advance : callable, optional
        Called with each outcome, for progress.

    Returns
    -------
    array, (N, ...)
        For ``motion-map`` uint8 (N, 28, 28, 3), RGB = u, v, strain.

    Raises
    ------
    MienError
        If there is no sample, ready maps are to feed another recipe than ``motion-map``, a file or frame is missing or
        does not read, a picture shows no face, or sizes differ. All clips are tried before the first is told.

    Warns
    -----
    MienWarning
        Once for each thing that a reader should know, with the number of clips it holds for.
    """
    if not samples:
        raise MienError("got no samples; expected at least one; check the dataset and its label map")
    files = {s.source.path for s in samples if s.source.kind == "motion" and s.source.index is not None}
    if any(sample.source.kind == "motion" for sample in samples) and recipe.steps[-1][0] != "map":
        raise MienError(
            f"got ready motion maps for the recipe '{recipe.name}'; expected frames or videos, since it is not made "
            "from maps; use a dataset of frames, or a method whose recipe is motion-map"
        )
    arrays = {path: _array(path) for path in files}
    filmed = [sample for sample in samples if sample.source.kind != "motion"]
    made = iter(_prepared(filmed, recipe, jobs, cache or Cache(), advance))
    inputs = [_map(sample, arrays) if sample.source.kind == "motion" else next(made) for sample in samples]
    for sample, array in zip(samples, inputs, strict=True):
        if array.shape != inputs[0].shape:
            raise MienError(
                f"got a {array.shape} input for '{sample.sample_id}' and {inputs[0].shape} for "
                f"'{samples[0].sample_id}'; expected one size; resize them"
            )
    return np.stack(inputs)


def _prepared(
    samples: Sequence[Sample],
    recipe: Recipe,
    jobs: int | None,
    cache: Cache,
    advance: Callable[[Outcome], None] | None,
) -> list[npt.NDArray[Any]]:
    """Inputs of clips of frames; what is to be known of them is said once."""
    if not samples:
        return []
    jobs = jobs or (None if len(samples) >= _MANY else 1)
    outcomes = fill_cache(samples, recipe, jobs=jobs, cache=cache, advance=advance)
    _check(outcomes)
    made = [_kept(sample, recipe, outcome, cache) for sample, outcome in zip(samples, outcomes, strict=True)]
    for note, text in NOTES.items():
        held = [sample.sample_id for sample, one in zip(samples, made, strict=True) if note in one.notes]
        if held:
            say = f"{len(held)} of {len(samples)} clips ('{held[0]}', say): {text}"
            warnings.warn(say, MienWarning, stacklevel=3)
    return [one.array for one in made]


def _check(outcomes: Sequence[Outcome]) -> None:
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    if len(failed) == 1:
        raise MienError(failed[0].reason)
    if failed:
        told = " | ".join(outcome.reason for outcome in failed[:_SHOWN])
        more = f" | and {len(failed) - _SHOWN} more ('mien prepare' lists them)" if len(failed) > _SHOWN else ""
        raise MienError(f"got {len(failed)} of {len(outcomes)} clips that cannot be prepared: {told}{more}")


def _kept(sample: Sample, recipe: Recipe, outcome: Outcome, cache: Cache) -> Prepared:
    """Read what was just made; where another process has pruned it meanwhile, make it again."""
    return cache.get(recipe, outcome.key) or prepare_sample(sample, recipe)


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
