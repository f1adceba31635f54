"""Make the default recogniser from synthetic motion, and measure it on real maps it has never seen.

    python scripts/make_default.py [--measure-on MAPS.npz]

The model folder src/mien/methods/_default is replaced whole. With --measure-on, its scores on those real clips are
written into model.json as its error, for reports to show; nothing else is learnt from them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from mien import generate_motion, predict, score, train
from mien.core import atomic_path

MODEL = Path(__file__).parents[1] / "src/mien/methods/_default"
PER_CLASS = 2500
CORPORA = {"smic": "SMIC-HS", "casme2": "CASME II", "samm": "SAMM"}


def make(folder: Path) -> Path:
    """Generate, train, and put the model in its place."""
    maps = generate_motion(folder / "synthetic.npz", per_class=PER_CLASS, seed=0)
    model = train("motion-svm", "motion-npz", maps, out=folder / "model", seed=0)
    if MODEL.exists():
        shutil.rmtree(MODEL)
    shutil.copytree(model, MODEL)
    return MODEL


def measure(maps: Path, folder: Path) -> dict[str, Any]:
    """Score the model on real clips; returns what the reports show."""
    predict(MODEL, "motion-npz", maps, out=folder / "predictions.csv")
    scores = score(folder / "predictions.csv")
    rows = [_row(CORPORA.get(name, name), part) for name, part in sorted(scores["by_dataset"].items(), reverse=True)]
    words = "; ".join(f"{row['accuracy']:.0%} of {row['n']} clips of {row['corpus']}" for row in rows)
    text = (
        "Measured on real, spontaneous laboratory clips with known onset and apex, none of them seen in training, the "
        f"recogniser names the right one of three classes for {words}. In your recordings it may do worse."
    )
    return {"text": text, "scores": rows, "uf1": round(scores["uf1"], 4), "uar": round(scores["uar"], 4)}


def _row(corpus: str, part: dict[str, Any]) -> dict[str, Any]:
    row = {"corpus": corpus, "n": int(part["n"])}
    row |= {key: round(part[key], 4) for key in ("uf1", "uar", "accuracy")}
    row["recall"] = {name: round(value["recall"], 4) for name, value in part["per_class"].items()}
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure-on", type=Path, help="real motion maps in the motion-npz format")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        card = json.loads((MODEL / "model.json").read_text(encoding="utf-8"))
        if wanted.measure_on is not None:
            card["error"] = measure(wanted.measure_on, Path(folder))
            with atomic_path(MODEL / "model.json") as temporary:
                temporary.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(json.dumps(card.get("error", "not measured"), indent=2))


if __name__ == "__main__":
    main()
