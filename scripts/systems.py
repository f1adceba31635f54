"""Do the four systems (and an SVM on flow) learn, and from motion alone? Leave one person out on rendered faces.

Each system is run three times: as it is; with its training labels shuffled within each person; and on the same clips
rendered with zero amplitude. The last two must stay at chance. Expressions are FACS's prototypes: in what people do,
one set of action units goes with two classes, which nobody can tell apart. The same command again goes on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import mien
from mien.core import atomic_path
from mien.methods import METHODS
from mien.synthesis import render_corpus

SYSTEMS = ("flow-svm", "mmnet", "ms3d", "ast-svm", "adnet")
CONDITIONS = {"as it is": ("moving", False), "no motion": ("still", False), "labels shuffled": ("moving", True)}
CHANCE = 1 / 3


def main() -> None:
    """Render, run, print the table, write ``systems.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/systems"))
    parser.add_argument("--systems", type=some_of(METHODS), default=list(SYSTEMS), help="methods, comma separated")
    parser.add_argument("--conditions", type=some_of(CONDITIONS), default=list(CONDITIONS), help="comma separated")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--jobs", type=int)
    arguments = parser.parse_args()
    for name in ("moving", "still"):
        if not (arguments.out / name).is_dir():
            render_corpus(arguments.out / name, prototypes=True, zero_amplitude=name == "still")
    rows = []
    for system in arguments.systems:
        for condition in arguments.conditions:
            corpus, shuffled = CONDITIONS[condition]
            scores = mien.evaluate(
                system,
                "synthetic-faces",
                arguments.out / corpus,
                out=arguments.out / f"{system} {condition}".replace(" ", "-"),
                preset=arguments.preset if METHODS[system].kind == "network" else None,
                shuffle_labels=shuffled,
                jobs=arguments.jobs,
                resume=True,
            )
            rows.append(row(system, condition, scores))
            print("| " + " | ".join(map(str, rows[-1].values())) + " |", flush=True)
    with atomic_path(arguments.out / "systems.json") as path:
        path.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def some_of(known: Iterable[str]) -> Callable[[str], list[str]]:
    """Return what reads names with commas between them, of which argparse refuses an unknown one in a line."""

    def read(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",")]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"got '{name}'; expected some of {', '.join(known)}")
        return names

    return read


def row(system: str, condition: str, scores: dict[str, Any]) -> dict[str, Any]:
    """One line of the table."""
    low, high = scores["ci95"]["uar"]
    return {
        "system": system,
        "condition": condition,
        "clips": scores["n"],
        "UAR": f"{scores['uar']:.3f}",
        "95 %": f"{low:.3f} to {high:.3f}",
        "chance inside": "yes" if low <= CHANCE <= high else "no",
        "minutes of folds": round(scores["folds_s"] / 60),
    }


if __name__ == "__main__":
    main()
