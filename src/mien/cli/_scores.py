"""A few lines of scores, shared by the commands that make predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mien.protocols.metrics import HEADLINES


def print_scores(scores: Mapping[str, Any]) -> None:
    """Print the pooled scores with their 95 % intervals, those of each corpus, what needs no model, what leaks."""
    rows = {"pooled": scores}
    rows |= scores["by_dataset"] if len(scores["by_dataset"]) > 1 else {}
    width = max(map(len, rows))
    for name, part in rows.items():
        print(f"{name:{width}}  n {part['n']:g}  " + "  ".join(_with_interval(part, key) for key in HEADLINES))
    majority = scores["baselines"]["majority"]
    print("majority class: " + "  ".join(f"{title} {_short(majority[key])}" for key, title in HEADLINES.items()))
    if "control" in scores:
        print(f"CONTROL: {scores['control']}")
    for leak in scores["leaks"]:
        print(f"LEAK: {leak}")


def _with_interval(part: Mapping[str, Any], key: str) -> str:
    low, high = part["ci95"][key]
    return f"{HEADLINES[key]} {_short(part[key])} [{_short(low)}, {_short(high)}]"


def _short(value: float) -> str:
    """Three decimals without the leading zero, as papers print scores."""
    text = f"{value:.3f}"
    return text.removeprefix("0")
