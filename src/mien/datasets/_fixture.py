"""A small copy of a corpus that anyone may have: its real table, its real folders, and rendered frames.

The face is scikit-image's ``astronaut`` (NASA, public domain). Every subject is this portrait with other proportions
and light; every clip performs the action units of its row from onset over apex to offset. So adapters, the doctor and
whole evaluations are tested on real tables and layouts without one real face.
"""

from __future__ import annotations

import json
import shutil
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from mien.core import MienError, MienWarning, Sample, atomic_folder
from mien.datasets._corpus import Corpus, Layout, find_table
from mien.datasets._dataset import DATASETS, check_unique
from mien.datasets._film import film
from mien.datasets._long import micro_samples
from mien.datasets._subset import write_subset

__all__ = ["MARK", "Fixture", "spread", "write_fixture"]

MARK = "FIXTURE.json"
"""Stands in the root of every fixture: what it is, and the counts that the doctor expects of it."""

COMPOSITES = {"megc2019": ("casme2", "smic", "samm")}
"""Datasets made of corpora; their fixture is one of each, from a folder with all tables."""

BESIDE = {"casme2": "CASME2-ObjectiveClasses.xlsx", "samm-lv": "SAMM*Micro_FACS_Codes*.xlsx"}
"""A second table that a corpus's reader looks for beside the first."""

HEIGHT = 128
"""Default height of the frames, pixels."""

_MARGIN = 20  # frames of a long video shown before and after each interval

Advance = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Fixture:
    """What was written.

    Attributes
    ----------
    root : Path
        What to give as ``--root``.
    samples, subjects, frames : int
        Counts.
    """

    root: Path
    samples: int
    subjects: int
    frames: int


def write_fixture(
    name: str,
    annotations: Path | str,
    out: Path | str,
    *,
    limit: int | None = None,
    size: tuple[int, int] | None = None,
    seed: int = 0,
    layout: str | None = None,
    advance: Advance | None = None,
) -> Fixture:
    """Build a small tree in a corpus's real layout from its real annotation table.

    Of long videos only the annotated intervals, macro and micro, and 20 frames around them are rendered, under the
    numbers that the table gives them: the pauses between are missing.

    Parameters
    ----------
    name : str
        A corpus in ``DATASETS``.
    annotations : path
        The corpus's annotation table, or the folder that holds it (for the composite: all three).
    out : path
        A new folder. The table is copied there; with ``limit``, only the rows of the clips chosen.
    limit : int, optional
        So many clips (of the composite: of each corpus), spread over subjects and classes; by default all. Of long
        videos: so many micro-expressions, and the macro-expressions of the same videos.
    size : (int, int), optional
        Width and height of the frames; by default 128 px high in the proportions of the distributed frames.
    seed : int
        Seed of looks, intensities and, where a row names no action unit that is modelled, of what is performed.
    layout : str, optional
        Which of the corpus's layouts; by default the first.
    advance : callable, optional
        Called with the number of folders done, and of all.

    Raises
    ------
    MienError
        For a dataset without a layout of frames, an unknown layout, a broken table, a folder that is taken, or
        impossible numbers.
    """
    out = Path(out)
    _check(out, limit, size, seed)
    parts = [_corpus(part) for part in COMPOSITES.get(name, (name,))]
    if layout is not None and len(parts) > 1:
        raise MienError(f"got the layout '{layout}' for '{name}'; expected none: its corpora have their own; drop it")
    frames = 0
    with atomic_folder(out) as root:
        for corpus in parts:
            folder = root / corpus.name if len(parts) > 1 else root
            folder.mkdir(exist_ok=True)
            table, chosen = _table(corpus, Path(annotations)), _layout(corpus, layout)
            frames += _build(corpus, table, folder, chosen, limit, size or _small(chosen), seed, advance)
        with _quiet():
            samples = DATASETS[name].read(root)
        _mark(root, name, samples, frames, seed)
    return Fixture(out, len(samples), len({sample.subject for sample in samples}), frames)


def spread(samples: Sequence[Sample], limit: int) -> list[Sample]:
    """Choose ``limit`` clips over subjects and classes, about as many subjects as clips of each; order is kept.

    Subjects who show more classes come first, so that few of them show most classes, each by several people.

    Examples
    --------
    >>> from mien.core import Source
    >>> clips = [
    ...     Sample("x", f"x/{s}", f"x/{s}/{e}", e, Source("frames", Path())) for s in "abc" for e in ("sad", "shy")
    ... ]
    >>> [sample.sample_id for sample in spread(clips, 4)]
    ['x/a/sad', 'x/a/shy', 'x/b/sad', 'x/b/shy']
    """
    waiting: dict[str, list[Sample]] = {}
    for sample in samples:
        waiting.setdefault(sample.subject, []).append(sample)
    subjects = sorted(waiting, key=lambda s: (-len({c.emotion for c in waiting[s]}), -len(waiting[s]), s))
    count = max(2, round(limit**0.5))
    while count < len(subjects) and sum(len(waiting[subject]) for subject in subjects[:count]) < limit:
        count += 1
    shown: Counter[str] = Counter()
    chosen: set[str] = set()
    while len(chosen) < min(limit, len(samples)):
        for subject in [s for s in subjects[:count] if waiting[s]][: limit - len(chosen)]:
            sample = min(waiting[subject], key=lambda clip: shown[clip.emotion])
            waiting[subject].remove(sample)
            shown[sample.emotion] += 1
            chosen.add(sample.sample_id)
    return [sample for sample in samples if sample.sample_id in chosen]


