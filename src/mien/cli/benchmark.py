"""``mien benchmark spotting``: methods measured on rendered clips with known truth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from mien.cli._app import app
from mien.cli._bar import bar

_HELP = "Measure methods on rendered clips with known truth."

benchmark_app = typer.Typer(no_args_is_help=True, help=_HELP)
app.add_typer(benchmark_app, name="benchmark")


@benchmark_app.callback()
def benchmark_command() -> None:
    """Measure methods on rendered clips with known truth."""


@benchmark_app.command("spotting")
def spotting_command(
    seed: int = typer.Option(0, help="Seed of everything drawn."),
    quick: bool = typer.Option(False, "--quick", help="Four short cells, within a minute: to see that it runs."),
    method: list[str] = typer.Option([], "--method", help="A spotting method; repeatable; default: all."),
    over: list[Path] = typer.Option([], "--over", help="Also render over this video of a face; repeatable."),
    fps: list[float] = typer.Option([], "--fps", help="Only this frame rate; repeatable."),
    intensity_px: list[float] = typer.Option([], "--intensity-px", help="Only this intensity; repeatable."),
    jobs: int | None = typer.Option(None, help="Processes; default: one per core."),
    out: Path | None = typer.Option(None, "--out", help="Folder for spotting.json, .csv, .png and .svg."),
    keep: Path | None = typer.Option(None, "--keep", help="Keep curves and truth of every clip in this folder."),
    curves: Path | None = typer.Option(None, "--curves", help="Use the curves of such a folder; renders nothing."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Spot micro-expressions among distractors, by frame rate and intensity: F1, errors in time, false alarms."""
    from mien.benchmarks import benchmark_spotting, write_benchmark

    with bar("clips") as advance:
        document = benchmark_spotting(
            seed,
            quick,
            method or None,
            jobs=jobs,
            over=over,
            keep=keep,
            curves=curves,
            fps=fps or None,
            intensities_px=intensity_px or None,
            advance=advance,
        )
    if out is not None:
        write_benchmark(document, out)
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _print(document, out)


def _print(document: Mapping[str, Any], out: Path | None) -> None:
    print("  fps    px  method             F1  precision  recall  onset ms  offset ms  alarms/min  alarms at")
    _print_rows(document["results"])
    print("all intensities of 1 px and above")
    _print_rows(document["pooled"])
    for row in document["by_score"]:
        print(
            f"mien, score at least {row['least_score']:4g}: {row['false_alarms_per_min']:.2f} false alarms a minute, "
            f"recall {row['recall']:.3f}"
        )
    print(f"STRS: not known; {document['strs_note']}")
    if document["quick"]:
        print("quick: few and short cells, to see that it runs; compare nothing by these numbers")
    if out is not None:
        print(out)


def _print_rows(rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        strength = f"{row['intensity_px']:5g}" if "intensity_px" in row else "  >=1"
        causes = ", ".join(f"{name} {count}" for name, count in row["alarms_by"].items())
        print(
            f"{row['fps']:5g} {strength}  {row['method']:14} {row['f1']:6.3f} {row['precision']:10.3f} "
            f"{row['recall']:7.3f} {_ms(row['onset_error_ms'])} {_ms(row['offset_error_ms'])} "
            f"{row['false_alarms_per_min']:11.2f}  {causes}"
        )


def _ms(error: float | None) -> str:
    return "        -" if error is None else f"{error:9.1f}"
