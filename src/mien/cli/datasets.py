"""``mien datasets``, with ``check``, ``fixture`` and ``render``: what can be read, and trees to try things on."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from mien.cli._app import app
from mien.cli._bar import bar
from mien.cli._parse import width_height
from mien.core import MienError

if TYPE_CHECKING:
    from mien.datasets import Dataset

_HELP = "List the datasets, check a copy, build a fixture, or render a corpus."

datasets_app = typer.Typer(invoke_without_command=True, help=_HELP)
app.add_typer(datasets_app, name="datasets")


@datasets_app.callback()
def datasets_command(context: typer.Context) -> None:
    """List the datasets, check a copy, build a fixture, or render a corpus."""
    from mien.datasets import DATASETS

    if context.invoked_subcommand is None:
        for name in DATASETS:
            print("\n  ".join(_described(DATASETS[name])))


@datasets_app.command("check")
def check_command(
    name: str = typer.Argument(..., help="A name from 'mien datasets'."),
    root: Path = typer.Argument(..., help="Your copy."),
    deep: bool = typer.Option(False, "--deep", help="Decode every frame instead of reading headers."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON document."),
) -> None:
    """Find what is wrong with a copy on disk. Exit status 2 if something makes results wrong."""
    from mien.datasets import check

    with bar("clips") as advance:
        findings = check(name, root, deep=deep, advance=advance)
    levels = Counter(finding.level for finding in findings)
    clean = not (levels["error"] or levels["warning"])
    if as_json:
        document = {"dataset": name, "root": str(root), "clean": clean, "findings": [asdict(one) for one in findings]}
        print(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        for finding in findings:
            print(finding)
        counts = next((finding.what for finding in findings if finding.code == "counts"), "")
        verdict = "clean: " if clean else f"{_many(levels['error'], 'error')}, {_many(levels['warning'], 'warning')}; "
        print(verdict + counts)
    if levels["error"]:
        raise typer.Exit(2)


@datasets_app.command("fixture")
def fixture_command(
    name: str = typer.Argument(..., help="A corpus from 'mien datasets'."),
    annotations: Path = typer.Option(..., "--annotations", help="The corpus's annotation table, or its folder."),
    out: Path = typer.Option(..., "--out", help="A new folder."),
    limit: int | None = typer.Option(None, help="So many clips, spread over subjects and classes; default: all."),
    size: str | None = typer.Option(None, help="WIDTHxHEIGHT of the frames; default: 128 px high."),
    seed: int = typer.Option(0, help="The same seed gives the same frames."),
    layout: str | None = typer.Option(None, help="Which of the corpus's layouts; default: the first."),
) -> None:
    """Build a small tree in a corpus's real layout from its real table, with rendered frames."""
    from mien.datasets import write_fixture

    shape = None if size is None else width_height(size)
    with bar("folders") as advance:
        made = write_fixture(name, annotations, out, limit=limit, size=shape, seed=seed, layout=layout, advance=advance)
    print(f"{made.root}: {made.samples} clips of {made.subjects} subjects, {made.frames} rendered frames")


@datasets_app.command("render")
def render_command(
    out: Path = typer.Option(..., "--out", help="A new folder, to read as the dataset synthetic-faces."),
    portraits: Path | None = typer.Option(
        None, help="A folder of pictures, each of another person; default: scikit-image's astronaut, varied."
    ),
    people: int | None = typer.Option(None, help="How many; default: 12, or all that the portraits show."),
    clips: int = typer.Option(9, help="Of each person; the classes take turns."),
    fps: float = typer.Option(100.0, help="Frames per second."),
    intensity_px: str | None = typer.Option(
        None, "--intensity-px", help="LOW,HIGH: largest displacement at a 128-px face; default: 1.0,1.5."
    ),
    noise: float = typer.Option(1.2, help="Sensor noise, grey levels."),
    head: bool = typer.Option(True, "--head/--no-head", help="Whether heads sway."),
    depth: bool = typer.Option(False, "--depth", help="Write depth maps too."),
    lossless: bool = typer.Option(False, "--lossless", help="Write PNG instead of JPEG."),
    zero_amplitude: bool = typer.Option(
        False, "--zero-amplitude", help="The very same clips, but the skin does not move."
    ),
    prototypes: bool = typer.Option(
        False, "--prototypes", help="Only FACS's prototypes, whose class is sure; default: what people do."
    ),
    natural: bool = typer.Option(
        False, "--natural", help="Strengths and sides as varied as in the motion maps that mien generates."
    ),
    seed: int = typer.Option(0, help="The same seed gives the same files."),
    jobs: int | None = typer.Option(None, help="Processes; default: one per core."),
) -> None:
    """Render a corpus of raw frames with known truth: people made of portraits, in CASME II's layout."""
    from mien.synthesis import render_corpus

    with bar("clips") as advance:
        root = render_corpus(
            out,
            portraits=portraits,
            people=people,
            clips_per_person=clips,
            fps=fps,
            intensity_px=None if intensity_px is None else _low_high(intensity_px),
            seed=seed,
            noise=noise,
            quality=None if lossless else 95,
            head=head,
            depth=depth,
            zero_amplitude=zero_amplitude,
            prototypes=prototypes,
            natural=natural,
            jobs=jobs,
            advance=advance,
        )
    print(f"{root / 'annotations.csv'}\n{root / 'truth.json'}")


def _low_high(text: str) -> tuple[float, float]:
    """The two numbers of ``1.0,1.5``."""
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise MienError(f"got the intensities '{text}'; expected LOW,HIGH, like 1.0,1.5; correct it") from None
    return low, high


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _described(entry: Dataset) -> Iterator[str]:
    """The lines that introduce a dataset."""
    from mien.datasets import Corpus

    yield f"{entry.name}: {entry.title}"
    yield f"classes: {', '.join(entry.classes)}"
    maps: tuple[str, ...] = (entry.labels,)
    if isinstance(entry, Corpus):
        yield f"published: {', '.join(f'{count} {name}' for name, count in entry.published.items())}"
        yield f"layouts: {'; '.join(layout.name for layout in entry.layouts)}"
        if entry.errata:
            yield f"errata (evaluate --errata): {', '.join(entry.errata)}"
        maps = tuple(dict.fromkeys((*maps, *entry.label_maps)))
    for name in maps:
        yield from _mapped(entry, name)
    yield f"obtain: {entry.obtain}"
    yield f"cite: {entry.citation}"


def _mapped(entry: Dataset, labels: str) -> Iterator[str]:
    """A label map with the clips that it puts into each class, once per coding."""
    from mien.datasets import label_counts
    from mien.protocols import label_map

    title = f"labels: {labels}{' (default)' if labels == entry.labels else ''}"
    counts = label_counts(entry.name, labels)
    if not counts:
        yield f"{title}: {', '.join(label_map(labels).classes)}"
    for coding, classes in counts.items():
        said = f" with the coding of {coding}" if len(counts) > 1 else ""
        shares = ", ".join(f"{name} {count}" for name, count in classes.items())
        yield f"{title}{said}: {sum(classes.values())} clips: {shares}"
