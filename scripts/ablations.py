"""What of the generator matters: a recogniser learnt without one part of it, on real SMIC maps; a learning curve.

    python scripts/ablations.py [--maps MAPS.npz] [--per-class 400]

A smaller network than the bundled one (one member) on fewer clips, three seeds of training each; the same clips but for
what is left out. SMIC's 164 clips are read only to measure; nothing is chosen by them. Writes build/ablations.json and
docs/images/learning-curve.png, and goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from mien.core import atomic_path
from mien.methods import METHODS
from mien.methods.mien_net.train import learn_synthetic
from mien.synthesis import MapSettings
from mien.synthesis.emotions import CLASSES, class_shares
from mien.synthesis.motion_maps import SyntheticMaps, synthetic_maps

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "ablations"
SHARED = Path(os.environ.get("MIEN_SHARED_DATA", ROOT.parent / "shared" / "data"))
MAPS = SHARED / "flow" / "ststnet_flow_smic_casme2.npz"
SEEDS = (0, 1, 2)
CURVE = (10, 30, 100, 300, 1000, 3000)  # clips per class
UPPER, LOWER = (1, 2, 4, 5, 6, 7, 9), (10, 12, 14, 15, 16, 17, 18, 20, 23, 24, 25, 26)
ALL = (*UPPER, *LOWER)

WITHOUT: dict[str, dict[str, Any]] = {
    "everything": {},
    "without asymmetry": {"asymmetry": 0.0, "weak_side": 1.0},
    "without head motion": {"head": 0.0, "formula_head": 0.0},
    "without blinks and glances": {"blink": 0.0, "gaze": 0.0},
    "without the eye cover fold": {"eye_cover_fold": False},
    "without estimator effects": {"drawn": 0.0, "noise": 0.0, "gain_spread": 0.0, "blur": (0.01, 0.02)},
    "formula only": {"drawn": 0.0},
    "drawn faces only": {"drawn": 1.0},
    "without emotion priors": {"emotion_priors": False},
    "one crop for all": {"crop_width": (2.2, 2.2), "crop_height": (2.5, 2.5), "crop_eyes": (0.24, 0.24)},
    "upper face only": {"only_units": UPPER},
    "lower face only": {"only_units": LOWER},
    **{
        f"without AU {name}": {"only_units": tuple(unit for unit in ALL if unit not in units)}
        for name, units in {
            "1, 2": (1, 2),
            "4": (4,),
            "5": (5,),
            "6": (6,),
            "7": (7,),
            "12": (12,),
            "14": (14,),
        }.items()
    },
}


def main() -> None:
    """Measure what is not measured yet, print the table, draw the curve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maps", type=Path, default=MAPS, help="real motion maps in the motion-npz format")
    parser.add_argument("--per-class", type=int, default=400)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--without-curve", action="store_true", help="skip the learning curve")
    options = parser.parse_args()
    real = read_smic(options.maps)
    found = BUILD / "found.json"
    rows: dict[str, list[float]] = json.loads(found.read_text()) if found.exists() else {}
    for name, changed in WITHOUT.items():
        rows |= measured(name, rows, options.per_class, replace(MapSettings(), **changed), real, options.jobs)
    for count in () if options.without_curve else CURVE:
        rows |= measured(f"{count} clips per class", rows, count, MapSettings(), real, options.jobs)
    for name, scores in rows.items():
        print(f"| {name} | {np.mean(scores):.3f} | {min(scores):.3f} to {max(scores):.3f} |")
    with atomic_path(ROOT / "build" / "ablations.json") as path:
        path.write_text(json.dumps({"per_class": options.per_class, "smic_uf1": rows}, indent=2) + "\n")
    if not options.without_curve:
        draw(ROOT / "docs" / "images" / "learning-curve.png", rows)


def read_smic(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """SMIC's maps and classes."""
    with np.load(path, allow_pickle=False) as file:
        chosen = file["dataset"] == "smic"
        return file["X"][chosen], file["y"][chosen]


def measured(
    name: str, known: dict[str, list[float]], per_class: int, settings: MapSettings, real: Any, jobs: int
) -> dict[str, list[float]]:
    """UF1 on SMIC with each seed of training; at once if it is known."""
    if name in known:
        return {}
    made = synthetic_maps(per_class, 0, settings, crops=3, jobs=jobs)
    scores = [round(uf1(real[1], answer(made, seed, real[0])), 4) for seed in SEEDS]
    print(name, scores, flush=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    with atomic_path(BUILD / "found.json") as path:
        path.write_text(json.dumps(known | {name: scores}, indent=2))
    return {name: scores}


def answer(made: SyntheticMaps, seed: int, maps: np.ndarray) -> np.ndarray:
    """Classes that a small network, taught by these clips, sees in real maps."""
    method = METHODS["mien-net"]
    steps = max(1, 12000 // len(made.labels))  # epochs, so that few clips are seen as often as many
    settings = {**method.settings("synthetic"), "network": {"members": 1}, "epochs": min(30, 3 + steps)}
    trained = learn_synthetic(
        method,
        made.maps,
        made.labels,
        made.action_units,
        shares=list(class_shares().values()),
        held_out=(made.maps[:, 0], made.labels),
        settings=settings,
        seed=seed,
    )
    return trained.predict(maps)[0]


def uf1(truth: np.ndarray, said: np.ndarray) -> float:
    """Unweighted mean of the classes' F1 (spec: 2 TP / (2 TP + FP + FN))."""
    hits = [
        2 * ((said == k) & (truth == k)).sum() / ((said == k).sum() + (truth == k).sum()) for k in range(len(CLASSES))
    ]
    return float(np.mean(hits))


def draw(path: Path, rows: dict[str, list[float]]) -> None:
    """UF1 over the number of clips."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 3.4), layout="constrained")
    axes = figure.subplots()
    counts = [3 * count for count in CURVE]
    scores = np.array([rows[f"{count} clips per class"] for count in CURVE])
    axes.fill_between(counts, scores.min(axis=1), scores.max(axis=1), color="#0072b2", alpha=0.2, lw=0)
    axes.plot(counts, scores.mean(axis=1), "o-", color="#0072b2")
    axes.set(xscale="log", xlabel="synthetic clips", ylabel="UF1 on SMIC's 164 real clips", ylim=(0.4, 0.75))
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
