"""``mien methods`` and ``mien methods show``: what can be trained."""

from __future__ import annotations

import json
from dataclasses import asdict
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
    from mien.methods import METHODS, published
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
    for row in document["published"]:
        note = f" ({row['note']})" if row["note"] else ""
        place = f"{row['corpus']}, {row['classes']} classes, {row['protocol']}"
        print(f"published: {place}: {row['metric']} {row['value']:.4f}, {row['source']}{note}")


def _listed(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
