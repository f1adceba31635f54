"""The rows of a study: ours, the published numbers, what each method costs."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mien.core import atomic_path
from mien.evaluation.studies._plan import Row
from mien.evaluation.studies._study import OURS, Study
from mien.methods import METHODS

__all__ = ["COSTS", "difference", "table_row", "write_csv"]

COSTS = ("parameters", "latency_ms", "peak_memory_mb", "folds_s")


def difference(study: Study, dataset: str, labels: str, protocol: str, *, small: bool) -> str:
    """Say in one sentence how the published numbers came about, and how ours."""
    theirs = study.labels_for(dataset, labels)
    if study.quoted_corpus:
        published = f"Published for {study.quoted_corpus}, of which {dataset} may hold a part: {study.protocol}"
    elif theirs is None:
        published = f"Published for {', '.join(study.corpora)}, not for {dataset}: {study.protocol}"
    else:
        published = f"Published ({theirs}): {study.protocol}"
    here = f"here ({labels}, {protocol}): the last epoch, nothing chosen on a test subject, predictions pooled and "
    here += "then scored, F1 as the mean over classes"
    small_too = ", small presets instead of the paper's" if small else ""
    return f"{published}; {here}{small_too}."


def table_row(
    study: Study, row: Row, dataset: str, labels: str, scores: Mapping[str, Any] | None, failure: str, *, small: bool
) -> dict[str, Any]:
    """Return a row of the table as JSON."""
    quotes = study.quotes(row.arm, dataset, labels)
    state = "done" if scores else "not built" if not row.preset else "failed" if failure else "to do"
    return {
        "row": row.arm.row,
        "method": row.arm.method,
        "preset": row.preset,
        "run": row.run if row.preset else None,
        "state": state,
        "note": failure or _note(row, small=small),
        "scores": {metric: _interval(scores, OURS.get(metric, metric)) for metric in study.metrics if scores},
        "published": {
            metric: {"value": quote.value, "suspect": quote.suspect, "source": quote.source, "note": quote.note}
            for metric, quote in sorted(quotes.items(), key=lambda item: study.metrics.index(item[0]))
        },
    } | {name: scores.get(name) if scores else None for name in COSTS}


def _note(row: Row, *, small: bool) -> str:
    if row.preset is None:
        known = row.arm.method in METHODS
        return f"no preset of {row.arm.method} for it" if known else "its method is not built here"
    if small and row.arm.small != row.arm.preset and row.arm.small:
        return f"the preset '{row.preset}' in place of '{row.arm.preset}', which has no small form"
    return ""


def _interval(scores: Mapping[str, Any], name: str) -> dict[str, float]:
    low, high = scores["ci95"][name]
    return {"value": scores[name], "low": low, "high": high}


def write_csv(path: Path, document: Mapping[str, Any]) -> None:
    """Write one line per row: ours with its 95 % interval, published, costs."""
    rows = [dict(_columns(row, document["metrics"])) for row in document["rows"]]
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _columns(row: Mapping[str, Any], metrics: list[str]) -> Iterator[tuple[str, Any]]:
    yield from ((name, row[name]) for name in ("row", "method", "preset", "state"))
    for metric in metrics:
        ours, theirs = row["scores"].get(metric, {}), row["published"].get(metric, {})
        yield from (
            (f"{metric}{end}", ours.get(key)) for end, key in (("", "value"), ("_low", "low"), ("_high", "high"))
        )
        yield f"{metric}_published", theirs.get("value")
        yield f"{metric}_suspect", theirs.get("suspect")
    yield from ((name, row[name]) for name in (*COSTS, "note"))
