"""Render a face that performs micro-expressions at known times, analyse it, show the findings beside the truth."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

from mien.core import format_probability

OUT = Path("build") / "demo"
VIDEO = OUT / "demo.mp4"


def main() -> None:
    """Run the two commands as a person would, then compare."""
    run("render", "--out", str(VIDEO), "--seconds", "10", "--fps", "100", "--seed", "7")
    run("analyze", str(VIDEO), "--out", str(OUT))
    truth = json.loads(VIDEO.with_suffix(".json").read_text(encoding="utf-8"))["events"]
    with (OUT / VIDEO.stem / "intervals.csv").open(newline="", encoding="utf-8") as file:
        compare(truth, list(csv.DictReader(file)))
    print(f"report: {(OUT / VIDEO.stem / 'report.html').resolve()}")


def run(*arguments: str) -> None:
    """Show a command of mien, and run it."""
    print("$ mien", *arguments, flush=True)
    subprocess.run([sys.executable, "-m", "mien", *arguments], check=True)


def compare(truth: list[dict], found: list[dict[str, str]]) -> None:
    """Print each performed micro-expression with the interval that overlaps it most, then the false alarms."""
    print(f"\n{'performed':42}{'found':18}read as")
    hits = [max(found, key=lambda row: overlap_s(event, row), default=None) for event in truth]
    hits = [row if row and overlap_s(event, row) > 0 else None for event, row in zip(truth, hits, strict=True)]
    for event, row in zip(truth, hits, strict=True):
        units = "+".join(f"AU{unit}" for unit in event["action_units"])
        done = f"{span(event)} {event['emotion']} {units}"
        print(f"{done:42}{span(row) if row else 'missed':18}{reading(row) if row else ''}".rstrip())
    alarms = [row for row in found if row not in hits]
    for row in alarms:
        print(f"{'nothing':42}{span(row):18}{reading(row)}".rstrip())
    hit = sum(row is not None for row in hits)
    print(f"\n{hit} of {len(truth)} micro-expressions found, {len(alarms)} false alarms\n")


def overlap_s(event: dict, row: dict[str, str]) -> float:
    """Return how long both last at once; negative when they do not meet."""
    return min(event["offset_s"], float(row["offset_s"])) - max(event["onset_s"], float(row["onset_s"]))


def span(times: dict) -> str:
    """Format onset to offset in seconds."""
    return f"{float(times['onset_s']):5.2f}-{float(times['offset_s']):5.2f} s"


def reading(row: dict[str, str]) -> str:
    """Format emotion and confidence, where there is one."""
    return f"{row['emotion']} {format_probability(float(row['confidence']))}" if row["emotion"] else "not read"


if __name__ == "__main__":
    main()
