"""Can the default recogniser's probabilities be believed? The numbers and the figure of docs/calibration.md.

    python scripts/calibration.py [--maps MAPS.npz] [--corpus FOLDER] [--jobs 2]

It is asked about the 309 real maps of SMIC-HS and CASME II (MIEN_SHARED_DATA/flow, where they are) and about rendered
clips, through `mien predict`; nothing is fitted. Writes build/calibration.json and, where both parts ran,
docs/images/calibration.png.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mien import predict
from mien.core import Prediction, atomic_path
from mien.protocols import measure_calibration, reliability_curve

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "calibration"
SHARED = Path(os.environ.get("MIEN_SHARED_DATA", ROOT.parent / "shared" / "data"))
MAPS = SHARED / "flow" / "ststnet_flow_smic_casme2.npz"
REAL, RENDERED = "309 real maps", "rendered clips"
NAMES = {"smic": "SMIC-HS", "casme2": "CASME II"}
SHOWN = ("accuracy", "confidence", "ece_width", "ece_mass", "classwise_ece_width", "classwise_ece_mass", "brier")


def main() -> None:
    """Predict, measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", type=Path, default=MAPS, help="real motion maps in the motion-npz format")
    parser.add_argument("--corpus", type=Path, help="a folder of 'mien datasets render'; rendered by default")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    corpus = options.corpus or rendered(options.jobs)
    parts = {RENDERED: predict("default", "synthetic-faces", corpus, out=BUILD / "rendered.csv")}
    if options.maps.is_file():
        parts = {REAL: predict("default", "motion-npz", options.maps, out=BUILD / "real.csv"), **parts}
    else:
        print(f"no real maps at '{options.maps}': only rendered clips are measured, and docs/images stays as it is")
    document = {name: measured(rows) for name, rows in parts.items()}
    with atomic_path(ROOT / "build" / "calibration.json") as temporary:
        temporary.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    print("\n".join(table(document)))
    figure = ROOT / "docs" / "images" / "calibration.png" if REAL in parts else BUILD / "calibration.png"
    draw(figure, document)
    print(f"build/calibration.json, {figure.relative_to(ROOT)}")


def rendered(jobs: int) -> Path:
    """Render 12 people with 9 clips each, as 'mien datasets render' does by default."""
    from mien.synthesis import render_corpus

    folder = BUILD / "faces"
    if not folder.exists():
        render_corpus(folder, people=12, clips_per_person=9, jobs=jobs)
    return folder


def measured(rows: list[Prediction]) -> dict[str, Any]:
    """Scores and the curve, of all rows and of each corpus where there are several."""
    corpora = sorted({row.dataset for row in rows})
    document = measure_calibration(rows) | {"curve": [asdict(one) for one in reliability_curve(rows)]}
    if len(corpora) > 1:
        document["by_dataset"] = {name: measure_calibration([r for r in rows if r.dataset == name]) for name in corpora}
    return document


def table(document: dict[str, Any]) -> list[str]:
    """The scores with their 95 % intervals, a row of Markdown each."""
    columns = dict(document)
    for part in document.values():
        columns |= {NAMES.get(name, name): own for name, own in part.get("by_dataset", {}).items()}
    lines = [row("", [f"{name} (n = {part['n']})" for name, part in columns.items()])]
    lines.append("|---" * (len(columns) + 1) + "|")
    for score in SHOWN:
        cells = [f"{part[score]:.3f} ({low:.3f}-{high:.3f})" for part, (low, high) in _with_bounds(columns, score)]
        lines.append(row(score, cells))
    for by in ("width", "mass"):
        cells = ["{mean:.3f} (95 %: below {p95:.3f})".format(**p["ece_if_calibrated"][by]) for p in columns.values()]
        lines.append(row(f"ece_{by} by chance alone", cells))
    return [*lines, row("not_likeliest", [f"{part['not_likeliest']:.3f}" for part in columns.values()])]


def row(name: str, cells: list[str]) -> str:
    """Return a row of a Markdown table."""
    return f"| {' | '.join([name, *cells])} |"


def _with_bounds(columns: dict[str, Any], score: str) -> list[tuple[dict[str, Any], list[float]]]:
    return [(part, part["ci95"][score]) for part in columns.values()]


def draw(path: Path, document: dict[str, Any]) -> None:
    """A reliability diagram per part, and under it how many predictions have that confidence."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context({"font.family": "DejaVu Sans", "font.size": 10, "axes.edgecolor": "#6a727c"}):
        figure = Figure(figsize=(4.3 * len(document), 5.2), facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(2, len(document), height_ratios=(4, 1), sharex=True, squeeze=False)
        for (name, part), (panel, below) in zip(document.items(), panels.T, strict=True):
            draw_curve(panel, part["curve"])
            panel.set_title(name if name == REAL else f"{part['n']} {name}", loc="left", fontsize=11)
            low, high = part["ci95"]["ece_width"]
            text = f"ECE {part['ece_width']:.3f} ({low:.3f} to {high:.3f})"
            panel.text(0.03, 0.96, text, transform=panel.transAxes, va="top", fontsize=9.5)
            draw_counts(below, part["curve"])
        panels[0, 0].set_ylabel("share that is right")
        panels[1, 0].set_ylabel("number")
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=110, format="png")


def draw_curve(panel: Any, curve: list[dict[str, Any]]) -> None:
    """Accuracy over confidence with its intervals; larger points stand for more predictions."""
    confidence = [one["confidence"] for one in curve]
    accuracy = [one["accuracy"] for one in curve]
    bounds = [[one["accuracy"] - one["ci95"][0] for one in curve], [one["ci95"][1] - one["accuracy"] for one in curve]]
    panel.plot([0, 1], [0, 1], "--", color="#6a727c", linewidth=0.9)
    panel.text(0.33, 0.31, "right as often as said", color="#6a727c", fontsize=8.5, ha="left", va="top")
    most = max(one["n"] for one in curve)
    panel.errorbar(confidence, accuracy, yerr=bounds, fmt="none", ecolor="#0b6e99", alpha=0.45, linewidth=1.4)
    panel.plot(confidence, accuracy, "-", color="#0b6e99", linewidth=1)
    panel.scatter(confidence, accuracy, s=[12 + 60 * one["n"] / most for one in curve], color="#0b6e99", zorder=3)
    panel.set_xlim(0, 1)
    panel.set_ylim(-0.02, 1.02)
    panel.grid(color="#d0d7de", linewidth=0.6)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)


def draw_counts(panel: Any, curve: list[dict[str, Any]]) -> None:
    """How many predictions each bin has."""
    widths = [one["high"] - one["low"] for one in curve]
    panel.bar([one["low"] for one in curve], [one["n"] for one in curve], widths, align="edge", color="#9fc6d8",
              edgecolor="white")  # fmt: skip
    panel.set_xlabel("probability of the emotion that is named")
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)


if __name__ == "__main__":
    main()
