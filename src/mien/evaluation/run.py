"""Evaluate a method: every fold trained without its test samples, all predictions saved, then scored."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mien.core import MienError, MienWarning, atomic_path
from mien.evaluation import _ray
from mien.evaluation._cost import announced
from mien.evaluation._data import Labelled, read_labelled
from mien.evaluation._explain import choose, has_looks
from mien.evaluation._folds import SELECTIONS, Plan, fold_file, look_file, run_fold
from mien.evaluation._gpus import devices_for, fitting, spread, take_place
from mien.evaluation._lock import locked
from mien.evaluation._outcome import Task, finish, read_task
from mien.evaluation._progress import progress_bar
from mien.evaluation._settings import chosen_device, chosen_settings, recorded
from mien.methods import METHODS, Method, versions
from mien.protocols import Fold
from mien.protocols.splits import splits
from mien.recipes import RECIPES, with_apex, with_faces

__all__ = ["BACKENDS", "evaluate"]

BACKENDS = ("loky", "ray")
# What the predictions depend on: a run is continued only where all of these agree.
IDENTITY = (
    "method",
    "settings",
    "recipe",
    "labels",
    "classes",
    "protocol",
    "seeds",
    "select",
    "keep_epochs",
    "shuffle_labels",
    "pretrained_sha256",
    "fingerprint",
)


def evaluate(
    method: str,
    dataset: str,
    root: Path | str,
    *,
    out: Path | str,
    protocol: str = "loso",
    labels: str | None = None,
    seeds: Sequence[int] = (0,),
    preset: str | None = None,
    select: str = "last",
    jobs: int | None = None,
    backend: str = "loky",
    resume: bool = False,
    keep_epochs: bool = False,
    explain: int = 0,
    apex: str = "midpoint",
    faces: str = "dlib",
    errata: bool = False,
    shuffle_labels: bool = False,
    device: str = "auto",
    precision: str | None = None,
    pretrained: Path | str | None = None,
    progress: bool = True,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Train and test every fold of a protocol; write predictions, scores and a report.

    The same seeds on the same machine give the same predictions bit for bit, however many jobs there are: every fold
    computes on one thread. Finished folds are kept at once, and a network's training once a minute, so that an
    interrupted run loses little and ends with the same bits (``--select last`` without kept epochs; else it loses the
    folds it was at).

    Parameters
    ----------
    method, dataset : str
        Names in ``METHODS`` and ``DATASETS``.
    root : Path
        The copy of the dataset.
    out : Path
        The folder to write: ``predictions.csv``, ``scores.json``, ``run.json``, ``report.html``.
    protocol : str
        ``loso``, ``loo`` (leaks), ``kfold:N``, ``lodo`` or ``holdout:NAME``.
    labels : str, optional
        A label map; by default the dataset's.
    seeds : sequence of int
        Each is a whole run of its own.
    preset : str, optional
        The method's training settings; ``paper`` by default.
    select : {"last", "inner", "test"}
        Which epoch is reported: the last; one chosen on other subjects inside the training set; or, for forensics,
        the best on the test fold (leaks, and says so).
    jobs : int, optional
        Folds at a time; one per core by default, on GPUs as many as their memory holds.
    backend : {"loky", "ray"}
        Where folds run: processes here, or a Ray cluster.
    resume : bool
        Continue a run of the same settings and data.
    keep_epochs : bool
        Keep the test predictions of every epoch in ``epochs/``.
    explain : int
        Keep where a network looked in so many test clips of each class, in ``explain/``, and show it in the report. The
        clips are the first by id, of different subjects; a finished run may be resumed for it.
    apex : str
        How the apex is found where a corpus gives none (SMIC, say), a name in
        :data:`mien.motion.apex.APEX_POLICIES`; all look at the clip alone, never at its label.
    faces : str
        How faces are found in frames: a name in ``mien.faces.BACKENDS``, or a CSV or JSON file with landmarks.
    errata : bool
        Apply the corpus's known corrections, by clip id (off: the table as distributed).
    shuffle_labels : bool
        A control: train on labels permuted within each training subject. What then scores above chance has learnt
        something else than the classes.
    device : str
        Where networks are trained: ``auto`` (all GPUs where there is one), ``cpu``, ``cuda`` or one GPU, ``cuda:1``.
    precision : {"float32", "bf16", "fp16"}, optional
        Of a network's training, instead of the preset's: the latter two are mixed precision.
    pretrained : Path, optional
        A file of torchvision's weights to begin the backbone of adnet, resnet18 or resnet50 with.
    progress : bool
        Show a progress bar on standard error.
    say : callable, optional
        Called with a line of text: about how long a network's training will take, before it begins.

    Returns
    -------
    dict
        The content of ``scores.json``.

    Raises
    ------
    MienError
        If a name or value is unknown, the data are broken, the folder is taken, or a resumed run differs.

    Examples
    --------
    >>> evaluate("flow-svm", "motion-npz", "maps.npz", out="run")["uf1"]  # doctest: +SKIP
    0.7387165699643313
    """
    entry = METHODS[method]
    settings = chosen_settings(method, preset, precision, pretrained)
    in_run, weights = recorded(settings)
    _check(entry, seeds, select, keep_epochs)
    _check_explain(entry, select, explain)
    _check_workers(jobs, backend, device)
    device_name = f"Ray ({device})" if backend == "ray" else chosen_device(method, device, settings)
    recipe = with_faces(with_apex(RECIPES[entry.recipe], apex), faces)
    _check_taken(Path(out), resume)  # before what may take hours
    copies = settings.get("copies")
    data = read_labelled(dataset, root, labels, recipe, errata=errata, jobs=jobs, progress=progress, copies=copies)
    tasks = _tasks(data, protocol, seeds)
    run = {
        "method": method,
        "preset": preset or "paper",
        "settings": in_run,
        "pretrained": weights,
        "pretrained_sha256": weights and weights["sha256"],
        "recipe": recipe.to_json(),
        "dataset": dataset,
        "root": str(root),
        "errata": errata,
        "labels": data.labels,
        "classes": list(data.classes),
        "n": len(data.samples),
        "left_out": data.left_out,
        "protocol": protocol,
        "folds": len(tasks) // len(seeds),
        "seeds": list(seeds),
        "select": select,
        "keep_epochs": keep_epochs,
        "shuffle_labels": shuffle_labels,
        "fingerprint": data.fingerprint,
        "versions": versions(),
        "device": device_name,
    }
    shown = choose(data, explain)
    plan = Plan(method, settings, select, keep_epochs, Path(out), _key(run), shuffle_labels, device, shown)
    with locked(plan.folder):
        _claim(plan.folder, run, resume)
        if say is not None and (line := _announced(plan, data, tasks, jobs)):
            say(line)
        _run_folds(plan, data, tasks, jobs=jobs, backend=backend, progress=progress)
        return finish(plan, data, tasks, run, recipe)


