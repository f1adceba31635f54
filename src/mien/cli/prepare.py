"""``mien prepare`` and ``mien cache``: inputs made once, and what they take on disk."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

import typer

from mien.cli._app import app
from mien.core import MienError

cache_app = typer.Typer(invoke_without_command=True, help="List or prune the cache of prepared inputs.")
app.add_typer(cache_app, name="cache")

_FOLDER = typer.Option(None, "--cache", help="The cache's folder; default: MIEN_CACHE, or the user's cache.")


@app.command("prepare")
def prepare_command(
    dataset: str = typer.Argument(..., help="A name from 'mien datasets'."),
    root: Path = typer.Argument(..., help="Your copy of the dataset."),
    recipe: str = typer.Option(..., "--recipe", help="How inputs are made: a recipe of 'mien methods show METHOD'."),
    jobs: int | None = typer.Option(None, help="Processes; default: one per core."),
    apex: str = typer.Option("midpoint", help="Where no apex is annotated: the rule that finds one."),
    faces: str = typer.Option("dlib", help="dlib, retinaface, precropped, or a CSV or JSON file with landmarks."),
    errata: bool = typer.Option(False, "--errata", help="Apply the corpus's known corrections, by clip id."),
    cache: Path | None = _FOLDER,
) -> None:
    """Make the inputs of a whole dataset into the cache. Exit status 2 if some clips cannot be prepared."""
    from mien.evaluation import prepare
    from mien.recipes import Cache

    outcomes = prepare(dataset, root, recipe=recipe, jobs=jobs, apex=apex, faces=faces, errata=errata, cache=cache)
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    for outcome in failed:
        print(f"mien: failed: {outcome.sample_id}: {outcome.reason}", file=sys.stderr)
    counts = Counter(outcome.state for outcome in outcomes)
    print(f"{counts['made']} made, {counts['cached']} in the cache already, {counts['failed']} failed")
    store = Cache(cache)
    print(f"{store.folder}: {_size(sum(entry.size_bytes for entry in store.entries()))}")
    if failed:
        raise typer.Exit(2)


@cache_app.callback()
def cache_command(context: typer.Context, cache: Path | None = _FOLDER) -> None:
    """List or prune the cache of prepared inputs."""
    from mien.recipes import Cache

    if context.invoked_subcommand is not None:
        context.obj = cache
        return
    store = Cache(cache)
    entries = store.entries()
    for entry in entries:
        used = datetime.fromtimestamp(entry.used_s).strftime("%Y-%m-%d %H:%M")
        print(f"{entry.recipe} {entry.digest}: {entry.inputs} inputs, {_size(entry.size_bytes)}, last used {used}")
    print(f"{store.folder}: {_size(sum(entry.size_bytes for entry in entries))}")


@cache_app.command("prune")
def prune_command(
    context: typer.Context,
    recipe: str | None = typer.Option(None, help="Only inputs of this recipe."),
    unused_days: float | None = typer.Option(None, "--unused-days", help="Only inputs unused for so many days."),
    everything: bool = typer.Option(False, "--all", help="All of them."),
) -> None:
    """Delete prepared inputs; they can be made again."""
    from mien.recipes import Cache

    if recipe is None and unused_days is None and not everything:
        raise MienError("got nothing to choose by; expected --recipe NAME, --unused-days N or --all; give one")
    count, freed = Cache(context.obj).prune(recipe=recipe, unused_days=unused_days)
    print(f"{count} inputs deleted, {_size(freed)} freed")


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
