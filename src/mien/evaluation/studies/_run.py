"""Run a study: every row is an evaluation of its own, none is run twice."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from mien.core import MienError, MienWarning, atomic_path
from mien.evaluation._gpus import devices_for
from mien.evaluation._lock import locked
from mien.evaluation._settings import chosen_device, chosen_settings, recorded
from mien.evaluation.run import _check, _check_workers, evaluate
from mien.evaluation.studies._figure import write_figure
from mien.evaluation.studies._plan import Clips, Row, cost, plan_rows, read_clips, seconds_per_step
from mien.evaluation.studies._study import STUDIES, Study
from mien.evaluation.studies._table import difference, table_row, write_csv
from mien.methods import METHODS, versions
from mien.protocols import compare
from mien.recipes import RECIPES, with_apex, with_faces

__all__ = ["run_study"]

T = TypeVar("T")
DOCUMENT = "study.json"
PAIR = 2
PERMUTATIONS = 10_000
# A study is continued only where all of these agree.
IDENTITY = ("study", "dataset", "clips", "labels", "protocol", "seeds", "small", "apex", "faces", "errata", "settings")


def run_study(
    name: str,
    dataset: str,
    root: Path | str,
    *,
    out: Path | str,
    small: bool = False,
    labels: str | None = None,
    protocol: str = "loso",
    seeds: Sequence[int] = (0,),
    jobs: int | None = None,
    apex: str = "midpoint",
    faces: str = "dlib",
    errata: bool = False,
    device: str = "auto",
    precision: str | None = None,
    pretrained: Path | str | None = None,
    measure: bool = True,
    progress: bool = True,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Run one table or ablation figure of a paper: every row evaluated, ours beside the published numbers.

    Each row is a run of :func:`mien.evaluate` in a folder of ``out``, in a process of its own, so that its peak memory
    is its own. The same call again continues: finished rows are read, an interrupted one goes on with its next fold.
    A row that cannot be run on these data is marked so and does not stop the others.

    Parameters
    ----------
    name, dataset : str
        Names in ``STUDIES`` and ``DATASETS``.
    root : Path
        The copy of the dataset.
    out : Path
        The folder to write: ``study.json``, ``study.csv``, ``study.png`` and a folder per run.
    small : bool
        The small presets: smaller networks, fewer epochs. Not the paper's.
    labels : str, optional
        A label map; by default the one the table was published for, and for another corpus the dataset's own.
    protocol, seeds, jobs, apex, faces, errata
        As in :func:`mien.evaluate`.
    device, precision
        The same, for the rows that are networks; the others run on the processor.
    pretrained : Path, optional
        The same, for the rows whose network has the backbone of this file; the others begin as they are.
    measure : bool
        Measure a training step of each network first, to say how long all will take.
    progress : bool
        Show a progress bar on standard error.
    say : callable, optional
        Called with a line of text: the cost before anything is run, then each row as it begins.

    Returns
    -------
    dict
        The content of ``study.json``: ``rows`` with ``row``, ``method``, ``preset``, ``state`` (``done``, ``failed``
        or ``not built``), ``scores`` and ``published`` by metric, ``parameters``, ``latency_ms``, ``peak_memory_mb``;
        ``difference``, the protocol difference in a sentence; ``pairs``, the paired tests of finished rows
        (:func:`mien.protocols.compare`).

    Raises
    ------
    MienError
        If a name is unknown, the data are broken, ``out`` holds something else, or no row can be run.

    Warns
    -----
    MienWarning
        For each row that cannot be run.

    Examples
    --------
    >>> run_study("adnet-ablation", "casme2", "CASME2", out="studies/adnet")["rows"][0]["row"]  # doctest: +SKIP
    'Dense'
    """
    study = STUDIES[name]
    asked = labels or study.labels_for(dataset)
    rows = plan_rows(study, dataset, asked, small=small)
    clips = read_clips(dataset, root, asked, errata=errata)
    runs = {row.run: row for row in rows if row.preset}
    own = _own_options(runs, device, precision, pretrained)
    _check_options(runs, clips, protocol, seeds, jobs, apex, faces)
    options: dict[str, Any] = {"protocol": protocol, "seeds": list(seeds), "apex": apex, "faces": faces}
    options["errata"] = errata
    document = _document(study, dataset, root, clips, _settings(runs, own), options, small=small)
    options |= {"labels": asked, "jobs": jobs, "progress": progress}
    folder = Path(out)
    with locked(folder):
        _claim(folder, document)
        _check_data(folder, runs)
        todo = [row for run, row in runs.items() if not _is_finished(folder / run)]
        if todo:
            say(_announced(study, todo, len(runs), clips, options, own, measure=measure))
        failures: dict[str, str] = {}
        for row in todo:
            say(f"{row.arm.row}: {row.arm.method}, preset {row.preset}")
            failures |= _run(row, dataset, root, folder, options | own[row.run])
            _write(folder, study, document, rows, failures)
            _check_data(folder, runs)
        done = _write(folder, study, document | {"pairs": _pairs(folder, rows)}, rows, failures)
        write_figure(folder / "study.png", done)
    if len(failures) == len(runs):
        raise MienError(next(iter(failures.values())))
    return done


