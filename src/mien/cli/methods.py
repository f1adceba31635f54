"""``mien methods`` and ``mien methods show``: what can be trained."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import groupby
from typing import Any

import typer

from mien.cli._app import app

methods_app = typer.Typer(invoke_without_command=True, help="List the methods, or show one.")
app.add_typer(methods_app, name="methods")


@methods_app.callback()
def methods_command(context: typer.Context) -> None:
    """List the methods, or show one."""
    from mien.methods import METHODS

    if context.invoked_subcommand is None:
        for name in METHODS:
            print(f"{name}: {METHODS[name].title}")


@methods_app.command("show")
def show_command(
    method: str = typer.Argument(..., help="A name from 'mien methods'."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Show one method: paper, recipe, settings, published numbers, deviations."""
    document = _document(method)
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        _print(document)


def _document(method: str) -> dict[str, Any]:
    from mien.methods import METHODS, measured, published
    from mien.recipes import RECIPES

    entry = METHODS[method]
    return {
        "name": entry.name,
        "title": entry.title,
        "paper": entry.paper,
        "kind": entry.kind,
        "parameters": entry.parameters,
        "recipe": RECIPES[entry.recipe].to_json(),
        "presets": {name: dict(settings) for name, settings in entry.presets.items()},
        "deviations": list(entry.deviations),
        "published": [asdict(row) for row in published(method)],
        "measured": [asdict(row) for row in measured(method)],
    }


def _print(document: dict[str, Any]) -> None:
    print(f"{document['name']}: {document['title']}\npaper: {document['paper']}")
    if document["parameters"] is not None:
        print(f"parameters: {document['parameters']:,} (trainable, three classes)")
    for step in document["recipe"]["steps"]:
        print(f"recipe: {step['step']} {_listed(step['params'])}")
    for name, settings in document["presets"].items():
        print(f"preset {name}: {_listed(settings)}")
    for text in document["deviations"]:
        print(f"deviation: {text}")
    for line in (*_published(document["published"]), *_measured(document["measured"])):
        print(line)


def _published(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Published numbers under what was measured, so that only comparable ones stand together."""
    for place, group in groupby(sorted(rows, key=_place), key=_place):
        yield f"published: {_placed(*place)}"
        for row in group:
            what = f"{row['metric']} {row['value']:g}"
            variant = row["variant"] and f" ({row['variant']})"
            note = row["note"] and f"; {'suspect: ' if row['suspect'] else ''}{row['note']}"
            yield f"  {what}{variant}: {row['source']}{note}"


def _measured(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Our numbers, with what they were trained on: most published ones had other corpora to train on."""
    for (*place, trained_on, preset, command), group in groupby(rows, key=_origin):
        scores = ", ".join(f"{row['metric']} {row['value']:g} [{row['low']:g}, {row['high']:g}]" for row in group)
        yield f"ours: {_placed(*place)}, trained on {trained_on}, preset {preset}: {scores}"
        yield f"  {command}"


def _placed(corpus: str, classes: int, labels: str, protocol: str) -> str:
    count = f"{classes} classes" if classes else "classes not known"
    return f"{corpus}, {count} ({labels or 'label map not known'}), {protocol}"


def _origin(row: dict[str, Any]) -> tuple[Any, ...]:
    return *_place(row), row["trained_on"], row["preset"], row["command"]


def _place(row: dict[str, Any]) -> tuple[str, int, str, str]:
    return row["corpus"], row["classes"], row["labels"], row["protocol"]


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
