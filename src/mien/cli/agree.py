"""``mien agree``: two interval files, a person's and mien's, say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mien.cli._app import app


@app.command("agree")
def agree_command(
    truth: Annotated[Path, typer.Argument(help="The reference: intervals.csv, MEGC csv or ELAN .eaf.")],
    found: Annotated[Path, typer.Argument(help="What is compared with it: the same kinds of file.")],
    iou: Annotated[float, typer.Option(help="Least intersection over union of a match.")] = 0.5,
    fps: Annotated[float | None, typer.Option(help="Frames per second, for files in frames only.")] = None,
    labels: Annotated[str | None, typer.Option(help="Label map to put the emotions of both files through.")] = None,
    legacy: Annotated[bool, typer.Option("--legacy", help="Add what the public STRS evaluator would print.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Match the intervals of two files one to one: F1, errors in time, kappa of the emotions."""
    from mien.protocols import agree

    document = agree(truth, found, iou=iou, fps=fps, labels=labels, legacy=legacy)
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _print(document)


def _print(document: Mapping[str, Any]) -> None:
    _print_counts("all", document)
    for kind, part in (document["by_kind"] or {}).items():
        _print_counts(kind, part)
    for name, part in (document["recall_by_duration"] or {}).items():
        print(f"recall, {name.replace('_', ' ')}: {_number(part['recall'])} ({part['tp']} of {part['n']})")
    for point in ("onset", "apex", "offset"):
        error = document[f"{point}_error_ms"]
        print(f"{point} error: {'not known' if error is None else f'{error:.1f} ms'}")
    print(f"emotions: macro F1 {_number(document['f1_recognition'])}, kappa {_number(document['kappa'])}")
    print(f"STRS: {_number(document['strs'])}")
    if "legacy" in document:
        print("legacy: " + ", ".join(f"{name} {_number(value)}" for name, value in document["legacy"].items()))


def _print_counts(name: str, part: Mapping[str, Any]) -> None:
    print(
        f"{name}: F1 {part['f1']:.4f}, precision {part['precision']:.4f}, recall {part['recall']:.4f} "
        f"({part['tp']} matched, {part['fn']} missed, {part['fp']} false)"
    )


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4g}" if isinstance(value, int) else f"{value:.4f}"
