"""Frames decoded ahead are the same frames; faults and a reader that leaves early are not lost in the thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from mien.core import MienError
from mien.video import Frame, read_ahead


def frames(count: int, asked: list[int] | None = None) -> Iterator[Frame]:
    for index in range(count):
        if asked is not None:
            asked.append(index)
        yield Frame(index, index / 25, np.full((16, 16), index, np.uint8))


def test_order_and_content_are_kept() -> None:
    assert [(f.index, int(f.image[0, 0])) for f in read_ahead(frames(30))] == [(i, i) for i in range(30)]


def test_what_reading_raises_comes_after_the_frames_before_it() -> None:
    def broken() -> Iterator[Frame]:
        yield from frames(3)
        raise MienError("got a hole; expected a frame; look")

    seen = []
    with pytest.raises(MienError, match="got a hole"):
        seen += [frame.index for frame in read_ahead(broken()) if not seen.append(frame.index)]
    assert seen[:3] == [0, 1, 2]


def test_no_more_wait_than_asked_and_the_thread_ends_with_its_reader() -> None:
    asked: list[int] = []
    before = threading.active_count()
    reader = read_ahead(frames(1000, asked), ahead=4)
    assert next(reader).index == 0
    reader.close()
    assert threading.active_count() == before
    assert len(asked) <= 7  # the one taken, four that wait, one in hand, and one more
