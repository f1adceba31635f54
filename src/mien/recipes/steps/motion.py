"""From frames to motion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.core import MienError
from mien.motion import mirror_flow, motion_map, optical_flow
from mien.recipes._stage import STEPS, Stage

__all__ = ["flow", "make_map", "mirror"]


@STEPS.register("flow")
def flow(stage: Stage, *, algorithm: str, first: str = "onset", second: str = "apex", apex: str = "midpoint") -> Stage:
    """Flow from ``onset`` to ``apex`` (one field); from ``onset`` or ``previous`` to ``each`` frame (T - 1 fields)."""
    del apex  # the rule for a missing apex; it has been found by now
    frames = stage.cropped("flow")
    each = range(len(frames))
    pairs = {
        ("onset", "apex"): [(stage.onset, stage.apex)],
        ("onset", "each"): [(stage.onset, t) for t in each if t != stage.onset],
        ("previous", "each"): [(t - 1, t) for t in each[1:]],
    }
    if (first, second) not in pairs:
        raise MienError(f"got a flow from '{first}' to '{second}'; expected onset or previous to apex or each")
    fields = [optical_flow(frames[a], frames[b], algorithm) for a, b in pairs[first, second]]
    if not fields:
        raise MienError(f"got a single frame of '{stage.take.name}'; expected at least two for a flow")
    return replace(stage, flows=np.stack(fields))


@STEPS.register("map")
def make_map(stage: Stage, *, channels: tuple[str, ...], size: int, stretch: str) -> Stage:
    """Make the motion map (size, size, 3) of the first field: u, v and strain, each stretched to 0-255."""
    del channels, stretch  # said for the reader; there is one way
    return replace(stage, array=motion_map(stage.flowed("map")[0], size))


@STEPS.register("mirror")
def mirror(stage: Stage) -> Stage:
    """Mirror frames and flow left to right; landmarks are gone, since a mirrored face numbers them otherwise."""
    frames = stage.cropped("mirror")[:, :, ::-1]
    flows = None if stage.flows is None else np.stack([mirror_flow(field) for field in stage.flows])
    return replace(stage, frames=frames, flows=flows, points=None, matrix=None, grid=None)