def _document(
    study: Study,
    dataset: str,
    root: Path | str,
    clips: Clips,
    settings: Mapping[str, Any],
    options: Mapping[str, Any],
    *,
    small: bool,
) -> dict[str, Any]:
    """All of ``study.json`` but its rows."""
    return {
        "study": study.name,
        "paper": study.paper,
        "table": study.table,
        "dataset": dataset,
        "root": str(root),
        "clips": clips.digest,
        "n": len(clips.samples),
        "labels": clips.labels,
        **options,
        "small": small,
        "settings": dict(settings),
        "metrics": list(study.metrics),
        "difference": difference(study, dataset, clips.labels, options["protocol"], small=small),
        "notes": list(study.notes),
        "versions": versions(),
    }


def _own_options(
    runs: Mapping[str, Row], device: str, precision: str | None, pretrained: Path | str | None
) -> dict[str, dict[str, Any]]:
    """Device, precision and weights of each run; a device or weights that none can use raise :class:`MienError`."""
    found: dict[str, dict[str, Any]] = {}
    fault = None
    for run, row in runs.items():
        found[run] = {}
        if METHODS[row.arm.method].kind == "classic":
            continue
        found[run] = {"device": device, "precision": precision, "pretrained": pretrained}
        try:
            chosen_settings(row.arm.method, row.preset, precision, pretrained)
        except MienError as error:
            fault = fault or error
            found[run]["pretrained"] = None
        settings = chosen_settings(row.arm.method, row.preset, precision)
        chosen_device(row.arm.method, device, settings)
    if fault and not any(options.get("pretrained") for options in found.values()):
        raise fault
    return found


def _check_options(
    runs: Mapping[str, Row],
    clips: Clips,
    protocol: str,
    seeds: Sequence[int],
    jobs: int | None,
    apex: str,
    faces: str,
) -> None:
    """Raise :class:`MienError` for what no row can be run with, before a folder is taken for it."""
    faults = []
    for row in runs.values():
        method = METHODS[row.arm.method]
        _check(method, seeds, "last", False)
        try:
            with_faces(with_apex(RECIPES[method.recipe], apex), faces)
        except MienError as error:  # of one recipe perhaps: then it is its row's alone
            faults.append(error)
    _check_workers(jobs, "loky", "auto")
    for seed in seeds:
        clips.training_sizes(protocol, seed)
    if len(faults) == len(runs):
        raise faults[0]


