"""Which frames."""

from __future__ import annotations

from dataclasses import replace

from mien.core import MienError
from mien.recipes._stage import STEPS, Stage

__all__ = ["frames"]


@STEPS.register("frames")
def frames(stage: Stage, *, which: str = "onset and apex", apex: str = "midpoint") -> Stage:
    """Choose frames: ``onset and apex``, ``onset to apex`` or ``onset to offset``."""
    del apex  # the rule for a missing apex, which has been found by now
    take = stage.take
    assert take.apex is not None
    chosen = {
        "onset and apex": (take.onset, take.apex),
        "onset to apex": tuple(range(take.onset, take.apex + 1)),
        "onset to offset": tuple(range(take.onset, take.offset + 1)),
    }
    if which not in chosen:
        raise MienError(f"got frames '{which}'; expected one of {', '.join(chosen)}; correct the recipe")
    numbers = chosen[which]
    return replace(stage, numbers=numbers, onset=0, apex=1 if which == "onset and apex" else numbers.index(take.apex))
