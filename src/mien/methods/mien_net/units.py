"""The action units that mien-net answers for."""

from __future__ import annotations

__all__ = ["UNITS"]

UNITS = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 16, 17, 18, 20, 23, 24, 25, 26)
"""In the order of its outputs: all that :data:`mien.synthesis.ACTION_UNITS` models but the blink."""
