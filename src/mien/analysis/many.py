"""Many recordings in one go: several at a time, resumable, with a table of them all; one bad file is one line."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from mien.analysis._deidentify import scrubbed
from mien.analysis._markers import Marker, markers_of, read_markers
from mien.analysis._sources import Recording, check_key, name_recordings, read_key, source_sha256, write_key
from mien.analysis._summary import Book, Entry, condition_rows, summary_row
from mien.analysis._workers import Job, Left, run_here, run_jobs
from mien.analysis._write import check_exports
from mien.core import MienError, MienWarning
from mien.spotting import SPOTTERS, SpotSettings

__all__ = ["Batch", "Outcome", "analyze_many"]

Status = Literal["done", "failed", "partial", "skipped", "stopped"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one recording.

    Attributes
    ----------
    name : str
        Of its results.
    source : Path
        What was analysed.
    status : str
        ``done``; ``skipped``, done by an earlier run; ``partial``, not read to its end; ``failed``; ``stopped`` by
        Ctrl-C before there was a result.
    folder : Path or None
        Where the results are.
    document : mapping or None
        The ``analysis.json`` in there.
    error : str
        Why it failed.
    """

    name: str
    source: Path
    status: Status
    folder: Path | None = None
    document: Mapping[str, Any] | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of all recordings.

    Attributes
    ----------
    outcomes : tuple of Outcome
        In the order of the sources.
    waiting : tuple of str
        Recordings without a result, or with a part of one, since Ctrl-C came first.
    interrupted : bool
        Whether it came.
    """

    outcomes: tuple[Outcome, ...]
    waiting: tuple[str, ...] = ()
    interrupted: bool = False

    def named(self, *statuses: Status) -> list[Outcome]:
        """Those of this status."""
        return [outcome for outcome in self.outcomes if outcome.status in statuses]


def analyze_many(
    sources: Sequence[Path | str],
    *,
    out: Path | str,
    jobs: int | None = None,
    resume: bool = False,
    markers: Path | str | Sequence[Marker] | None = None,
    deidentify: bool = False,
    key: Path | str | None = None,
    fps: float | None = None,
    model: Path | str = "default",
    faces: str = "dlib",
    spotter: str = "mien",
    settings: SpotSettings | None = None,
    most_faces: int = 4,
    exports: Sequence[str] = (),
    progress: Callable[[str, int, int | None], None] | None = None,
    finished: Callable[[Outcome], None] | None = None,
) -> Batch:
    """Analyse many recordings; each gets a folder of results, all together a table.

    ``out/summary.csv`` has a row per recording, ``out/conditions.csv`` one per recording and condition where there are
    markers; both are written anew after every recording, with ``summary.json`` for ``resume``. They are written for
    more than one recording, with ``resume`` or ``markers``, or where an earlier run wrote them; recordings of earlier
    runs stay in them. A single recording is analysed in this process, several in others (so guard the script that
    calls this with ``if __name__ == "__main__"``). Ctrl-C ends reading; what was read is written as a partial result.

    Parameters
    ----------
    sources : sequence of path
        Videos, folders of videos, folders of images.
    out : path
        Folder for the results.
    jobs : int, optional
        Recordings at a time; half as many as there are cores by default, as one keeps two cores busy.
    resume : bool
        Skip what is done already from the same file with the same settings, model, markers and version of mien.
    markers : path or sequence of Marker, optional
        Conditions of a study, as :func:`mien.analysis.read_markers` reads them.
    deidentify : bool
        Results under pseudonyms, without what leads back to a person.
    key : path, optional
        With ``deidentify``: a CSV file, apart from the results, for who is who. It keeps the pseudonyms from run to
        run, and ``resume`` needs it.
    fps, model, faces, spotter, settings, most_faces, exports
        As for :func:`mien.analyze`.
    progress : callable, optional
        Called with the recording's name, frames done and, where it is known, frames in all.
    finished : callable, optional
        Called with every outcome as it comes.

    Returns
    -------
    Batch
        What became of each recording, and which Ctrl-C left undone.

    Raises
    ------
    MienError
        If what is asked for cannot be done for any recording: names, markers, model, folder. What concerns one
        recording is in its outcome.

    Examples
    --------
    >>> from mien.analysis import analyze_many
    >>> found = analyze_many(["videos"], out="results", jobs=2, resume=True)  # doctest: +SKIP
    >>> [(one.name, one.status) for one in found.outcomes]  # doctest: +SKIP
    """
    out, key = Path(out), None if key is None else Path(key)
    known = _check_names(out, key, deidentify, resume)
    pseudonyms = {row["source"]: name for name, row in known.items()}
    recordings = name_recordings(sources, deidentify=deidentify, known=pseudonyms)
    if deidentify:
        _check_new(out, recordings, known)
    asked = {
        "fps": fps,
        "model": model,
        "faces": faces,
        "spotter": spotter,
        "settings": settings or SpotSettings(),
        "most_faces": most_faces,
        "exports": check_exports(exports),
        "deidentify": deidentify,
    }
    at_once = _jobs(jobs, len(recordings))
    study = _Study(recordings, _markers(markers, recordings), asked, _model_digest(model), out)
    SPOTTERS[spotter]  # an unknown name is one error, not one for every recording
    run = _Run(study, Book(out, deidentified=deidentify), key, known, finished)
    run.quiet = not (len(recordings) > 1 or resume or markers is not None or run.book.begun)
    todo = run.skip_done() if resume else list(recordings)
    return run.run(todo, at_once, progress)


def _check_names(out: Path, key: Path | None, deidentify: bool, resume: bool) -> dict[str, dict[str, str]]:
    """Return what the key says so far."""
    if key is not None and not deidentify:
        raise MienError("got --key without --deidentify; expected both; a key says who has which pseudonym")
    if key is not None:
        check_key(key, out)
        return read_key(key)
    if deidentify and (resume or (out / "summary.json").exists()):
        raise MienError(
            f"got --deidentify for '{out}', which may hold earlier results, without --key; "
            "expected --key FILE.csv, which alone says who is who; give it, or choose another --out"
        )
    return {}


def _check_new(out: Path, recordings: Sequence[Recording], known: Mapping[str, object]) -> None:
    """Raise :class:`MienError` if a new pseudonym has results: they are of somebody else."""
    for name in (recording.name for recording in recordings):
        if name not in known and (out / name).exists():
            raise MienError(
                f"got '{out}', which holds results of another recording under '{name}'; expected the --key FILE.csv "
                "that says whose they are, or a new folder; choose another --out"
            )


@dataclass(frozen=True, slots=True)
class _Study:
    """What is asked for, of all recordings."""

    recordings: Sequence[Recording]
    markers: Mapping[str, tuple[Marker, ...]]
    asked: Mapping[str, Any]
    model: str
    out: Path

    def job(self, recording: Recording) -> Job:
        marks = [replace(marker, recording="") for marker in self.markers[recording.name]]  # all are of this one
        options = {**self.asked, "out": self.out, "markers": marks}
        return Job(recording.source, recording.name, options)

    def request(self, recording: Recording) -> str:
        """Digest of everything that the result depends on but the recording itself."""
        from mien.methods import versions

        settings, marks = asdict(self.asked["settings"]), [asdict(m) for m in self.markers[recording.name]]
        said = {**self.asked, "settings": settings, "model": self.model, "mien": versions().get("mien")}
        text = json.dumps(said | {"markers": [m | {"row": None} for m in marks]}, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def made(self, recording: Recording, sha256: str | None = None) -> dict[str, str]:
        """What a result of now would be made from; empty if the source cannot be read.

        A result says itself of what it was made: since then, the file may have changed.
        """
        try:
            return {"sha256": sha256 or source_sha256(recording.source), "request": self.request(recording)}
        except OSError:
            return {}


class _Run:
    """Runs the recordings and keeps the tables."""

    def __init__(
        self,
        study: _Study,
        book: Book,
        key: Path | None,
        known: Mapping[str, dict[str, str]],
        finished: Callable[[Outcome], None] | None,
    ) -> None:
        self.study, self.book, self.key, self.finished = study, book, key, finished
        self.by_name = {recording.name: recording for recording in study.recordings}
        self.known = dict(known)
        self.outcomes: dict[str, Outcome] = {}
        self.quiet = False  # whether there are to be no tables
        for name, recording in self.by_name.items():
            self.known.setdefault(name, {"source": str(recording.source.resolve()), "sha256": "", "request": ""})
        if key is not None:
            for name, entry in book.entries.items():
                row = self.known.get(name, {})
                entry.made = {column: row[column] for column in ("sha256", "request") if row.get(column)}
            write_key(key, self.known)

    def skip_done(self) -> list[Recording]:
        """Note what is done; return the rest."""
        todo = []
        for recording in self.study.recordings:
            entry = self.book.entries.get(recording.name)
            if entry is None or not self.book.still(recording.name, self.study.made(recording)):
                todo.append(recording)
                continue
            self._note(recording, Left(written=True), skipped=True)
        return todo

    def run(self, todo: Sequence[Recording], at_once: int, progress: Callable[..., None] | None) -> Batch:
        """Analyse these, and say what became of all."""
        jobs = [self.study.job(recording) for recording in todo]
        if len(self.study.recordings) > 1:
            interrupted = run_jobs(jobs, at_once, progress, self._take)
        else:
            lefts = [run_here(job, progress) for job in jobs]
            for job, left in zip(jobs, lefts, strict=True):
                self._take(job, left)
            interrupted = any(left.stopped for left in lefts)
        self._write()
        found = [self.outcomes[name] for name in self.by_name if name in self.outcomes]
        ended = {outcome.name for outcome in found if outcome.status not in ("partial", "stopped")}
        waiting = tuple(name for name in self.by_name if name not in ended) if interrupted else ()
        return Batch(tuple(found), waiting, interrupted)

    def _take(self, job: Job, left: Left) -> None:
        self._note(self.by_name[job.name], left)

    def _note(self, recording: Recording, left: Left, *, skipped: bool = False) -> None:
        outcome = self._outcome(recording, left, skipped)
        self.outcomes[recording.name] = outcome
        if outcome.status == "skipped":
            entry = self.book.entries[recording.name]
            self.book.put(recording.name, replace(entry, status="skipped", row=entry.row | {"status": "skipped"}))
        elif outcome.status != "stopped":
            self.book.put(recording.name, self._entry(recording, outcome))
            self._write()
        if self.finished is not None:
            self.finished(outcome)

    def _outcome(self, recording: Recording, left: Left, skipped: bool) -> Outcome:
        name, source = recording.name, recording.source
        if not left.written:
            return Outcome(name, source, "failed" if left.error else "stopped", error=left.error)
        folder = self.study.out / name
        try:
            document = json.loads((folder / "analysis.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            what = f"got '{source}', whose results in '{folder}' have gone since ({error}); expected them to stay there"
            return Outcome(name, source, "failed", error=f"{what}; leave the folder alone and try again")
        status: Status = "skipped" if skipped else "partial" if document["partial"] else "done"
        return Outcome(name, source, status, folder, document)

    def _entry(self, recording: Recording, outcome: Outcome) -> Entry:
        name, document = recording.name, outcome.document
        row = summary_row(name, outcome.status, document, self._shown(recording, outcome.error))
        if document is None or self.quiet:
            return Entry(outcome.status, row)
        made = self.study.made(recording, document["sha256"]) if outcome.status == "done" else {}
        self.known[name] |= made or {"sha256": "", "request": ""}
        return Entry(outcome.status, row, condition_rows(name, document), made)

    def _shown(self, recording: Recording, error: str) -> str:
        """The error for the table: under a pseudonym without what leads back."""
        if recording.name == recording.own_name:
            return error
        return scrubbed(error, recording.source, recording.name)

    def _write(self) -> None:
        if self.quiet:
            return
        self.book.write()
        if self.key is not None:
            write_key(self.key, self.known)


def _jobs(jobs: int | None, recordings: int) -> int:
    import joblib

    if jobs is not None and jobs < 1:
        raise MienError(f"got {jobs} jobs; expected 1 or more recordings at a time; correct --jobs")
    return min(jobs or max(1, joblib.cpu_count() // 2), max(1, recordings))


def _model_digest(model: Path | str) -> str:
    from mien.methods import load_model

    card = json.dumps(dict(load_model(model).card), sort_keys=True, default=str)
    return hashlib.sha256(card.encode()).hexdigest()


def _markers(
    markers: Path | str | Sequence[Marker] | None, recordings: Sequence[Recording]
) -> dict[str, tuple[Marker, ...]]:
    """The markers of each recording; what fits no recording, and who has none, is said."""
    if markers is None:
        return {recording.name: () for recording in recordings}
    study = read_markers(markers) if isinstance(markers, (str, Path)) else tuple(markers)
    known = {name for recording in recordings for name in recording.names}
    strange: dict[str, list[Marker]] = {}
    for marker in study:
        if marker.recording and marker.recording not in known:
            strange.setdefault(marker.recording, []).append(marker)
    for name, theirs in strange.items():
        others = f" and {len(theirs) - 1} more" if len(theirs) > 1 else ""
        _warn(f"'{name}' is none of the recordings, but has the marker {theirs[0]}{others}: not counted")
    found = {recording.name: markers_of(study, recording.names) for recording in recordings}
    if bare := [name for name, theirs in found.items() if not theirs]:
        _warn(f"{len(bare)} of {len(recordings)} recordings have no marker: {', '.join(bare[:5])}")
    return found


def _warn(text: str) -> None:
    warnings.warn(text, MienWarning, stacklevel=3)
