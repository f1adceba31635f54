"""Interval files: what a person, a challenge submission or mien says happened when in which video."""

from __future__ import annotations

import csv
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mien.core import AnnotatedInterval, Interval, LongVideo, MienError, MienWarning

__all__ = ["KINDS", "Point", "Span", "Spans", "all_spans", "annotated_spans", "read_intervals"]

Annotation = tuple[float, float, str]
Point = Literal["onset", "apex", "offset"]

# Column names in public use: mien's own first, then those of the MEGC challenges and of the public STRS evaluator.
ALIASES = {
    "video": ("video", "vid"),
    "subject": ("subject",),
    "onset_frame": ("onset_frame", "pred_onset", "onset"),
    "apex_frame": ("apex_frame", "pred_apex", "apex"),
    "offset_frame": ("offset_frame", "pred_offset", "offset"),
    "onset_s": ("onset_s",),
    "apex_s": ("apex_s",),
    "offset_s": ("offset_s",),
    "emotion": ("emotion", "pred_emotion"),
    "kind": ("kind", "type"),
}
KINDS = {
    "": "",
    "me": "micro",
    "micro": "micro",
    "micro-expression": "micro",
    "mae": "macro",
    "macro": "macro",
    "macro-expression": "macro",
}
EXPECTED = "onset_s,offset_s or onset_frame,offset_frame (or vid,pred_onset,pred_offset,type)"
TIER, EMOTION_TIER = "micro-expression", "emotion"


@dataclass(frozen=True, slots=True)
class Span:
    """One expression in a video as a file states it; what the file does not say is None or empty.

    Attributes
    ----------
    onset_frame, apex_frame, offset_frame : int or None
        Frames; the offset is the last frame that belongs to it. An apex outside is legal: annotations have such.
    onset_s, apex_s, offset_s : float or None
        Seconds.
    emotion : str
        As the file names it.
    kind : {"", "micro", "macro"}
        Which sort of expression.
    subject : str
        Who.

    Raises
    ------
    MienError
        If neither frames nor seconds are given for onset and offset, a value is negative or not finite, or the onset
        comes after the offset.

    Examples
    --------
    >>> Span(onset_frame=30, offset_frame=60).seconds("onset", fps=200)
    0.15
    """

    onset_frame: int | None = None
    apex_frame: int | None = None
    offset_frame: int | None = None
    onset_s: float | None = None
    apex_s: float | None = None
    offset_s: float | None = None
    emotion: str = ""
    kind: str = ""
    subject: str = ""

    def __post_init__(self) -> None:
        if not (self.has_frames or self.has_seconds):
            raise MienError("got an interval without onset or offset; expected both, in frames or in seconds")
        for unit in ("frame", "s"):
            stated = [getattr(self, f"{point}_{unit}") for point in ("onset", "apex", "offset")]
            onset, _, offset = stated
            known = [value for value in stated if value is not None]
            unordered = onset is not None and offset is not None and onset > offset
            if unordered or any(not math.isfinite(value) or value < 0 for value in known):
                got = ", ".join("–" if value is None else f"{value:g}" for value in stated)
                what = "seconds" if unit == "s" else "frames"
                raise MienError(f"got onset, apex, offset {got} ({what}); expected numbers from 0, the onset first")
        if self.kind not in KINDS.values():
            raise MienError(f"got the kind '{self.kind}'; expected micro or macro")

    @classmethod
    def of(cls, interval: Interval, kind: str = "", subject: str = "") -> Span:
        """Take frames, seconds and emotion of an interval that mien spotted."""
        names = ("onset_frame", "apex_frame", "offset_frame", "onset_s", "apex_s", "offset_s", "emotion")
        return cls(**{name: getattr(interval, name) for name in names}, kind=kind, subject=subject)

    @property
    def has_frames(self) -> bool:
        """Whether onset and offset are known in frames."""
        return self.onset_frame is not None and self.offset_frame is not None

    @property
    def has_seconds(self) -> bool:
        """Whether onset and offset are known in seconds."""
        return self.onset_s is not None and self.offset_s is not None

    def seconds(self, point: Point, fps: float | None = None) -> float | None:
        """Return a time as stated, else the frame number over ``fps``, else None."""
        stated: float | None = getattr(self, f"{point}_s")
        frame: int | None = getattr(self, f"{point}_frame")
        return stated if stated is not None or frame is None or not fps else frame / fps