def _check(method: Method, seeds: Sequence[int], select: str, keep_epochs: bool) -> None:
    if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0 or max(seeds) >= 2**32:
        raise MienError(f"got the seeds {list(seeds)}; expected distinct whole numbers from 0; give --seeds 0,1,2")
    if select not in SELECTIONS:
        raise MienError(f"got the selection '{select}'; expected one of {', '.join(SELECTIONS)}; choose one")
    if method.kind == "classic" and (select != "last" or keep_epochs):
        raise MienError(
            f"got a choice of epochs for '{method.name}', which has none; expected --select last; drop the option"
        )


def _check_explain(method: Method, select: str, explain: int) -> None:
    if explain < 0:
        raise MienError(f"got {explain} clips to explain; expected 0 or more of each class; change --explain")
    if explain and method.kind == "classic":
        raise MienError(f"got clips to explain for '{method.name}', which is no network; expected one; drop --explain")
    if explain and select == "test":
        raise MienError(
            "got clips to explain with --select test, which keeps no epoch's network; expected last or inner; drop one"
        )


def _check_workers(jobs: int | None, backend: str, device: str) -> None:
    if jobs is not None and jobs < 1:
        raise MienError(f"got {jobs} jobs; expected 1 or more; leave --jobs out for one per core")
    if backend not in BACKENDS:
        raise MienError(f"got the backend '{backend}'; expected one of {', '.join(BACKENDS)}; choose one")
    if backend == "ray" and ":" in device:
        raise MienError(f"got the device '{device}' with the backend ray, which deals GPUs out; expected auto; drop it")
    if backend == "ray":
        _ray.connect()


def _tasks(data: Labelled, protocol: str, seeds: Sequence[int]) -> list[Task]:
    corpora = [sample.dataset for sample in data.samples]
    ids = [sample.sample_id for sample in data.samples]
    return [(seed, fold) for seed in seeds for fold in splits(protocol, data.subjects, corpora, ids, seed)]


