"""From motion over time to candidate intervals."""

from mien.spotting.regions import EYE_REGIONS, REGIONS, FaceRegions
from mien.spotting.spot import Curves, SpotSettings, spot

__all__ = ["EYE_REGIONS", "REGIONS", "Curves", "FaceRegions", "SpotSettings", "spot"]
