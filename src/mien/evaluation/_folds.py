"""One fold: train without it, predict it, keep the result as one file. Runs in a process of its own."""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from mien.core import MienError, MienWarning, atomic_path
from mien.evaluation._data import Labelled
from mien.evaluation._explain import write_looks
from mien.evaluation._gpus import Gpu
from mien.methods import METHODS, Method, Trained
from mien.methods._method import load_entry
from mien.protocols import Fold, confusion
from mien.protocols.metrics import measures

__all__ = ["SELECTIONS", "FoldResult", "Plan", "fold_file", "look_file", "read_fold", "run_fold"]

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
    shuffle_labels : bool
        Permute the training labels within each subject: a control.
    device : str
        Where a network is trained, as :func:`mien.training.devices.choose_device` takes it.
    explain : tuple of str
        Ids of the test clips of which it is kept where the network looked.
    """

    method: str
    settings: Mapping[str, Any]
    select: str
    keep_epochs: bool
    folder: Path
    key: str
    shuffle_labels: bool = False
    device: str = "auto"
    explain: tuple[str, ...] = ()


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
    seconds : float or None
        Wall time of training and testing, with that up to the checkpoint it went on from; None in folds of older
        versions.
    gpu_memory_mb : float or None
        Most memory that torch held on the GPU; None on the processor.
    samples_per_s : float or None
        Training clips per second on the GPU; None on the processor, and for a fold that went on from a checkpoint.
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
    seconds: float | None = None
    gpu_memory_mb: float | None = None
    samples_per_s: float | None = None


def fold_file(folder: Path, seed: int, fold: str) -> Path:
    """Return where a fold is kept; its name cannot leave the folder."""
    return folder / "folds" / f"{seed}-{quote(fold, safe=' ')}.json"


def look_file(folder: Path, seed: int, fold: str) -> Path:
    """Return where it is kept where a fold's network looked."""
    return folder / "explain" / fold_file(folder, seed, fold).with_suffix(".npz").name


def run_fold(plan: Plan, data: Labelled, fold: Fold, seed: int) -> None:
    """Train on a fold's training samples, predict its test samples, write the result whole or not at all."""
    start = time.perf_counter()
    before = _spent(plan, fold, seed)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        result = _result(plan, data, fold, seed)
    seconds = before + time.perf_counter() - start
    notes = sorted({str(warning.message) for warning in caught if issubclass(warning.category, MienWarning)})
    for warning in caught:
        if not issubclass(warning.category, MienWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    with atomic_path(fold_file(plan.folder, seed, fold.name)) as path:
        path.write_text(json.dumps(asdict(result) | {"notes": notes, "seconds": seconds}), encoding="utf-8")
    _checkpoint(plan, fold, seed).unlink(missing_ok=True)


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
    if plan.shuffle_labels:
        data = _shuffled(data, fold, seed)
    if plan.select == "inner":
        settings["epochs"] = _inner_epoch(method, settings, data, fold, seed, plan.device)
    test = data.inputs[fold.test]
    kept: list[tuple[Any, Any]] = []
    options: dict[str, Any] = {"device": plan.device}
    if plan.keep_epochs or plan.select == "test":
        options["watch"] = lambda trained: kept.append(trained.predict(test))
    elif plan.select == "last":  # where epochs are watched, a training that went on would lack the first ones
        options["checkpoint"] = _checkpoint(plan, fold, seed)
    went_on = "checkpoint" in options and options["checkpoint"].exists()
    gpu = Gpu.of(method, plan.device)
    trained = _fit(method, settings, data, fold.train, seed, **options)
    samples_per_s = None if went_on else gpu.rate(len(fold.train) * data.per_epoch * settings.get("epochs", 1))
    predicted, probabilities = trained.predict(test)
    epoch = settings.get("epochs")
    if plan.select == "test":
        epoch = _best([float((row == data.targets[fold.test]).mean()) for row, _ in kept])
        predicted, probabilities = kept[epoch - 1]
    if not np.isfinite(probabilities).all():  # the loss of the last step is known before what that step does
        raise MienError(
            f"got probabilities that are no numbers from '{method.name}' in fold '{fold.name}'; expected 0 to 1; "
            "lower the learning rate"
        )
    if plan.keep_epochs:
        _write_epochs(plan.folder / "epochs" / fold_file(plan.folder, seed, fold.name).name, data, fold, kept)
    result = FoldResult(
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
        gpu_memory_mb=gpu.peak_mb(),
        samples_per_s=samples_per_s,
    )
    shown = [place for place, name in enumerate(result.sample_ids) if name in plan.explain]
    if shown:
        write_looks(look_file(plan.folder, seed, fold.name), trained, data, fold.test[shown], predicted[shown])
    return result


def _checkpoint(plan: Plan, fold: Fold, seed: int) -> Path:
    return fold_file(plan.folder, seed, fold.name).with_suffix(".checkpoint")


def _spent(plan: Plan, fold: Fold, seed: int) -> float:
    """Seconds that the fold had been trained for when it was stopped."""
    path = _checkpoint(plan, fold, seed)
    if not path.exists():
        return 0.0
    seconds: float = load_entry("mien.training.checkpoint:seconds_spent")(path)
    return seconds


def _fit(
    method: Method,
    settings: Mapping[str, Any],
    data: Labelled,
    rows: np.ndarray,
    seed: int,
    *,
    device: str,
    watch: Callable[[Trained], None] | None = None,
    checkpoint: Path | None = None,
) -> Trained:
    """Train on some rows. ``watch`` sees the model after each epoch; the training sees nothing of it."""
    return method.fit(
        **data.training(rows),
        classes=data.classes,
        settings=settings,
        seed=seed,
        on_epoch=(lambda _epoch, trained: watch(trained)) if watch else None,
        device=device,
        checkpoint=checkpoint,
    )


def _shuffled(data: Labelled, fold: Fold, seed: int) -> Labelled:
    """Permute the labels of the training clips within each subject; how often a subject shows a class stays.

    Each fold has permutations of its own: of a hundred labels a permutation agrees with the truth by chance, more or
    less than a third of them, and what learns well repeats that; one for all folds would make it look like a result.
    """
    targets = data.targets.copy()
    subjects = np.array(data.subjects)
    generator = np.random.default_rng([seed, *fold.name.encode()])
    for subject in sorted(set(subjects[fold.train])):
        rows = fold.train[subjects[fold.train] == subject]
        targets[rows] = generator.permutation(targets[rows])
    return replace(data, targets=targets)


def _inner_epoch(
    method: Method, settings: Mapping[str, Any], data: Labelled, fold: Fold, seed: int, device: str
) -> int:
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

    def watch(trained: Trained) -> None:
        scores.append(_uf1(trained, data, held))

    _fit(method, settings, data, inner, seed, device=device, watch=watch)
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
