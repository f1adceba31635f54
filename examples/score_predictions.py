"""Score predictions that were made elsewhere, and compare two systems on the same samples.

A prediction file is a CSV with one row per sample; here two are made up: one system is right in 8 cases of 10, the
other in 6.
"""

import csv
import random
from pathlib import Path

import mien

OUT = Path("build/examples")
CLASSES = ("negative", "positive", "surprise")


def make_up(path: Path, right: float, seed: int) -> Path:
    """Write predictions for 20 subjects with 6 clips each."""
    draw = random.Random(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["dataset", "subject", "sample_id", "fold", "seed", "selection", "truth", "predicted"])
        for subject in (f"casme2/sub{number:02}" for number in range(20)):
            for clip in range(6):
                truth = CLASSES[clip % 3]
                predicted = truth if draw.random() < right else draw.choice(CLASSES)
                writer.writerow(["casme2", subject, f"{subject}/{clip}", subject, 0, "last", truth, predicted])
    return path


good = make_up(OUT / "good.csv", right=0.7, seed=1)
fair = make_up(OUT / "fair.csv", right=0.4, seed=2)

for path in (good, fair):
    scores = mien.score(path)
    print(f"{path.stem}: UF1 {scores['uf1']:.3f}, UAR {scores['uar']:.3f}, accuracy {scores['accuracy']:.3f}")

(pair,) = mien.compare({"fair": fair, "good": good})["pairs"]
low, high = pair["ci95"]["uf1"]
print(f"{pair['b']} - {pair['a']}: UF1 {pair['difference']['uf1']:+.3f} (95 % interval {low:+.3f} to {high:+.3f})")
