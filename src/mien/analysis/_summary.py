"""The tables of a batch: one row per recording, one per recording and condition, and what --resume must know."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mien.core import MienError, atomic_path

__all__ = ["Book", "Entry", "condition_rows", "summary_row"]

_STATE, _SUMMARY, _CONDITIONS = "summary.json", "summary.csv", "conditions.csv"
_RATE = ("events", "events_outside", "events_per_minute", "ci_low", "ci_high")
_FIRST = ("recording", "status", "seconds", "fps", "frames", "faces", "analysable_minutes", "micro_expressions", *_RATE)
_LAST = ("macro_expressions", "warnings", "error")
_CONDITION = ("recording", "subject", "condition", "minutes", *_RATE, "macro_expressions")


@dataclass(slots=True)
class Entry:
    """What the tables say of one recording.

    Attributes
    ----------
    status : str
        ``done``, ``failed``, ``partial``, ``skipped``.
    row : dict
        Its row of ``summary.csv``.
    conditions : list of dict
        Its rows of ``conditions.csv``.
    made : dict
        What the result was made from: ``sha256`` of the source and ``request``, a digest of everything asked for.
    result : str
        SHA-256 of the ``analysis.json`` that was written then.
    """

    status: str
    row: dict[str, Any]
    conditions: list[dict[str, Any]] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict)
    result: str = ""


class Book:
    """The tables of one folder of results, kept up to date.

    Recordings of earlier runs stay in them as long as their results are there.

    Parameters
    ----------
    folder : Path
        The folder of the results.
    deidentified : bool
        Whether the recordings have pseudonyms: the two kinds do not share a folder.

    Raises
    ------
    MienError
        If the folder holds tables of these names that mien did not write, or of the other kind.
    """

    def __init__(self, folder: Path, *, deidentified: bool = False) -> None:
        self.folder, self.deidentified = folder, deidentified
        self.entries: dict[str, Entry] = {}
        state = folder / _STATE
        if not state.exists():
            for name in (_SUMMARY, _CONDITIONS):
                if (folder / name).exists():
                    raise _not_ours(folder / name)
            return
        self._read(state)

    @property
    def begun(self) -> bool:
        """Whether earlier runs wrote these tables."""
        return (self.folder / _STATE).exists()

    def still(self, name: str, made: Mapping[str, str]) -> bool:
        """Whether the results of a recording are done, unchanged, and made from the same."""
        entry = self.entries.get(name)
        return (
            entry is not None
            and entry.status in ("done", "skipped")
            and bool(made)
            and dict(made) == entry.made
            and entry.result == _result_digest(self.folder / name)
        )

    def put(self, name: str, entry: Entry) -> None:
        """Say what became of a recording."""
        if entry.status != "failed":
            entry.result = _result_digest(self.folder / name)
        self.entries[name] = entry

    def write(self) -> None:
        """Write the tables, each whole or not at all."""
        entries = [self.entries[name] for name in sorted(self.entries)]
        rows = [entry.row for entry in entries]
        conditions = [row for entry in entries for row in entry.conditions]
        try:
            _write_table(self.folder / _SUMMARY, _FIRST, rows, _LAST)
            if conditions or (self.folder / _CONDITIONS).exists():
                _write_table(self.folder / _CONDITIONS, _CONDITION, conditions)
            self._write_state(self.folder / _STATE)
        except OSError as error:
            raise MienError(
                f"got '{self.folder}' for the tables, but {error.strerror}; expected room to write; "
                "results so far are kept; free some and go on with --resume"
            ) from error

    def _read(self, state: Path) -> None:
        try:
            document = json.loads(state.read_text(encoding="utf-8"))
            entries = {name: Entry(**entry) for name, entry in document["recordings"].items()}
            deidentified = bool(document["deidentified"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise _not_ours(state) from None
        self.entries = {
            name: entry
            for name, entry in entries.items()
            if entry.status != "failed" and entry.result == _result_digest(self.folder / name)
        }
        if deidentified != self.deidentified:
            kinds = ("under pseudonyms", "under their own names")
            raise MienError(
                f"got '{self.folder}', with recordings {kinds[not deidentified]}; "
                f"expected a folder of its own for recordings {kinds[deidentified]}; choose another --out"
            )

    def _write_state(self, path: Path) -> None:
        entries = {name: asdict(entry) for name, entry in sorted(self.entries.items())}
        if self.deidentified:  # a hash of the source leads back to it
            entries = {name: entry | {"made": {}} for name, entry in entries.items()}
        document = {"deidentified": self.deidentified, "recordings": entries}
        with atomic_path(path) as temporary:
            text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
            temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def summary_row(name: str, status: str, document: Mapping[str, Any] | None, error: str = "") -> dict[str, Any]:
    """Make the row of ``summary.csv`` from an ``analysis.json``; without one it says what went wrong."""
    if document is None:
        return {"recording": name, "status": status, "error": error}
    return {
        "recording": name,
        "status": status,
        "seconds": document["duration_s"],
        "fps": document["fps"],
        "frames": document["frames"],
        "faces": len(document["faces"]),
        "analysable_minutes": document["rate"]["minutes"],
        "micro_expressions": len(document["intervals"]),
        **_rate_cells(document["rate"]),
        "macro_expressions": len(document["macro_expressions"]),
        "warnings": " | ".join(document["warnings"]),
        "error": error,
    }


def condition_rows(name: str, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Make the rows of ``conditions.csv`` from an ``analysis.json``."""
    return [
        {
            "recording": name,
            "subject": rate.get("subject", ""),
            "condition": rate["condition"],
            "minutes": rate["minutes"],
            **_rate_cells(rate),
            "macro_expressions": rate["macro"],
        }
        for rate in document["conditions"]
    ]


def _rate_cells(rate: Mapping[str, Any]) -> dict[str, Any]:
    low, high = rate["ci95"] or (None, None)
    return {
        "events": rate["events"],
        "events_outside": rate["events_outside"],
        "events_per_minute": rate["events_per_minute"],
        "ci_low": low,
        "ci_high": high,
        **{f"n_{emotion}": count for emotion, count in rate["emotions"].items()},
    }


def _write_table(path: Path, first: Sequence[str], rows: Iterable[Mapping[str, Any]], last: Sequence[str] = ()) -> None:
    """Write rows under one header; an emotion that only some recordings can have is 0 in the analysed others."""
    rows = list(rows)
    emotions = sorted({column for row in rows for column in row if column.startswith("n_")})
    lenient = "backslashreplace"  # a file's name need not be UTF-8
    with (
        atomic_path(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors=lenient) as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*first, *emotions, *last])
        for row in rows:
            none = 0 if row.get("events") is not None else None
            cells = [*(row.get(n) for n in first), *(row.get(n, none) for n in emotions), *(row.get(n) for n in last)]
            writer.writerow([_cell(value) for value in cells])


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.6f}"
    return "" if value is None else value


def _result_digest(folder: Path) -> str:
    try:
        return hashlib.sha256((folder / "analysis.json").read_bytes()).hexdigest()
    except OSError:
        return ""


def _not_ours(path: Path) -> MienError:
    return MienError(
        f"got '{path}', which is no table of mien's; expected a new folder or earlier results; choose another --out"
    )
