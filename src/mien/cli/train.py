"""``mien train``: one model on all samples."""

from __future__ import annotations

from pathlib import Path

import typer

from mien.cli._app import app


@app.command("train")
def train_command(
    method: str = typer.Argument(..., help="A name from 'mien methods'."),
    dataset: str = typer.Option(..., "--dataset", help="A name from 'mien datasets'."),
    root: Path = typer.Option(..., "--root", help="Your copy of the dataset."),
    out: Path = typer.Option(..., "--out", help="A new folder for the model."),
    start: Path | None = typer.Option(None, "--from", help="Start from the weights of this model of the same network."),
    labels: str | None = typer.Option(None, help="Label map; default: the dataset's."),
    preset: str | None = typer.Option(None, help="Training settings; default: paper."),
    seed: int = typer.Option(0, help="Seed of everything random."),
) -> None:
    """Train one model on every sample of a dataset, for use on other recordings."""
    from mien.evaluation import train

    print(train(method, dataset, root, out=out, labels=labels, preset=preset, seed=seed, start=start, progress=True))
