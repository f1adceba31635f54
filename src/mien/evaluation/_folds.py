"""One fold: train without it, predict it, keep the result as one file. Runs in a process of its own."""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from mien.core import MienError, MienWarning, atomic_path
from mien.evaluation._data import Labelled
from mien.methods import METHODS, Method, Trained
from mien.protocols import Fold, confusion
from mien.protocols.metrics import measures

__all__ = ["SELECTIONS", "FoldResult", "Plan", "fold_file", "read_fold", "run_fold"]

SELECTIONS = ("last", "inner", "test")
INNER_FOLDS = 5
TIMED = 9


@dataclass(frozen=True, slots=True)
class Plan:
    """What every fold of a run has in common.

    Attributes
    ----------
    method : str
        Name of the method.
    settings : mapping
        Its training settings.
    select : {"last", "inner", "test"}
        Which epoch is reported.
    keep_epochs : bool
        Keep the predictions of every epoch.
    folder : Path
        The run.
    key : str
        Digest of everything that the predictions depend on.
    """

    method: str
    settings: Mapping[str, Any]
    select: str
    keep_epochs: bool
    folder: Path
    key: str


@dataclass(frozen=True, slots=True)
class FoldResult:
    """What a fold leaves.

    Attributes
    ----------
    key : str
        As in :class:`Plan`: a file of another run is not taken for one of this.
    seed, fold : int, str
        Which one it is.
    sample_ids, predicted, probabilities : list
        One entry per test sample: id, class index, K probabilities.
    epoch : int or None
        The epoch reported, where one was chosen.
    parameters : int or None
        Trainable parameters.
    latency_ms : float
        Median time to predict one sample, one thread.
    peak_memory_mb : float or None
        Highest resident memory of the process so far; None where the system does not tell.
    notes : list of str
        Warnings.
    """

    key: str
    seed: int
    fold: str
    sample_ids: list[str]
    predicted: list[int]
    probabilities: list[list[float]]
    epoch: int | None
    parameters: int | None
    latency_ms: float
    peak_memory_mb: float | None
    notes: list[str]


def fold_file(folder: Path, seed: int, fold: str) -> Path:
    """Return where a fold is kept; its name cannot leave the folder."""
    return folder / "folds" / f"{seed}-{quote(fold, safe=' ')}.json"


def run_fold(plan: Plan, data: Labelled, fold: Fold, seed: int) -> None:
    """Train on a fold's training samples, predict its test samples, write the result whole or not at all."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        result = _result(plan, data, fold, seed)
    notes = sorted({str(warning.message) for warning in caught if issubclass(warning.category, MienWarning)})
    for warning in caught:
        if not issubclass(warning.category, MienWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    with atomic_path(fold_file(plan.folder, seed, fold.name)) as path:
        path.write_text(json.dumps(asdict(result) | {"notes": notes}), encoding="utf-8")


def read_fold(path: Path, key: str, sample_ids: Sequence[str]) -> FoldResult:
    """Read what :func:`run_fold` wrote; raise :class:`MienError` if it is broken or of another run."""
    try:
        result = FoldResult(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise MienError(
            f"got '{path}', which does not read ({error}); expected a finished fold; delete the file"
        ) from error
    if result.key != key or result.sample_ids != list(sample_ids):
        raise MienError(f"got '{path}', which belongs to another run; expected a fold of this one; delete the file")
    return result


def _result(plan: Plan, data: Labelled, fold: Fold, seed: int) -> FoldResult:
    method = METHODS[plan.method]
    settings = dict(plan.settings)
    if plan.select == "inner":
        settings["epochs"] = _inner_epoch(method, settings, data, fold, seed)
    test = data.inputs[fold.test]
    kept: list[tuple[Any, Any]] = []

    def watch(trained: Trained) -> None:
        if plan.keep_epochs or plan.select == "test":
            kept.append(trained.predict(test))

    trained = _fit(method, settings, data, fold.train, seed, watch=watch)
    predicted, probabilities = trained.predict(test)
    epoch = settings.get("epochs")
    if plan.select == "test":
        epoch = _best([float((row == data.targets[fold.test]).mean()) for row, _ in kept])
        predicted, probabilities = kept[epoch - 1]
    if plan.keep_epochs:
        _write_epochs(plan.folder / "epochs" / fold_file(plan.folder, seed, fold.name).name, data, fold, kept)
    return FoldResult(
        key=plan.key,
        seed=seed,
        fold=fold.name,
        sample_ids=[data.samples[row].sample_id for row in fold.test],
        predicted=[int(label) for label in predicted],
        probabilities=probabilities.tolist(),
        epoch=epoch,
        parameters=trained.parameters,
        latency_ms=_latency_ms(trained, test[:1]),
        peak_memory_mb=peak_memory_mb(),
        notes=[],
    )


def _fit(
    method: Method,
    settings: Mapping[str, Any],
    data: Labelled,
    rows: np.ndarray,
    seed: int,
    *,
    watch: Callable[[Trained], None],
) -> Trained:
    """Train on some rows. ``watch`` sees the model after each epoch; the training sees nothing of it."""
    return method.fit(
        data.inputs[rows],
        data.targets[rows],
        [data.samples[row].subject for row in rows],
        data.classes,
        settings=settings,
        seed=seed,
        on_epoch=lambda _epoch, trained: watch(trained),
    )


def _inner_epoch(method: Method, settings: Mapping[str, Any], data: Labelled, fold: Fold, seed: int) -> int:
    """Return the epoch with the best UF1 on a fifth of the training subjects, trained on the others."""
    from sklearn.model_selection import StratifiedGroupKFold

    subjects = np.array(data.subjects)[fold.train]
    n_folds = min(INNER_FOLDS, len(set(subjects)))
    if n_folds < 2:
        raise MienError(
            f"got one training subject in fold '{fold.name}'; expected 2 or more for --select inner; use last"
        )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed)
        inner, held = next(splitter.split(subjects, data.targets[fold.train], subjects))
    inner, held = fold.train[inner], fold.train[held]
    scores: list[float] = []
    _fit(method, settings, data, inner, seed, watch=lambda trained: scores.append(_uf1(trained, data, held)))
    return _best(scores)


def _uf1(trained: Trained, data: Labelled, rows: np.ndarray) -> float:
    names = np.array(data.classes)
    truth, predicted = names[data.targets[rows]], names[trained.predict(data.inputs[rows])[0]]
    return float(measures(confusion(list(truth), list(predicted), data.classes))["uf1"])


def _best(scores: Sequence[float]) -> int:
    """Return the first epoch, from 1, with the highest score."""
    return int(np.argmax(scores)) + 1


def _write_epochs(path: Path, data: Labelled, fold: Fold, kept: Sequence[tuple[Any, Any]]) -> None:
    with atomic_path(path.with_suffix(".npz")) as temporary:
        np.savez_compressed(
            temporary,
            sample_id=np.array([data.samples[row].sample_id for row in fold.test]),
            truth=data.targets[fold.test],
            predicted=np.stack([predicted for predicted, _ in kept]),
            probabilities=np.stack([probabilities for _, probabilities in kept]).astype(np.float32),
        )


def _latency_ms(trained: Trained, one: npt.NDArray[Any]) -> float:
    trained.predict(one)
    times = []
    for _ in range(TIMED):
        start = time.perf_counter()
        trained.predict(one)
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times))


def peak_memory_mb() -> float | None:
    """Highest resident memory of this process so far, in MB."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
