"""Inputs of the flow descriptors: optical flow on the eye-based crop, described by blocks or facial regions."""

from __future__ import annotations

from mien.recipes._recipe import RECIPES, Recipe

__all__ = ["BI_WOOF", "FHOOF", "FLOW_ROI", "HOOF", "MDMO"]

_CLIP = ("frames", {"which": "onset to offset"})
_CROP = (
    "crop",
    {"by": "eyes of the onset frame", "size": 128, "side": 1.1, "above": 0.6, "below": 1.9, "grey": True},
)
_TIM = ("tim", {"frames": 10})
_TO_APEX = ("flow", {"algorithm": "tvl1", "first": "onset", "second": "apex"})
_STEPWISE = ("flow", {"algorithm": "tvl1", "first": "previous", "second": "each"})

BI_WOOF = RECIPES.add("bi-woof", Recipe.of("bi-woof", _CROP, _TO_APEX, ("bi-woof", {"blocks": (5, 5), "bins": 8})))
"""Onset to apex, 5 x 5 blocks of 8 directions: (200,)."""

FLOW_ROI = RECIPES.add("flow-roi", Recipe.of("flow-roi", _CROP, _TO_APEX, ("flow-roi", {})))
"""Onset to apex, five numbers for each of 36 regions: (180,)."""

HOOF = RECIPES.add("hoof", Recipe.of("hoof", _CLIP, _CROP, _TIM, _STEPWISE, ("hoof", {"blocks": (5, 5), "bins": 8})))
"""Ten frames, flow from each to the next, 5 x 5 blocks of 8 directions: (200,)."""

FHOOF = RECIPES.add(
    "fhoof", Recipe.of("fhoof", _CLIP, _CROP, _TIM, _STEPWISE, ("fhoof", {"blocks": (5, 5), "bins": 18}))
)
"""Ten frames, flow from each to the next, 5 x 5 blocks of 18 fuzzy directions: (450,)."""

MDMO = RECIPES.add(
    "mdmo",
    Recipe.of(
        "mdmo",
        _CLIP,
        ("register", {"by": "similarity", "size": 128, "grey": True}),
        _TIM,
        ("flow", {"algorithm": "tvl1", "first": "onset", "second": "each"}),
        ("mdmo", {}),
    ),
)
"""Registered, ten frames, flow from the onset to each, length and direction in 36 regions: (72,)."""
