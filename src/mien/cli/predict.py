"""``mien predict``: a trained model on every sample of a dataset."""

from __future__ import annotations

from pathlib import Path

import typer

from mien.cli._app import app


@app.command("predict")
def predict_command(
    model: str = typer.Argument(..., help="A folder from 'mien train', or the word default."),
    dataset: str = typer.Option(..., "--dataset", help="A name from 'mien datasets'."),
    root: Path = typer.Option(..., "--root", help="Your copy of the dataset."),
    out: Path = typer.Option(..., "--out", help="The predictions file to write."),
    labels: str | None = typer.Option(None, help="Label map; default: the dataset's."),
    action_units: Path | None = typer.Option(
        None, "--action-units", help="A CSV file for the probability of each action unit."
    ),
) -> None:
    """Predict every sample of a dataset with a trained model; nothing is trained."""
    from mien.cli._scores import print_scores
    from mien.evaluation import predict
    from mien.protocols import score

    print_scores(score(predict(model, dataset, root, out=out, labels=labels, action_units=action_units)))
    print(out)
    if action_units is not None:
        print(action_units)
