"""Recordings in processes of their own: a fault or a crash in one leaves the others alone, Ctrl-C keeps what was read.

The workers do not hear Ctrl-C themselves. The parent does, and asks each of them to stop (SIGTERM), which in
:func:`mien.analyze` is what Ctrl-C is: reading ends, and what was read is written. A second Ctrl-C kills them.
"""

from __future__ import annotations

import signal
import threading
import time
import traceback
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from mien.core import MienError, MienWarning

__all__ = ["Job", "Left", "run_here", "run_jobs"]

Progress = Callable[[str, int, int | None], None]

_POLL_S = 0.2
_REPORT_S = 0.1


@dataclass(frozen=True, slots=True)
class Job:
    """One recording for :func:`mien.analyze`: its source, its name, and what else it is called with."""

    source: Path
    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Left:
    """What a job left: results, unless there is an error, or it was stopped too early to have any."""

    written: bool = False
    stopped: bool = False
    error: str = ""


@dataclass(slots=True)
class _Interrupts:
    """Counts Ctrl-C; raises KeyboardInterrupt as well while ``inside``."""

    count: int = 0
    inside: bool = False

    def __call__(self, *_: object) -> None:
        self.count += 1
        if self.inside:
            raise KeyboardInterrupt


def run_here(job: Job, progress: Progress | None) -> Left:
    """Analyse one recording in this process; what neither file nor disk is to blame for is raised."""
    with _counting(signal.SIGINT) as interrupts:
        return _run(job, interrupts, progress)


def run_jobs(
    jobs: Sequence[Job], at_once: int, progress: Progress | None, finished: Callable[[Job, Left], None]
) -> bool:
    """Analyse recordings in so many processes, and call back in this one. Returns whether Ctrl-C ended it early."""
    queue, workers = deque(jobs), list[_Worker]()
    with _counting(signal.SIGINT) as interrupts:
        try:
            while (queue and not interrupts.count) or any(worker.job for worker in workers):
                if not interrupts.count:
                    _feed(queue, workers, at_once)
                _pass_on(interrupts, workers)
                for worker in _heard(workers):
                    _listen(worker, workers, progress, finished, bool(interrupts.count))
        finally:
            for worker in workers:
                worker.close()
    return interrupts.count > 0


@dataclass(slots=True, eq=False)
class _Worker:
    process: SpawnProcess
    connection: Connection
    job: Job | None = None
    asked: bool = False

    @classmethod
    def start(cls) -> _Worker:
        context = get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there,))
        with _deaf():
            process.start()
        there.close()
        return cls(process, here)

    def close(self) -> None:
        """Let an idle worker go; end one that is at work."""
        self.connection.close()
        if self.job is not None:
            self.process.terminate()
        self.process.join(5)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


def _feed(queue: deque[Job], workers: list[_Worker], at_once: int) -> None:
    """Give every worker that has nothing to do the next job; start workers as long as there are too few."""
    while queue and len(workers) < at_once:
        workers.append(_Worker.start())
        _give(workers[-1], queue.popleft())
    for worker in workers:
        if queue and worker.job is None:
            _give(worker, queue.popleft())


def _give(worker: _Worker, job: Job) -> None:
    worker.job = job
    with suppress(OSError):  # it has died since: its end is heard next
        worker.connection.send(job)


def _pass_on(interrupts: _Interrupts, workers: Sequence[_Worker]) -> None:
    for worker in workers:
        if interrupts.count > 1:
            worker.process.kill()
        elif interrupts.count and worker.job is not None and not worker.asked:
            worker.asked = True
            worker.process.terminate()


def _heard(workers: Sequence[_Worker]) -> list[_Worker]:
    ready = wait([worker.connection for worker in workers if worker.job is not None], timeout=_POLL_S)
    return [worker for worker in workers if worker.connection in ready]


def _listen(
    worker: _Worker,
    workers: list[_Worker],
    progress: Progress | None,
    finished: Callable[[Job, Left], None],
    stopping: bool,
) -> None:
    """Take one message: how far it is, that it is done; or that the process has gone."""
    job = worker.job
    assert job is not None
    try:
        message = worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join(5)
        workers.remove(worker)
        worker.connection.close()
        finished(job, Left(stopped=True) if stopping else Left(error=_died(job, worker.process.exitcode)))
        return
    if isinstance(message, Left):
        worker.job = None
        finished(job, message)
    elif progress is not None:
        progress(job.name, *message)


def _died(job: Job, status: int | None) -> str:
    how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
    return (
        f"got '{job.source}', and the process that analysed it died ({how}); expected it to end; "
        "the file may be damaged or memory too small: try fewer --jobs"
    )


def _serve(connection: Connection) -> None:
    """Analyse what comes until nothing does (in the worker)."""
    warnings.simplefilter("ignore", MienWarning)  # they are among the warnings of the result
    with _counting(signal.SIGTERM) as interrupts, suppress(EOFError, OSError):
        while not interrupts.count:
            job = connection.recv()
            connection.send(_guarded(job, interrupts, lambda _, done, total: connection.send((done, total))))


def _guarded(job: Job, interrupts: _Interrupts, progress: Progress) -> Left:
    try:
        return _run(job, interrupts, progress)
    except Exception as error:
        traceback.print_exc()
        what = f"{type(error).__name__}: {error}"
        return Left(
            error=f"got '{job.source}', at which mien failed ({what}); this is a fault in mien; please report it"
        )


def _run(job: Job, interrupts: _Interrupts, progress: Progress | None) -> Left:
    from mien.analysis.analyze import analyze

    report = None if progress is None else _Report(job.name, progress)
    if str(job.source) != (text := str(job.source).encode("utf-8", "backslashreplace").decode()):
        return Left(error=f"got '{text}', whose name is not in UTF-8; expected a name that can be written; rename it")
    try:
        interrupts.inside = True
        if interrupts.count:  # while the lines above were imported
            return Left(stopped=True)
        analyze(job.source, name=job.name, progress=report, **job.options)
    except MienError as error:  # with what was read till Ctrl-C, any error may be for want of the rest
        return Left(stopped=True) if interrupts.count else Left(error=str(error))
    except OSError as error:
        what = f"got '{job.source}', but {error}; expected it to be analysed; see to that and try again"
        return Left(stopped=True) if interrupts.count else Left(error=what)
    except KeyboardInterrupt:
        return Left(stopped=True)
    finally:
        interrupts.inside = False
    return Left(written=True, stopped=interrupts.count > 0)


class _Report:
    """Says how far a recording is, a few times a second."""

    def __init__(self, name: str, progress: Progress) -> None:
        self._name, self._progress, self._last = name, progress, 0.0

    def __call__(self, done: int, total: int | None) -> None:
        now = time.monotonic()
        if now - self._last >= _REPORT_S:
            self._last = now
            self._progress(self._name, done, total)


@contextmanager
def _counting(number: int) -> Iterator[_Interrupts]:
    """Count a signal rather than die of it; only a main thread hears signals."""
    interrupts = _Interrupts()
    if threading.current_thread() is not threading.main_thread():
        yield interrupts
        return
    before = signal.signal(number, interrupts)
    try:
        yield interrupts
    finally:
        signal.signal(number, before)


@contextmanager
def _deaf() -> Iterator[None]:
    """What is started within never hears Ctrl-C: a terminal sends it to all processes, and they inherit the mask."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it would clear the mask when started later
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
