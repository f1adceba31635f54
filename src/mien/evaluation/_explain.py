"""Where the network looked in a few test clips: chosen before training, kept per fold, shown in the report."""

from __future__ import annotations

import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError, MienWarning, Sample, UInt8Array, atomic_path
from mien.evaluation._data import Labelled
from mien.recipes import Recipe, Stage, open_take, run
from mien.reports import Look

__all__ = ["choose", "has_looks", "looks", "write_looks"]


def choose(data: Labelled, count: int) -> tuple[str, ...]:
    """Return ids of ``count`` clips of each class, the first by id, of another subject each as far as there are.

    Nothing else counts, least of all whether a clip is read rightly.
    """
    before: Counter[tuple[str, int]] = Counter()
    queues: dict[int, list[tuple[int, str]]] = {}
    for sample, target in sorted(zip(data.samples, data.targets, strict=True), key=lambda pair: pair[0].sample_id):
        own = (sample.subject, int(target))
        queues.setdefault(own[1], []).append((before[own], sample.sample_id))
        before[own] += 1
    return tuple(name for target in sorted(queues) for _, name in sorted(queues[target])[:count])


def write_looks(
    path: Path, trained: Any, data: Labelled, rows: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64]
) -> None:
    """Write where a trained network looked for the classes it answered; say so where it cannot tell."""
    try:
        looked = _where(trained)(data.inputs[rows], predicted.tolist())
    except MienError as error:
        warnings.warn(f"it cannot be shown where the network looked: {error}", MienWarning, stacklevel=2)
        return
    names = np.array(data.classes)
    with atomic_path(path) as temporary:
        np.savez_compressed(
            temporary,
            sample_id=np.array([data.samples[row].sample_id for row in rows]),
            map=looked.maps,
            truth=names[data.targets[rows]],
            predicted=names[predicted],
            by=np.array(looked.by),
        )


def _where(trained: Any) -> Any:
    if not hasattr(trained, "where"):
        kind = type(trained).__name__
        raise MienError(f"got a '{kind}', which has no method where(inputs, classes); expected one; add it")
    return trained.where


def has_looks(path: Path, sample_ids: Iterable[str]) -> bool:
    """Whether the file has these clips."""
    wanted = set(sample_ids)
    return not wanted or (path.is_file() and wanted <= set(_read(path)["sample_id"].tolist()))


def looks(paths: Iterable[Path], data: Labelled, wanted: tuple[str, ...], recipe: Recipe) -> list[Look]:
    """Return what a report shows, in the order wanted: each map with the picture that it lies over."""
    rows = {sample.sample_id: row for row, sample in enumerate(data.samples)}
    found = {look.sample_id: look for path in paths if path.is_file() for look in _looks(path, data, rows, recipe)}
    return [found[name] for name in wanted if name in found]


def _looks(path: Path, data: Labelled, rows: dict[str, int], recipe: Recipe) -> Iterator[Look]:
    content = _read(path)
    columns = (content[name] for name in ("sample_id", "map", "truth", "predicted"))
    for sample_id, heat, truth, predicted in zip(*columns, strict=True):
        row = rows[str(sample_id)]
        sample = data.samples[row]
        ready = sample.source.kind == "motion"
        picture = data.inputs[row] if ready else _apex_face(sample, recipe)
        yield Look(str(sample_id), str(truth), str(predicted), picture, heat, str(content["by"]), ready)


def _read(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in ("sample_id", "map", "truth", "predicted", "by")}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise MienError(f"got '{path}', which does not read ({error}); expected maps of a fold; delete it") from error


class _Cropped(Exception):  # noqa: N818 - nothing went wrong
    """The face is cut out: a recipe need not run further."""


def _apex_face(sample: Sample, recipe: Recipe) -> UInt8Array:
    """The apex frame as the recipe first cuts the face out, (S, S, 3); all of it where the recipe cuts none out."""
    stages: list[Stage] = []

    def watch(_step: str, stage: Stage) -> None:
        stages.append(stage)
        if stage.frames is not None:
            raise _Cropped

    with suppress(_Cropped):
        run(recipe, open_take(sample), watch)
    stage = stages[-1]
    if stage.frames is None:
        assert stage.take.apex is not None
        stage = replace(stage, frames=np.stack(list(stage.take.read([stage.take.apex]))), apex=0)
    face = np.asarray(stage.cropped("explain")[stage.apex], np.uint8)
    return face if face.ndim == 3 else np.repeat(face[..., None], 3, axis=-1)
