"""Spot over a corpus of long videos: every video in a process of its own, its result kept, the whole scored at the end.

A corpus counts frames by the numbers in their file names, which mostly begin at 1 and, in excerpts, have holes. Here
frame 0 is the first one on disk and a frame's time is its number's distance from it, so that a hole is a hole in time
and never makes neighbours of frames that are not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mien.analysis._follow import Following, Track
from mien.core import AnnotatedInterval, Interval, LongVideo, MienError, atomic_path
from mien.core.frames import numbered_frames, ranges
from mien.faces import FaceTracks, face_backend
from mien.reports.spotting import SpottedVideo, write_spotting
from mien.spotting import SPOTTERS, SpotSettings
from mien.video import Frame, open_video, read_image

__all__ = ["spot_corpus"]

_KEPT = "videos"
_RESULTS = {"intervals.csv", "truth.csv", "spotting.json", _KEPT}
_FIELDS = (
    "onset_frame", "apex_frame", "offset_frame", "onset_s", "apex_s", "offset_s", "score", "region", "face", "notes",
    "kind",
)  # fmt: skip
_SMALL_FACE_PX = 90.0
_SAME_RATE = 0.01  # share by which a file's frame rate may differ from the corpus's


def spot_corpus(
    videos: Sequence[LongVideo],
    out: Path | str,
    *,
    spotter: str = "mien",
    settings: SpotSettings | None = None,
    faces: str = "dlib",
    jobs: int | None = None,
    resume: bool = False,
    notes: Sequence[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Spot in every video of a corpus, and score what was found against its annotation.

    What each video gave is kept in ``out/videos``, so that an interrupted call can go on. A video that cannot be read
    is left out, with the reason. Emotions are not read. One face is followed: these corpora show one person.

    Parameters
    ----------
    videos : sequence of LongVideo
        As a corpus's ``read_long`` returns them.
    out : path
        Folder for ``intervals.csv``, ``truth.csv`` and ``spotting.json``
        (:func:`mien.reports.spotting.write_spotting`).
    spotter : str
        A name in :data:`mien.spotting.SPOTTERS`.
    settings : SpotSettings, optional
        Thresholds and limits.
    faces : str
        Face backend: ``dlib``, ``retinaface``, or ``precropped`` for frames that show only the face.
    jobs : int, optional
        Videos at a time, each in a process of its own; by default one for every two cores, which it keeps busy.
    resume : bool
        Go on in a folder with results: what was made by the same method, settings and version is kept.
    notes : sequence of str
        What is known to be wrong with the copy: goes among the warnings.
    progress : callable, optional
        Called with videos done and videos in all.

    Returns
    -------
    dict
        What stands in ``spotting.json``.

    Raises
    ------
    MienError
        If a name is unknown, there are no videos or two of one name, none can be read, or the folder is taken.

    Examples
    --------
    >>> from mien.datasets import DATASETS
    >>> videos = DATASETS["samm-lv"].read_long("SAMM")  # doctest: +SKIP
    >>> spot_corpus(videos, "spotted", spotter="mdmd")["scores"]["by_kind"]["micro"]["f1"]  # doctest: +SKIP
    """
    out, settings = Path(out), settings or SpotSettings()
    about = _about(videos, spotter, settings, faces)
    _check(videos, jobs)
    face_backend(faces)
    _claim(out, resume)
    makers = [_Maker(video, out / _KEPT / f"{video.video_id}.json", about, settings) for video in videos]
    todo = [maker for maker in makers if not maker.is_done()]
    failed = dict(_run(todo, jobs, len(videos), progress))
    if len(failed) == len(videos):
        raise MienError(f"got {len(videos)} videos of which none can be read; the first: {failed[videos[0].video_id]}")
    spotted = [maker.result() for maker in makers if maker.video.video_id not in failed]
    return write_spotting(out, spotted, about, left_out=failed, notes=notes)


