"""``mien audit``: the honest score of a run, and what the usual shortcuts would have reported."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli._app import app


@app.command("audit")
def audit_command(
    run: Annotated[Path, typer.Argument(help="A folder of 'mien evaluate', best with --keep-epochs.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show the honest score of a run beside what the usual shortcuts would have reported for it."""
    from mien.protocols.audit import audit

    document = audit(run)
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _print(document)


def _print(document: Mapping[str, Any]) -> None:
    from mien.protocols.metrics import HEADLINES

    print(f"{document['n']:g} samples, {document['folds']} folds, seeds {', '.join(map(str, document['seeds']))}")
    for leak in document["leaks"]:
        print(f"LEAK: {leak}")
    rows = {"honest": _cells(document["honest"], {})}
    rows |= {row["name"]: _cells(row, row["gain"]) for row in document["shortcuts"]}
    rows |= {f"random, best of {row['epochs']}": _cells(row, {}) for row in document["floor"]}
    width = max(map(len, rows))
    print(f"{'':{width}}" + "".join(f"  {title:<16}" for title in HEADLINES.values()).rstrip())
    for name, cells in rows.items():
        print(f"{name:{width}}" + "".join(f"  {cell:<16}" for cell in cells).rstrip())
    for note in document["notes"]:
        print(note)


def _cells(row: Mapping[str, Any], gain: Mapping[str, Any]) -> list[str]:
    """Scores, with what they gain over the honest ones."""
    from mien.protocols.metrics import HEADLINES

    cells = []
    for name in HEADLINES:
        gained = f" ({gain[name]:+.4f})" if gain.get(name) is not None else ""
        cells.append("" if row[name] is None else f"{row[name]:.4f}{gained}")
    return cells
