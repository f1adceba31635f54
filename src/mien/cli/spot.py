"""``mien spot``: a corpus of long videos in, intervals and their scores out."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mien.cli._app import app
from mien.core import MienError, MienWarning

if TYPE_CHECKING:
    from mien.core import LongVideo


@app.command("spot")
def spot_command(
    dataset: str = typer.Option(..., "--dataset", help="A corpus of long videos: casme-sq or samm-lv."),
    root: Path = typer.Option(..., "--root", help="Your copy of it."),
    out: Path = typer.Option(..., "--out", help="Folder for intervals.csv and spotting.json."),
    spotter: str = typer.Option("mien", help="mien, mdmd or sliding-window."),
    faces: str = typer.Option("dlib", help="dlib, retinaface, or precropped for frames that show only the face."),
    jobs: int | None = typer.Option(None, help="Videos at a time; default: one for every two cores."),
    resume: bool = typer.Option(False, "--resume", help="Keep the videos that are finished, make the others."),
) -> None:
    """Spot over a corpus of long videos and score it. Exit status 2 if some videos could not be read."""
    from mien.analysis import spot_corpus

    videos, notes = _videos(dataset, root)
    with _bar() as advance:
        document = spot_corpus(
            videos,
            out,
            spotter=spotter,
            faces=faces,
            jobs=jobs,
            resume=resume,
            notes=notes,
            progress=advance,
        )
    for video in document["left_out"]:
        typer.echo(f"mien: left out: {video['video']}: {video['reason']}", err=True)
    _print(document)
    print(out / "intervals.csv")
    print(out / "spotting.json")
    if document["left_out"]:
        raise typer.Exit(2)


def _videos(dataset: str, root: Path) -> tuple[list[LongVideo], list[str]]:
    """The long videos of a copy, and what its reader remarked."""
    from mien.datasets import DATASETS

    read = DATASETS[dataset].read_long
    if read is None:
        long = ", ".join(name for name in DATASETS if DATASETS[name].read_long is not None)
        raise MienError(f"got '{dataset}', which has no long videos; expected one of {long}; choose one")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", MienWarning)
        videos = read(root)
    return videos, [str(warning.message) for warning in said]


def _print(document: Mapping[str, Any]) -> None:
    scores, videos = document["scores"], len(document["videos"])
    print(f"{document['spotter']['name']}: {videos} videos, {document['minutes']:.1f} minutes")
    for kind, part in (*sorted((scores["by_kind"] or {}).items(), reverse=True), ("all", scores)):
        print(
            f"{kind}: F1 {part['f1']:.4f}, precision {part['precision']:.4f}, recall {part['recall']:.4f} "
            f"({part['tp']} matched, {part['fn']} missed, {part['fp']} false)"
        )
    for warning in document["warnings"]:
        print(f"note: {warning}")
    noted = sum(bool(video["warnings"]) for video in document["videos"])
    if noted:
        print(f"note: {noted} of {videos} videos have warnings of their own, in spotting.json")


@contextmanager
def _bar() -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal's standard error; yield what moves it."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("videos", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
