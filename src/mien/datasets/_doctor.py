"""What is wrong with a copy of a corpus on disk: what it means, and what mien does about it."""

from __future__ import annotations

import json
import os
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mien.core import MienError, MienWarning, Sample
from mien.core.frames import FRAME_ENDINGS, ranges
from mien.datasets._corpus import Corpus, find_table
from mien.datasets._dataset import DATASETS, Dataset
from mien.datasets._faults import FAULTS, Finding
from mien.datasets._fixture import COMPOSITES, MARK
from mien.datasets._inspect import (
    Folder,
    Remark,
    Remarks,
    check_clip,
    check_duplicates,
    check_folder,
    list_folder,
)
from mien.datasets._table import read_table

__all__ = ["check"]

Advance = Callable[[int, int], None]

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
    parts = _parts(samples, root) if dataset in COMPOSITES else {}
    if parts:
        remarks = []  # the reader of each part says them again, in its own name
    if samples:
        remarks += _counts(entry, samples, _expected(entry, root, samples))
    if dataset in COMPOSITES:
        for name, folder in parts.items():
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
            return [], [_refused(entry, error)]
    texts = dict.fromkeys(str(said.message) for said in caught if issubclass(said.category, MienWarning))
    return samples, [(_code(text, _SAID, "table-remark"), _place(text, entry.name), _first(text)) for text in texts]


def _refused(entry: Dataset, error: MienError) -> Remark:
    return _code(str(error), _REFUSED, "broken-copy"), entry.name, _first(str(error))


def _code(text: str, known: Iterable[tuple[str, str]], otherwise: str) -> str:
    return next((code for pattern, code in known if re.search(pattern, text)), otherwise)


def _place(text: str, name: str) -> str:
    """The clip that a message names, or the dataset."""
    found = re.search(rf"'({re.escape(name)}/[^']+)'", text)
    return found[1] if found else name


def _first(text: str) -> str:
    """What a message says was got."""
    return text.partition("; expected")[0].removeprefix("got ")


def _expected(entry: Dataset, root: Path, samples: Sequence[Sample]) -> Mapping[str, int]:
    """Published counts of the camera that the copy is from; of a fixture those that it was made with."""
    mark = root / MARK
    if root.is_dir() and mark.is_file():
        made: Any = json.loads(mark.read_text(encoding="utf-8"))
        return {"samples": made["samples"], "subjects": made["subjects"], **made["emotions"]}
    if isinstance(entry, Corpus):
        return entry.published_at.get(samples[0].fps or 0.0, entry.published)
    return PUBLISHED.get(entry.name, {})


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
    macro, remarks = _intervals(entry, root)
    yield from remarks
    clips = [sample for sample in (*samples, *macro) if sample.source.kind == "frames"]
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


def _intervals(entry: Dataset, root: Path) -> tuple[list[Sample], list[Remark]]:
    """The macro-expressions of long videos in the form of samples, and remarks on them (they train nothing)."""
    if entry.read_long is None:
        return [], []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", MienWarning)
        try:
            videos = entry.read_long(root)
        except MienError as error:
            return [], [_refused(entry, error)]
    found = [
        Sample(
            dataset=video.dataset,
            subject=video.subject,
            sample_id=f"{video.video_id}/{one.name}",
            emotion=one.emotion,
            source=video.source,
            onset=one.onset,
            apex=one.apex,
            offset=one.offset,
            fps=video.fps,
        )
        for video in videos
        for one in video.intervals
        if one.kind == "macro"
    ]
    texts = dict.fromkeys(str(said.message) for said in caught if issubclass(said.category, MienWarning))
    told = [text for text in texts if _code(text, _SAID, "") in ("apex-outside", "offset-before-onset")]
    return found, [("table-remark", _place(text, entry.name), _first(text)) for text in told]


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
            yield from _check_absent(entry, root, sample, spare)
        named = _way(root, path) & {name.lower() for name in entry.classes}
        if named and sample.emotion and sample.emotion.lower() not in named and folders[path].frames:
            yield "label-in-folder", sample.sample_id, f"it is {sample.emotion} but lies in '{path}'"
    moved = {sample.source.path.name for sample in clips if not folders[sample.source.path].frames}
    extra = [path for path in spare if path.name not in moved]
    if extra:
        names = ", ".join(f"'{path.relative_to(root)}'" for path in extra[:3])
        yield "extra-folders", entry.name, f"{len(extra)} folders of images are not in the table: {names}"


def _way(root: Path, path: Path) -> set[str]:
    """The folders on the way from the root, in lower case: what the user calls those above it says nothing."""
    return {part.lower() for part in Path(os.path.relpath(path, root)).parts}


def _check_absent(entry: Dataset, root: Path, sample: Sample, spare: Sequence[Path]) -> Remarks:
    """A clip that is not where it should be: somewhere else, perhaps in another class's folder, or nowhere."""
    path = sample.source.path
    elsewhere = [other for other in spare if other.name.lower() == path.name.lower()]
    if not elsewhere:
        yield "missing-clip", sample.sample_id, f"'{path}' has no frames"
        return
    classes = {name.lower() for name in entry.classes} - {sample.emotion.lower()}
    for other in elsewhere:
        if classes & _way(root, other):
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
