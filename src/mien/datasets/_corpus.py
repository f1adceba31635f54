"""What the corpora of frame folders share: find the table, find the layout, place the frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from mien.core import AnnotatedInterval, MienError, Sample, Source
from mien.datasets._dataset import Dataset, check_unique

__all__ = ["Corpus", "Layout", "find_layout", "find_table", "read_corpus"]


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which a corpus's frames lie on disk.

    Attributes
    ----------
    name : str
        ``raw``, ``cropped`` …
    folder : callable
        ``folder(sample) -> str``: the clip's folder below the root, with forward slashes.
    file : callable
        ``file(sample, number) -> str``: name of the frame with that number **of the annotation table**
        (SAMM's frames carry their subject's name).
    size : tuple of int
        Width and height of the distributed frames, pixels.
    grey : bool
        Distributed in grey.
    precropped : bool
        The frames show only the face.
    """

    name: str
    folder: Callable[[Sample], str]
    file: Callable[[Sample, int], str]
    size: tuple[int, int]
    grey: bool = False
    precropped: bool = False


@dataclass(frozen=True, slots=True)
class Corpus(Dataset):
    """A corpus of annotated clips whose frames are images in folders.

    Attributes
    ----------
    tables : tuple of str
        Names (glob patterns, newest first) of the annotation table below the root.
    parse : callable
        ``parse(table) -> list[Sample]`` with ``source.path`` empty: the annotation alone, no frames looked for.
    parse_long : callable or None
        Of a corpus of long videos: ``parse_long(table)`` gives the video's id and the interval of every row.
    layouts : tuple of Layout
        How copies lie on disk; the first that fits is used.
    fps : float
        Camera rate.
    published : mapping
        Facts of the distributed table to check a copy against: ``samples``, ``subjects``, and per emotion a count.
    published_at : mapping
        The same for releases of another camera, by its rate.
    errata : mapping
        Corrections by clip id (frame numbers), applied only on request.
    label_maps : tuple of str
        Label maps made for it.
    """

    tables: tuple[str, ...] = ()
    parse: Callable[[Path], list[Sample]] | None = None
    parse_long: Callable[[Path], list[tuple[str, AnnotatedInterval]]] | None = None
    layouts: tuple[Layout, ...] = ()
    fps: float = 0.0
    published: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    published_at: Mapping[float, Mapping[str, int]] = field(default_factory=lambda: MappingProxyType({}))
    errata: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: MappingProxyType({}))
    label_maps: tuple[str, ...] = ()


def read_corpus(corpus: Corpus, root: Path | str, parse: Callable[[Path], list[Sample]] | None = None) -> list[Sample]:
    """Read a corpus from a copy on disk: its table, and where each clip's frames lie.

    Parameters
    ----------
    corpus : Corpus
        What is looked for.
    root : Path
        The copy's top folder.
    parse : callable, optional
        Instead of the corpus's own (with its corrections applied, say).

    Raises
    ------
    MienError
        If there is no such folder or table, the table is broken, or no known layout fits.
    """
    root = Path(root)
    parse = parse or corpus.parse
    assert parse is not None
    samples = parse(find_table(root, corpus))
    check_unique(samples, root)
    layout = find_layout(root, samples, corpus)
    return [replace(sample, source=Source("frames", root / layout.folder(sample))) for sample in samples]


def find_table(root: Path, corpus: Corpus) -> Path:
    """Return the annotation table below ``root``, at most two folders deep; of several kinds the first listed."""
    if not root.is_dir():
        raise MienError(f"got '{root}', which is no folder; expected a copy of {corpus.title}; give its top folder")
    for pattern in corpus.tables:
        for depth in ("", "*/", "*/*/"):
            found = sorted(root.glob(depth + pattern))
            if found:
                return found[0]
    raise MienError(
        f"got '{root}' without the annotation table of {corpus.name}; "
        f"expected {' or '.join(corpus.tables)}; copy it there"
    )


def find_layout(root: Path, samples: Sequence[Sample], corpus: Corpus) -> Layout:
    """Return the layout that a copy has, its folders relative to ``root``.

    The frames may lie in ``root``, up to two folders below it, or ``root`` may itself be the first folder of a layout
    (``SMIC_HS_E``). The layout that has the most clips wins, first those that hold the onset's frame; of equals, the
    one that the corpus names first.

    Raises
    ------
    MienError
        If no layout has a folder of any clip.
    """
    root = Path(root).resolve()
    for placed in _places(root, samples, corpus):
        best = max(placed, key=lambda layout: _fit(root, samples, layout), default=None)
        if best is not None and any(_fit(root, samples, best)):
            return best
    example = samples[0]
    frames = [f"'{layout.folder(example)}/{layout.file(example, example.onset or 1)}'" for layout in corpus.layouts]
    raise MienError(
        f"got '{root}' without frames of {corpus.name}; expected {' or '.join(frames)}; give the copy's top folder"
    )


def _fit(root: Path, samples: Sequence[Sample], layout: Layout) -> tuple[int, int]:
    """How many clips have the frame of their onset, and how many have a folder."""
    folders = [(sample, root / layout.folder(sample)) for sample in samples]
    framed = sum((folder / layout.file(sample, sample.onset or 1)).is_file() for sample, folder in folders)
    return framed, sum(folder.is_dir() for _, folder in folders)


def _places(root: Path, samples: Sequence[Sample], corpus: Corpus) -> Iterator[list[Layout]]:
    """The layouts as they would lie in root itself, one folder down, two folders down."""
    tops = {layout.folder(sample).split("/")[0] for layout in corpus.layouts for sample in samples}
    if root.name in tops:
        yield [_moved(layout, drop=f"{root.name}/") for layout in corpus.layouts]
    for depth in ("*", "*/*", "*/*/*"):
        bases = sorted({path.parent.relative_to(root) for path in root.glob(depth) if path.name in tops})
        yield [_moved(layout, base=base) for layout in corpus.layouts for base in bases]


def _moved(layout: Layout, base: Path = Path(), drop: str = "") -> Layout:
    return replace(layout, folder=lambda sample: (base / layout.folder(sample).removeprefix(drop)).as_posix())
