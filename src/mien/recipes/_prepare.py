"""Samples in, prepared inputs out: made once, kept in the cache, by as many processes as there are cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from mien.core import MienError, Sample
from mien.motion import one_thread
from mien.recipes._cache import Cache, Prepared
from mien.recipes._identity import cache_key, code_digest
from mien.recipes._recipe import Recipe
from mien.recipes._stage import run
from mien.recipes._take import open_take

__all__ = ["Outcome", "fill_cache", "prepare_sample"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one sample.

    Attributes
    ----------
    sample_id : str
        Which.
    state : {"made", "cached", "failed"}
        Made now, found in the cache, or impossible.
    reason : str
        Why it failed, one line; else empty.
    key : str
        Its key in the cache; empty where it failed.
    """

    sample_id: str
    state: Literal["made", "cached", "failed"]
    reason: str = ""
    key: str = ""


def prepare_sample(sample: Sample, recipe: Recipe) -> Prepared:
    """Make the input of one clip, without the cache.

    Raises
    ------
    MienError
        If frames that the recipe needs are missing, onset and offset are in the wrong order, or a whole picture
        shows no face.
    """
    with one_thread():  # processes side by side use the cores
        stage = run(recipe, open_take(sample))
    assert stage.array is not None
    return Prepared(stage.array, stage.notes)


def fill_cache(
    samples: Sequence[Sample],
    recipe: Recipe,
    *,
    jobs: int | None = None,
    cache: Cache | None = None,
    advance: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Prepare every sample that the cache lacks; a sample that cannot be prepared does not stop the others.

    Parameters
    ----------
    samples : sequence of Sample
        Clips of frames or videos.
    recipe : Recipe
        How to make the input.
    jobs : int, optional
        Processes; one per core by default.
    cache : Cache, optional
        Where to keep them; the user's by default.
    advance : callable, optional
        Called with each outcome as it comes, for progress.

    Returns
    -------
    list of Outcome
        In the order of the samples.

    Raises
    ------
    MienError
        If jobs is not positive, or the cache cannot be written.
    """
    import joblib

    if jobs is not None and jobs < 1:
        raise MienError(f"got {jobs} jobs; expected 1 or more; leave it out for one per core")
    cache = cache or Cache()
    code_digest()  # once, before there are several processes
    jobs = min(jobs or joblib.cpu_count(), max(1, len(samples)))
    work = (joblib.delayed(_ensure)(place, sample, recipe, cache) for place, sample in enumerate(samples))
    outcomes: list[tuple[int, Outcome]] = []
    for place, outcome in joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")(work):
        outcomes.append((place, outcome))
        if advance is not None:
            advance(outcome)
    return [outcome for _, outcome in sorted(outcomes, key=lambda pair: pair[0])]


def _ensure(place: int, sample: Sample, recipe: Recipe, cache: Cache) -> tuple[int, Outcome]:
    """Make one input unless the cache has it."""
    try:
        key = cache_key(sample, recipe)
        if cache.get(recipe, key) is not None:
            return place, Outcome(sample.sample_id, "cached", key=key)
        made = prepare_sample(sample, recipe)
    except MienError as error:
        return place, Outcome(sample.sample_id, "failed", reason=str(error))
    cache.put(recipe, key, made)
    return place, Outcome(sample.sample_id, "made", key=key)
