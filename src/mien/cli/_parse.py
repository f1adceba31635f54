"""Text that a person types, as what the library takes."""

from __future__ import annotations

from mien.core import MienError

__all__ = ["width_height"]


def width_height(text: str) -> tuple[int, int]:
    """Return the two numbers of ``640x480``."""
    try:
        width, height = map(int, text.lower().split("x"))
    except ValueError:
        raise MienError(f"got the size '{text}'; expected WIDTHxHEIGHT, like 640x480; correct it") from None
    return width, height