Spans = Mapping[str, Sequence[Span]]


def all_spans(side: Spans) -> list[Span]:
    """Return the spans of all videos."""
    return [span for spans in side.values() for span in spans]


def annotated_spans(videos: Iterable[LongVideo]) -> dict[str, list[Span]]:
    """Return the truth of a corpus of long videos, by ``video_id``, in frames and seconds.

    Intervals whose offset the corpus does not know cannot be scored: they are left out, with a warning that counts
    them.

    Examples
    --------
    >>> from mien.core import AnnotatedInterval, Source
    >>> found = AnnotatedInterval("006_1_2", "micro", 3562, 3588, 3632)
    >>> video = LongVideo("samm-lv", "samm-lv/006", "samm-lv/006/006_1", Source("frames", Path(".")), 200.0, (found,))
    >>> [span] = annotated_spans([video])["samm-lv/006/006_1"]
    >>> span.onset_s, span.kind
    (17.81, 'micro')
    """
    videos = list(videos)
    found = {
        video.video_id: [_annotated(item, video) for item in video.intervals if item.offset is not None]
        for video in videos
    }
    dropped = sum(len(video.intervals) for video in videos) - len(all_spans(found))
    if dropped:
        text = f"{dropped} annotated intervals have no offset and cannot be scored: they are left out"
        warnings.warn(text, MienWarning, stacklevel=2)
    return found


def read_intervals(path: Path | str) -> dict[str, list[Span]]:
    r"""Read an interval file, by video.

    Three forms are understood. **CSV** with a header: mien's own ``intervals.csv`` (``onset_frame``, ``apex_frame``,
    ``offset_frame``, ``onset_s``, ``apex_s``, ``offset_s``, ``emotion``, of which onset and offset in one of the units
    are needed); the submissions of MEGC 2022, ``vid,pred_onset,pred_offset,type`` in frames with the types ``me`` or
    ``micro-expression`` and ``mae`` or ``macro-expression``; the tables of the public STRS evaluator,
    ``subject,video,onset,offset,emotion`` in frames. A column ``video`` (or ``vid``), ``subject`` and ``kind`` (or
    ``type``) may always be added; other columns are ignored; a negative apex means that it is not known. **ELAN**
    (``.eaf``): the tier ``micro-expression`` (of each face), or the only tier there is; an emotion is the annotation
    of the tier ``emotion`` that overlaps most, or, where there is only one tier, what is written in it.

    Parameters
    ----------
    path : Path or str
        The file.

    Returns
    -------
    dict of str to list of Span
        In the order of the file. The video is ``""`` where the file names none, ``subject/video`` where it names both.

    Raises
    ------
    MienError
        If the file is not such a file; the message names the line or the annotation.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "submission.csv"
    >>> _ = path.write_text("vid,pred_onset,pred_offset,type\n006_1,30,60,me\n")
    >>> [(video, span.onset_frame, span.kind) for video, [span] in read_intervals(path).items()]
    [('006_1', 30, 'micro')]
    """
    path = Path(path)
    if not path.is_file():
        raise MienError(f"got '{path}', which is no file; expected intervals as .csv or .eaf; check the path")
    return {"": _read_elan(path)} if path.suffix.lower() == ".eaf" else _read_csv(path)


def _annotated(item: AnnotatedInterval, video: LongVideo) -> Span:
    onset_s, apex_s, offset_s = (
        None if frame is None else frame / video.fps for frame in (item.onset, item.apex, item.offset)
    )
    frames = item.onset, item.apex, item.offset
    return Span(*frames, onset_s, apex_s, offset_s, item.emotion, item.kind, video.subject)