def _key(run: Mapping[str, Any]) -> str:
    content = {name: run[name] for name in IDENTITY}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _claim(folder: Path, run: Mapping[str, Any], resume: bool) -> None:
    """Take a free folder, or continue the run that is in it if it is this one."""
    path = folder / "run.json"
    if _check_taken(folder, resume):
        _check_same(path, run)
        return
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(run, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _check_taken(folder: Path, resume: bool) -> bool:
    """Return whether a folder holds something; raise :class:`MienError` if that is not to be resumed."""
    # Hidden are the lock, and what a run that was killed while it wrote run.json has left.
    taken = sorted(entry.name for entry in folder.iterdir() if entry.name[0] != ".") if folder.is_dir() else []
    if taken and not resume:
        raise MienError(
            f"got '{folder}' with {taken[0]} in it; expected a new folder; choose another, or give --resume"
        )
    return bool(taken)


def _check_same(path: Path, run: Mapping[str, Any]) -> None:
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        differing = [name for name in IDENTITY if before[name] != json.loads(json.dumps(run[name]))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MienError(
            f"got '{path.parent}' without a readable run.json; expected a run to resume; choose another"
        ) from error
    if not differing and before.get("versions") != run["versions"]:
        warnings.warn(
            "this run was begun with other versions of its libraries: folds may differ", MienWarning, stacklevel=4
        )
    if not differing and before.get("device") not in (None, run["device"]):
        text = f"this run was begun on another device ({before['device']}, now {run['device']}): folds may differ"
        warnings.warn(text, MienWarning, stacklevel=4)
    if differing:
        name = differing[0]
        was, now = (str(value)[:60] for value in (before[name], run[name]))
        raise MienError(
            f"got {name} {now} to resume a run with {was} in '{path.parent}'; expected the same; use a new folder"
        )


def _run_folds(
    plan: Plan, data: Labelled, tasks: Sequence[Task], *, jobs: int | None, backend: str, progress: bool
) -> None:
    """Run the folds that have no file yet; each leaves its own."""
    todo = _todo(plan, data, tasks)
    with progress_bar("folds", len(tasks), len(tasks) - len(todo), shown=progress) as advance:
        for _ in (_ray.run_folds if backend == "ray" else _run_here)(plan, data, todo, jobs=jobs):
            advance()


def _todo(plan: Plan, data: Labelled, tasks: Sequence[Task]) -> list[Task]:
    """The folds that have no file yet, or not the maps that are asked for."""
    return [(seed, fold) for seed, fold in tasks if not _is_done(plan, data, seed, fold)]


def _is_done(plan: Plan, data: Labelled, seed: int, fold: Fold) -> bool:
    if not fold_file(plan.folder, seed, fold.name).is_file():
        return False
    wanted = {data.samples[row].sample_id for row in fold.test} & set(plan.explain)
    return has_looks(look_file(plan.folder, seed, fold.name), wanted)


def _announced(plan: Plan, data: Labelled, tasks: Sequence[Task], jobs: int | None) -> str:
    """What is still to be trained, and about how long that takes; nothing to say of a classic method."""
    sizes = [len(fold.train) for _, fold in _todo(plan, data, tasks)]
    if METHODS[plan.method].kind == "classic" or not sizes:
        return ""
    return announced(plan.method, plan.settings, data.inputs, data.targets, sizes, plan.device, jobs)


def _run_here(plan: Plan, data: Labelled, todo: Sequence[Task], *, jobs: int | None) -> Iterator[None]:
    """Folds in processes of this machine; on GPUs the first one shows how many fit."""
    from concurrent.futures.process import BrokenProcessPool

    import joblib

    devices = devices_for(METHODS[plan.method], plan.device)
    places: list[str] = []
    if devices and jobs is None and todo:
        (seed, fold), *todo = todo
        run_fold(replace(plan, device=devices[0]), data, fold, seed)
        yield
        peak_mb = read_task(plan, data, (seed, fold)).gpu_memory_mb or 0.0
        places = fitting(devices, peak_mb, min(joblib.cpu_count(), max(1, len(todo))))
    elif devices:
        places = spread(devices, jobs or 1)
    with joblib.parallel_config(backend="loky", n_jobs=len(places) or jobs or joblib.cpu_count()):
        parallel = joblib.Parallel(return_as="generator_unordered")
        try:
            yield from parallel(joblib.delayed(_run_placed)(plan, places, data, fold, seed) for seed, fold in todo)
        except BrokenProcessPool as error:
            raise MienError(
                f"got a process of '{plan.method}' that the system ended at a fold; expected enough memory for "
                "as many folds at a time; give fewer --jobs, and --resume"
            ) from error


def _run_placed(plan: Plan, places: Sequence[str], data: Labelled, fold: Fold, seed: int) -> None:
    run_fold(replace(plan, device=take_place(plan.folder, places)) if places else plan, data, fold, seed)
