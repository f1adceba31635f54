"""How many threads a library may use for itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_thread"]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let OpenCV, BLAS and OpenMP work in the thread that calls them, and in no others (in this process).

    For work that is spread over threads or processes already: more threads in each only fight for the same cores, and
    wait for each other at full speed.

    Examples
    --------
    >>> import cv2
    >>> with one_thread():
    ...     cv2.getNumThreads()
    1
    """
    import cv2
    from threadpoolctl import threadpool_limits

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        cv2.setNumThreads(threads)
