"""Make the inputs of a whole corpus ahead of training."""

from __future__ import annotations

from pathlib import Path

from mien.core import MienError
from mien.datasets import DATASETS
from mien.evaluation._data import read_samples
from mien.evaluation._progress import progress_bar
from mien.recipes import RECIPES, Cache, Outcome, fill_cache, with_apex, with_faces

__all__ = ["prepare"]


def prepare(
    dataset: str,
    root: Path | str,
    *,
    recipe: str,
    jobs: int | None = None,
    apex: str = "midpoint",
    faces: str = "dlib",
    errata: bool = False,
    cache: Path | str | None = None,
    progress: bool = True,
) -> list[Outcome]:
    """Make what a recipe makes of every clip of a dataset, into the cache.

    What is there already is not made again, so an interrupted call is continued by repeating it. A clip that cannot
    be prepared does not stop the others.

    Parameters
    ----------
    dataset : str
        A name in ``DATASETS``.
    root : Path
        The copy of the dataset.
    recipe : str
        A name in ``RECIPES``.
    jobs : int, optional
        Processes; one per core by default.
    apex, faces : str
        As in :func:`mien.evaluate`: they change the recipe, hence what is made.
    errata : bool
        Apply the corpus's known corrections.
    cache : Path, optional
        The cache's folder; the user's by default.
    progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    list of Outcome
        One per clip, in the order of the table: made, cached or failed, with the reason.

    Raises
    ------
    MienError
        If a name is unknown, the copy has no table, or its clips are ready motion maps.
    """
    chosen = with_faces(with_apex(RECIPES[recipe], apex), faces)
    samples = read_samples(DATASETS[dataset], Path(root), errata=errata)
    if any(sample.source.kind == "motion" for sample in samples):
        raise MienError(f"got '{dataset}', whose inputs are ready; expected a dataset of frames or videos to prepare")
    with progress_bar("clips", len(samples), shown=progress) as advance:
        return fill_cache(samples, chosen, jobs=jobs, cache=Cache(cache), advance=lambda _outcome: advance())