def _read_csv(path: Path) -> dict[str, list[Span]]:
    videos: dict[str, list[Span]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.reader(file, strict=True)
            columns = _columns(next(table, []), path)
            for row in table:
                if row:
                    video, span = _row(row, columns, f"line {table.line_num} of '{path}'")
                    videos.setdefault(video, []).append(span)
    except OSError as error:
        raise MienError(f"got '{path}', but {error.strerror}; expected intervals as .csv; check the path") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MienError(f"got '{path}', which is not CSV in UTF-8 ({error}); expected an interval file") from error
    return videos if videos or "video" in columns else {"": []}


def _columns(header: Sequence[str], path: Path) -> dict[str, int]:
    """Return where each field stands; of several names for one field the first that is there."""
    names = [name.strip().lower() for name in header]
    found = {
        field: names.index(next(alias for alias in aliases if alias in names))
        for field, aliases in ALIASES.items()
        if set(aliases) & set(names)
    }
    if not any({f"onset_{unit}", f"offset_{unit}"} <= set(found) for unit in ("frame", "s")):
        raise MienError(f"got the header {','.join(header)[:100]!r} in '{path}'; expected the columns {EXPECTED}")
    return found


def _row(row: Sequence[str], columns: Mapping[str, int], place: str) -> tuple[str, Span]:
    if len(row) <= max(columns.values()):
        raise MienError(f"got {len(row)} cells at {place}; expected one per column of the header")
    cells = {field: row[column].strip() for field, column in columns.items()}
    video, kind = cells.pop("video", ""), cells.pop("kind", "").lower()
    if "video" in columns and not video:
        raise MienError(f"got an empty video at {place}; expected its name; fill it in")
    if kind not in KINDS:
        raise MienError(f"got the type '{kind}' at {place}; expected one of {', '.join(filter(None, KINDS))}")
    values: dict[str, Any] = {
        field: _number(text, field, place) if field.endswith(("_frame", "_s")) else text
        for field, text in cells.items()
    }
    if values.get("subject") and video:
        # The same name may stand for videos of several people.
        video = f"{values['subject']}/{video}"
    try:
        return video, Span(**values, kind=KINDS[kind])
    except MienError as error:
        raise MienError(f"{error} (at {place})") from None


def _number(text: str, field: str, place: str) -> float | int | None:
    """Read a frame number or seconds; empty is None, and so is a negative apex."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    whole = field.endswith("_frame")
    if not math.isfinite(value) or (whole and value != int(value)):
        expected = "a whole frame number" if whole else "seconds"
        raise MienError(f"got {field} '{text}' at {place}; expected {expected}; correct it")
    if field.startswith("apex") and value < 0:
        return None
    return int(value) if whole else value


def _read_elan(path: Path) -> list[Span]:
    """Read every tier of micro-expressions with the emotions beside them, or the only tier that holds anything."""
    tiers = _tiers(path)
    chosen = [name for name in tiers if name == TIER or name.startswith(f"{TIER} (")]
    used = [name for name, annotations in tiers.items() if annotations]
    if chosen:
        beside = {name: tiers.get(EMOTION_TIER + name.removeprefix(TIER), []) for name in chosen}
    elif len(used) <= 1:
        beside = {name: tiers[name] for name in used}
    else:
        raise MienError(f"got the tiers {', '.join(used)} in '{path}'; expected '{TIER}', or one only; rename one")
    try:
        return [
            Span(onset_s=start, offset_s=stop, emotion=_beside(start, stop, emotions))
            for name, emotions in beside.items()
            for start, stop, _ in tiers[name]
        ]
    except MienError as error:
        raise MienError(f"{error} (in '{path}')") from None


def _tiers(path: Path) -> dict[str, list[Annotation]]:
    """Tiers of an ELAN file: start, stop (nan where not aligned) and text of each annotation."""
    from pympi.Elan import Eaf

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # newer versions of the format than pympi knows read well
            document = Eaf(path)
            return {
                name: [_annotation(*row[:3]) for row in document.get_annotation_data_for_tier(name)]
                for name in document.get_tier_names()
            }
    except Exception as error:  # pympi raises bare Exception, KeyError, IndexError, ValueError for broken files
        text = f"{type(error).__name__}: {error}"
        raise MienError(f"got '{path}', which does not read as ELAN ({text}); expected an .eaf file") from error


def _annotation(start: int | None, stop: int | None, text: str) -> Annotation:
    onset_s, offset_s = (math.nan if time is None else time / 1000 for time in (start, stop))
    return onset_s, offset_s, text.strip()


def _beside(start: float, stop: float, others: Sequence[Annotation]) -> str:
    """Return the text of the annotation that overlaps most; empty where none does."""
    overlaps = [(min(stop, end) - max(start, begin), text) for begin, end, text in others if begin <= end]
    longest, text = max(overlaps, key=lambda pair: pair[0], default=(0, ""))
    return text if longest > 0 else ""
