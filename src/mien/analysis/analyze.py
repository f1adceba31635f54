"""Any video -> the moments where a micro-expression may have happened, with their likely emotion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.analysis._deidentify import deidentified, pseudonym
from mien.analysis._follow import Following, Track
from mien.analysis._markers import Marker, marker_notes, take_markers
from mien.analysis._read import read_intervals
from mien.analysis._result import Analysis
from mien.analysis._sources import recording_name, source_sha256
from mien.analysis._write import check_exports, check_results_folder, write_analysis
from mien.analysis.conditions import recording_end_s
from mien.core import Interval, MienError
from mien.faces import FaceTracks, face_backend
from mien.methods import load_model
from mien.motion import one_thread
from mien.spotting import SPOTTERS, SpotSettings
from mien.video import Video, open_video, read_ahead

__all__ = ["analyze"]

Progress = Callable[[int, int | None], None]

_TRUSTED_FPS = 90.0  # the slowest camera of the corpora whose onsets can be placed to 11 ms
_LEAST_FPS = 25.0
_SMALL_FACE_PX = 90.0
_LEAST_SEEN_S = 0.5


@one_thread()  # it is spread over the cores by itself
def analyze(
    source: Path | str,
    *,
    out: Path | str | None = None,
    name: str | None = None,
    fps: float | None = None,
    model: Path | str = "default",
    faces: str = "dlib",
    spotter: str = "mien",
    settings: SpotSettings | None = None,
    most_faces: int = 4,
    elan: bool = False,
    exports: Sequence[str] = (),
    deidentify: bool = False,
    markers: Path | str | Sequence[Marker] = (),
    progress: Progress | None = None,
) -> Analysis:
    """Find and read the micro-expressions of a recording.

    Parameters
    ----------
    source : path
        A video file, or a folder of images of one clip (then ``fps`` is needed).
    out : path, optional
        Folder in which ``<name>/report.html``, ``intervals.csv``, ``frames.csv`` and ``analysis.json`` are written.
    name : str, optional
        What the result's folder is called; by default the source's stem.
    fps : float, optional
        Frames per second of a folder of images.
    model : path or "default"
        A folder from ``mien train``, or the bundled recogniser.
    faces : str
        Face backend: ``dlib``, or ``precropped`` for frames that are the face already.
    spotter : str
        The spotting method, a name in :data:`mien.spotting.SPOTTERS`.
    settings : SpotSettings, optional
        Thresholds and limits of spotting.
    most_faces : int
        Faces followed at a time, the largest first.
    elan : bool
        Also write ``<name>.eaf`` for ELAN; the same as ``exports=("elan",)``.
    exports : sequence of str
        What else to write: ``elan``, ``megc`` (``<name>_megc.csv``, a submission to the MEGC challenges), ``openface``
        (``<name>_openface.csv``, columns per frame) or ``mp4`` (``<name>_annotated.mp4``).
    deidentify : bool
        Write and return no picture of a face, and no name, path or hash that leads back to the source. A ``name`` that
        is the source's is replaced by a random one.
    markers : path or sequence of Marker
        Conditions of a study, as :func:`mien.analysis.read_markers` reads them; those that name another recording are
        left out.
    progress : callable, optional
        Called with frames done and, where it is known, frames in all.

    Returns
    -------
    Analysis
        Intervals, what they were read from, and what is known of every frame.

    Raises
    ------
    MienError
        If the source is no readable video, has no face in any frame, or the model cannot be used; or if the folder of
        the results holds anything but earlier results.

    Examples
    --------
    >>> import mien
    >>> found = mien.analyze("interview.mp4", out="results")  # doctest: +SKIP
    >>> [(i.apex_s, i.emotion, i.confidence) for i in found.intervals]  # doctest: +SKIP
    """
    source, settings, entry = Path(source), settings or SpotSettings(), SPOTTERS[spotter]
    check_exports(exports)
    marks = take_markers(markers, [source.resolve().name, recording_name(source), *([name] if name else [])])
    name = pseudonym(source, name) if deidentify else name or recording_name(source)
    folder = None if out is None else Path(out) / name
    if folder is not None:
        check_results_folder(folder)
    recogniser = load_model(model)
    backend = face_backend(faces)
    with open_video(source, fps=fps, grey=True) as video, Following(FaceTracks(backend, most=most_faces)) as following:
        stopped = _read_all(video, following, progress)
        rate, size, notes = video.fps, video.size, [note for note in video.warnings if note != video.partial]
        stopped = stopped or video.partial
    tracks = [track for track in following.known() if _is_a_face(track)]
    if not tracks:
        raise MienError(
            f"got '{source}' without a face in any of its {len(following.times_s)} frames; "
            "expected a frontal face; check the file, or try --faces precropped if it shows nothing but the face"
        )
    spotted, macro = [], []
    for track in tracks:
        micro, longer, track.motion = entry.spot(track.curves, settings, track.face)
        spotted += micro
        macro += longer
    spotted, macro = sorted(spotted, key=_by_time), sorted(macro, key=_by_time)
    weak = settings.least_score if entry.name == "mien" else 0.0  # the scores of other methods are of other scales
    times = following.times_s.tolist()
    intervals, evidence = read_intervals(source, fps, spotted, tracks, recogniser, backend, times, least_score=weak)
    by_face = {track.face: track for track in tracks}
    found = Analysis(
        source=source,
        sha256=source_sha256(source),
        fps=rate,
        size=size,
        intervals=tuple(_noted(interval, by_face[interval.face]) for interval in intervals),
        evidence=evidence,
        macro=tuple(macro),
        frames=following.frames,
        times_s=following.times_s,
        tracks=tuple(tracks),
        warnings=(),
        model=recogniser.card,
        spotter=spotter,
        settings=settings,
        partial=stopped,
        markers=marks,
    )
    beyond = marker_notes(marks, recording_end_s(found))
    found = replace(found, warnings=(*notes, *_warnings(found), *beyond))
    if folder is None:
        return deidentified(found, name) if deidentify else found
    return write_analysis(found, folder, exports=exports, deidentify=deidentify, elan=elan)


def _read_all(video: Video, following: Following, progress: Progress | None) -> str:
    """Read every frame; Ctrl-C ends the reading, not the analysis. Returns why it ended early."""
    try:
        for frame in read_ahead(video):
            following.push(frame)
            if progress is not None:
                progress(frame.index + 1, video.frame_count)
    except KeyboardInterrupt:
        if not len(following.times_s):
            raise
        return f"stopped by Ctrl-C at {following.times_s[-1]:.2f} s"
    return ""


def _is_a_face(track: Track) -> bool:
    """Whether it was followed for long enough to be one: what is seen for a moment is mostly a mistake."""
    return track.face == 1 or int(track.found.sum()) * float(np.median(np.diff(track.times_s))) >= _LEAST_SEEN_S


def _by_time(interval: Interval) -> tuple[float, int]:
    return interval.onset_s, interval.face


def _noted(interval: Interval, track: Track) -> Interval:
    """Add what speaks against trusting this interval."""
    notes = [interval.notes] if interval.notes else []
    inside = track.rows(interval.onset_frame, interval.offset_frame)
    if np.nanmean(track.quality[inside, 0]) < _SMALL_FACE_PX:
        notes.append("small face")
    if np.nanmax(np.abs(track.quality[inside, 2])) > 25:
        notes.append("face turned away")
    if (interval.offset_frame - interval.onset_frame) < 8:
        notes.append("few frames")
    return replace(interval, notes="; ".join(notes))


def _warnings(found: Analysis) -> list[str]:
    notes, fps = [], found.fps
    if found.partial:
        notes.append(f"only a part of the recording was analysed: {found.partial}")
    if fps < _LEAST_FPS:
        notes.append(f"{fps:.1f} frames a second are too few: most micro-expressions fall between two frames")
    elif fps < _TRUSTED_FPS:
        notes.append(
            f"{fps:.1f} frames a second are few: a micro-expression of 1/25 to 1/2 s has {fps / 25:.0f} to "
            f"{fps / 2:.0f} frames; short ones are missed and onsets are coarse (90 or more are recommended)"
        )
    there = found.found
    if not there.all():
        spans = ", ".join(f"{a:.2f}-{b:.2f} s" for a, b in _spans(there, found.times_s))
        notes.append(f"no face in {int((~there).sum())} of {len(there)} frames ({spans}): nothing can be found there")
    for track in found.tracks:
        who = f"face {track.face}" if len(found.tracks) > 1 else "the face"
        size = float(np.median(track.quality[track.found, 0]))
        if size < _SMALL_FACE_PX:
            notes.append(f"{who} is only {size:.0f} px wide: movements of a pixel at 128 px are lost")
        turned = float((np.abs(track.quality[track.found, 2]) > 25).mean())
        if turned > 0.1:
            notes.append(f"{who} is turned away by more than 25 degrees in {turned:.0%} of the frames")
    return notes


def _spans(there: npt.NDArray[np.bool_], times_s: npt.NDArray[np.float64], most: int = 6) -> list[tuple[float, float]]:
    """The longest stretches without a face, in time order."""
    missing = np.concatenate([[False], ~there, [False]]).astype(int)
    starts, stops = np.flatnonzero(np.diff(missing) == 1), np.flatnonzero(np.diff(missing) == -1) - 1
    spans = [(float(times_s[a]), float(times_s[b])) for a, b in zip(starts, stops, strict=True)]
    return sorted(sorted(spans, key=lambda span: span[0] - span[1])[:most])
