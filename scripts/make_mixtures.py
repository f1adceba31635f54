"""Count which action units go with which emotion in corpora that mien is not tested on (DFME, MMEW, CAS(ME)^3).

    python scripts/make_mixtures.py ../shared/data/annotations

writes src/mien/synthesis/mixtures.csv: counts per corpus, one row per class and set of action units. Only aggregate
counts leave the annotation tables. CASME II, SAMM and SMIC, on which the default recogniser is tested, play no part.
"""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from pathlib import Path

import pandas as pd

from mien.core import atomic_path
from mien.synthesis.action_units import ACTION_UNITS

OUT = Path(__file__).parents[1] / "src/mien/synthesis/mixtures.csv"
NEGATIVE = ("anger", "contempt", "disgust", "fear", "sad", "sadness")
CLASSES = {"happy": "positive", "happiness": "positive", "surprise": "surprise", **dict.fromkeys(NEGATIVE, "negative")}
CORPORA = {
    "dfme": ("dfme_training_full_with_AU.xlsx", "AU", "Emotion"),
    "mmew": ("MMEW_Micro_Exp.csv", "Action Units", "Estimated Emotion"),
    "casme3": ("casme3_part_A_ME_label_JpgIndex_v2.xlsx", "AU", "emotion"),
}


def parse(text: str) -> tuple[str, bool]:
    """Return the modelled action units of an annotation as "4+7", and whether it names one side only."""
    units, sides = set(), set()
    for token in re.split(r"[+\s,]+", str(text).upper()):
        if found := re.fullmatch(r"([LRA])?(\d+)([LR])?[A-E]?", token):
            number = int(found[2])
            if number in ACTION_UNITS and number != 45:
                units.add(number)
                sides.add(found[1] or found[3] or "both")
    return "+".join(map(str, sorted(units))), len(sides) == 1 and sides <= {"L", "R"}


def main(folder: Path) -> None:
    counts: dict[tuple[str, str], Counter[str]] = {}
    for corpus, (name, units, emotion) in CORPORA.items():
        path = folder / name
        table = pd.read_csv(path) if path.suffix == ".csv" else pd.read_excel(path)
        for text, label in zip(table[units], table[emotion], strict=True):
            kind = CLASSES.get(str(label).strip().lower())
            combination, one_sided = parse(text)
            if kind and combination:
                row = counts.setdefault((kind, combination), Counter())
                row.update({corpus: 1, "one_sided": int(one_sided)})
    with atomic_path(OUT) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["class", "action_units", *CORPORA, "one_sided"])
        for (kind, combination), row in sorted(counts.items(), key=lambda item: (item[0][0], -sum(item[1].values()))):
            if sum(row[c] for c in CORPORA) >= 3:
                writer.writerow([kind, combination, *(row[c] for c in CORPORA), row["one_sided"]])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
