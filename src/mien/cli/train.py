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
    apex: str = typer.Option("midpoint", help="Where no apex is annotated; as in 'mien evaluate'."),
    faces: str = typer.Option("dlib", help="dlib, retinaface, precropped, or a CSV or JSON file with landmarks."),
    device: str = typer.Option("auto", help="Where networks are trained: auto, cpu, cuda, cuda:1."),
    precision: str | None = typer.Option(
        None, help="Of a network's training: float32, bf16, fp16; default: the preset's."
    ),
    pretrained: Path | None = typer.Option(None, help="torchvision's weights for the backbone of adnet or a resnet."),
) -> None:
    """Train one model on every sample of a dataset, for use on other recordings."""
    from mien.evaluation import train

    folder = train(
        method,
        dataset,
        root,
        out=out,
        labels=labels,
        preset=preset,
        seed=seed,
        start=start,
        apex=apex,
        faces=faces,
        device=device,
        precision=precision,
        pretrained=pretrained,
        progress=True,
    )
    print(folder)
