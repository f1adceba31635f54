"""What is wrong with a copy of a corpus on disk: what it means, and what mien does about it."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from mien.core import MienError, MienWarning, Sample
from mien.core.frames import FRAME_ENDINGS
from mien.datasets._corpus import Corpus, find_table
from mien.datasets._dataset import DATASETS, Dataset
from mien.datasets._fixture import COMPOSITES, MARK
from mien.datasets._inspect import (
    Folder,
    Remark,
    Remarks,
    check_clip,
    check_duplicates,
    check_folder,
    list_folder,
    ranges,
)
from mien.datasets._table import read_table

__all__ = ["FAULTS", "Finding", "Level", "check"]

Level = Literal["error", "warning", "note"]
Advance = Callable[[int, int], None]

FAULTS: Mapping[str, tuple[Level, str, str]] = MappingProxyType(
    {
        # The copy as a whole
        "no-table": ("error", "without its annotation table nothing can be read", "mien refuses it"),
        "no-frames": ("error", "no known layout of the corpus fits", "mien refuses it"),
        "broken-table": ("error", "a table that does not read gives no samples", "mien refuses it"),
        "duplicate-id": ("error", "two rows claim to be one clip", "mien refuses the table"),
        "broken-copy": ("error", "the copy does not read", "mien refuses it"),
        "counts": ("note", "these are the clips that an evaluation sees", "mien reports the numbers it finds"),
        "counts-differ": (
            "warning",
            "results on other clips are not comparable with published ones",
            "mien evaluates what is there and reports the numbers it finds",
        ),
        "extra-folders": ("note", "the table says nothing of these frames", "mien does not read them"),
        # The table
        "apex-outside": ("warning", "the annotated apex cannot be right", "mien takes it as missing"),
        "offset-before-onset": (
            "warning",
            "the annotated interval cannot be right",
            "mien takes the offset as missing",
        ),
        "no-extent": ("error", "without apex and offset nobody knows where the movement is", "recipes refuse the clip"),
        "duration-differs": ("warning", "onset or offset is off", "mien believes onset and offset"),
        "no-apex": ("note", "the strongest frame is not annotated", "the recipe's rule applies, by default the middle"),
        "apex-at-onset": ("note", "between onset and apex nothing moves", "recipes warn and read no motion"),
        "long-interval": ("note", "micro-expressions last half a second at most", "mien takes it as annotated"),
        "no-emotions": ("note", "the clips have no class", "spotting works, recognition does not"),
        "table-remark": ("note", "the reader of the table remarked on it", "mien goes on"),
        # Identity and label
        "subject-leak": (
            "error",
            "one person spelled two ways stands on both sides of a split",
            "mien takes them for two: correct the spelling",
        ),
        "subject-spelling": ("note", "one person is spelled several ways", "mien reads them as one"),
        "label-in-folder": (
            "error",
            "folder and annotation disagree on the class",
            "mien believes the annotation (of SMIC: the clip code): find out which is right",
        ),
        "label-in-table": ("note", "the column contradicts the clip code", "mien believes the clip code"),
        "duplicate-clip": ("warning", "one clip counts twice", "mien reads both"),
        "duplicate-across-subjects": (
            "error",
            "one clip stands on both sides of a split",
            "mien reads both: remove one",
        ),
        # The frames
        "missing-clip": ("error", "the clip has no frames where they should be", "recipes refuse it"),
        "left-out": ("warning", "the copy lacks clips of the table", "mien leaves them out"),
        "misplaced-clip": ("error", "the clip lies elsewhere", "recipes refuse it: move it back"),
        "missing-key-frames": ("error", "onset, apex or offset itself is missing", "recipes refuse the clip"),
        "missing-frames": ("warning", "the movement has gaps", "recipes that need these frames refuse the clip"),
        "missing-depth": ("warning", "colour and depth do not go together", "recipes that read depth refuse the clip"),
        "gaps": ("warning", "the video's time is not that of its frame numbers", "mien goes by the numbers"),
        "unnumbered": ("note", "a frame without a number has no time", "mien does not read it"),
        "duplicate-number": ("error", "two files claim to be one frame", "recipes refuse the clip"),
        "mixed-names": ("warning", "two copies may be mixed, or some frames renamed", "mien goes by the numbers"),
        "empty-file": ("error", "a frame was not copied", "recipes refuse the clip"),
        "unreadable-image": ("error", "a frame is damaged", "recipes refuse the clip"),
        "truncated-image": (
            "error",
            "part of the frame is missing",
            "recipes would see grey or garbage: copy it again",
        ),
        "sizes-differ": ("error", "frames of different size or colour cannot be compared", "recipes refuse the clip"),
        "wrong-ending": ("note", "the frames were converted without renaming", "mien reads them as what they are"),
        "out-of-order": (
            "warning",
            "frames seem exchanged (or an eye blinked fast)",
            "mien goes by the numbers: look at them",
        ),
        "zero-motion": ("error", "the expression is not in the frames", "mien reads no motion: copy the clip again"),
        "one-frame": ("warning", "one frame shows no motion", "recipes read no motion"),
        "unreadable-video": ("error", "the video has no bytes", "recipes refuse it"),
    }
)
"""Code -> level, what it means, what mien does about it. An error makes results wrong."""

PUBLISHED: Mapping[str, Mapping[str, int]] = MappingProxyType(
    {"megc2019": {"samples": 442, "subjects": 68, "negative": 250, "positive": 109, "surprise": 83}}
)
"""Published counts of datasets that are no corpora of their own."""

_SAID = (
    (r"its .*\boffset is taken as unknown", "offset-before-onset"),
    (r"its apex is taken as unknown", "apex-outside"),
    (r"as its Duration says", "duration-differs"),
    (r"no frames .*left out", "left-out"),
    (r"has no emotions", "no-emotions"),
)
"""What readers of tables warn of, by what they say."""

_REFUSED = (
    (r"without the annotation table", "no-table"),
    (r"without (frames|clips)", "no-frames"),
    (r" twice in ", "duplicate-id"),
    (r"row \d+, column|does not read|without the column", "broken-table"),
)

_LONG_S = 4.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in a copy.

    Attributes
    ----------
    level : {"error", "warning", "note"}
        An error makes results wrong.
    code : str
        A key of :data:`FAULTS`.
    where : str
        Id of the clip, or the dataset.
    what, meaning, action : str
        What it is, what it means, what mien does about it.
    """

    level: Level
    code: str
    where: str
    what: str
    meaning: str
    action: str

    def __str__(self) -> str:
        return f"{self.level} {self.code} {self.where}: {self.what}; {self.meaning}; {self.action}"


