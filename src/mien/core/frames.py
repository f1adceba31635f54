"""Folders of numbered images: a frame is the number at the end of its file's name, not its place in the listing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from mien.core.errors import MienError

__all__ = ["FRAME_ENDINGS", "numbered_frames", "ranges", "trailing_number"]

FRAME_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"})
"""What counts as a frame."""

_TRAILING = re.compile(r"(\d+)\.\w+$")


def trailing_number(name: str) -> int | None:
    """Return the number at the end of a frame's file name, before the ending; None where there is none.

    Examples
    --------
    >>> trailing_number("reg_img46.jpg"), trailing_number("006_05562.jpg"), trailing_number("thumb.jpg")
    (46, 5562, None)
    """
    found = _TRAILING.search(name)
    return int(found[1]) if found else None


def numbered_frames(folder: Path) -> dict[int, Path]:
    """Return the frames of a clip by number, in order; hidden files and other endings are left out.

    Raises
    ------
    MienError
        If there is no such folder, it holds no numbered image, or two images have one number.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("img10.jpg", "img9.jpg", "notes.txt"):
    ...     (folder / name).touch()
    >>> {number: path.name for number, path in numbered_frames(folder).items()}
    {9: 'img9.jpg', 10: 'img10.jpg'}
    """
    if not folder.is_dir():
        raise MienError(f"got '{folder}', which is no folder; expected the frames of a clip; complete the copy")
    frames: dict[int, Path] = {}
    for path in sorted(folder.iterdir()):
        number = trailing_number(path.name)
        if number is None or path.suffix.lower() not in FRAME_ENDINGS or path.name.startswith("."):
            continue
        if number in frames:
            raise MienError(
                f"got '{frames[number].name}' and '{path.name}' in '{folder}'; "
                f"expected one file for frame {number}; remove one"
            )
        frames[number] = path
    if not frames:
        raise MienError(f"got '{folder}' without a numbered image; expected frames such as img46.jpg; check the copy")
    return dict(sorted(frames.items()))


def ranges(numbers: Iterable[int]) -> str:
    """Write frame numbers briefly.

    Examples
    --------
    >>> ranges([3, 4, 5, 9])
    '3-5, 9'
    """
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{start}-{stop}" if stop > start else str(start) for start, stop in runs)
