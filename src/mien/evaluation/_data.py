"""A dataset as a method meets it: prepared inputs, classes, subjects."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError, MienWarning, Sample
from mien.datasets import DATASETS, Corpus, Dataset
from mien.evaluation._progress import progress_bar
from mien.protocols import label_map
from mien.recipes import Copies, Recipe, copies_of, load

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
    copies : array, (N, V, ...), or None
        Copies of each sample to train on; nothing is ever tested on one.
    drawn : bool
        Whether an epoch draws one of them for each sample; else every copy is a training sample of its own.
    """

    samples: tuple[Sample, ...]
    inputs: npt.NDArray[Any]
    targets: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    labels: str
    left_out: int
    copies: npt.NDArray[Any] | None = None
    drawn: bool = False

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
        for copy in () if self.copies is None else self.copies:
            digest.update(copy.tobytes())
        return digest.hexdigest()

    @property
    def per_epoch(self) -> int:
        """Training samples that one clip gives in an epoch."""
        return 1 if self.copies is None or self.drawn else self.copies.shape[1]

    def training(self, rows: npt.NDArray[np.int64]) -> dict[str, Any]:
        """Return what :meth:`mien.methods.Method.fit` takes of some samples: only they and their own copies."""
        targets, subjects = self.targets[rows], [self.samples[row].subject for row in rows]
        if self.copies is None or self.drawn:
            copies = None if self.copies is None else self.copies[rows]
            return {"inputs": self.inputs[rows], "targets": targets, "groups": subjects, "copies": copies}
        return {
            "inputs": self.copies[rows].reshape(-1, *self.inputs.shape[1:]),
            "targets": np.repeat(targets, self.per_epoch),
            "groups": [subject for subject in subjects for _ in range(self.per_epoch)],
        }


def read_labelled(
    dataset: str,
    root: Path | str,
    labels: str | None,
    recipe: Recipe,
    *,
    errata: bool = False,
    jobs: int | None = None,
    progress: bool = False,
    copies: str | None = None,
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
    copies : str, optional
        A name in :data:`mien.recipes.COPIES`: make these copies of each clip as well.

    Returns
    -------
    Labelled
        Never empty.

    Raises
    ------
    MienError
        If a name is unknown, the dataset is broken, the label map keeps nothing, or ready maps are to be copied.
    """
    entry = DATASETS[dataset]
    asked = copies_of(copies) if copies else None
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
    if asked and any(sample.source.kind == "motion" for sample in chosen):
        raise MienError(
            f"got ready motion maps to make copies of ({copies}); expected frames or videos; use a dataset of these, "
            "or a preset without copies"
        )
    with progress_bar("inputs", len(chosen), shown=progress) as advance:
        inputs = load(chosen, recipe, jobs=jobs, advance=lambda _outcome: advance())
    data = Labelled(chosen, inputs, targets, classes, name, len(samples) - len(kept))
    return data if asked is None else _with_copies(data, asked, recipe, jobs=jobs, progress=progress)


def _with_copies(data: Labelled, asked: Copies, recipe: Recipe, *, jobs: int | None, progress: bool) -> Labelled:
    """Make the copies; what is to be known of a clip was said when the clip itself was made."""
    varied = asked.vary(recipe)
    copies = np.empty((len(data.inputs), len(varied), *data.inputs.shape[1:]), data.inputs.dtype)
    with progress_bar("copies", len(varied) * len(data.inputs), shown=progress) as advance, warnings.catch_warnings():
        warnings.simplefilter("ignore", MienWarning)
        for place, variant in enumerate(varied):
            copies[:, place] = load(data.samples, variant, jobs=jobs, advance=lambda _outcome: advance())
    return replace(data, copies=copies, drawn=asked.drawn)


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