def check(dataset: str, root: Path | str, deep: bool = False, advance: Advance | None = None) -> list[Finding]:
    """Find what is wrong with a copy of a dataset.

    Reads the table, the listings, and of every frame from onset to offset the header and the last bytes.

    Parameters
    ----------
    dataset : str
        A name in ``DATASETS``.
    root : path
        The copy.
    deep : bool
        Decode every frame: also finds damage inside, frames in the wrong place, and stills saved twice.
    advance : callable, optional
        Called with the number of clips done, and of all.

    Returns
    -------
    list of Finding
        Errors first. Counts are always among them; a copy is clean if all are notes.

    Raises
    ------
    MienError
        If the dataset is unknown or the root does not exist.

    Examples
    --------
    >>> check("motion-npz", "nowhere.npz")
    Traceback (most recent call last):
    ...
    mien.core.errors.MienError: got 'nowhere.npz', which does not exist; expected a copy of motion-npz; check the path
    """
    entry, root = DATASETS[dataset], Path(root)
    if not root.exists():
        raise MienError(f"got '{root}', which does not exist; expected a copy of {dataset}; check the path")
    samples, remarks = _read(entry, root)
    if samples:
        remarks += _counts(entry, samples, _expected(entry, root))
    if dataset in COMPOSITES:
        for name, folder in _parts(samples, root).items():
            part, found = _read(DATASETS[name], folder)
            remarks += [*found, *_examine(DATASETS[name], folder, part, deep, advance)]
    else:
        remarks += _examine(entry, root, samples, deep, advance)
    findings = {_finding(*remark) for remark in remarks}
    order = ("error", "warning", "note")
    return sorted(findings, key=lambda f: (order.index(f.level), f.code, f.where, f.what))


def _finding(code: str, where: str, what: str) -> Finding:
    level, meaning, action = FAULTS[code]
    return Finding(level, code, where, what, meaning, action)


