"""What the files of a clip say: whether they are there, in order, whole, of one size, moving, and its own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from mien.core import Sample
from mien.core.frames import FRAME_ENDINGS, ranges, trailing_number

__all__ = ["Folder", "Remark", "Remarks", "check_clip", "check_duplicates", "check_folder", "list_folder"]

Remark = tuple[str, str, str]
"""Code, place, what was found."""

Remarks = Iterator[Remark]

_TAIL = 4096  # bytes at the end in which a picture's end mark must stand
_LEAST_STEP = 0.1  # grey levels, mean over the frame: what lossy compression alone may change
_SIDE = 64  # pixels to which a frame is reduced to see whether it is in its place


@dataclass(slots=True)
class Folder:
    """The images in one folder, as its listing shows them.

    Attributes
    ----------
    path : Path
        Where.
    frames : dict of int to list of str
        File names by the number at their end.
    unnumbered : list of str
        Images without a number.
    empty : set of str
        Files of no bytes.
    """

    path: Path
    frames: dict[int, list[str]] = field(default_factory=dict)
    unnumbered: list[str] = field(default_factory=list)
    empty: set[str] = field(default_factory=set)

    def file(self, number: int) -> Path:
        """First file of that number."""
        return self.path / self.frames[number][0]


def list_folder(path: Path) -> Folder:
    """List the images of a folder; one that does not exist is empty."""
    folder = Folder(path)
    if not path.is_dir():
        return folder
    with os.scandir(path) as entries:
        for entry in sorted(entries, key=lambda e: e.name):
            if os.path.splitext(entry.name)[1].lower() not in FRAME_ENDINGS or entry.name.startswith("."):
                continue
            number = trailing_number(entry.name)
            if number is None:
                folder.unnumbered.append(entry.name)
            else:
                folder.frames.setdefault(number, []).append(entry.name)
            if entry.stat().st_size == 0:
                folder.empty.add(entry.name)
    return folder


def check_folder(folder: Folder, place: str) -> Remarks:
    """Check names: every frame numbered, no number twice, one way of writing them."""
    if folder.unnumbered:
        yield "unnumbered", place, f"{_some(folder.unnumbered)} without a frame number at the end of the name"
    for number, names in folder.frames.items():
        if len(names) > 1:
            yield "duplicate-number", place, f"{' and '.join(names)} are both frame {number}"
    single = [names[0] for names in folder.frames.values() if len(names) == 1]
    styles = {_style(name): name for name in single}
    if len(styles) > 1:
        yield "mixed-names", place, f"frames are named in {len(styles)} ways: {', '.join(sorted(styles.values()))}"
    elif _padded_by_halves(single):
        yield "mixed-names", place, "some frame numbers are padded with zeros and others are not"


def check_clip(sample: Sample, folder: Folder, deep: bool) -> Remarks:
    """Check the frames of one clip from onset to offset; ``deep`` decodes every one."""
    place = sample.sample_id
    if not folder.frames:
        return
    onset = min(folder.frames) if sample.onset is None else sample.onset
    offset = _end(sample, folder)
    wanted = range(onset, offset + 1)
    missing = [number for number in wanted if number not in folder.frames]
    if missing:
        keys = {onset, sample.apex, offset} & set(missing)
        said = f"lacks {len(missing)} of {len(wanted)} frames: {ranges(missing)}"
        yield "missing-key-frames" if keys else "missing-frames", place, f"{said} in '{folder.path}'"
    depth = sample.source.depth
    if depth is not None:
        lost = [number for number in wanted if number in folder.frames and not (depth / f"{number}.png").is_file()]
        if lost:
            yield "missing-depth", place, f"lacks the depth of {len(lost)} frames: {ranges(lost)} in '{depth}'"
    there = [number for number in wanted if number in folder.frames]
    yield from _check_images(place, folder, there, deep)
    yield from _check_motion(sample, folder, onset, offset, deep)


def _end(sample: Sample, folder: Folder) -> int:
    """Offset; without one the apex, and without that the last frame."""
    if sample.offset is not None:
        return sample.offset
    return max(folder.frames) if sample.apex is None else sample.apex


def _check_images(place: str, folder: Folder, numbers: Sequence[int], deep: bool) -> Remarks:
    """Whether every image is one, whole, and of the clip's size."""
    kinds: dict[tuple[int, int, str], list[int]] = {}
    pictures: list[npt.NDArray[np.float32]] = []
    disguised: dict[str, list[str]] = {}
    for number in numbers:
        path = folder.file(number)
        if path.name in folder.empty:
            yield "empty-file", place, f"'{path}' has no bytes"
            continue
        try:
            seen = _look(path, deep)
        except (OSError, SyntaxError, ValueError) as error:
            yield "unreadable-image", place, f"'{path}' does not read as a picture ({_line(error)})"
            continue
        if not seen.whole:
            yield "truncated-image", place, f"'{path}' ends before the picture does"
        kinds.setdefault((*seen.size, seen.mode), []).append(number)
        if seen.format not in _formats(path):
            disguised.setdefault(seen.format, []).append(path.name)
        if seen.grey is not None:
            pictures.append(seen.grey)
    if len(kinds) > 1:
        shown = "; ".join(f"{w}x{h} {mode} in {ranges(at)}" for (w, h, mode), at in kinds.items())
        yield "sizes-differ", place, f"frames of one clip have different sizes or colours: {shown}"
    for kind, names in disguised.items():
        yield "wrong-ending", place, f"{_some(names)} in '{folder.path}' hold {kind} data under another ending"
    if len(pictures) == len(numbers):
        swapped = [numbers[at] for at in _misplaced(np.stack(pictures))] if len(pictures) > 3 else []
        if swapped:
            yield "out-of-order", place, f"the picture is not between its neighbours at frame {ranges(swapped)}"


