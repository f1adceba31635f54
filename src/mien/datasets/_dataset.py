"""What a dataset is, and the registry of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from mien.core import LongVideo, MienError, Registry, Sample

__all__ = ["DATASETS", "MEGC_CLASSES", "Dataset", "check_unique"]

MEGC_CLASSES = ("negative", "positive", "surprise")
"""The three classes of MEGC2019, in the order of its label codes 0, 1, 2."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One corpus, or one format that corpora are passed around in.

    Attributes
    ----------
    name : str
        What ``--dataset`` takes.
    title : str
        One line for a person.
    citation : str
        The paper to cite.
    obtain : str
        Where a researcher gets it, and under which terms.
    classes : tuple of str
        The emotions it is annotated with.
    labels : str
        The label map that applies unless another is asked for.
    read : callable
        ``read(root) -> list[Sample]``, sorted as stored; raises :class:`MienError` for a broken copy. A corpus with
        errata also takes ``read(root, errata=True)``.
    read_long : callable or None
        ``read_long(root) -> list[LongVideo]`` for a corpus of long videos: what spotting is scored on.

    Examples
    --------
    >>> DATASETS["motion-npz"].classes
    ('negative', 'positive', 'surprise')
    """

    name: str
    title: str
    citation: str
    obtain: str
    classes: tuple[str, ...]
    labels: str
    read: Callable[..., list[Sample]]
    read_long: Callable[[Path], list[LongVideo]] | None = None


DATASETS: Registry[Dataset] = Registry("dataset", "mien.datasets")


def check_unique(samples: Iterable[Sample], where: Path) -> None:
    """Raise :class:`MienError` naming the first sample id that stands twice in ``where``."""
    seen: set[str] = set()
    for sample in samples:
        if sample.sample_id in seen:
            raise MienError(f"got the sample '{sample.sample_id}' twice in '{where}'; expected unique ids; rename one")
        seen.add(sample.sample_id)
