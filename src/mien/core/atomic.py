"""Nothing half-written: write to a temporary name beside the goal, then rename."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.core.errors import MienError

__all__ = ["atomic_folder", "atomic_path"]


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path with the same ending; on success it becomes ``path``, on failure it goes.

    Raises
    ------
    MienError
        If ``path`` is a folder, or its folder cannot be made or written to.
    """
    path = Path(path)
    if path.is_dir():
        raise MienError(f"got '{path}' to write, which is a folder; expected the name of a file; add one")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise MienError(
            f"got '{path}' to write, but {error.strerror}; expected a writable folder; choose another"
        ) from error
    os.close(handle)
    temporary = Path(name)
    temporary.chmod(0o666 & ~_umask())
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """Yield a temporary folder; on success it replaces ``path`` whole, on failure it goes."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    except OSError as error:
        raise MienError(
            f"got '{path}' to write, but {error.strerror}; expected a writable folder; choose another"
        ) from error
    temporary.chmod(0o777 & ~_umask())
    try:
        yield temporary
        old = temporary.with_name(f"{temporary.name}-old")
        if path.exists():
            path.replace(old)  # aside, not away: a crash between the two renames loses neither
        temporary.replace(path)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
