"""A dataset as a method meets it: prepared inputs, classes, subjects."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError, MienWarning, Sample
from mien.datasets import DATASETS, Corpus, Dataset
from mien.evaluation._progress import progress_bar
from mien.protocols import label_map
from mien.recipes import Recipe, load

__all__ = ["AS_ANNOTATED", "Labelled", "read_labelled", "read_samples"]

AS_ANNOTATED = "as annotated"


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Samples that a label map keeps, with their inputs.

    Attributes
    ----------
    samples : tuple of Sample
        Sorted by id, so that the order of a file changes nothing.
    inputs : array, (N, ...)
        Prepared by the recipe.
    targets : int array, (N,)
        Indices into ``classes``.
    classes : tuple of str
        As the label map orders them.
    labels : str
        The label map, or ``as annotated``.
    left_out : int
        Samples that the label map drops.
    """

    samples: tuple[Sample, ...]
    inputs: npt.NDArray[Any]
    targets: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    labels: str
    left_out: int

    @property
    def subjects(self) -> list[str]:
        """Namespaced subject of each sample."""
        return [sample.subject for sample in self.samples]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of ids, labels and pixels: equal for equal data, wherever and in whatever order it is stored."""
        digest = hashlib.sha256(f"{self.classes} {self.inputs.shape}".encode())
        for sample, target, image in zip(self.samples, self.targets, self.inputs, strict=True):
            digest.update(f"{sample.sample_id} {target} ".encode())
            digest.update(image.tobytes())
        return digest.hexdigest()


def read_labelled(
    dataset: str,
    root: Path | str,
    labels: str | None,
    recipe: Recipe,
    *,
    errata: bool = False,
    jobs: int | None = None,
    progress: bool = False,
) -> Labelled:
    """Read a dataset, apply a label map, prepare the inputs.

    Parameters
    ----------
    dataset : str
        A name in ``DATASETS``.
    root : Path
        Where its copy is.
    labels : str or None
        A label map; by default the dataset's own for a corpus, and for ready maps where it knows all their emotions,
        else the emotions as annotated.
    recipe : Recipe
        How to prepare the inputs.
    errata : bool
        Apply the corpus's known corrections.
    jobs : int, optional
        Processes that prepare inputs; one per core by default.
    progress : bool
        Show a progress bar on standard error while inputs are prepared.

    Returns
    -------
    Labelled
        Never empty.

    Raises
    ------
    MienError
        If a name is unknown, the copy is broken, or the label map keeps nothing.
    """
    entry = DATASETS[dataset]
    samples = sorted(read_samples(entry, Path(root), errata=errata), key=lambda sample: sample.sample_id)
    name, classes, truths = _classes(samples, labels, entry)
    kept = [(sample, truth) for sample, truth in zip(samples, truths, strict=True) if truth is not None]
    if not kept:
        found = ", ".join(sorted({getattr(sample, label_map(name).by) or "none" for sample in samples}))
        raise MienError(
            f"got no sample that the label map '{name}' keeps in '{root}' ({found}); choose another --labels"
        )
    if labels and len(kept) < len(samples):
        text = f"the label map '{name}' leaves out {len(samples) - len(kept)} of {len(samples)} clips"
        warnings.warn(text, MienWarning, stacklevel=3)
    chosen = tuple(sample for sample, _ in kept)
    targets = np.array([classes.index(truth) for _, truth in kept], dtype=np.int64)
    with progress_bar("inputs", len(chosen), shown=progress) as advance:
        inputs = load(chosen, recipe, jobs=jobs, advance=lambda _outcome: advance())
    return Labelled(chosen, inputs, targets, classes, name, len(samples) - len(kept))


def read_samples(entry: Dataset, root: Path, *, errata: bool) -> list[Sample]:
    """Read the records of a dataset, its known corrections applied if asked for."""
    if not errata:
        return entry.read(root)
    if not (isinstance(entry, Corpus) and entry.errata):
        raise MienError(
            f"got errata for '{entry.name}', for which none are known; expected samm or casme3; drop --errata"
        )
    return entry.read(root, errata=True)


def _classes(
    samples: Sequence[Sample], labels: str | None, entry: Dataset
) -> tuple[str, tuple[str, ...], list[str | None]]:
    """Name of the label map, its classes, and the class of each sample (None: left out)."""
    table = label_map(labels or entry.labels)
    truths = [table.of(sample) for sample in samples]
    if labels or isinstance(entry, Corpus) or None not in truths:
        return table.name, table.classes, truths
    annotated = [sample.emotion for sample in samples]
    return AS_ANNOTATED, tuple(sorted(set(annotated))), list(annotated)
