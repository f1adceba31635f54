"""A study as a figure: ours with its interval, the published number beside it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.core import atomic_path

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["write_figure"]

INK, QUIET, OURS, THEIRS = "#1f2328", "#6a727c", "#0b6e99", "#c4001a"
NAMES = {"accuracy": "accuracy", "f1": "F1 (macro)", "uf1": "UF1", "uar": "UAR"}


def write_figure(path: Path, document: Mapping[str, Any]) -> None:
    """Draw a panel per metric and a line per row; what is not built here has only its published number."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows, metrics = document["rows"], document["metrics"]
    foot = textwrap.fill(document["difference"], 165)
    foot_in = 0.16 * (foot.count("\n") + 1) + 0.12
    height = 1.1 + 0.34 * len(rows) + foot_in
    with rc_context({"font.family": "DejaVu Sans", "font.size": 9, "text.color": INK, "axes.edgecolor": QUIET}):
        figure = Figure(figsize=(9.6, height), facecolor="white")
        FigureCanvasAgg(figure)
        panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for panel, metric in zip(panels, metrics, strict=True):
            _panel(panel, rows, metric)
        panels[0].set_yticks(range(len(rows)), [_name(row) for row in rows])
        panels[0].set_ylim(len(rows) - 0.4, -0.6)
        title = f"{document['study']} on {document['dataset']}{' (small presets)' if document['small'] else ''}"
        figure.text(0.01, 1 - 0.1 / height, title, va="top", fontsize=12, fontweight="bold")
        figure.text(0.01, 0.06 / height, foot, fontsize=7.5, color=QUIET, va="bottom")
        handles, names = _legend()
        figure.legend(handles, names, loc="upper right", ncols=3, frameon=False, fontsize=8, borderaxespad=0.4)
        figure.tight_layout(rect=(0, foot_in / height, 1, 1 - 0.38 / height))
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=150)


def _panel(panel: Axes, rows: Sequence[Mapping[str, Any]], metric: str) -> None:
    for place, row in enumerate(rows):
        if theirs := row["published"].get(metric):
            face = "white" if theirs["suspect"] else THEIRS
            panel.plot(theirs["value"], place, "D", color=THEIRS, markerfacecolor=face, markersize=6, zorder=3)
        if ours := row["scores"].get(metric):
            panel.plot([ours["low"], ours["high"]], [place, place], color=OURS, linewidth=2, alpha=0.6)
            panel.plot(ours["value"], place, "o", color=OURS, markersize=6, zorder=4)
    panel.set_title(NAMES.get(metric, metric), loc="left", fontsize=9.5)
    panel.set_xlim(0, 1)
    panel.grid(axis="x", color="#d0d7de", linewidth=0.6)
    panel.set_axisbelow(True)
    panel.tick_params(length=0)
    for side in ("top", "right", "left"):
        panel.spines[side].set_visible(False)


def _name(row: Mapping[str, Any]) -> str:
    return row["row"] if row["state"] == "done" else f"{row['row']}\n({_STATES[row['state']]})"


_STATES = {"not built": "not built here", "failed": "could not be run", "to do": "to do"}


def _legend() -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D

    ours = Line2D([], [], color=OURS, marker="o", linewidth=2)
    marks = [Line2D([], [], color=THEIRS, marker="D", linestyle="", markerfacecolor=face) for face in (THEIRS, "white")]
    return [ours, *marks], ["ours, 95 % interval by subject", "published", "published, suspect"]
