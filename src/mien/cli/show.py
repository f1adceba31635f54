"""``mien show``: any stage of the pipeline as a picture."""

from __future__ import annotations

from pathlib import Path

import typer

from mien.cli._app import app


def _list(wanted: bool) -> None:
    if wanted:
        from mien.pictures import STAGES

        width = max(map(len, STAGES))
        for name in STAGES:
            print(f"{name:{width}}  {STAGES[name].shows}")
        raise typer.Exit


@app.command("show")
def show_command(
    source: str = typer.Argument(..., help="A video, a folder of images, or DATASET:ROOT:SAMPLE_ID."),
    stage: str = typer.Option(..., "--stage", help="What to show; --list names all."),
    out: Path = typer.Option(..., "--out", help="The PNG to write; for the stage magnified also an MP4."),
    onset: int | None = typer.Option(None, help="Frame number; default: the annotated one, or the first."),
    apex: int | None = typer.Option(None, help="Default: the annotated one, or found by the rule frequency."),
    offset: int | None = typer.Option(None, help="Default: the annotated one, or the last."),
    fps: float | None = typer.Option(None, help="Frames per second, where neither corpus nor file says it."),
    faces: str = typer.Option("dlib", help="dlib, retinaface, precropped, or a CSV or JSON file with landmarks."),
    names: bool = typer.Option(False, "--list", help="List the stages.", is_eager=True, callback=_list),
) -> None:
    """Show one stage of the pipeline on one clip as a picture."""
    from mien.pictures import show

    print(show(source, stage, out=out, onset=onset, apex=apex, offset=offset, fps=fps, faces=faces))
