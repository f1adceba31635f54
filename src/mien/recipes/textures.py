"""Inputs of the texture descriptors: the eye-based crop, interpolated to ten frames, described block by block."""

from __future__ import annotations

from mien.recipes._recipe import RECIPES, Recipe

__all__ = ["DIS_STLBP_RIP", "LBP_SIP", "LBP_TOP", "STCLQP", "STLBP_IP"]

_CLIP = ("frames", {"which": "onset to offset"})
_CROP = (
    "crop",
    {"by": "eyes of the onset frame", "size": 128, "side": 1.1, "above": 0.6, "below": 1.9, "grey": True},
)
_TIM = ("tim", {"frames": 10})

LBP_TOP = RECIPES.add(
    "lbp-top",
    Recipe.of(
        "lbp-top", _CLIP, _CROP, _TIM, ("lbp-top", {"radii": (1, 1, 2), "neighbours": (8, 8, 8), "blocks": (8, 8, 1)})
    ),
)
"""Uniform patterns on XY, XT and YT in 8 x 8 blocks: (11328,)."""

LBP_SIP = RECIPES.add(
    "lbp-sip", Recipe.of("lbp-sip", _CLIP, _CROP, _TIM, ("lbp-sip", {"radii": (1, 1, 2), "blocks": (8, 8, 1)}))
)
"""Six intersection points in 8 x 8 blocks, compressed: (1280,)."""

STCLQP = RECIPES.add(
    "stclqp", Recipe.of("stclqp", _CLIP, _CROP, _TIM, ("stclqp", {"radii": (1, 1, 2), "blocks": (5, 5, 1)}))
)
"""Counts of 256 patterns of sign, magnitude and orientation on XY, XT and YT in 5 x 5 blocks: (57600,)."""

STLBP_IP = RECIPES.add("stlbp-ip", Recipe.of("stlbp-ip", _CLIP, _CROP, _TIM, ("stlbp-ip", {"blocks": (5, 5)})))
"""Integral projections in 5 x 5 blocks: (15750,)."""

DIS_STLBP_RIP = RECIPES.add(
    "dis-stlbp-rip", Recipe.of("dis-stlbp-rip", _CLIP, _CROP, _TIM, ("dis-stlbp-rip", {"blocks": (5, 5)}))
)
"""The same on the sparse part of the clip: (15750,)."""
