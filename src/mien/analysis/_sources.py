"""Recordings and what they are called: what a person named, expanded; pseudonyms and the key to them."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mien.analysis._deidentify import pseudonym
from mien.core import MienError, atomic_path
from mien.video import is_video

__all__ = [
    "Recording",
    "check_key",
    "find_sources",
    "name_recordings",
    "read_key",
    "recording_name",
    "source_sha256",
    "write_key",
]

_KEY = ("recording", "source", "sha256", "request")


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording to be analysed.

    Attributes
    ----------
    source : Path
        The video, or the folder of images.
    name : str
        What its results are called.
    own_name : str
        The same without a pseudonym.
    """

    source: Path
    name: str
    own_name: str

    @property
    def names(self) -> tuple[str, ...]:
        """What a table of markers may call it."""
        return self.own_name, self.source.name, self.source.resolve().name, recording_name(self.source), self.name


def find_sources(sources: Sequence[Path | str]) -> list[tuple[Path, str]]:
    """Expand what a person named into recordings, each with the name of its result.

    A folder with videos in it stands for each of them (folders within it are not entered, hidden files left out); a
    folder of images is one clip. A name is the file's stem, with its ending kept where two sources share a stem.

    Raises
    ------
    MienError
        If two sources have the same name, so that one result would replace the other.
    """
    found: list[Path] = []
    for source in map(Path, sources):
        found += _videos(source) or [source]
    stems = [recording_name(path) for path in found]
    names = [path.name if stems.count(stem) > 1 else stem for path, stem in zip(found, stems, strict=True)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise MienError(
            f"got two sources named '{twice[0]}'; expected one, as results go by name; give each its own --out"
        )
    return list(zip(found, names, strict=True))


def _videos(folder: Path) -> list[Path]:
    """Those in a folder; not what begins with a dot: macOS puts ._talk.mp4 beside talk.mp4 on other systems' disks."""
    if not folder.is_dir():
        return []
    return sorted(p for p in folder.iterdir() if not p.name.startswith(".") and p.is_file() and is_video(p))


def recording_name(source: Path) -> str:
    """Return the name of a folder (of a link to one, the link's), the stem of a file."""
    return os.path.basename(os.path.abspath(source)) if source.is_dir() else source.stem


def name_recordings(
    sources: Sequence[Path | str], *, deidentify: bool = False, known: Mapping[str, str] | None = None
) -> list[Recording]:
    """Expand what a person named, and give pseudonyms where they are wanted.

    Parameters
    ----------
    sources : sequence of path
        As for :func:`find_sources`.
    deidentify : bool
        Call them ``recording-001`` and so on, in the order given.
    known : mapping of str to str
        Whole paths to pseudonyms given before: these stay, new recordings take the next numbers.

    Returns
    -------
    list of Recording

    Raises
    ------
    MienError
        As :func:`find_sources`; with ``deidentify``, also if two sources are one file, by a link.
    """
    found = find_sources(sources)
    if not deidentify:
        return [Recording(source, name, name) for source, name in found]
    of: dict[str, Path] = {}
    for source, _ in found:
        if (same := of.setdefault(str(source.resolve()), source)) is not source:
            raise MienError(
                f"got '{same}' and '{source}', which are one file; expected each recording once; leave the link out"
            )
    known = dict(known or {})
    number = max((int(name.rpartition("-")[2]) for name in known.values()), default=0)
    for source, _ in found:
        while (whole := str(source.resolve())) not in known:
            number += 1
            name = f"recording-{number:03d}"
            if pseudonym(source, name) == name:  # 001.mp4 is not called recording-001
                known[whole] = name
    return [Recording(source, known[str(source.resolve())], name) for source, name in found]


def check_key(key: Path, out: Path) -> None:
    """Raise :class:`MienError` if the key would lie among the results that are handed on."""
    if key.resolve().is_relative_to(out.resolve()):
        raise MienError(f"got '{key}' for the key, inside '{out}'; expected a file apart from the results; move it")


def read_key(key: Path) -> dict[str, dict[str, str]]:
    """Read who is who: by the pseudonym, ``source`` and what the result was made from; empty if there is no file yet.

    Raises
    ------
    MienError
        If the file is there and is no key that mien wrote.
    """
    if not key.exists():
        return {}
    try:
        with key.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = list(csv.DictReader(file))
        if not all(set(_KEY) == set(row) and row["recording"].rpartition("-")[2].isdigit() for row in rows):
            raise ValueError("its columns are others")
    except (OSError, ValueError, csv.Error) as error:
        raise MienError(f"got '{key}' for the key, but {error}; expected a key of mien or a new file") from error
    return {row["recording"]: row for row in rows}


def write_key(key: Path, rows: Mapping[str, Mapping[str, str]]) -> None:
    """Write who is who, for the eyes of this user only."""
    with atomic_path(key) as temporary:
        temporary.chmod(0o600)
        with temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:  # as paths are
            writer = csv.DictWriter(file, _KEY, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows({"recording": name, **row} for name, row in sorted(rows.items()))


def source_sha256(source: Path) -> str:
    """Return the SHA-256 of a file, or of the names and contents of a folder's files; OSError if it has gone."""
    digest, folder = hashlib.sha256(), source.is_dir()
    for path in sorted(path for path in source.iterdir() if path.is_file()) if folder else [source]:
        digest.update(os.fsencode(path.name) if folder else b"")
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
