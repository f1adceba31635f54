"""``mien score``: every metric, recomputed from a prediction file alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mien.cli._app import app

if TYPE_CHECKING:
    from rich.table import Table

BASELINES = {"majority": "most frequent class", "guessing": "guessing evenly"}


@app.command("score")
def score_command(
    predictions: Annotated[Path, typer.Argument(help="A predictions.csv.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Score a prediction file: pooled, by class, by corpus, with 95 % intervals resampled by subject."""
    from mien.protocols import score

    document = score(predictions)
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _print_tables(document)


def _print_tables(document: Mapping[str, Any]) -> None:
    from rich.console import Console

    console = Console(markup=False, highlight=False, emoji=False)
    for leak in document["leaks"]:
        console.print(f"LEAK: {leak}", style="bold red")
    for table in (_scores(document), _baselines(document), _classes(document), _confusion(document)):
        console.print(table)


def _scores(document: Mapping[str, Any]) -> Table:
    """Pooled, by corpus, by seed; intervals beneath."""
    from mien.protocols.metrics import HEADLINES

    table = _table("Scores, with 95 % intervals over subjects", "", "n", *HEADLINES.values())
    rows = {"pooled": document}
    rows |= document["by_dataset"] if len(document["by_dataset"]) > 1 else {}
    rows |= {f"seed {name}": part for name, part in document["seeds"].items() if len(document["seeds"]) > 1}
    for name, part in rows.items():
        table.add_row(name, f"{part['n']:g}", *(_with_interval(part, metric) for metric in HEADLINES))
    spread = document["seed_sd"]
    if spread["uf1"] is not None:
        table.add_row("sd over seeds", "", *(f"{spread[metric]:.4f}" for metric in HEADLINES))
    folds = document["fold_mean"]
    if folds["uf1"] is not None:
        means = (f"{folds[metric]:.4f}" if metric in folds else "" for metric in HEADLINES)
        table.add_row("mean of folds", "", *means)
    return table


def _baselines(document: Mapping[str, Any]) -> Table:
    """What needs no model, on the same samples."""
    from mien.protocols.metrics import HEADLINES

    table = _table("Baselines", "", "n", *HEADLINES.values())
    rows = {"": document} | (document["by_dataset"] if len(document["by_dataset"]) > 1 else {})
    for name, part in rows.items():
        for baseline, what in BASELINES.items():
            values = (f"{part['baselines'][baseline][metric]:.4f}" for metric in HEADLINES)
            table.add_row(f"{what}, {name}" if name else what, f"{part['n']:g}", *values)
    return table


def _classes(document: Mapping[str, Any]) -> Table:
    table = _table("Classes", "", "n", "F1", "recall", "precision")
    for name, row in document["per_class"].items():
        table.add_row(name, f"{row['n']:g}", f"{row['f1']:.4f}", f"{row['recall']:.4f}", f"{row['precision']:.4f}")
    return table


def _confusion(document: Mapping[str, Any]) -> Table:
    seeds = list(document["seeds"])
    of_seed = f" of seed {seeds[0]}" if len(seeds) > 1 else ""
    table = _table(f"Confusion{of_seed}, rows truth", "", *document["classes"])
    for name, row in zip(document["classes"], document["confusion"], strict=True):
        table.add_row(name, *map(str, row))
    return table


def _table(title: str, *columns: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold", no_wrap=not number)
    return table


def _with_interval(part: Mapping[str, Any], metric: str) -> str:
    low, high = part["ci95"][metric]
    return f"{part[metric]:.4f}\n{low:.4f}–{high:.4f}"