def _about(videos: Sequence[LongVideo], spotter: str, settings: SpotSettings, faces: str) -> dict[str, Any]:
    """How it is made: what must agree for a video's result to be kept."""
    from mien.methods import versions

    entry = SPOTTERS[spotter]
    return {
        "dataset": ", ".join(sorted({video.dataset for video in videos})),
        "spotter": {
            "name": entry.name,
            "title": entry.title,
            "paper": entry.paper,
            "deviations": list(entry.deviations),
        },
        "settings": json.loads(json.dumps(asdict(settings))),
        "faces": faces,
        "versions": versions(),
    }


def _check(videos: Sequence[LongVideo], jobs: int | None) -> None:
    names = [video.video_id for video in videos]
    if not names:
        raise MienError("got no videos; expected the long videos of a corpus; check its root")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise MienError(f"got two videos named '{twice[0]}'; expected names to be unique; leave one out")
    if jobs is not None and jobs < 1:
        raise MienError(f"got {jobs} jobs; expected at least 1; change --jobs")


def _claim(out: Path, resume: bool) -> None:
    """Take a free folder, or one with results to go on with."""
    if out.exists() and not out.is_dir():
        raise MienError(f"got '{out}' for the results, which is a file; expected a folder; choose another --out")
    there = {path.name for path in out.iterdir() if not path.name.startswith(".")} if out.exists() else set()
    if others := sorted(there - _RESULTS):
        raise MienError(f"got '{out}', which holds other things, such as '{others[0]}'; choose another --out")
    if there and not resume:
        raise MienError(f"got '{out}' with results in it; expected a new folder; choose another, or give --resume")


