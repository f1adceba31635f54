"""``mien analyze``: recordings in, reports out."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mien.cli._app import app
from mien.cli._intervals import interval_line
from mien.core import MienError

if TYPE_CHECKING:
    from mien.analysis import Batch, Outcome

_INTERRUPTED = 130  # the shell's own status for a program that Ctrl-C ended


@app.command("analyze")
def analyze_command(
    sources: list[Path] = typer.Argument(
        ..., metavar="SOURCE...", help="Videos, folders of videos or of images, or camera:0."
    ),
    out: Path = typer.Option(..., "--out", help="Folder for the results: one folder per recording, and a table."),
    fps: float | None = typer.Option(None, help="Frames per second of a folder of images."),
    model: str = typer.Option("default", help="A folder from 'mien train', or the word default."),
    faces: str = typer.Option("dlib", help="dlib, retinaface, or precropped for frames that show only the face."),
    most_faces: int = typer.Option(4, "--most-faces", min=1, help="Faces followed at a time, the largest first."),
    spotter: str = typer.Option("mien", help="How moments are found: mien, or a method to compare with."),
    least_score: float | None = typer.Option(
        None, "--least-score", min=0, help="Smallest signal to report; higher: fewer false alarms, more misses."
    ),
    export: list[str] = typer.Option([], "--export", help="Also write elan, megc, openface, mp4; several by comma."),
    elan: bool = typer.Option(False, "--elan", help="The same as --export elan."),
    markers: Path | None = typer.Option(
        None, help="Conditions of a study: a CSV file of time_s,label[,end_s][,recording][,subject]."
    ),
    deidentify: bool = typer.Option(False, "--deidentify", help="No faces, names, paths or hashes in the results."),
    key: Path | None = typer.Option(None, help="With --deidentify: CSV file, elsewhere, that says who is who."),
    jobs: int | None = typer.Option(None, help="Recordings at a time; default: half the number of cores."),
    seconds: float | None = typer.Option(None, help="How long a camera is recorded; default: until Ctrl-C."),
    resume: bool = typer.Option(False, "--resume", help="Skip recordings that are done, from the same file and so on."),
) -> None:
    """Find and read the micro-expressions of recordings."""
    from mien.analysis import analyze_many, find_sources
    from mien.cli._live import named_camera, watch_camera
    from mien.spotting import SpotSettings

    settings = SpotSettings() if least_score is None else SpotSettings(least_score=least_score)
    if (camera := named_camera(sources, seconds)) is not None:
        asked = {"spotter": spotter, "most_faces": most_faces, "settings": settings}
        sources = [watch_camera(camera, out=out, seconds=seconds, fps=fps, model=model, faces=faces, asked=asked)]
        out, fps = sources[0].parent, None  # the recording has its own times
    exports = [name.strip() for text in export for name in text.split(",")] + (["elan"] if elan else [])
    with _Bars(len(find_sources(sources))) as bars:
        batch = analyze_many(
            sources,
            out=out,
            jobs=jobs,
            resume=resume,
            markers=markers,
            deidentify=deidentify,
            key=key,
            fps=fps,
            model=model,
            faces=faces,
            spotter=spotter,
            settings=settings,
            most_faces=most_faces,
            exports=exports,
            progress=bars.move,
            finished=bars.finish,
        )
    _end(batch, out, bars.total)


def _end(batch: Batch, out: Path, total: int) -> None:
    """Say what is there and what is not; end with the status that says so, too."""
    skipped, failed = batch.named("skipped"), batch.named("failed")
    if skipped:
        print(f"{len(skipped)} of {total} recordings were done already and are skipped")
    for name in ("summary.csv", "conditions.csv") if total > 1 else ():
        if (out / name).is_file():
            print(f"table: {out / name}")
    if batch.interrupted:
        typer.echo(f"mien: interrupted; {_left(batch, total)}", err=True)
        raise SystemExit(_INTERRUPTED)
    if failed and total == 1:
        raise MienError(failed[0].error)
    if failed:
        raise MienError(f"got {len(failed)} of {total} recordings that could not be analysed; the lines above say why")


def _left(batch: Batch, total: int) -> str:
    partial = {outcome.name for outcome in batch.named("partial")}
    names = [f"{name} (partial)" if name in partial else name for name in batch.waiting]
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    left = f"; not done: {', '.join(names[:10])}{more}; --resume goes on" if names else ""
    return f"{len(batch.named('done', 'skipped'))} of {total} recordings are done{left}"


def _print(outcome: Outcome, document: Mapping[str, Any]) -> None:
    intervals: Sequence[Mapping[str, Any]] = document["intervals"]
    found = f"{len(intervals)} possible micro-expression{'' if len(intervals) == 1 else 's'}"
    print(f"{outcome.name}: {found} in {document['duration_s']:.1f} s at {document['fps']:.4g} fps")
    for one in intervals:
        print(interval_line(one))
    for warning in document["warnings"]:
        print(f"  note: {warning}")
    print(f"  report: {outcome.folder / 'report.html'}" if outcome.folder else "", flush=True)


class _Bars:
    """A bar for each recording at work and one for all, on standard error, only where somebody watches."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.total = total
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
            redirect_stdout=sys.stdout.isatty(),  # else what is piped elsewhere would land on standard error
        )
        self._all = self._progress.add_task("all recordings", total=total) if total > 1 else None
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def move(self, name: str, done: int, total: int | None) -> None:
        """Say how many frames of a recording are done."""
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=total)
        self._progress.update(self._tasks[name], completed=done, total=total)

    def finish(self, outcome: Outcome) -> None:
        """Say what became of a recording."""
        if outcome.name in self._tasks:
            self._progress.remove_task(self._tasks.pop(outcome.name))
        if self._all is not None:
            self._progress.advance(self._all)
        if outcome.status in ("done", "partial") and outcome.document is not None:
            _print(outcome, outcome.document)
        elif outcome.status == "failed" and self.total > 1:
            typer.echo(f"mien: {outcome.error}", err=True)
