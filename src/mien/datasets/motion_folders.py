"""Ready motion maps as a tree of PNG files: the form in public use (STSTNet, HTNet).

``<root>/<subject>/{u_train,u_test}/<class>/<name>.png``. Every subject's folder holds a whole leave-one-subject-out
split, so each clip stands there many times: its one record is the copy in its own subject's ``u_test``. Training
copies are not read; splits are made by the protocol.

The tree does not name the corpus; a subject's spelling does: ``sub01`` casme2, ``s01`` or ``s1`` smic, ``006`` samm,
``spNO.1`` casme3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mien.core import MienError, Sample, Source
from mien.datasets._dataset import DATASETS, MEGC_CLASSES, Dataset, check_unique

__all__ = ["read"]

SPELLINGS = {"casme2": r"sub\d+", "smic": r"s\d+", "samm": r"\d{3}", "casme3": r"spno\.\d+"}


def read(root: Path | str) -> list[Sample]:
    """Read the records of a ``motion-folders`` tree.

    Parameters
    ----------
    root : Path
        The folder that holds one folder per subject.

    Returns
    -------
    list of Sample
        Sorted by subject, class and name.

    Raises
    ------
    MienError
        If there is no such tree, a subject has no test clips or an unknown spelling, a class folder is neither a
        name nor 0, 1, 2, a clip stands in two classes, or a test clip stands among its own subject's training clips.
    """
    root = Path(root)
    folders = _folders(root) if root.is_dir() else []
    if not folders:
        raise MienError(
            f"got '{root}' without subject folders; expected <subject>/u_test/<class>/<name>.png; check --root"
        )
    samples = [sample for folder in folders for sample in _subject(folder)]
    check_unique(samples, root)
    return samples


def _subject(folder: Path) -> Iterator[Sample]:
    corpus = _corpus(folder.name)
    clips = list(_clips(folder / "u_test"))
    if not clips:
        raise MienError(f"got no PNG under '{folder / 'u_test'}'; expected u_test/<class>/<name>.png; check the copy")
    _check_leak(folder, [path for path, _ in clips])
    subject = f"{corpus}/{folder.name}"
    for path, emotion in clips:
        yield Sample(corpus, subject, f"{subject}/{path.stem}", emotion, Source("motion", path))


def _clips(split: Path) -> Iterator[tuple[Path, str]]:
    """Every map of one split with its class."""
    for folder in _folders(split) if split.is_dir() else []:
        emotion = _emotion(folder)
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() == ".png" and not path.name.startswith("."):
                yield path, emotion


def _emotion(folder: Path) -> str:
    if not folder.name.isdecimal():
        return folder.name.lower()
    if int(folder.name) >= len(MEGC_CLASSES):
        raise MienError(
            f"got the class folder '{folder}'; expected 0 (negative), 1 (positive) or 2 (surprise); rename it"
        )
    return MEGC_CLASSES[int(folder.name)]


def _corpus(subject: str) -> str:
    for corpus, spelling in SPELLINGS.items():
        if re.fullmatch(spelling, subject, flags=re.IGNORECASE):
            return corpus
    raise MienError(
        f"got the subject folder '{subject}'; "
        "expected sub01 (casme2), s01 (smic), 006 (samm) or spNO.1 (casme3); rename or remove it"
    )


def _check_leak(folder: Path, tests: list[Path]) -> None:
    """Raise if a test clip is among its own subject's training clips.

    Names repeat between subjects (``EP01_08``), so a shared name counts only with the same bytes.
    """
    training: dict[str, list[Path]] = {}
    for path, _ in _clips(folder / "u_train"):
        training.setdefault(path.name, []).append(path)
    for test in tests:
        for copy in training.get(test.name, []):
            if copy.read_bytes() == test.read_bytes():
                raise MienError(
                    f"got the test clip '{test}' also in '{copy}'; expected a split by subject; remove the copy"
                )


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


DATASETS.add(
    "motion-folders",
    Dataset(
        name="motion-folders",
        title="ready motion maps (u, v, strain) as PNG files in u_train/u_test folders",
        citation="Wang, Zhang, Wang, Zhu, Han: HTNet for micro-expression recognition. Neurocomputing 602, 2024",
        obtain="distributed with the public STSTNet and HTNet code; the corpora's own licences apply",
        classes=MEGC_CLASSES,
        labels="megc2019",
        read=read,
    ),
)
