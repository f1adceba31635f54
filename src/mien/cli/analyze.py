"""``mien analyze``: a recording in, a report out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mien.cli._app import app
from mien.core import MienError

if TYPE_CHECKING:
    from mien.analysis import Analysis


@app.command("analyze")
def analyze_command(
    sources: list[Path] = typer.Argument(..., metavar="SOURCE...", help="Videos, folders of videos or of images."),
    out: Path = typer.Option(..., "--out", help="Folder for the results: one folder per recording."),
    fps: float | None = typer.Option(None, help="Frames per second of a folder of images."),
    model: str = typer.Option("default", help="A folder from 'mien train', or the word default."),
    faces: str = typer.Option("dlib", help="dlib, retinaface, or precropped for frames that show only the face."),
    elan: bool = typer.Option(False, "--elan", help="Also write an ELAN file (.eaf)."),
) -> None:
    """Find and read the micro-expressions of recordings."""
    from mien.analysis import analyze, find_sources

    failed: list[MienError] = []
    found = find_sources(sources)
    for source, name in found:
        try:
            with _Bar(name) as bar:
                result = analyze(source, out=out, name=name, fps=fps, model=model, faces=faces, elan=elan, progress=bar)
        except MienError as error:
            failed.append(error)
            if len(found) > 1:
                typer.echo(f"mien: {error}", err=True)
            continue
        _print(name, result)
    if len(found) == 1 and failed:
        raise failed[0]
    if failed:
        raise MienError(
            f"got {len(failed)} of {len(found)} recordings that could not be analysed; the lines above say why"
        )


def _print(name: str, result: Analysis) -> None:
    found = f"{len(result.intervals)} possible micro-expression{'' if len(result.intervals) == 1 else 's'}"
    seconds = float(result.times_s[-1] - result.times_s[0])
    print(f"{name}: {found} in {seconds:.1f} s at {result.fps:.4g} fps")
    for interval in result.intervals:
        note = f"  ({interval.notes})" if interval.notes else ""
        print(
            f"  {interval.onset_s:8.3f} - {interval.offset_s:.3f} s  apex {interval.apex_s:.3f} s"
            f"  {interval.emotion:<9} {interval.confidence:.2f}  {interval.region}{note}"
        )
    for warning in result.warnings:
        print(f"  note: {warning}")
    if result.folder is not None:
        print(f"  report: {result.folder / 'report.html'}")


class _Bar:
    """Progress on standard error, only where somebody watches."""

    def __init__(self, name: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task(name, total=None)

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def __call__(self, done: int, total: int | None) -> None:
        if done % 20 == 0:
            self._progress.update(self._task, completed=done, total=total)
