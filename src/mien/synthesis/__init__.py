"""The model of facial motion: action units as displacement fields, synthetic maps and rendered clips."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {
    "ACTION_UNITS": "action_units",
    "displacement": "action_units",
    "generate_motion": "motion_maps",
    "MapSettings": "map_settings",
    "synthetic_flow": "motion_maps",
    "MEAN_FACE": "face",
    "render": "clips",
    "render_corpus": "corpus",
    "Event": "events",
}
__all__ = [
    "ACTION_UNITS",
    "MEAN_FACE",
    "Event",
    "MapSettings",
    "displacement",
    "generate_motion",
    "render",
    "render_corpus",
    "synthetic_flow",
]

if TYPE_CHECKING:
    from mien.synthesis.action_units import ACTION_UNITS as ACTION_UNITS
    from mien.synthesis.action_units import displacement as displacement
    from mien.synthesis.clips import render as render
    from mien.synthesis.corpus import render_corpus as render_corpus
    from mien.synthesis.events import Event as Event
    from mien.synthesis.face import MEAN_FACE as MEAN_FACE
    from mien.synthesis.map_settings import MapSettings as MapSettings
    from mien.synthesis.motion_maps import generate_motion as generate_motion
    from mien.synthesis.motion_maps import synthetic_flow as synthetic_flow


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mien.synthesis' has no attribute '{name}'")
    return getattr(importlib.import_module(f"mien.synthesis.{_HOMES[name]}"), name)