def _read(entry: Dataset, root: Path) -> tuple[list[Sample], list[Remark]]:
    """The samples, of long videos every interval, and what reading them had to say."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", MienWarning)
        try:
            samples = entry.read(root)
        except MienError as error:
            return [], [(_code(str(error), _REFUSED, "broken-copy"), entry.name, _first(str(error)))]
    texts = dict.fromkeys(str(said.message) for said in caught if issubclass(said.category, MienWarning))
    return samples, [(_code(text, _SAID, "table-remark"), _place(text, entry.name), _first(text)) for text in texts]


def _code(text: str, known: Iterable[tuple[str, str]], otherwise: str) -> str:
    return next((code for pattern, code in known if re.search(pattern, text)), otherwise)


def _place(text: str, name: str) -> str:
    """The clip that a message names, or the dataset."""
    found = re.search(rf"'({re.escape(name)}/[^']+)'", text)
    return found[1] if found else name


def _first(text: str) -> str:
    """What a message says was got."""
    return text.partition("; expected")[0].removeprefix("got ")


def _expected(entry: Dataset, root: Path) -> Mapping[str, int]:
    """Published counts; of a fixture those that it was made with."""
    mark = root / MARK
    if root.is_dir() and mark.is_file():
        made: Any = json.loads(mark.read_text(encoding="utf-8"))
        return {"samples": made["samples"], "subjects": made["subjects"], **made["emotions"]}
    return entry.published if isinstance(entry, Corpus) else PUBLISHED.get(entry.name, {})


def _counts(entry: Dataset, samples: Sequence[Sample], expected: Mapping[str, int]) -> Remarks:
    found: Counter[str] = Counter(sample.emotion for sample in samples)
    found.update({"samples": len(samples), "subjects": len({sample.subject for sample in samples})})
    names = [
        "samples",
        "subjects",
        *sorted(set(found) - {"samples", "subjects"}, key=lambda name: (-found[name], name)),
    ]
    yield "counts", entry.name, ", ".join(f"{found[name]} {name or 'unnamed'}{_of(expected, name)}" for name in names)
    wrong = [name for name, count in expected.items() if found[name] != count]
    if wrong:
        said = ", ".join(f"{found[name]} {name} where {expected[name]} are expected" for name in wrong)
        yield "counts-differ", entry.name, said


def _of(expected: Mapping[str, int], name: str) -> str:
    return f" (of {expected[name]})" if name in expected else ""


def _parts(samples: Sequence[Sample], root: Path) -> dict[str, Path]:
    """Folder of each corpus of a composite."""
    return {sample.dataset: root / sample.source.path.relative_to(root).parts[0] for sample in samples}


def _examine(
    entry: Dataset, root: Path, samples: Sequence[Sample], deep: bool, advance: Advance | None
) -> Iterator[Remark]:
    """Everything beyond reading: annotation, identity, folders, frames."""
    if not samples:
        return
    yield from _check_annotation(entry, samples)
    yield from _check_spelling(entry, root, samples)
    for sample in samples:
        path = sample.source.path
        if sample.source.kind == "video" and not (path.is_file() and path.stat().st_size):
            yield "unreadable-video", sample.sample_id, f"'{path}' is empty or no file"
    clips = [sample for sample in (*samples, *_intervals(entry, root)) if sample.source.kind == "frames"]
    if not clips:
        return
    folders = {path: list_folder(path) for path in dict.fromkeys(sample.source.path for sample in clips)}
    lying = _image_folders(root)
    yield from _check_places(entry, root, clips, folders, lying)
    places = {sample.source.path: sample.sample_id for sample in reversed(clips)}
    for path, folder in folders.items():
        yield from check_folder(folder, places[path])
        if entry.read_long and not (root / MARK).is_file():
            yield from _check_gaps(folder, places[path])
    for done, sample in enumerate(clips, 1):
        yield from check_clip(sample, folders[sample.source.path], deep)
        if advance:
            advance(done, len(clips))
    yield from check_duplicates(clips, folders)


def _intervals(entry: Dataset, root: Path) -> Iterator[Sample]:
    """The macro-expressions of long videos, in the form of samples."""
    if entry.read_long is None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MienWarning)
        videos = entry.read_long(root)
    for video in videos:
        for one in video.intervals:
            if one.kind == "macro":
                name, frames = f"{video.video_id}/{one.name}", (one.onset, one.apex, one.offset)
                yield Sample(video.dataset, video.subject, name, one.emotion, video.source, *frames, video.fps)


def _check_annotation(entry: Dataset, samples: Sequence[Sample]) -> Remarks:
    """What the samples say by themselves; what many share is said once."""
    unknown = [s for s in samples if s.source.kind == "frames" and s.apex is None]
    if unknown:
        yield "no-apex", entry.name, f"{len(unknown)} of {len(samples)} clips have no apex ({_names(unknown)})"
    for sample in unknown:
        if sample.offset is None and sample.onset is not None:
            yield "no-extent", sample.sample_id, f"starts at frame {sample.onset}, and has neither apex nor offset"
    still = [s for s in samples if s.apex is not None and s.apex == s.onset]
    if still:
        yield "apex-at-onset", entry.name, f"{len(still)} clips have their apex at the onset ({_names(still)})"
    long = [sample for sample in samples if _seconds(sample) > _LONG_S]
    if long:
        yield "long-interval", entry.name, f"{len(long)} clips last longer than {_LONG_S:g} s ({_names(long)})"


def _seconds(sample: Sample) -> float:
    """Onset to offset; 0 where the sample does not say."""
    if sample.onset is None or sample.offset is None or not sample.fps:
        return 0.0
    return (sample.offset - sample.onset + 1) / sample.fps


def _check_spelling(entry: Dataset, root: Path, samples: Sequence[Sample]) -> Remarks:
    """One person spelled two ways, in the samples or only in the table; a class that the table says otherwise."""
    for spellings in _alike(sample.subject for sample in samples):
        yield "subject-leak", spellings[0], f"{' and '.join(spellings)} look like one subject"
    try:
        rows = read_table(find_table(root, entry), ("Subject", "Filename")) if isinstance(entry, Corpus) else []
    except MienError:
        return  # a corpus without a table, or without a header
    for spellings in _alike(row["Subject"] for row in rows):
        yield "subject-spelling", entry.name, f"the table writes {' and '.join(spellings)}"
    classes = {_plain(sample.sample_id.rsplit("/", 1)[1]): sample for sample in samples}
    for row in rows:
        sample = classes.get(_plain(row["Filename"]))
        told = row.get("Emotion", "")
        if sample and told.lower() in map(str.lower, entry.classes) and told.lower() != sample.emotion.lower():
            yield "label-in-table", sample.sample_id, f"the table calls it {told}, its clip code {sample.emotion}"


def _alike(names: Iterable[str]) -> Iterator[list[str]]:
    """Groups of different names that differ in case, blanks and leading zeros only."""
    groups: dict[str, set[str]] = {}
    for name in names:
        groups.setdefault(_plain(name), set()).add(name)
    return (sorted(group) for group in groups.values() if len(group) > 1)


def _plain(name: str) -> str:
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"\s", "", name.lower()))


def _image_folders(root: Path) -> list[Path]:
    """Every folder below the root that holds an image."""
    found = []
    for parent, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if any(os.path.splitext(name)[1].lower() in FRAME_ENDINGS for name in files):
            found.append(Path(parent))
    return found


def _check_places(
    entry: Dataset, root: Path, clips: Sequence[Sample], folders: Mapping[Path, Folder], lying: Sequence[Path]
) -> Remarks:
    """Clips without frames, in another folder than their class's, and folders that no row speaks of."""
    used = {path.resolve() for path, folder in folders.items() if folder.frames}
    used |= {sample.source.depth.resolve() for sample in clips if sample.source.depth}
    spare = [path for path in lying if path.resolve() not in used and root.resolve() != path.resolve()]
    for sample in {sample.source.path: sample for sample in clips}.values():
        path = sample.source.path
        if not folders[path].frames:
            yield from _check_absent(entry, sample, spare)
        way = path.relative_to(root).parts if path.is_relative_to(root) else path.parts
        named = {part.lower() for part in way} & {name.lower() for name in entry.classes}
        if named and sample.emotion and sample.emotion.lower() not in named and folders[path].frames:
            yield "label-in-folder", sample.sample_id, f"it is {sample.emotion} but lies in '{path}'"
    moved = {sample.source.path.name for sample in clips if not folders[sample.source.path].frames}
    extra = [path for path in spare if path.name not in moved]
    if extra:
        names = ", ".join(f"'{path.relative_to(root)}'" for path in extra[:3])
        yield "extra-folders", entry.name, f"{len(extra)} folders of images are not in the table: {names}"


