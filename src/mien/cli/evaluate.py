"""``mien evaluate``: a method, a dataset, a protocol -> predictions and scores."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from mien.cli._app import app
from mien.core import MienError


@app.command("evaluate")
def evaluate_command(
    method: str = typer.Argument(..., help="A name from 'mien methods'."),
    dataset: str = typer.Option(..., "--dataset", help="A name from 'mien datasets'."),
    root: Path = typer.Option(..., "--root", help="Your copy of the dataset."),
    out: Path = typer.Option(..., "--out", help="A new folder for the run."),
    protocol: str = typer.Option("loso", help="loso, loo, kfold:N, lodo or holdout:NAME."),
    labels: str | None = typer.Option(None, help="Label map; default: the dataset's."),
    seeds: str = typer.Option("0", help="Like 0,1,2: each is a whole run."),
    preset: str | None = typer.Option(None, help="Training settings; default: paper."),
    select: str = typer.Option("last", help="Epoch that is reported: last, inner, or test (leaks)."),
    keep_epochs: bool = typer.Option(False, "--keep-epochs", help="Keep the predictions of every epoch."),
    explain: int = typer.Option(0, help="Show where the network looked in so many test clips of each class."),
    apex: str = typer.Option(
        "midpoint", help="Where no apex is annotated: midpoint, largest-difference, largest-flow, dnc-roi, frequency."
    ),
    faces: str = typer.Option("dlib", help="dlib, retinaface, precropped, or a CSV or JSON file with landmarks."),
    errata: bool = typer.Option(False, "--errata", help="Apply the corpus's known corrections, by clip id."),
    shuffle_labels: bool = typer.Option(
        False, "--shuffle-labels", help="A control: train on labels shuffled within each training subject."
    ),
    jobs: int | None = typer.Option(None, help="Folds at a time; default: one per core, or what GPUs hold."),
    backend: str = typer.Option("loky", help="loky (this machine) or ray (a cluster)."),
    device: str = typer.Option("auto", help="Where networks are trained: auto, cpu, cuda, cuda:1."),
    precision: str | None = typer.Option(
        None, help="Of a network's training: float32, bf16, fp16; default: the preset's."
    ),
    pretrained: Path | None = typer.Option(None, help="torchvision's weights for the backbone of adnet or a resnet."),
    resume: bool = typer.Option(False, "--resume", help="Continue an interrupted run."),
    progress: bool = typer.Option(True, help="Say the cost and show a bar, on standard error."),
) -> None:
    """Train and test every fold; save all predictions; score them."""
    from mien.cli._scores import print_scores
    from mien.evaluation import evaluate

    scores = evaluate(
        method,
        dataset,
        root,
        out=out,
        protocol=protocol,
        labels=labels,
        seeds=_seeds(seeds),
        preset=preset,
        select=select,
        jobs=jobs,
        backend=backend,
        resume=resume,
        keep_epochs=keep_epochs,
        explain=explain,
        apex=apex,
        faces=faces,
        errata=errata,
        shuffle_labels=shuffle_labels,
        device=device,
        precision=precision,
        pretrained=pretrained,
        progress=progress,
        say=_say if progress else None,
    )
    print_scores(scores)
    for name in ("predictions.csv", "scores.json", "run.json", "report.html"):
        print(out / name)


def _say(line: str) -> None:
    print(f"mien: {line}", file=sys.stderr)


def _seeds(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise MienError(f"got the seeds '{text}'; expected whole numbers, like 0,1,2; correct it") from None
