"""From motion over time to candidate intervals."""

from mien.spotting._registry import SPOTTERS, Spotted, Spotter
from mien.spotting.curves import Curves, SpotSettings
from mien.spotting.rates import Rate, expected_rate
from mien.spotting.regions import EYE_REGIONS, REGIONS, FaceRegions
from mien.spotting.spot import spot, spot_macro

__all__ = [
    "EYE_REGIONS",
    "REGIONS",
    "SPOTTERS",
    "Curves",
    "FaceRegions",
    "Rate",
    "SpotSettings",
    "Spotted",
    "Spotter",
    "expected_rate",
    "spot",
    "spot_macro",
]
