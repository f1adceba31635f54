"""What the corpora of frame folders share: find the table, find the layout, place the frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from mien.core import MienError, Sample, Source
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
        ``file(number) -> str``: name of the frame with that number **of the annotation table**.
    size : tuple of int
        Width and height of the distributed frames, pixels.
    grey : bool
        Distributed in grey.
    precropped : bool
        The frames show only the face.
    """

    name: str
    folder: Callable[[Sample], str]
    file: Callable[[int], str]
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
    layouts : tuple of Layout
        How copies lie on disk; the first that fits is used.
    fps : float
        Camera rate.
    published : mapping
        Facts of the distributed table to check a copy against: ``samples``, ``subjects``, and per emotion a count.
    label_maps : tuple of str
        Label maps made for it.
    """

    tables: tuple[str, ...] = ()
    parse: Callable[[Path], list[Sample]] | None = None
    layouts: tuple[Layout, ...] = ()
    fps: float = 0.0
    published: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    label_maps: tuple[str, ...] = ()


def read_corpus(corpus: Corpus, root: Path | str) -> list[Sample]:
    """Read a corpus from a copy on disk: its table, and where each clip's frames lie.

    Raises
    ------
    MienError
        If there is no such folder or table, the table is broken, or no known layout fits.
    """
    root = Path(root)
    assert corpus.parse is not None
    samples = corpus.parse(find_table(root, corpus))
    check_unique(samples, root)
    layout = find_layout(root, samples, corpus)
    return [replace(sample, source=Source("frames", root / layout.folder(sample))) for sample in samples]


def find_table(root: Path, corpus: Corpus) -> Path:
    """Return the annotation table below ``root``, at most two folders deep."""
    if not root.is_dir():
        raise MienError(f"got '{root}', which is no folder; expected a copy of {corpus.title}; give its top folder")
    for pattern in corpus.tables:
        found = sorted(path for depth in ("", "*/", "*/*/") for path in root.glob(depth + pattern))
        if found:
            return found[0]
    raise MienError(
        f"got '{root}' without the annotation table of {corpus.name}; expected {' or '.join(corpus.tables)}; copy it there"
    )


def find_layout(root: Path, samples: Sequence[Sample], corpus: Corpus) -> Layout:
    """Return the layout in which most clips have a folder with the first frame's kind of name."""
    def hits(layout: Layout) -> int:
        return sum((root / layout.folder(sample)).is_dir() for sample in samples)

    best = max(corpus.layouts, key=hits)
    if not hits(best):
        example = samples[0]
        places = " or ".join(f"'{layout.folder(example)}/{layout.file(example.onset or 1)}'" for layout in corpus.layouts)
        raise MienError(f"got '{root}' without frames of {corpus.name}; expected {places}; see 'mien datasets'")
    return best
