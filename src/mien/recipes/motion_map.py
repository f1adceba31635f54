"""The motion map: how the face moved from onset to apex, as a small picture of u, v and optical strain."""

from __future__ import annotations

from mien.recipes._recipe import RECIPES, Recipe

__all__ = ["MOTION_MAP"]

MOTION_MAP = RECIPES.add(
    "motion-map",
    Recipe.of(
        "motion-map",
        ("crop", {"by": "eyes of the onset frame", "size": 128, "side": 1.1, "above": 0.6, "below": 1.9}),
        ("flow", {"algorithm": "tvl1", "first": "onset", "second": "apex"}),
        ("map", {"channels": ("u", "v", "strain"), "size": 28, "stretch": "min-max per map and channel"}),
    ),
)
"""u right, v down and optical strain between onset and apex, (28, 28, 3) uint8.

Corpora that come as ready maps have crops of their own; frames are cropped by the eyes, once, on the onset frame."""