def _run(
    todo: Sequence[_Maker], jobs: int | None, total: int, progress: Callable[[int, int], None] | None
) -> Iterator[tuple[str, str]]:
    """Make what is to do; the videos that cannot be read, with the reason."""
    import joblib

    done = total - len(todo)
    at_once = min(len(todo), jobs or max(1, joblib.cpu_count() // 2)) or 1
    with joblib.parallel_config(backend="loky", n_jobs=at_once):
        parallel = joblib.Parallel(return_as="generator_unordered")
        for name, reason in parallel(joblib.delayed(_make)(maker) for maker in todo):
            done += 1
            if progress is not None:
                progress(done, total)
            if reason:
                yield name, reason


def _make(maker: _Maker) -> tuple[str, str]:
    try:
        maker.make()
    except MienError as error:
        return maker.video.video_id, str(error)
    return maker.video.video_id, ""


@dataclass(frozen=True, slots=True)
class _Maker:
    """One video, and the file that keeps what was spotted in it."""

    video: LongVideo
    path: Path
    about: dict[str, Any]
    settings: SpotSettings

    def is_done(self) -> bool:
        """Whether the file is there and was made in the same way from as many frames."""
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            return bool(kept["about"] == self.about and kept["source"] == _fingerprint(self.video))
        except (OSError, ValueError, KeyError, TypeError, MienError):
            return False

    def make(self) -> None:
        """Follow the face, spot, keep the result."""
        reel = _reel(self.video)
        with Following(FaceTracks(face_backend(self.about["faces"]), most=1)) as following:
            for frame in reel.frames():
                following.push(frame)
        tracks = following.known()
        if not tracks:
            raise MienError(
                f"got '{self.video.source.path}' without a face in any of its {len(following.times_s)} frames; "
                "expected a frontal face; check the frames, or try --faces precropped"
            )
        found: list[Interval] = []
        for track in tracks:
            micro, macro, _ = SPOTTERS[self.about["spotter"]["name"]].spot(track.curves, self.settings, track.face)
            found += [*micro, *macro]
        times = following.times_s
        there = int(sum(track.found.sum() for track in tracks))
        self._keep(
            {
                "about": self.about,
                "source": _fingerprint(self.video),
                "first": reel.first,
                "frames": len(times),
                "face_frames": there,
                "duration_s": float(times[-1] - times[0]),
                "intervals": [_plain(interval) for interval in sorted(found, key=lambda i: (i.onset_s, i.offset_s))],
                "warnings": [*reel.notes(), *_seen(tracks, there, len(times))],
            }
        )

    def result(self) -> SpottedVideo:
        """What the file says, with the annotation as it is now."""
        kept = json.loads(self.path.read_text(encoding="utf-8"))
        return SpottedVideo(
            video=self.video,
            first=kept["first"],
            frames=kept["frames"],
            face_frames=kept["face_frames"],
            duration_s=kept["duration_s"],
            intervals=tuple(Interval(**row) for row in kept["intervals"]),
            warnings=tuple(kept["warnings"]),
        )

    def _keep(self, document: dict[str, Any]) -> None:
        with atomic_path(self.path) as temporary:
            temporary.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _plain(interval: Interval) -> dict[str, Any]:
    return {name: getattr(interval, name) for name in _FIELDS}


def _seen(tracks: Sequence[Track], there: int, frames: int) -> list[str]:
    """What the face itself gives reason to doubt."""
    notes = []
    if there < frames:
        notes.append(f"no face in {frames - there} of {frames} frames: nothing can be found there")
    if len(tracks) > 1:
        notes.append(f"the face was lost and found elsewhere: it was followed as {len(tracks)} faces")
    widths = np.concatenate([track.quality[track.found, 0] for track in tracks])
    if np.median(widths) < _SMALL_FACE_PX:
        notes.append(f"the face is only {np.median(widths):.0f} px wide: movements of a pixel at 128 px are lost")
    return notes


def _fingerprint(video: LongVideo) -> list[int]:
    """What changes when frames come or go: how many there are, the first and last number; of a file its size."""
    if video.source.kind != "frames":
        return [video.source.path.stat().st_size]
    numbers = [*numbered_frames(video.source.path)]
    return [len(numbers), numbers[0], numbers[-1]]


@dataclass(frozen=True, slots=True)
class _Reel:
    """The frames of a video in order, frame 0 first; and what is to be said of them."""

    first: int
    frames: Callable[[], Iterator[Frame]]
    notes: Callable[[], list[str]]


def _reel(video: LongVideo) -> _Reel:
    return _folder_reel(video) if video.source.kind == "frames" else _file_reel(video)


def _folder_reel(video: LongVideo) -> _Reel:
    """Numbered images; a number that is missing is a hole in time."""
    numbered = numbered_frames(video.source.path)
    first = next(iter(numbered))
    return _Reel(first, partial(_images, video, numbered, first), lambda: _holes(video.intervals, numbered))


def _images(video: LongVideo, numbered: dict[int, Path], first: int) -> Iterator[Frame]:
    size: tuple[int, ...] = ()
    for number, path in numbered.items():
        image = read_image(path, grey=True)
        size = size or image.shape
        if image.shape != size:
            raise MienError(
                f"got '{path}' of {image.shape[1]}x{image.shape[0]}; expected {size[1]}x{size[0]} like the frames "
                "before it; complete the copy"
            )
        yield Frame(number - first, (number - first) / video.fps, image)


def _holes(intervals: Sequence[AnnotatedInterval], numbered: dict[int, Path]) -> list[str]:
    numbers = [*numbered]
    missing = set(range(numbers[0], numbers[-1] + 1)) - set(numbers)
    notes = []
    if missing:
        runs = ranges(missing).split(", ")
        shown = ", ".join(runs[:6]) + (" …" if len(runs) > 6 else "")
        notes.append(f"{len(missing)} frames are missing (numbers {shown}): nothing can be found there")
    unseen = [item.name for item in intervals if not {item.onset, item.offset or item.onset} <= set(numbers)]
    if unseen:
        notes.append(f"{len(unseen)} annotated intervals begin or end where there is no frame: {', '.join(unseen[:6])}")
    return notes


def _file_reel(video: LongVideo) -> _Reel:
    """A video file with its own times; the corpus is taken to count its frames from 0."""
    opened = open_video(video.source.path, grey=True)

    def notes() -> list[str]:
        off = abs(opened.fps / video.fps - 1) > _SAME_RATE
        said = [f"the file has {opened.fps:.4g} frames a second, the corpus {video.fps:.4g}"] if off else []
        return [*opened.warnings, *said]

    return _Reel(0, lambda: iter(opened), notes)
