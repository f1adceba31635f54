"""The pictures of all moments: the first few in memory, the others on disk, so that a long recording needs no more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import overload

import numpy as np

from mien.reports import IntervalPictures

__all__ = ["Shelf"]

_ARRAYS = ("onset", "apex", "flow", "frames", "times_s", "heat")
_IN_MEMORY = 8  # moments: what a recording of minutes has


class Shelf(Sequence[IntervalPictures]):
    """Pictures in order, read when they are asked for.

    Those on disk lie in a temporary folder that only this user can read; it goes when nobody has the shelf any more.

    Parameters
    ----------
    pictures : iterable of IntervalPictures
        Taken one by one.
    in_memory : int
        How many stay there.

    Examples
    --------
    >>> face = np.zeros((8, 8, 3), np.uint8)
    >>> shelf = Shelf(
    ...     (IntervalPictures(face + k, face, np.zeros((2, 8, 8), np.float32)) for k in range(3)), in_memory=1
    ... )
    >>> len(shelf), int(shelf[2].onset[0, 0, 0]), [len(each.frames) for each in shelf]
    (3, 2, [0, 0, 0])
    """

    def __init__(self, pictures: Iterable[IntervalPictures], in_memory: int = _IN_MEMORY) -> None:
        self._kept: list[IntervalPictures | Path] = []
        self._folder: TemporaryDirectory[str] | None = None
        for number, shown in enumerate(pictures):
            self._kept.append(shown if number < in_memory else self._put(shown, number))

    def __len__(self) -> int:
        return len(self._kept)

    @overload
    def __getitem__(self, place: int) -> IntervalPictures: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[IntervalPictures]: ...
    def __getitem__(self, place: int | slice) -> IntervalPictures | Sequence[IntervalPictures]:
        if isinstance(place, slice):
            return [_taken(kept) for kept in self._kept[place]]
        return _taken(self._kept[place])

    def _put(self, shown: IntervalPictures, number: int) -> Path:
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="mien-", ignore_cleanup_errors=True)
        path = Path(self._folder.name) / f"{number}.npz"
        arrays = {name: getattr(shown, name) for name in _ARRAYS}
        np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
        return path


def _taken(kept: IntervalPictures | Path) -> IntervalPictures:
    if isinstance(kept, IntervalPictures):
        return kept
    with np.load(kept, allow_pickle=False) as file:
        return IntervalPictures(**{name: file[name] for name in file.files})
