"""Attack a plain and an adversarially trained AD-Net: the curve of docs/robustness.md.

    python scripts/robustness.py [--corpus FOLDER] [--out FIGURE.png] [--splits 3] [--seeds 0] [--jobs 2]

People are split into as many parts as there are splits; each part is attacked in networks that were trained on the
others. The table beside the figure (.csv) has a row per network and epsilon.
"""

from __future__ import annotations

import argparse
import csv
import time
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from mien.core import atomic_path

ROOT = Path(__file__).resolve().parents[1]
FACES = ROOT / "build" / "robustness" / "faces"
ARMS = {"plain": "small-dense-ca", "adversarial": "small"}
COLOURS = {"plain": "#c4001a", "adversarial": "#0b6e99"}
EPSILONS = (0, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8)  # grey levels of 255
STEPS = 10

Right = npt.NDArray[np.bool_]


def main() -> None:
    """Render, train, attack, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="a folder of 'mien datasets render'; rendered by default")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images" / "robustness.png")
    parser.add_argument("--splits", type=int, default=3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    corpus = options.corpus or rendered(options.jobs)
    start = time.perf_counter()
    tasks = list(product([corpus], ARMS, range(options.splits), [options.splits], options.seeds))
    parts = Parallel(options.jobs)(delayed(attacked)(*task) for task in tasks)
    rows = []
    for arm in ARMS:
        of_arm = [part for task, part in zip(tasks, parts, strict=True) if task[1] == arm]
        targets, right, noisy = (np.concatenate(kind, axis=-1) for kind in zip(*of_arm, strict=True))
        rows += table(arm, targets, right, noisy)
    write_table(options.out.with_suffix(".csv"), rows)
    draw(options.out, rows, f"{len(targets)} attacked clips")
    print("\n".join("  ".join(f"{value!s:>14}" for value in line) for line in (rows[0], *(r.values() for r in rows))))
    print(f"{options.out}: {time.perf_counter() - start:.0f} s")


def rendered(jobs: int) -> Path:
    """Twelve people whose expressions are FACS's prototypes of 3 to 5 px: what a single frame can show."""
    from mien.synthesis import render_corpus

    if not FACES.exists():
        render_corpus(FACES, people=12, intensity_px=(3.0, 5.0), prototypes=True, jobs=jobs)
    return FACES


def attacked(corpus: Path, arm: str, split: int, splits: int, seed: int) -> tuple[npt.NDArray[np.int64], Right, Right]:
    """Train without one part of the people and attack that part.

    Returns the classes (N,), whether a clip withstands each epsilon (E, N), and whether noise of that size leaves it
    right: pixels that go up or down by epsilon as a coin falls.
    """
    import torch

    from mien.datasets import DATASETS
    from mien.methods import METHODS
    from mien.recipes import RECIPES, load
    from mien.training.adversarial import right_under_attack

    method = METHODS["adnet"]
    samples = sorted(DATASETS["synthetic-faces"].read(corpus), key=lambda sample: sample.sample_id)
    inputs = load(samples, RECIPES[method.recipe], jobs=1)
    classes = sorted({str(sample.emotion) for sample in samples})
    targets = np.array([classes.index(str(sample.emotion)) for sample in samples])
    subjects = np.array([sample.subject for sample in samples])
    test = np.isin(subjects, sorted(set(subjects))[split::splits])
    settings = method.settings(ARMS[arm])
    trained = method.fit(
        inputs[~test], targets[~test], list(subjects[~test]), classes, settings=settings, seed=seed, device="cpu"
    )
    torch.set_num_threads(1)
    x, y = torch.from_numpy(method.prepare(inputs[test])), torch.from_numpy(targets[test])
    right = right_under_attack(trained.network, x, y, [epsilon / 255 for epsilon in EPSILONS], steps=STEPS)
    noise = torch.randint(0, 2, x.shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    frame = (x != 0).flatten(2).any(dim=2)[..., None, None, None]
    with torch.no_grad():
        noisy = [trained.network((x + e / 255 * noise).clamp(0, 1) * frame).argmax(dim=1) == y for e in EPSILONS]
    return targets[test], right.numpy(), torch.stack(noisy).numpy()


def table(arm: str, targets: npt.NDArray[np.int64], right: Right, noisy: Right) -> list[dict[str, object]]:
    """Accuracy and UAR over all attacked clips, for every epsilon."""
    each = [targets == label for label in np.unique(targets)]
    return [
        {
            "network": arm,
            "preset": ARMS[arm],
            "epsilon_255": epsilon,
            "clips": len(targets),
            "accuracy": round(float(attack.mean()), 3),
            "uar": round(float(np.mean([attack[of].mean() for of in each])), 3),
            "accuracy_noise": round(float(noise.mean()), 3),
        }
        for epsilon, attack, noise in zip(EPSILONS, right, noisy, strict=True)
    ]


def write_table(path: Path, rows: list[dict[str, object]]) -> None:
    """Write the rows as CSV."""
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def draw(path: Path, rows: list[dict[str, object]], title: str) -> None:
    """Accuracy over epsilon: attacked as a line with points, noise of the same size as a thin line."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context({"font.family": "DejaVu Sans", "font.size": 10, "axes.edgecolor": "#6a727c"}):
        figure = Figure(figsize=(7.6, 4.4), facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        panel = figure.subplots()
        places = np.sqrt(EPSILONS)  # most happens at the small ones
        for arm, colour in COLOURS.items():
            of_arm = [row for row in rows if row["network"] == arm]
            name = "adversarially trained (2/255)" if arm == "adversarial" else "plainly trained"
            panel.plot(places, [row["accuracy"] for row in of_arm], "o-", color=colour, label=f"{name}: attacked")
            panel.plot(
                places, [row["accuracy_noise"] for row in of_arm], ":", color=colour, label=f"{name}: random signs"
            )
        panel.axhline(1 / 3, color="#6a727c", linewidth=0.8, linestyle="--")
        panel.text(places[-1], 1 / 3 + 0.01, "guessing", ha="right", va="bottom", color="#6a727c", fontsize=8)
        panel.set_xlabel(f"largest change of a pixel, of 255 (PGD, {STEPS} steps on every frame of a clip)")
        panel.set_xticks(places, [f"{epsilon:g}" for epsilon in EPSILONS])
        panel.set_ylabel("accuracy over clips")
        panel.set_ylim(-0.02, 1)
        panel.grid(color="#d0d7de", linewidth=0.6)
        panel.set_title(f"AD-Net (small presets) on synthetic faces: {title}", loc="left", fontsize=10.5)
        panel.legend(frameon=False, fontsize=8.5, ncols=2)
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=110)


if __name__ == "__main__":
    main()
