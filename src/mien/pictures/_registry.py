"""The registry of stages that can be looked at: a new one is one function in ``stages``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mien.core import Registry

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mien.pictures._footage import Footage

__all__ = ["STAGES", "StagePicture", "picture"]


@dataclass(frozen=True, slots=True)
class StagePicture:
    """How one stage becomes a picture.

    Attributes
    ----------
    shows : str
        One line for a person.
    draw : callable
        ``draw(footage)`` -> the figure.
    film : callable or None
        ``film(footage, path)`` writes a clip, for a stage that is one.
    """

    shows: str
    draw: Callable[[Footage], Figure]
    film: Callable[[Footage, Path], None] | None = None


STAGES: Registry[StagePicture] = Registry("stage", "mien.pictures.stages")


def picture(
    name: str, shows: str, film: Callable[[Footage, Path], None] | None = None
) -> Callable[[Callable[[Footage], Figure]], Callable[[Footage], Figure]]:
    """Return a decorator that registers a drawing function as the stage ``name``."""

    def register(draw: Callable[[Footage], Figure]) -> Callable[[Footage], Figure]:
        STAGES.add(name, StagePicture(shows, draw, film))
        return draw

    return register
