"""What a study will run on a copy of a dataset, and about how long that takes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mien.core import MienError, Sample
from mien.datasets import DATASETS
from mien.evaluation import _cost
from mien.evaluation._cost import PAIR, duration, steps
from mien.evaluation._data import _classes, read_samples
from mien.evaluation.studies._study import Arm, Study
from mien.methods import METHODS
from mien.protocols.splits import splits
from mien.recipes import RECIPES, load, with_apex, with_faces

__all__ = ["Clips", "Row", "cost", "plan_rows", "read_clips", "seconds_per_step"]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table with the run that fills it.

    Attributes
    ----------
    arm : Arm
        The row as printed.
    preset : str or None
        What is run; None where nothing here stands for the row.
    """

    arm: Arm
    preset: str | None

    @property
    def run(self) -> str:
        """The folder of the run; rows of the same method and preset share one."""
        return f"{self.arm.method}-{self.preset}"

    @property
    def settings(self) -> dict[str, Any]:
        """Training settings."""
        return dict(METHODS[self.arm.method].settings(self.preset))


@dataclass(frozen=True, slots=True)
class Clips:
    """The clips of a dataset that a label map keeps, without their pixels.

    Attributes
    ----------
    samples : tuple of Sample
        Sorted by id.
    truths : tuple of str
        Their classes.
    labels : str
        The label map.
    """

    samples: tuple[Sample, ...]
    truths: tuple[str, ...]
    labels: str

    @property
    def digest(self) -> str:
        """Equal for the same clips with the same classes."""
        lines = (f"{sample.sample_id} {truth}\n" for sample, truth in zip(self.samples, self.truths, strict=True))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def training_sizes(self, protocol: str, seed: int) -> list[int]:
        """Return how many clips each fold trains on."""
        subjects = [sample.subject for sample in self.samples]
        corpora = [sample.dataset for sample in self.samples]
        ids = [sample.sample_id for sample in self.samples]
        return [len(fold.train) for fold in splits(protocol, subjects, corpora, ids, seed)]

    def pair(self) -> tuple[Sample, ...]:
        """Two clips of two classes."""
        other = next(row for row, truth in enumerate(self.truths) if truth != self.truths[0])
        return self.samples[0], self.samples[other]


def plan_rows(study: Study, dataset: str, labels: str | None, *, small: bool) -> list[Row]:
    """Return the rows of the table; raise :class:`MienError` if nothing of it can be run."""
    rows = [Row(arm, arm.preset_for(small=small)) for arm in study.rows_for(dataset, labels)]
    if not any(row.preset for row in rows):
        raise MienError(
            f"got '{study.name}' for '{dataset}', of which no row is built here; "
            f"expected one of {', '.join(study.corpora)}; choose another study or dataset"
        )
    return rows


def read_clips(dataset: str, root: Path | str, labels: str | None, *, errata: bool) -> Clips:
    """Read the records of a dataset and apply a label map; raise :class:`MienError` if two classes do not remain."""
    entry = DATASETS[dataset]
    samples = sorted(read_samples(entry, Path(root), errata=errata), key=lambda sample: sample.sample_id)
    name, _, truths = _classes(samples, labels, entry)
    kept = [(sample, truth) for sample, truth in zip(samples, truths, strict=True) if truth is not None]
    if len({truth for _, truth in kept}) < PAIR:
        raise MienError(
            f"got {len(kept)} clips in '{root}' that the label map '{name}' keeps, all of one class at most; "
            "expected two classes or more; choose another --labels"
        )
    return Clips(tuple(sample for sample, _ in kept), tuple(truth for _, truth in kept), name)


def seconds_per_step(
    method: str, settings: Mapping[str, Any], clips: Clips, apex: str, faces: str, device: str = "auto"
) -> float:
    """Measure one training step of a network on a batch of its size, of two clips over and over, on one thread."""
    recipe = with_faces(with_apex(RECIPES[METHODS[method].recipe], apex), faces)
    inputs = load(clips.pair(), recipe, jobs=1)
    return _cost.seconds_per_step(method, settings, inputs, device)


def cost(
    rows: Sequence[Row],
    clips: Clips,
    protocol: str,
    seeds: Sequence[int],
    steps_s: dict[str, float],
    jobs: int,
    unit: str = "cores",
) -> str:
    """Say in a line what is to be run, and about how long it takes where a step was measured."""
    sizes = [clips.training_sizes(protocol, seed) for seed in seeds]
    networks = [row for row in rows if METHODS[row.arm.method].kind == "network"]
    line = f"{len(rows)} arms x {len(sizes[0])} folds"
    line += f" x {len(seeds)} seeds" if len(seeds) > 1 else ""
    if networks:
        epochs = sorted({row.settings["epochs"] for row in networks})
        line += f" x {' or '.join(map(str, epochs))} epochs"
    unknown = [row.run for row in networks if row.run not in steps_s]
    total = sum(
        steps_s[row.run] * steps(row.settings, fold_sizes)
        for row in networks
        if row.run in steps_s
        for fold_sizes in sizes
    )
    if steps_s:
        at_once = min(jobs, sum(map(len, sizes)))  # rows follow one another
        line += f": about {duration(total / at_once)} of training on {at_once} {unit} (by a timed step)"
    if unknown and steps_s:
        line += f", without {', '.join(unknown)}"
    return line + "; the inputs are prepared first, once"
