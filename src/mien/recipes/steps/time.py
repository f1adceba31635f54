"""Which frames."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from mien.core import MienError
from mien.motion.magnify import magnify
from mien.motion.sampling import apex_neighbours, linear, tim
from mien.motion.slices import key_clip
from mien.recipes._stage import STEPS, Stage
from mien.recipes._take import Take

__all__ = [
    "JITTERS",
    "Jitter",
    "frames",
    "interpolate_linearly",
    "interpolate_tim",
    "magnify_motion",
    "take_key_frames",
]


@dataclass(frozen=True, slots=True)
class Jitter:
    """Which frames of a training clip may stand for its onset and its apex; always inside the clip.

    Attributes
    ----------
    frames : int
        The onset and the apex are any but themselves of so many frames to either side.
    share : float
        Without frames: the onset is it or later, the apex it or earlier, by up to a quarter of this share of the
        frames between them.
    after : bool
        With a share: the apex may be as much later.
    """

    frames: int = 0
    share: float = 0.0
    after: bool = False

    def pairs(self, onset: int, apex: int, offset: int) -> list[tuple[int, int]]:
        """Return all pairs of an onset and a later apex; where the clip is too short for any, its own.

        Examples
        --------
        >>> Jitter(frames=2).pairs(10, 20, 21)
        [(11, 18), (11, 19), (11, 21), (12, 18), (12, 19), (12, 21)]
        >>> Jitter(share=0.15).pairs(10, 40, 60)
        [(10, 39), (10, 40), (11, 39), (11, 40)]
        """
        reach = self.frames or int(self.share * (apex - onset) / 4)
        either = [step for step in range(-reach, reach + 1) if step or not self.frames]
        starts = [onset + step for step in either if self.frames or step >= 0]
        peaks = [apex + step for step in either if self.frames or self.after or step <= 0]
        inside = [(first, peak) for first in starts for peak in peaks if onset <= first < peak <= offset]
        return inside or [(onset, apex)]


JITTERS: Mapping[str, Jitter] = MappingProxyType(
    {
        "paper": Jitter(frames=2),
        "official": Jitter(share=0.2, after=True),
        "official-5": Jitter(share=0.15),
    }
)
"""MMNet's: of its text ("the four frames around"), and of its published codes for three and for five classes."""


@STEPS.register("frames")
def frames(
    stage: Stage,
    *,
    which: str = "onset and apex",
    apex: str = "midpoint",
    stride: int = 2,
    reach: int = 10,
    jitter: str = "",
    draw: int = 0,
) -> Stage:
    """Choose frames: ``onset and apex``, ``onset to apex``, ``onset to offset``, ``apex neighbours``, ``apex``.

    With a ``jitter`` (:data:`JITTERS`) others stand for onset and apex: the pair number ``draw`` of those it allows.
    """
    del apex  # the rule for a missing apex, which has been found by now
    take = stage.take
    first, peak = _drawn(take, jitter, draw)
    chosen = {
        "onset and apex": (first, peak),
        "apex": (peak,),
        "onset to apex": tuple(range(first, peak + 1)),
        "onset to offset": tuple(range(first, take.offset + 1)),
        "apex neighbours": apex_neighbours(first, peak, stride=stride, reach=reach),
    }
    if which not in chosen:
        raise MienError(f"got frames '{which}'; expected one of {', '.join(chosen)}; correct the recipe")
    numbers = chosen[which]
    return replace(stage, numbers=numbers, onset=0, apex=1 if which == "onset and apex" else numbers.index(peak))


def _drawn(take: Take, jitter: str, draw: int) -> tuple[int, int]:
    """Onset and apex; with a jitter one of its pairs, which each clip has in an order of its own."""
    assert take.apex is not None
    if not jitter:
        return take.onset, take.apex
    if jitter not in JITTERS:
        raise MienError(f"got the jitter '{jitter}'; expected one of {', '.join(JITTERS)}; correct the recipe")
    pairs = JITTERS[jitter].pairs(take.onset, take.apex, take.offset)
    pairs.sort(key=lambda pair: hashlib.sha256(f"{take.name} {pair}".encode()).digest())
    return pairs[draw % len(pairs)]


@STEPS.register("magnify")
def magnify_motion(
    stage: Stage, *, alpha: float, low_hz: float, high_hz: float, temporal: str, pyramid: str, wavelength: float
) -> Stage:
    """Eulerian magnification at the clip's full frame rate; frames become float32."""
    magnified = magnify(
        stage.cropped("magnify"),
        stage.fps,
        alpha=alpha,
        band=(low_hz, high_hz),
        temporal=temporal,
        pyramid=pyramid,
        lambda_c=wavelength,
    )
    return replace(stage, frames=magnified)


@STEPS.register("tim")
def interpolate_tim(stage: Stage, *, frames: int) -> Stage:
    """Interpolate to so many frames by the temporal interpolation model; frames become float32."""
    return _resampled(stage, tim(_several(stage, "tim"), frames))


@STEPS.register("linear")
def interpolate_linearly(stage: Stage, *, frames: int) -> Stage:
    """Interpolate to so many frames by straight lines; frames become float32."""
    return _resampled(stage, linear(_several(stage, "linear"), frames))


@STEPS.register("key-frames")
def take_key_frames(stage: Stage, *, frames: int) -> Stage:
    """Take frames at equal steps of the motion seen in spatio-temporal slices (MS3D)."""
    clip = _several(stage, "key-frames")
    chosen, places = key_clip(clip, frames, stage.apex)
    if places is None:
        return _resampled(stage, chosen)
    numbers = tuple(stage.numbers[place] for place in places) if stage.numbers else ()
    return replace(stage, frames=chosen, numbers=numbers, apex=int(np.flatnonzero(places == stage.apex)[0]))


def _several(stage: Stage, step: str) -> np.ndarray:
    """Frames of a clip, at least two; a clip of one frame stands still."""
    frames = stage.cropped(step)
    return frames if len(frames) > 1 else np.repeat(frames, 2, axis=0)


def _resampled(stage: Stage, frames: np.ndarray) -> Stage:
    """The stage on another scale of time; the apex is the frame nearest to where it was."""
    share = stage.apex / max(1, len(stage.cropped("resample")) - 1)
    return replace(stage, frames=frames, numbers=(), onset=0, apex=round(share * (len(frames) - 1)))
