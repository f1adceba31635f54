"""Pictures of many moments lie on disk and come back as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.analysis._shelf import Shelf
from mien.reports import IntervalPictures


def moment(k: int) -> IntervalPictures:
    rng = np.random.default_rng(k)
    face = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    flow = rng.normal(size=(2, 16, 16)).astype(np.float32)
    loop, times = rng.integers(0, 256, (k + 2, 16, 16, 3), dtype=np.uint8), np.arange(k + 2) / 25
    return IntervalPictures(face, face[::-1].copy(), flow, loop, times, None if k % 2 else flow[0])


def test_what_is_taken_is_what_was_put() -> None:
    shelf = Shelf((moment(k) for k in range(7)), in_memory=2)
    assert len(shelf) == 7
    for k, shown in enumerate(shelf):
        for name in ("onset", "apex", "flow", "frames", "times_s", "heat"):
            np.testing.assert_array_equal(getattr(shown, name), getattr(moment(k), name))
    assert [len(shown.frames) for shown in shelf[5:]] == [7, 8]


def test_the_folder_is_private_and_goes_with_the_shelf() -> None:
    shelf = Shelf((moment(k) for k in range(3)), in_memory=1)
    folder = Path(shelf._folder.name)
    assert folder.stat().st_mode & 0o077 == 0
    assert len(list(folder.iterdir())) == 2
    del shelf
    assert not folder.exists()


def test_a_few_moments_need_no_disk() -> None:
    assert Shelf([moment(0), moment(1)])._folder is None
