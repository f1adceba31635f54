"""The model of facial motion: action units as displacement fields, synthetic maps and rendered clips."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

_HOMES = {
    "ACTION_UNITS": "action_units",
    "displacement": "action_units",
    "generate_motion": "motion_maps",
    "MapSettings": "motion_maps",
    "synthetic_flow": "motion_maps",
    "MEAN_FACE": "face",
    "render": "clips",
    "Event": "events",
}
__all__ = sorted(_HOMES)

if TYPE_CHECKING:
    from mien.synthesis.action_units import ACTION_UNITS as ACTION_UNITS
    from mien.synthesis.action_units import displacement as displacement


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mien.synthesis' has no attribute '{name}'")
    return getattr(importlib.import_module(f"mien.synthesis.{_HOMES[name]}"), name)
