"""Folds on a Ray cluster, by joblib's Ray backend: results come to the driver, which alone writes."""

from __future__ import annotations

import logging
import math
import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mien.core import MienError, atomic_path
from mien.evaluation._data import Labelled
from mien.evaluation._folds import Plan, run_fold
from mien.methods import METHODS
from mien.protocols import Fold

__all__ = ["connect", "gpu_share", "run_folds"]

# How often a killed worker is started again, and its fold with it: one that always runs out of memory must end.
RETRIES = 3
REACH_S = 5


def connect() -> None:
    """Join the Ray cluster at ``RAY_ADDRESS``, else the one that runs here, else start one of this machine alone.

    Raises
    ------
    MienError
        If Ray is not installed or no cluster answers.
    """
    try:
        import ray
        import ray.util.joblib
    except ImportError as error:
        raise MienError(
            "got the backend ray, but no Ray is installed; expected it; run: pip install 'mien[ray]'"
        ) from error
    if ray.is_initialized():
        return
    address = os.environ.get("RAY_ADDRESS", "")
    # What a cluster of our own would report home is nobody's business.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        # Ray itself tries an address that is silent for minutes.
        if found := re.fullmatch(r"(?:ray://)?\[?(.+?)\]?:(\d+)", address):
            socket.create_connection((found[1], int(found[2])), timeout=REACH_S).close()
        ray.init(include_dashboard=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError) as error:
        where = f"at RAY_ADDRESS={address}" if address else "here"
        raise MienError(
            f"got no Ray cluster {where} ({error}); expected one that answers; run: ray start --head"
        ) from error


def run_folds(
    plan: Plan, data: Labelled, todo: Sequence[tuple[int, Fold]], *, jobs: int | None = None
) -> Iterator[None]:
    """Run folds on the cluster, one core each; write each where the run is as soon as it is back."""
    import joblib
    import ray

    _register()
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    cores = int(sum(node.get("CPU", 0) for node in nodes))
    workers = {
        "num_cpus": 1,
        "num_gpus": gpu_share(nodes) if plan.device != "cpu" and METHODS[plan.method].kind == "network" else 0.0,
        "max_restarts": RETRIES,
        "max_task_retries": RETRIES,
    }
    parallel = joblib.Parallel(
        backend="ray",
        n_jobs=min(jobs or cores, cores),
        batch_size=1,
        return_as="generator_unordered",
        ray_remote_args=workers,
    )
    try:
        for files in parallel(joblib.delayed(_fold_files)(plan, data, fold, seed) for seed, fold in todo):
            _write(plan.folder, files)
            yield
    except ray.exceptions.RayError as error:
        cause = str(getattr(error, "cause", None) or error).partition("\n")[0]
        raise MienError(
            f"got a Ray worker that failed ({cause}); expected enough memory and this mien on every node (a fold is "
            f"tried {RETRIES + 1} times); mend it, then give --resume"
        ) from error


def gpu_share(nodes: Sequence[Mapping[str, float]]) -> float:
    """Return the share of a GPU a fold may take so that every core still gets one; 0 if a node has none.

    Examples
    --------
    >>> gpu_share([{"CPU": 8.0, "GPU": 2.0}, {"CPU": 2.0, "GPU": 1.0}, {"memory": 1e9}])
    0.25
    >>> gpu_share([{"CPU": 8.0, "GPU": 2.0}, {"CPU": 4.0}])
    0.0
    """
    working = [node for node in nodes if node.get("CPU")]
    if not working or not all(node.get("GPU") for node in working):
        return 0.0
    most = max(math.ceil(node["CPU"] / node["GPU"]) for node in working)
    return math.floor(1e4 / most) / 1e4  # Ray counts in 1e-4: rounded up, the last fold would wait for ever


def _register() -> None:
    """Tell joblib of its Ray backend, which can hand results back one by one but says that it cannot."""
    import joblib
    from ray.util.joblib.ray_backend import RayBackend

    class Backend(RayBackend):
        supports_return_generator = True

    joblib.register_parallel_backend("ray", Backend)


def _fold_files(plan: Plan, data: Labelled, fold: Fold, seed: int) -> dict[str, bytes]:
    """Run a fold anywhere; return the files it leaves, by name."""
    with TemporaryDirectory(prefix="mien-") as name:
        folder = Path(name)
        run_fold(replace(plan, folder=folder), data, fold, seed)
        files = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def _write(folder: Path, files: Mapping[str, Any]) -> None:
    """Write a fold's files, ``epochs/`` before ``folds/``: the last one says that the fold is done."""
    for name in sorted(files):
        with atomic_path(folder / name) as path:
            path.write_bytes(files[name])
        if name.startswith("folds/"):  # begun here before, done there
            (folder / name).with_suffix(".checkpoint").unlink(missing_ok=True)
