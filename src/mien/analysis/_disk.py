"""A disk that fails while results are written, said in one line."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien.core import MienError

__all__ = ["said_in_one_line"]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)


@contextmanager
def said_in_one_line(folder: Path) -> Iterator[None]:
    """Turn a disk that is full, or takes no more, into a :class:`MienError`; a fault of ours stays what it is."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL + _CLOSED:
            raise
        todo = "free some" if error.errno in _FULL else "check the disk"
        raise MienError(
            f"got '{folder}' to write results to, but {error.strerror}; expected room to write; {todo}, or choose "
            "another --out; nothing was changed there"
        ) from error
