"""One run, one process: a lock that the system releases when its holder dies, however it dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.core import MienError

__all__ = ["locked"]

LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder, which is made if need be; raise :class:`MienError` if another run holds it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("w")
    except OSError as error:
        raise MienError(
            f"got '{folder}' to write, but {error.strerror}; expected a writable folder; choose another"
        ) from error
    with file:
        try:
            import fcntl
        except ImportError:  # Windows has no flock; two runs into one folder are not caught there
            yield
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise MienError(
                f"got '{folder}', which another run is writing; expected it free; wait, or choose another"
            ) from error
        yield
