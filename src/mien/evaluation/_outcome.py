"""What a run leaves: its folds joined, scored, and shown beside published numbers."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mien.core import MienWarning, Prediction, atomic_path
from mien.evaluation._data import Labelled
from mien.evaluation._explain import looks
from mien.evaluation._folds import FoldResult, Plan, fold_file, look_file, peak_memory_mb, read_fold
from mien.methods import Published, published
from mien.protocols import Fold, protocol_leaks, score, write_predictions
from mien.recipes import Recipe
from mien.reports import Look, write_evaluation_report

__all__ = ["Task", "finish", "read_task"]

# The corpora of the composite (See et al. 2019), each with the label map that gives its share of it.
MEGC_SHARES = {"casme2": "casme2_3_megc", "samm": "samm3", "smic": "smic3"}

Task = tuple[int, Fold]


def finish(plan: Plan, data: Labelled, tasks: Sequence[Task], run: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    """Join the folds, score them, write what the run leaves; return the scores."""
    results = [read_task(plan, data, task) for task in tasks]
    predictions = _predictions(plan, data, results)
    for note in sorted({note for result in results for note in result.notes}):
        warnings.warn(note, MienWarning, stacklevel=3)
    scores = score(predictions) | _costs(results)
    if plan.shuffle_labels:
        scores["control"] = "trained on labels shuffled within each training subject"
    leak = protocol_leaks(run["protocol"])
    if leak and leak not in scores["leaks"]:
        scores["leaks"].append(leak)
    write_predictions(plan.folder / "predictions.csv", predictions)
    with atomic_path(plan.folder / "scores.json") as path:
        path.write_text(json.dumps(scores, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    write_evaluation_report(
        plan.folder / "report.html",
        scores=scores,
        run=run,
        predictions=predictions,
        published=_comparable(data, run["protocol"], plan.method),
        looks=_looks(plan, data, tasks, recipe),
    )
    return scores


def _looks(plan: Plan, data: Labelled, tasks: Sequence[Task], recipe: Recipe) -> list[Look]:
    """Where the network looked, of the first seed."""
    first = [(seed, fold) for seed, fold in tasks if seed == tasks[0][0]]
    return looks((look_file(plan.folder, seed, fold.name) for seed, fold in first), data, plan.explain, recipe)


def _comparable(data: Labelled, protocol: str, method: str) -> list[dict[str, Any]]:
    """Published numbers of the same protocol, corpora and classes; of other methods no ablations."""
    corpora = {sample.dataset for sample in data.samples}
    here = corpora | ({"megc2019"} if corpora == set(MEGC_SHARES) else set())
    rows = [row for row in published() if row.protocol == protocol and row.corpus in here and _same_classes(row, data)]
    return [
        asdict(row) | {"note": "; ".join(filter(None, (row.variant, row.note, _training(row, corpora))))}
        for row in rows
        if not row.variant or row.method == method
    ]


def _same_classes(row: Published, data: Labelled) -> bool:
    """As many classes by the same label map; a share of the composite has two names for it."""
    share = {"megc2019", MEGC_SHARES.get(row.corpus, "megc2019")}
    same = row.labels == data.labels or {row.labels, data.labels} <= share
    return same and row.classes == len(data.classes)


def _training(row: Published, corpora: set[str]) -> str:
    """Say so where a published number comes from training on other corpora than this run's."""
    theirs = set(MEGC_SHARES) if row.labels == "megc2019" else {row.corpus}
    return "" if theirs == corpora else f"trained on {', '.join(sorted(theirs))}; here on {', '.join(sorted(corpora))}"


def read_task(plan: Plan, data: Labelled, task: Task) -> FoldResult:
    """Read a finished fold; raise :class:`MienError` if its file is broken or of another run."""
    seed, fold = task
    ids = [data.samples[row].sample_id for row in fold.test]
    return read_fold(fold_file(plan.folder, seed, fold.name), plan.key, ids)


def _predictions(plan: Plan, data: Labelled, results: Sequence[FoldResult]) -> list[Prediction]:
    """All predictions, joined to the samples by id, sorted by seed and id."""
    rows = {sample.sample_id: row for row, sample in enumerate(data.samples)}
    found = []
    for result in results:
        for sample_id, predicted, probabilities in zip(
            result.sample_ids, result.predicted, result.probabilities, strict=True
        ):
            row = rows[sample_id]
            sample = data.samples[row]
            found.append(
                Prediction(
                    dataset=sample.dataset,
                    subject=sample.subject,
                    sample_id=sample_id,
                    fold=result.fold,
                    seed=result.seed,
                    selection=plan.select,
                    truth=data.classes[data.targets[row]],
                    predicted=data.classes[predicted],
                    probabilities=dict(zip(data.classes, probabilities, strict=True)),
                )
            )
    return sorted(found, key=lambda prediction: (prediction.seed, prediction.sample_id))


def _costs(results: Sequence[FoldResult]) -> dict[str, Any]:
    """What only a run knows: parameters, time per sample, memory of the largest process, time of all folds, the GPU."""
    peaks = [peak for peak in (*(result.peak_memory_mb for result in results), peak_memory_mb()) if peak is not None]
    return {
        "parameters": results[0].parameters,
        "latency_ms": sorted(result.latency_ms for result in results)[len(results) // 2],
        "peak_memory_mb": max(peaks, default=None),
        "folds_s": sum(result.seconds or 0.0 for result in results),
        **_gpu_costs(results),
    }


def _gpu_costs(results: Sequence[FoldResult]) -> dict[str, float]:
    """Memory of the largest fold on a GPU, and the median of training clips per second; nothing on the processor."""
    peaks = [result.gpu_memory_mb for result in results if result.gpu_memory_mb is not None]
    rates = sorted(result.samples_per_s for result in results if result.samples_per_s is not None)
    return ({"gpu_memory_mb": max(peaks)} if peaks else {}) | (
        {"samples_per_s": rates[len(rates) // 2]} if rates else {}
    )