def _check(out: Path, limit: int | None, size: tuple[int, int] | None, seed: int) -> None:
    if limit is not None and limit < 1:
        raise MienError(f"got a limit of {limit}; expected at least one clip; change --limit")
    if size is not None and (min(size) < 48 or max(size) > 4096):
        raise MienError(f"got the size {size[0]}x{size[1]}; expected 48x48 to 4096x4096 px; change --size")
    if seed < 0:
        raise MienError(f"got the seed {seed}; expected a whole number from 0; change --seed")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise MienError(f"got '{out}', where something is; expected a new or empty folder; choose another")


def _corpus(name: str) -> Corpus:
    corpus = DATASETS[name]
    if not isinstance(corpus, Corpus):
        raise MienError(
            f"got '{name}', which has no annotation table and folders of its own; "
            "expected a corpus of frames; see 'mien datasets'"
        )
    return corpus


def _table(corpus: Corpus, annotations: Path) -> Path:
    if annotations.is_dir():
        return find_table(annotations, corpus)
    if not any(fnmatch(annotations.name, pattern) for pattern in corpus.tables):
        raise MienError(
            f"got the table '{annotations}' for {corpus.name}; expected a file named like "
            f"{' or '.join(corpus.tables)}; rename it, or name the right corpus"
        )
    return annotations


def _layout(corpus: Corpus, name: str | None) -> Layout:
    known = {layout.name: layout for layout in corpus.layouts}
    if name is not None and name not in known:
        raise MienError(f"got the layout '{name}' of {corpus.name}; expected {' or '.join(known)}; choose one")
    return known[name] if name else corpus.layouts[0]


def _small(layout: Layout) -> tuple[int, int]:
    width, height = layout.size
    return max(round(HEIGHT * width / height), 48), HEIGHT


def _build(
    corpus: Corpus,
    table: Path,
    root: Path,
    layout: Layout,
    limit: int | None,
    size: tuple[int, int],
    seed: int,
    advance: Advance | None,
) -> int:
    """Write table and frames of one corpus; return how many frames."""
    rows = _rows(corpus, table)
    with _quiet():
        kept = list(range(len(rows))) if limit is None else _kept(corpus, table, layout, rows, limit)
    write_subset(table, root / table.name, len(rows), kept)
    for companion in table.parent.glob(BESIDE[corpus.name]) if corpus.name in BESIDE else ():
        shutil.copyfile(companion, root / companion.name)
    chosen = [rows[row] for row in kept]
    if [sample.sample_id for sample in _rows(corpus, root / table.name)] != [sample.sample_id for sample in chosen]:
        raise MienError(
            f"got '{table}', whose clips are not its last {len(rows)} rows; expected one row per clip, and nothing "
            "below them; build the fixture without --limit"
        )
    folders: dict[str, list[Sample]] = {}
    for sample in chosen:
        folders.setdefault(layout.folder(sample), []).append(sample)
    frames = 0
    for done, (folder, clips) in enumerate(folders.items(), 1):
        frames += film(root / folder, layout, clips, size, seed, margin=_MARGIN if corpus.parse_long else 0)
        if advance:
            advance(done, len(folders))
    return frames


def _rows(corpus: Corpus, table: Path) -> list[Sample]:
    """What every row of the table says, in its order; of long videos macro-expressions too."""
    assert corpus.parse is not None
    with _quiet():
        if corpus.parse_long is None:
            samples = corpus.parse(table)
            check_unique(samples, table)
            return samples
        found = [(video, replace(interval, kind="micro")) for video, interval in corpus.parse_long(table)]
        return micro_samples(found, {}, corpus.fps)


def _kept(corpus: Corpus, table: Path, layout: Layout, rows: Sequence[Sample], limit: int) -> list[int]:
    """Rows of the clips that :func:`spread` chooses; of long videos also those of macro-expressions beside them."""
    if corpus.parse_long is None:
        ids = {sample.sample_id for sample in spread(rows, limit)}
        return [number for number, row in enumerate(rows) if row.sample_id in ids]
    kinds = [interval.kind for _, interval in corpus.parse_long(table)]
    micro = [row for row, kind in zip(rows, kinds, strict=True) if kind == "micro"]
    chosen = spread(micro, limit)
    ids = {sample.sample_id for sample in chosen}
    videos = {layout.folder(sample) for sample in chosen}
    return [
        number
        for number, (row, kind) in enumerate(zip(rows, kinds, strict=True))
        if (row.sample_id in ids if kind == "micro" else layout.folder(row) in videos)
    ]


@contextmanager
def _quiet() -> Iterator[None]:
    """Remarks on the table are the doctor's business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MienWarning)
        yield


def _mark(root: Path, name: str, samples: Sequence[Sample], frames: int, seed: int) -> None:
    content = {
        "what": "a rendered stand-in for tests: the corpus's table and folders, but no real face",
        "dataset": name,
        "seed": seed,
        "frames": frames,
        "samples": len(samples),
        "subjects": len({sample.subject for sample in samples}),
        "emotions": dict(sorted(Counter(sample.emotion for sample in samples).items())),
    }
    (root / MARK).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
