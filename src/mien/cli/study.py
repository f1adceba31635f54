"""``mien study``: a table of a paper, ours beside the published numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from mien.cli._app import app
from mien.core import MienError

MOST_PAIRS = 15
TITLES = {"accuracy": "accuracy", "f1": "F1", "uf1": "UF1", "uar": "UAR"}


@app.command("study")
def study_command(
    name: str | None = typer.Argument(None, help="A study; without it, they are listed."),
    dataset: str | None = typer.Option(None, "--dataset", help="A name from 'mien datasets'."),
    root: Path | None = typer.Option(None, "--root", help="Your copy of the dataset."),
    out: Path | None = typer.Option(None, "--out", help="The folder of the study; the same again continues it."),
    small: bool = typer.Option(False, "--small", help="Smaller networks and fewer epochs than the paper's."),
    labels: str | None = typer.Option(None, help="Label map; default: the one the table was published for."),
    protocol: str = typer.Option("loso", help="loso, loo, kfold:N, lodo or holdout:NAME."),
    seeds: str = typer.Option("0", help="Like 0,1,2: each is a whole run."),
    jobs: int | None = typer.Option(None, help="Folds at a time; default: one per core."),
    apex: str = typer.Option("midpoint", help="Where no apex is annotated; as in 'mien evaluate'."),
    faces: str = typer.Option("dlib", help="dlib, retinaface, precropped, or a CSV or JSON file with landmarks."),
    errata: bool = typer.Option(False, "--errata", help="Apply the corpus's known corrections, by clip id."),
    device: str = typer.Option("auto", help="Where networks are trained: auto, cpu, cuda, cuda:1."),
    precision: str | None = typer.Option(
        None, help="Of a network's training: float32, bf16, fp16; default: the preset's."
    ),
    pretrained: Path | None = typer.Option(None, help="torchvision's weights for the backbone of adnet or a resnet."),
) -> None:
    """Run every row of a paper's table; print ours beside the published numbers."""
    from mien.cli.evaluate import _say, _seeds
    from mien.evaluation.studies import STUDIES, run_study

    if name is None:
        _list()
        return
    STUDIES[name]  # an unknown name is said before what else is missing
    if dataset is None or root is None or out is None:
        raise MienError(f"got the study '{name}' without all of --dataset, --root, --out; expected them; add them")
    document = run_study(
        name,
        dataset,
        root,
        out=out,
        small=small,
        labels=labels,
        protocol=protocol,
        seeds=_seeds(seeds),
        jobs=jobs,
        apex=apex,
        faces=faces,
        errata=errata,
        device=device,
        precision=precision,
        pretrained=pretrained,
        say=_say,
    )
    for line in _lines(document):
        print(line)
    for file in ("study.json", "study.csv", "study.png"):
        print(out / file)


def _list() -> None:
    from mien.evaluation.studies import STUDIES

    for name in STUDIES:
        study = STUDIES[name]
        built = sum(arm.preset_for(small=False) is not None for arm in study.arms)
        print(f"{name}: {study.table}; {built} of {len(study.arms)} rows; {', '.join(study.corpora)}")


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The table and what must be known to read it."""
    yield f"{document['study']} on {document['dataset']}, {document['n']} clips: {document['table']}"
    yield from _aligned([_head(document["metrics"]), *(_cells(row, document["metrics"]) for row in document["rows"])])
    yield from _pairs(document["pairs"])
    yield document["difference"]
    yield from document["notes"]
    suspects: dict[str, list[str]] = {}
    for row in document["rows"]:
        if row["note"]:
            yield f"{row['row']}: {row['note']}"
        for metric, quote in row["published"].items():
            if quote["suspect"]:
                suspects.setdefault(quote["note"], []).append(f"{row['row']} {TITLES[metric]}")
    yield from (f"? {', '.join(which)}: {note}" for note, which in suspects.items())


def _head(metrics: Sequence[str]) -> list[str]:
    scores = [text for metric in metrics for text in (f"{TITLES[metric]} [95 %]", "published")]
    return ["", *scores, "parameters", "latency ms", "memory MB", "minutes of folds"]


def _cells(row: Mapping[str, Any], metrics: Sequence[str]) -> list[str]:
    cells = [row["row"]]
    for metric in metrics:
        ours, theirs = row["scores"].get(metric), row["published"].get(metric)
        nothing = row["state"] if row["state"] != "not built" else "not built here"
        cells.append(f"{ours['value']:.3f} [{ours['low']:.2f}, {ours['high']:.2f}]" if ours else nothing)
        cells.append(f"{theirs['value']:g}{'?' if theirs['suspect'] else ''}" if theirs else "")
    parameters, latency, memory = row["parameters"], row["latency_ms"], row["peak_memory_mb"]
    cells.append("" if parameters is None else f"{parameters:,}")
    cells.append("" if latency is None else f"{latency:.1f}")
    cells.append("" if memory is None else f"{memory:.0f}")
    cells.append("" if row["folds_s"] is None else f"{row['folds_s'] / 60:.1f}")
    return cells


def _pairs(pairs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The paired tests, where they are few enough to read."""
    if len(pairs) > MOST_PAIRS:
        yield f"{len(pairs)} paired tests: in study.json"
        return
    for pair in pairs:
        low, high = pair["ci95"]["uf1"]
        difference = f"UF1 {pair['difference']['uf1']:+.3f} [{low:+.3f}, {high:+.3f}]"
        p, corrected = pair["permutation"]["p"], pair["permutation"].get("p_holm")
        holm = f" (Holm: {corrected:.4f})" if corrected is not None else ""
        yield f"{pair['b']} - {pair['a']}: {difference}, permutation of subjects p {p:.4f}{holm}"


def _aligned(table: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows as lines: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *rest in table:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        yield "  ".join([first.ljust(widths[0]), *cells]).rstrip()
