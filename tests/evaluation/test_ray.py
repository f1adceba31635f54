"""Folds on a Ray cluster: the same bytes as here, and a killed worker costs a fold's time, nothing else."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.core import MienError
from mien.evaluation import evaluate
from mien.evaluation._ray import _write, gpu_share

# A pool of Ray's that was ended early leaves threads that wait until Ray itself ends.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")

SUBJECTS = 12
STORE = 80_000_000


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve maps of each of twelve people; each class moves another third of the face."""
    targets = np.arange(12 * SUBJECTS) % 3
    images = np.random.default_rng(0).integers(0, 200, (len(targets), 28, 28, 3), np.uint8)
    for row, target in enumerate(targets):
        images[row, 9 * target : 9 * target + 9] += 20
    path = tmp_path_factory.mktemp("maps") / "maps.npz"
    subject = np.array([f"sub{row // 12:02d}" for row in range(len(targets))])
    clip, corpus = np.array([f"clip{row % 12}" for row in range(len(targets))]), np.full(len(targets), "smic")
    np.savez(path, X=images, y=targets, subject=subject, dataset=corpus, sample_id=clip)
    return path


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of one core each on this machine; no network, no dashboard."""
    ray = pytest.importorskip("ray")
    folder = tempfile.mkdtemp(prefix="ray-")  # short: Ray's sockets lie in it, and a socket's name has 107 characters
    Path(folder, "ray").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TMPDIR", folder)
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        from ray.cluster_utils import Cluster

        node = {"num_cpus": 1, "object_store_memory": STORE}
        nodes = Cluster(initialize_head=True, head_node_args=node | {"include_dashboard": False})
        nodes.add_node(**node)
        patch.setenv("RAY_ADDRESS", nodes.address)
        ray.init(log_to_driver=False)
        yield ray
        ray.shutdown()
        nodes.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def local(maps: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return predictions(maps, tmp_path_factory.mktemp("local") / "run", backend="loky")


def predictions(maps: Path, out: Path, **options: Any) -> bytes:
    evaluate("flow-svm", "motion-npz", maps, out=out, **({"backend": "ray", "progress": False} | options))
    return (out / "predictions.csv").read_bytes()


def workers() -> list[dict[str, Any]]:
    """The pool's workers that the cluster knows of, dead ones too."""
    import ray._private.state

    return [worker for worker in ray._private.state.actors().values() if worker["ActorClassName"] == "PoolActor"]


def kill_at_their_folds(most: int, killed: list[int], done: threading.Event) -> None:
    while len(killed) < most and not done.is_set():
        for worker in workers():
            command = Path(f"/proc/{worker['Pid']}/cmdline")
            alive = worker["State"] == "ALIVE" and worker["Pid"] not in killed and command.is_file()
            if alive and b"run_batch" in command.read_bytes():
                os.kill(worker["Pid"], signal.SIGKILL)
                killed.append(worker["Pid"])
                break
        time.sleep(0.01)


@contextmanager
def killer(most: int) -> Iterator[list[int]]:
    """Kill -9 so many workers while a fold runs in them; yield the list of their process ids."""
    killed: list[int] = []
    done = threading.Event()
    thread = threading.Thread(target=kill_at_their_folds, args=(most, killed, done))
    thread.start()
    try:
        yield killed
    finally:
        done.set()
        thread.join()


@pytest.mark.slow
def test_an_address_where_nobody_answers_is_said(maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(MienError, match=r"no Ray cluster at RAY_ADDRESS=127\.0\.0\.1:1 .*run: ray start --head$"):
        predictions(maps, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for workers in /proc")
class TestCluster:
    def test_two_nodes_give_the_bytes_of_one_machine(
        self, cluster: Any, maps: Path, local: bytes, tmp_path: Path
    ) -> None:
        assert predictions(maps, tmp_path / "run") == local
        assert len([node for node in cluster.nodes() if node["Alive"]]) == 2
        assert len({worker["Address"]["NodeID"] for worker in workers()}) == 2

    def test_a_fold_whose_worker_is_killed_is_run_again(
        self, cluster: Any, maps: Path, local: bytes, tmp_path: Path
    ) -> None:
        before = {worker["ActorID"] for worker in workers()}
        with killer(1) as killed:
            assert predictions(maps, tmp_path / "run") == local
        assert len(killed) == 1
        assert sum(int(w["NumRestarts"]) for w in workers() if w["ActorID"] not in before) == 1

    def test_workers_that_always_die_end_the_run_in_one_line_and_it_can_go_on(
        self, cluster: Any, maps: Path, local: bytes, tmp_path: Path
    ) -> None:
        with killer(100), pytest.raises(MienError, match=r"a Ray worker that failed .* give --resume$"):
            predictions(maps, tmp_path / "run")
        assert not (tmp_path / "run" / "predictions.csv").exists()
        assert predictions(maps, tmp_path / "run", resume=True) == local

    def test_only_missing_folds_run_when_a_run_is_resumed(
        self, cluster: Any, maps: Path, local: bytes, tmp_path: Path
    ) -> None:
        out = tmp_path / "run"
        predictions(maps, out, backend="loky")
        folds = sorted((out / "folds").iterdir())
        kept = {path: path.stat().st_mtime_ns for path in folds[3:]}
        for path in (*folds[:3], out / "predictions.csv"):
            path.unlink()
        assert predictions(maps, out, resume=True) == local
        assert {path: path.stat().st_mtime_ns for path in folds[3:]} == kept

    def test_what_a_fold_has_to_say_comes_through(self, cluster: Any, maps: Path, tmp_path: Path) -> None:
        arrays = dict(np.load(maps))
        arrays["y"] = (arrays["subject"] == "sub00").astype(int)
        np.savez(tmp_path / "maps.npz", **arrays)
        with pytest.raises(MienError, match="to train on"):
            predictions(tmp_path / "maps.npz", tmp_path / "run")

    def test_kept_epochs_come_back_too(self, cluster: Any, maps: Path, tmp_path: Path) -> None:
        pytest.importorskip("torch")
        options = {"protocol": "kfold:2", "preset": "small", "keep_epochs": True, "progress": False}
        for backend in ("ray", "loky"):
            evaluate("ststnet", "motion-npz", maps, out=tmp_path / backend, backend=backend, **options)
        first, second = (sorted((tmp_path / name / "epochs").iterdir()) for name in ("ray", "loky"))
        assert [path.name for path in first] == [path.name for path in second]
        for one, other in zip(first, second, strict=True):
            np.testing.assert_array_equal(np.load(one)["probabilities"], np.load(other)["probabilities"])


def test_a_fold_that_comes_back_leaves_no_checkpoint_of_when_it_was_begun_here(tmp_path: Path) -> None:
    (tmp_path / "folds").mkdir()
    for name in ("0-a", "0-b"):
        (tmp_path / "folds" / f"{name}.checkpoint").touch()
    _write(tmp_path, {"folds/0-a.json": b"{}", "epochs/0-a.npz": b""})
    assert sorted(path.name for path in (tmp_path / "folds").iterdir()) == ["0-a.json", "0-b.checkpoint"]


def test_without_ray_one_line_says_what_to_install(maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MienError, match=r"no Ray is installed; expected it; run: pip install 'mien\[ray\]'$"):
        predictions(maps, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("cores", range(1, 40))
def test_shares_of_a_gpu_leave_no_core_without_one(cores: int) -> None:
    share = gpu_share([{"CPU": cores, "GPU": 1.0}, {"CPU": 1.0, "GPU": 1.0}])
    assert 0 < cores * share <= 1
    assert round(share * 1e4) == pytest.approx(share * 1e4)