def _settings(runs: Mapping[str, Row], own: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The settings of each run, with the SHA-256 of its pretrained weights."""
    found = {}
    for run, row in runs.items():
        given = own[run]
        kept, weights = recorded(
            chosen_settings(row.arm.method, row.preset, given.get("precision"), given.get("pretrained"))
        )
        found[run] = kept | ({"pretrained_sha256": weights["sha256"]} if weights else {})
    return found


def apart(function: Callable[..., T], *arguments: Any, **options: Any) -> T:
    """Call a function in a process of its own: memory is counted per process, and never goes down again."""
    from concurrent.futures.process import BrokenProcessPool

    from joblib.externals.loky import ProcessPoolExecutor

    try:
        with ProcessPoolExecutor(max_workers=1) as pool:
            result, notes = pool.submit(_noted, function, *arguments, **options).result()
    except BrokenProcessPool as error:
        raise MienError(
            "got a process that the system ended; expected enough memory for it; free some, and give the same again"
        ) from error
    for note in notes:
        warnings.warn(note, MienWarning, stacklevel=3)
    return result


def _noted(function: Callable[..., T], *arguments: Any, **options: Any) -> tuple[T, list[str]]:
    """Call a function; return with its result what it warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default", MienWarning)
        result = function(*arguments, **options)
    return result, sorted({str(one.message) for one in caught if issubclass(one.category, MienWarning)})


def _claim(folder: Path, document: dict[str, Any]) -> None:
    """Take a free folder, or continue the study that is in it if it is this one."""
    path = folder / DOCUMENT
    taken = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
    if taken and not path.is_file():
        raise MienError(f"got '{folder}' with {taken[0]} in it; expected a new folder or a study; choose another")
    if taken:
        _check_same(path, document)
        return
    _write_json(path, document | {"rows": []})


def _check_same(path: Path, document: dict[str, Any]) -> None:
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        differing = [name for name in IDENTITY if before[name] != json.loads(json.dumps(document[name]))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MienError(f"got '{path}', which does not read; expected a study to continue; choose another") from error
    if not differing and before.get("versions") != document["versions"]:
        text = "this study was begun with other versions of its libraries: rows may differ for that alone"
        warnings.warn(text, MienWarning, stacklevel=4)
    if differing:
        name = differing[0]
        was, now = (str(value)[:60] for value in (before[name], document[name]))
        raise MienError(
            f"got {name} {now} to continue a study with {was} in '{path.parent}'; expected the same; use a new folder"
        )


def _check_data(folder: Path, runs: Mapping[str, Row]) -> None:
    """Raise :class:`MienError` if rows with one recipe were run on other inputs: of the same ids pixels may differ."""
    first: dict[str, tuple[str, str]] = {}
    for name in runs:
        path = folder / name / "run.json"
        if not _is_finished(path.parent) or not path.is_file():
            continue
        run = json.loads(path.read_text(encoding="utf-8"))
        made = json.dumps([run["recipe"], run["settings"].get("copies")], sort_keys=True)
        other, fingerprint = first.setdefault(made, (name, run["fingerprint"]))
        if fingerprint != run["fingerprint"]:
            raise MienError(
                f"got other inputs of the same clips in '{path.parent}' than in '{other}'; expected one copy of the "
                "data for all rows; delete the run of the other copy, and give the same again"
            )


def _is_finished(run: Path) -> bool:
    """Whether a run has left all it leaves; its report comes last."""
    return (run / "scores.json").is_file() and (run / "report.html").is_file()


def _announced(
    study: Study,
    todo: Sequence[Row],
    total: int,
    clips: Clips,
    options: dict[str, Any],
    own: Mapping[str, Mapping[str, Any]],
    *,
    measure: bool,
) -> str:
    """The cost of what is still to be run."""
    import joblib

    steps_s = {}
    gpus = 0
    for row in todo:
        if METHODS[row.arm.method].kind == "classic":
            continue
        given = own[row.run]
        gpus = len(devices_for(METHODS[row.arm.method], given["device"]))
        if measure:
            try:
                settings = chosen_settings(row.arm.method, row.preset, given["precision"])
                arguments = (row.arm.method, settings, clips, options["apex"], options["faces"], given["device"])
                steps_s[row.run] = apart(seconds_per_step, *arguments)
            except MienError:
                continue  # the run itself will say why
    jobs = gpus or options["jobs"] or joblib.cpu_count()
    kept = f" ({total - len(todo)} of {total} are done)" if len(todo) < total else ""
    unit = "GPUs, a fold each" if gpus else "cores"
    return f"{study.name}{kept}: {cost(todo, clips, options['protocol'], options['seeds'], steps_s, jobs, unit)}"


def _run(row: Row, dataset: str, root: Path | str, folder: Path, options: dict[str, Any]) -> dict[str, str]:
    """Run a row, or go on with it; return why it cannot be run, if so."""
    arguments = (row.arm.method, dataset, root)
    try:
        apart(evaluate, *arguments, out=folder / row.run, preset=row.preset, resume=True, **options)
    except MienError as error:
        warnings.warn(f"{row.arm.row} ({row.run}) could not be run: {error}", MienWarning, stacklevel=3)
        return {row.run: str(error)}
    return {}


def _write(
    folder: Path, study: Study, document: dict[str, Any], rows: Sequence[Row], failures: dict[str, str]
) -> dict[str, Any]:
    """Write the table of what there is by now."""
    dataset, labels = document["dataset"], document["labels"]
    lines = [
        table_row(study, row, dataset, labels, _scores(folder, row), failures.get(row.run, ""), small=document["small"])
        for row in rows
    ]
    done = document | {"rows": lines}
    write_csv(folder / "study.csv", done)
    _write_json(folder / DOCUMENT, done)
    return done


def _pairs(folder: Path, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Test each pair of finished rows (:func:`mien.protocols.compare`)."""
    done = {row.arm.row: folder / row.run for row in rows if row.preset and _is_finished(folder / row.run)}
    runs = {run: name for name, run in reversed(done.items())}  # rows that share a run are one
    if len(runs) < PAIR:
        return []
    pairs: list[dict[str, Any]] = compare(
        {runs[run]: run / "predictions.csv" for run in dict.fromkeys(done.values())}, permutations=PERMUTATIONS
    )["pairs"]
    return pairs


def _scores(folder: Path, row: Row) -> dict[str, Any] | None:
    path = folder / row.run / "scores.json"
    if not row.preset or not path.is_file():
        return None
    scores: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return scores


def _write_json(path: Path, document: dict[str, Any]) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
