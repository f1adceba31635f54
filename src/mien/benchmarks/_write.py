"""The results of a spotting benchmark as files: JSON, a table, a figure."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mien.core import atomic_path

__all__ = ["draw_benchmark", "write_benchmark"]

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")  # Okabe & Ito 2008: colour-blind safe
_MARKS = "os^Dv*"


def write_benchmark(document: Mapping[str, Any], out: Path | str) -> Path:
    """Write ``spotting.json``, ``spotting.csv`` (a row per cell and method), ``rates.csv``, ``spotting.png``, ``.svg``.

    Parameters
    ----------
    document : mapping
        From :func:`mien.benchmarks.benchmark_spotting`.
    out : path
        Folder; files of an earlier benchmark in it are replaced.

    Returns
    -------
    Path
        The folder.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with atomic_path(out / "spotting.json") as temporary:
        temporary.write_text(json.dumps(document, indent=2, allow_nan=False), encoding="utf-8")
    _write_rows(
        out / "spotting.csv", [{**row, "alarms_by": json.dumps(row["alarms_by"])} for row in document["results"]]
    )
    if document["by_score"]:
        _write_rows(out / "rates.csv", document["by_score"])
    for ending in ("png", "svg"):
        with atomic_path(out / f"spotting.{ending}") as temporary:
            draw_benchmark(document, temporary, ending)
    return out


def _write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def draw_benchmark(document: Mapping[str, Any], path: Path, ending: str = "png") -> None:
    """Draw F1 and false alarms a minute by frame rate: a line per method, a column per intensity."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, methods = document["results"], document["methods"]
    strengths = sorted({row["intensity_px"] for row in rows})
    figure = Figure(figsize=(2.6 * len(strengths) + 1.0, 5.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(2, len(strengths), sharex=True, sharey="row", squeeze=False)
    for column, px in enumerate(strengths):
        for place, method in enumerate(methods):
            own = sorted(
                (row["fps"], row["f1"], row["false_alarms_per_min"])
                for row in rows
                if (row["method"], row["intensity_px"]) == (method, px)
            )
            for panel, values in zip(panels[:, column], list(zip(*own, strict=True))[1:], strict=True):
                style = {"color": _COLOURS[place % 6], "marker": _MARKS[place % 6], "label": method}
                panel.plot([row[0] for row in own], values, markersize=5, linewidth=1.6, **style)
        panels[0, column].set_title(f"{px:g} px at a 128-px face", fontsize=10)
    _dress(panels, sorted({row["fps"] for row in rows}))
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(methods), frameon=False)
    if document["quick"]:
        figure.suptitle("quick run: too short to compare by", fontsize=10)
    figure.savefig(path, dpi=150, format=ending, metadata={"Date": None} if ending == "svg" else None)


def _dress(panels: Any, rates: list[float]) -> None:
    for panel in panels.flat:
        panel.set_xscale("log")
        panel.set_xticks(rates, [f"{rate:g}" for rate in rates])
        panel.minorticks_off()
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    for panel in panels[0]:
        panel.set_ylim(0, 1.02)
    for panel in panels[1]:
        panel.set_ylim(bottom=0)
        panel.set_xlabel("frames a second")
    panels[0, 0].set_ylabel("F1 at IoU .5")
    panels[1, 0].set_ylabel("false alarms a minute")
