"""The report of an evaluation: one HTML file from the saved predictions and scores."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from mien.core import FloatArray, Prediction, UInt8Array
from mien.protocols.metrics import HEADLINES
from mien.reports._page import write_page
from mien.reports._pictures import heat_picture, motion_scale, photograph
from mien.reports.figures import confusion_figure, interval_figure

__all__ = ["Look", "write_evaluation_report"]

HARDEST = 20
ONLY_A_RUN_KNOWS = ("parameters", "latency_ms", "peak_memory_mb")
BASELINES = {"majority": "always the most frequent class", "guessing": "guessing evenly"}
HONEST = {
    "last": "The last epoch is reported: nothing was chosen by looking at a test subject.",
    "inner": "A split by subject inside the training subjects chose the epoch: no test subject chose anything.",
    "": "Nothing was trained here: a finished model read every sample.",
}


BY = {
    "attention": "The maps are the network's own attention: what it let through, whatever the class.",
    "Grad-CAM": "The maps are Grad-CAM (Selvaraju et al. 2017): what spoke for the class that was predicted.",
}
ROWS, COLUMNS = ("top", "middle", "bottom"), ("left", "centre", "right")


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """Where the network looked in one test clip.

    Attributes
    ----------
    sample_id, truth, predicted : str
        Which clip, and what it was taken for.
    picture : uint8 array, (H, W, 3)
        What the map lies over, cut out as the network's input is.
    heat : float array, (h, w)
        0 where it looked least, 1 where it looked most; all 0 if nowhere.
    by : {"attention", "Grad-CAM"}
        What the map was made by.
    is_map : bool
        Whether the picture is a ready motion map; else the apex frame.
    """

    sample_id: str
    truth: str
    predicted: str
    picture: UInt8Array
    heat: FloatArray
    by: str
    is_map: bool = False


def write_evaluation_report(
    path: Path | str,
    *,
    scores: Mapping[str, Any],
    run: Mapping[str, Any],
    predictions: Sequence[Prediction],
    published: Sequence[Mapping[str, Any]] = (),
    looks: Sequence[Look] = (),
) -> Path:
    """Write the report of an evaluation as one HTML file that opens offline.

    Parameters
    ----------
    path : Path or str
        The file to write.
    scores : mapping
        The scores document (:func:`mien.protocols.score`, or ``scores.json``).
    run : mapping
        The settings (``run.json``). ``method``, ``dataset``, ``protocol`` and ``labels`` make the heading, ``versions``
        a table of its own; everything else is listed.
    predictions : sequence of Prediction
        What was scored.
    published : sequence of mapping
        Published numbers of the same protocol: ``method``, ``corpus``, ``metric``, ``value``, ``source``, and
        optionally ``note``, ``suspect``.
    looks : sequence of Look
        Where the network looked in a few of the clips, all by the same means; without any, nothing is said of it.

    Returns
    -------
    Path
        The file.

    Examples
    --------
    >>> import tempfile
    >>> from mien.protocols import score
    >>> rows = [
    ...     Prediction("smic", f"smic/s{i}", f"smic/s{i}/a", f"smic/s{i}", 0, "last", truth, "negative")
    ...     for i, truth in enumerate(["negative", "negative", "positive"])
    ... ]
    >>> folder = Path(tempfile.mkdtemp())
    >>> run = {"method": "flow-svm", "dataset": "smic"}
    >>> write_evaluation_report(folder / "report.html", scores=score(rows), run=run, predictions=rows).name
    'report.html'
    """
    baselines = scores["baselines"]
    datasets = scores["by_dataset"] if len(scores["by_dataset"]) > 1 else {}
    settings = {name: value for name, value in run.items() if name != "versions"}
    settings |= {name: scores[name] for name in ONLY_A_RUN_KNOWS if name in scores}
    return write_page(
        path,
        "evaluation.html",
        title=f"{run.get('method', 'A method')} on {run.get('dataset', ', '.join(scores['by_dataset']))}",
        subtitle=_subtitle(scores, run),
        scores=scores,
        headlines=HEADLINES,
        datasets=datasets,
        cards=[_card(name, scores, baselines) for name in HEADLINES],
        majority=baselines["majority"],
        baselines=dict(_baselines({"": scores, **datasets})),
        selection_sentence=HONEST.get(
            scores["selection"], "" if scores["leaks"] else f"Selection: {scores['selection']}."
        ),
        published=sorted((_beside(row, scores, run) for row in published), key=lambda row: not row["same_method"]),
        figures=list(_confusions({"all": scores, **datasets})),
        hardest=_hardest(predictions),
        hardest_sentence=_hardest_sentence(predictions),
        looks=[_look(look) for look in looks],
        looked_by=BY[looks[0].by] if looks else "",
        heat_scale=motion_scale() if looks else "",
        subjects=sorted(scores["by_subject"].items(), key=lambda item: (item[1]["accuracy"], -item[1]["n"], item[0])),
        settings=dict(_flat(settings)),
        versions=dict(_flat(run.get("versions", {}))),
    )


def _subtitle(scores: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """Protocol, labels and sizes in one line."""
    parts = [f"{name} {run[name]}" for name in ("protocol", "labels") if run.get(name)]
    parts += [f"{scores['n']:g} samples", f"{len(scores['by_subject'])} subjects", f"{len(scores['classes'])} classes"]
    return " · ".join([*parts, f"seeds {', '.join(scores['seeds'])}"])


def _baselines(documents: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, float]]]:
    """What needs no model, pooled and per corpus."""
    for name, document in documents.items():
        for kind, what in BASELINES.items():
            yield f"{what}, {name}" if name else what, document["baselines"][kind]


def _card(name: str, scores: Mapping[str, Any], baselines: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """One headline score with its interval, its spread over seeds and the baselines."""
    by_seed = [document[name] for document in scores["seeds"].values()]
    low, high = scores["ci95"][name]
    marks = {label: baseline[name] for label, baseline in baselines.items()}
    return {
        "label": HEADLINES[name][:1].upper() + HEADLINES[name][1:],
        "value": scores[name],
        "interval": (low, high),
        "spread": stdev(by_seed) if len(by_seed) > 1 else None,
        "marks": marks,
        "figure": interval_figure(scores[name], low, high, marks),
    }


def _beside(row: Mapping[str, Any], scores: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """A published number and ours of the same corpus and metric, where there is one."""
    corpus = row["corpus"]
    pooled = corpus == run.get("dataset") or (corpus == "megc2019" and len(scores["by_dataset"]) > 1)
    document = scores["by_dataset"].get(corpus, scores if pooled else {})
    ours = document.get(str(row["metric"]).lower())
    known = {"value": float(row["value"]), "ours": ours, "same_method": row["method"] == run.get("method")}
    return {"note": "", "suspect": False} | dict(row) | known


def _confusions(documents: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    """Counts and shares of each confusion matrix."""
    for name, document in documents.items():
        for what, normalise in (("counts", False), ("share of each true class", True)):
            caption = f"{name}: {what}" if len(documents) > 1 else what.capitalize()
            figure = confusion_figure(document["confusion"], document["classes"], caption, normalise=normalise)
            yield {"caption": caption, "svg": figure}


def _hardest(predictions: Sequence[Prediction]) -> list[dict[str, Any]]:
    """The samples whose truth was given the least probability (or that were wrong in most seeds), over all seeds."""
    by_sample: dict[str, list[Prediction]] = defaultdict(list)
    for row in predictions:
        by_sample[row.sample_id].append(row)
    samples: list[dict[str, Any]] = [
        {
            "sample_id": name,
            "truth": rows[0].truth,
            "predicted": Counter(row.predicted for row in rows).most_common(1)[0][0],
            "p_truth": fmean(row.probabilities[row.truth] for row in rows) if rows[0].probabilities else None,
            "wrong": sum(row.predicted != row.truth for row in rows),
            "seeds": len(rows),
        }
        for name, rows in by_sample.items()
    ]
    wrong = [sample for sample in samples if sample["wrong"]]
    return sorted(wrong, key=lambda s: (s["p_truth"] or 0, -s["wrong"] / s["seeds"], s["sample_id"]))[:HARDEST]


def _hardest_sentence(predictions: Sequence[Prediction]) -> str:
    if not any(row.predicted != row.truth for row in predictions):
        return "No sample was read wrongly."
    order = "least probability of the truth first" if predictions[0].probabilities else "no probabilities were saved"
    return (
        f"Up to {HARDEST} samples that were read wrongly, {order}; of several seeds the mean and the commonest answer."
    )


def _look(look: Look) -> dict[str, Any]:
    """One clip's pair of pictures, and in words where the map is strongest."""
    row, column = np.unravel_index(int(look.heat.argmax()), look.heat.shape)
    place = ROWS[3 * int(row) // len(look.heat)], COLUMNS[3 * int(column) // look.heat.shape[1]]
    return {
        "sample_id": look.sample_id,
        "truth": look.truth,
        "predicted": look.predicted,
        "what": "Motion map" if look.is_map else "Apex frame",
        "plain": photograph(look.picture),
        "heat": heat_picture(look.picture, look.heat),
        "strongest": " ".join(dict.fromkeys(place)) if look.heat.any() else "nowhere",
    }


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested settings as lines: ``training.epochs`` and its value."""
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{name}", ", ".join(map(str, value))
        else:
            yield f"{prefix}{name}", "–" if value is None else str(value)