@dataclass(frozen=True, slots=True)
class _Seen:
    size: tuple[int, int]
    mode: str
    format: str
    whole: bool
    grey: npt.NDArray[np.float32] | None


def _look(path: Path, deep: bool) -> _Seen:
    """Read a picture's header and its last bytes; its pixels only if ``deep``."""
    from PIL import Image

    with path.open("rb") as file, Image.open(file) as image:
        whole, grey = _is_whole(file, image.format or ""), None
        if deep and whole:
            grey = np.asarray(image.convert("L").resize((_SIDE, _SIDE)), dtype=np.float32)
        return _Seen(image.size, image.mode, image.format or "", whole, grey)


def _is_whole(file: IO[bytes], kind: str) -> bool:
    """Whether the file's end is that of a picture; True for kinds that do not tell."""
    at = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _TAIL, 0))
    tail = file.read()
    file.seek(0)
    head = file.read(12)
    file.seek(at)
    if kind == "BMP":
        return size >= int.from_bytes(head[2:6], "little")
    if kind == "WEBP":
        return size >= int.from_bytes(head[4:8], "little") + 8
    return {"JPEG": b"\xff\xd9", "PNG": b"IEND"}.get(kind, b"") in tail


def _formats(path: Path) -> tuple[str, ...]:
    names = {".jpg": ("JPEG", "MPO"), ".jpeg": ("JPEG", "MPO"), ".tif": ("TIFF",), ".tiff": ("TIFF",)}
    return names.get(path.suffix.lower(), (path.suffix[1:].upper(),))


def _misplaced(frames: npt.NDArray[np.float32]) -> list[int]:
    """Indices of frames that seem to be in the wrong place.

    Either a frame lies far from both neighbours, which are like each other; or two neighbours, exchanged, would make
    the way through the film clearly shorter. Both are measured by the usual step from frame to frame: noise alone
    makes all distances alike, and at an apex the face turns back by less than a usual step.
    """
    step, across = _distances(frames[1:], frames[:-1]), _distances(frames[2:], frames[:-2])
    usual = max(float(np.median(step)), _LEAST_STEP)
    detour = step[:-1] + step[1:] - across
    alone = (detour > 3 * usual) & (np.minimum(step[:-1], step[1:]) > 2 * across)
    way = step[:-2] + step[1:-1] + step[2:]
    exchanged = across[:-1] + step[1:-1] + across[1:]
    pairs = np.flatnonzero((way > 4 * usual) & (exchanged < 0.7 * way)) + 1
    return sorted({*(np.flatnonzero(alone) + 1).tolist(), *pairs.tolist(), *(pairs + 1).tolist()})


def _distances(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return np.asarray(np.abs(first - second).mean(axis=(1, 2)))


def _check_motion(sample: Sample, folder: Folder, onset: int, offset: int, deep: bool) -> Remarks:
    """Whether onset and apex are the same picture; where there is no apex apart from the onset, the middle counts."""
    apex = sample.apex if sample.apex not in (None, onset) else (onset + offset) // 2
    if apex == onset:
        yield "one-frame", sample.sample_id, f"runs from frame {onset} to {offset}, which leaves no motion to see"
        return
    if apex is not None and onset in folder.frames and apex in folder.frames:
        same = _same_pixels if deep else _same_bytes
        if same(folder.file(onset), folder.file(apex)):
            yield "zero-motion", sample.sample_id, f"frames {onset} and {apex} are the same picture"


def _same_bytes(first: Path, second: Path) -> bool:
    return first.stat().st_size == second.stat().st_size and first.read_bytes() == second.read_bytes()


def _same_pixels(first: Path, second: Path) -> bool:
    from PIL import Image

    try:
        with Image.open(first) as one, Image.open(second) as other:
            return one.size == other.size and np.array_equal(np.asarray(one), np.asarray(other))
    except (OSError, SyntaxError, ValueError):
        return False  # said elsewhere


def check_duplicates(samples: Sequence[Sample], folders: Mapping[Path, Folder]) -> Remarks:
    """Clips in different folders whose onset frames and whose middle frames are the same files."""
    first: dict[str, Sample] = {}
    for sample in samples:
        folder = folders[sample.source.path]
        if not folder.frames:
            continue
        onset = min(folder.frames) if sample.onset is None else sample.onset
        digest = _digest(folder, (onset, (onset + _end(sample, folder)) // 2))
        if not digest:
            continue
        other = first.setdefault(digest, sample)
        if other.source.path != sample.source.path:
            code = "duplicate-clip" if other.subject == sample.subject else "duplicate-across-subjects"
            yield code, sample.sample_id, f"its frames are those of {other.sample_id}"


def _digest(folder: Folder, numbers: Sequence[int]) -> str:
    """SHA-256 of some frames; empty where one is missing or empty."""
    if any(number not in folder.frames or folder.file(number).name in folder.empty for number in numbers):
        return ""
    sha = hashlib.sha256()
    for number in numbers:
        sha.update(folder.file(number).read_bytes())
    return sha.hexdigest()


def _style(name: str) -> tuple[str, str]:
    """Prefix and ending of a frame's name."""
    stem, ending = os.path.splitext(name)
    return stem.rstrip("0123456789"), ending.lower()


def _padded_by_halves(names: Sequence[str]) -> bool:
    digits = [stem[len(stem.rstrip("0123456789")) :] for stem in (os.path.splitext(name)[0] for name in names)]
    padded = [len(text) for text in digits if text != str(int(text))]
    return bool(padded) and min(map(len, digits)) < max(padded)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
