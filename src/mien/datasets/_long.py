"""What the corpora of long videos share: intervals grouped by video, and micro-expressions as samples."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mien.core import AnnotatedInterval, LongVideo, MienError, MienWarning, Sample, Source

__all__ = ["Found", "long_videos", "micro_samples", "video_folders", "with_frames"]

Found = tuple[str, AnnotatedInterval]
"""The id of a video, ``<dataset>/<subject>/<video>``, and one expression in it."""


def video_folders(root: Path, pattern: str, name: str, video: str) -> dict[str, Path]:
    r"""Return the folder of each video on disk, by video id.

    Parameters
    ----------
    root : Path
        Top of the copy; what the pattern says may lie up to two folders below it.
    pattern : str
        Where the folders are, as a glob pattern.
    name : str
        Regular expression that the start of a folder's name must match.
    video : str
        The id, in which ``\1`` is the expression's first group, and so on.

    Raises
    ------
    MienError
        If two folders have the same id.

    Examples
    --------
    >>> video_folders(Path("nowhere"), "*", r"(\d+)_(\d)", r"samm-lv/\1/\1_\2")
    {}
    """
    folders: dict[str, Path] = {}
    for depth in ("", "*/", "*/*/"):
        for path in sorted(root.glob(depth + pattern)):
            match = re.match(name, path.name)
            key = match.expand(video) if match and path.is_dir() else ""
            if key in folders:
                raise MienError(f"got '{folders[key]}' and '{path}'; expected one folder of '{key}'; remove one")
            if key:
                folders[key] = path
        if folders:
            break
    return folders


def with_frames(found: Sequence[Found], folders: Mapping[str, Path], root: Path, example: str) -> list[Found]:
    """Return what lies in videos that are on disk; a warning names those that are not.

    Raises
    ------
    MienError
        If no video is on disk.
    """
    missing = sorted({video for video, _ in found} - set(folders))
    if not folders:
        raise MienError(f"got '{root}' without frames of long videos; expected '{example}'; see 'mien datasets'")
    if missing:
        names = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        text = f"'{root}' has no frames of {len(missing)} annotated videos, which are left out: {names}"
        warnings.warn(text, MienWarning, stacklevel=3)
    return [(video, interval) for video, interval in found if video in folders]


def long_videos(found: Iterable[Found], folders: Mapping[str, Path], fps: float) -> list[LongVideo]:
    """Return every video that lies on disk, sorted by id, its intervals by onset.

    One in which nothing was annotated is a video like the others: false alarms in it count.
    """
    intervals: dict[str, list[AnnotatedInterval]] = {video: [] for video in folders}
    for video, interval in found:
        intervals[video].append(interval)
    return [_video(video, folders[video], intervals[video], fps) for video in sorted(folders)]


def micro_samples(found: Iterable[Found], folders: Mapping[str, Path], fps: float) -> list[Sample]:
    """Return the micro-expressions as samples whose frames are those of the whole video.

    A video without folder has an empty source: the annotation alone.
    """
    return [_sample(video, interval, folders.get(video), fps) for video, interval in found if interval.kind == "micro"]


def _sample(video: str, interval: AnnotatedInterval, folder: Path | None, fps: float) -> Sample:
    dataset, subject, _ = video.split("/", 2)
    return Sample(
        dataset=dataset,
        subject=f"{dataset}/{subject}",
        sample_id=f"{dataset}/{subject}/{interval.name}",
        emotion=interval.emotion,
        source=Source("frames", folder or Path()),
        onset=interval.onset,
        apex=interval.apex,
        offset=interval.offset,
        fps=fps,
        action_units=interval.action_units,
        action_units_text=interval.action_units_text,
    )


def _video(video: str, folder: Path, intervals: list[AnnotatedInterval], fps: float) -> LongVideo:
    dataset, subject, _ = video.split("/", 2)
    ordered = tuple(sorted(intervals, key=lambda interval: (interval.onset, interval.name)))
    return LongVideo(dataset, f"{dataset}/{subject}", video, Source("frames", folder), fps, ordered)