def _check_absent(entry: Dataset, sample: Sample, spare: Sequence[Path]) -> Remarks:
    """A clip that is not where it should be: somewhere else, perhaps in another class's folder, or nowhere."""
    path = sample.source.path
    elsewhere = [other for other in spare if other.name.lower() == path.name.lower()]
    if not elsewhere:
        yield "missing-clip", sample.sample_id, f"'{path}' has no frames"
        return
    classes = {name.lower() for name in entry.classes} - {sample.emotion.lower()}
    for other in elsewhere:
        if classes & {part.lower() for part in other.parts}:
            yield "label-in-folder", sample.sample_id, f"the table says {sample.emotion}, but it lies in '{other}'"
        else:
            yield "misplaced-clip", sample.sample_id, f"it should be in '{path}' and lies in '{other}'"


def _check_gaps(folder: Folder, place: str) -> Remarks:
    """Whether a long video's frame numbers run on without a gap."""
    if folder.frames:
        missing = sorted(set(range(min(folder.frames), max(folder.frames))) - set(folder.frames))
        if missing:
            yield "gaps", place, f"the video '{folder.path.name}' lacks {len(missing)} frames: {ranges(missing)[:80]}"


def _names(samples: Sequence[Sample]) -> str:
    return ", ".join(s.sample_id for s in samples[:3]) + (" …" if len(samples) > 3 else "")
