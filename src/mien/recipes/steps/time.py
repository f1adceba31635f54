"""Which frames."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mien.core import MienError
from mien.motion.magnify import magnify
from mien.motion.sampling import apex_neighbours, linear, tim
from mien.motion.slices import key_clip
from mien.recipes._stage import STEPS, Stage

__all__ = ["frames", "interpolate_linearly", "interpolate_tim", "magnify_motion", "take_key_frames"]


@STEPS.register("frames")
def frames(
    stage: Stage, *, which: str = "onset and apex", apex: str = "midpoint", stride: int = 2, reach: int = 10
) -> Stage:
    """Choose frames: ``onset and apex``, ``onset to apex``, ``onset to offset``, ``apex neighbours``, ``apex``."""
    del apex  # the rule for a missing apex, which has been found by now
    take = stage.take
    assert take.apex is not None
    chosen = {
        "onset and apex": (take.onset, take.apex),
        "apex": (take.apex,),
        "onset to apex": tuple(range(take.onset, take.apex + 1)),
        "onset to offset": tuple(range(take.onset, take.offset + 1)),
        "apex neighbours": apex_neighbours(take.onset, take.apex, stride=stride, reach=reach),
    }
    if which not in chosen:
        raise MienError(f"got frames '{which}'; expected one of {', '.join(chosen)}; correct the recipe")
    numbers = chosen[which]
    return replace(stage, numbers=numbers, onset=0, apex=1 if which == "onset and apex" else numbers.index(take.apex))


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
