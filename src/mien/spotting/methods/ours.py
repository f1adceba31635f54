"""mien's own spotting method."""

from __future__ import annotations

from mien.spotting._registry import SPOTTERS, Spotted, Spotter
from mien.spotting.curves import Curves, SpotSettings
from mien.spotting.spot import spot, spot_macro


def _spot(curves: Curves, settings: SpotSettings, face: int) -> Spotted:
    micro, curve = spot(curves, settings, face)
    return micro, spot_macro(curves, micro, settings, face), curve


OURS = SPOTTERS.add(
    "mien",
    Spotter(
        name="mien",
        title="two-sided main-direction difference of face regions",
        paper="ours; after Wang et al.: main directional maximal difference analysis. Neurocomputing 230, 2017",
        spot=_spot,
    ),
)
