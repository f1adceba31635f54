"""The composite of MEGC 2019: 442 clips of 68 subjects from CASME II, SMIC (HS) and SAMM, in three classes.

The root holds copies of the three corpora, each in a folder of its own of any name; they are known by their tables,
SMIC also by its clips. A sample keeps its corpus and id, so that scores come per corpus; its emotion is the class.

The rule that gives the official list (``combined_3class_gt.csv``), clip by clip:

- CASME II, coding of 2014: disgust and repression are negative, happiness positive, surprise surprise; sadness, fear
  and others are dropped. Two clips are dropped by name: sub04/EP12_01f has no apex, for sub05/EP09_05f no reason is
  given (its apex is its onset). So are three that only the coding of 2019 calls surprise.
- SAMM: all but Other.
- SMIC: as it is.

Reference: See, Yap, Li, Hong, Wang: MEGC 2019, the second facial micro-expressions grand challenge. FG 2019.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from mien.core import MienError, Sample
from mien.datasets._corpus import Corpus, find_table
from mien.datasets._dataset import DATASETS, MEGC_CLASSES, Dataset
from mien.datasets.casme2 import CASME2
from mien.datasets.samm import SAMM
from mien.datasets.smic import SMIC

__all__ = ["CLASSES", "DROPPED", "read"]

CLASSES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "casme2": {"disgust": "negative", "repression": "negative", "happiness": "positive", "surprise": "surprise"},
        "samm": {
            **dict.fromkeys(("anger", "contempt", "disgust", "fear", "sadness"), "negative"),
            "happiness": "positive",
            "surprise": "surprise",
        },
        "smic": {name: name for name in MEGC_CLASSES},
    }
)
"""Class of each annotated emotion, per corpus; an emotion that is not listed is dropped."""

DROPPED = frozenset(
    {
        "casme2/sub04/EP12_01f",
        "casme2/sub05/EP09_05f",
        "casme2/sub24/EP07_01",
        "casme2/sub24/EP07_04f",
        "casme2/sub24/EP10_03",
    }
)
"""Clips that the official list leaves out whatever a coding calls them."""


def read(root: Path | str) -> list[Sample]:
    """Read the composite from copies of its three corpora.

    Parameters
    ----------
    root : Path
        The folder that holds the three copies.

    Returns
    -------
    list of Sample
        Corpus by corpus; ``emotion`` is negative, positive or surprise.

    Raises
    ------
    MienError
        If a corpus is not there, or its copy is broken.
    """
    root = Path(root)
    if not root.is_dir():
        raise MienError(f"got '{root}', which is no folder; expected copies of CASME II, SMIC and SAMM; make it")
    folders = sorted(folder for folder in root.iterdir() if folder.is_dir() and not folder.name.startswith("."))
    samples = []
    for corpus in (CASME2, SAMM, SMIC):  # SMIC last: it may have to be known by its clips
        folder = _copy(corpus, folders, root)
        folders.remove(folder)
        samples += corpus.read(folder)
    return [replace(s, emotion=label) for s in samples if (label := _label(s)) and s.sample_id not in DROPPED]


def _label(sample: Sample) -> str | None:
    return CLASSES[sample.dataset].get(sample.emotion.lower())


def _copy(corpus: Corpus, folders: list[Path], root: Path) -> Path:
    """The folder with the corpus's table; without one (SMIC needs none), the one that reads as the corpus."""
    for found in (_has_table, _has_clips):
        for folder in folders:
            if found(folder, corpus):
                return folder
    raise MienError(
        f"got '{root}' without {corpus.title.split(':')[0]} in one of its folders; "
        f"expected a folder with {corpus.tables[-1]}; put the copy there"
    )


def _has_table(folder: Path, corpus: Corpus) -> bool:
    try:
        find_table(folder, corpus)
    except MienError:
        return False
    return True


def _has_clips(folder: Path, corpus: Corpus) -> bool:
    """A copy of SMIC may come without its table."""
    if corpus is not SMIC:
        return False
    try:
        return bool(corpus.read(folder))
    except MienError:
        return False


MEGC2019 = Dataset(
    name="megc2019",
    title="MEGC 2019 composite: 442 clips of CASME II, SMIC and SAMM in three classes",
    citation="See, Yap, Li, Hong, Wang: MEGC 2019, the second facial micro-expressions grand challenge. FG 2019",
    obtain="from the three corpora, each by its own licence: one folder that holds the three copies",
    classes=MEGC_CLASSES,
    labels="megc2019",
    read=read,
)

DATASETS.add("megc2019", MEGC2019)
