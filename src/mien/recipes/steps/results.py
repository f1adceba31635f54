"""From frames and flow to what a network eats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError
from mien.motion.difference import idsf
from mien.motion.dynamic_image import dynamic_image
from mien.motion.flow import strain
from mien.motion.long_term import flow_image, long_term_flow
from mien.recipes._stage import STEPS, Stage

__all__ = ["describe_long_term", "join", "stack", "take_dynamic_image"]

_PARTS: Mapping[str, Callable[[Stage], npt.NDArray[Any]]] = {
    "frames": lambda stage: stage.cropped("stack"),
    "flow": lambda stage: np.moveaxis(stage.flowed("stack"), 1, -1),
    "magnitude": lambda stage: np.hypot(stage.flowed("stack")[:, 0], stage.flowed("stack")[:, 1]),
    "u": lambda stage: stage.flowed("stack")[:, 0],
    "v": lambda stage: stage.flowed("stack")[:, 1],
    "idsf": lambda stage: idsf(stage.cropped("stack")),
    "idsf without dc": lambda stage: idsf(stage.cropped("stack"), "mean"),
}


@STEPS.register("stack")
def stack(stage: Stage, *, of: tuple[str, ...], frames: int = 0) -> Stage:
    """Put parts side by side: of one its array (T, ...), of several of the same shape (parts, T, ...).

    Parts are ``frames`` (T, H, W[, 3]), ``flow`` (N, H, W, 2), its ``u``, ``v`` and ``magnitude`` (N, H, W), ``idsf``
    and ``idsf without dc`` (T - 1, H, W). With ``frames`` there are so many: zeros fill up what is missing.
    """
    unknown = [name for name in of if name not in _PARTS]
    if unknown or not of:
        raise MienError(f"got parts {list(of)} to stack; expected some of {', '.join(_PARTS)}; correct the recipe")
    parts = [_filled(_PARTS[name](stage), frames) for name in of]
    if len({part.shape for part in parts}) > 1:
        shapes = ", ".join(str(part.shape) for part in parts)
        raise MienError(f"got parts of the shapes {shapes} to stack; expected one shape; correct the recipe")
    return replace(stage, array=parts[0] if len(parts) == 1 else np.stack(parts))


def _filled(part: npt.NDArray[Any], frames: int) -> npt.NDArray[Any]:
    if not frames:
        return part
    if len(part) > frames:
        raise MienError(f"got {len(part)} frames; expected at most {frames}; correct the recipe")
    return np.concatenate([part, np.zeros((frames - len(part), *part.shape[1:]), part.dtype)])


@STEPS.register("join")
def join(stage: Stage, *, of: tuple[str, ...]) -> Stage:
    """Put parts over one another as channels, (T, H, W, C), in the order given.

    Parts are ``frames`` (T, H, W, 3) and ``depth`` (T, H, W, 1), uint16 in the camera's units and 0 where it measured
    nothing, for as many frames as are in use; ``flow`` (N, H, W, 2) in pixels and ``strain`` (N, H, W, 1), with the
    ``onset`` (1, H, W, 3) where there is one field.
    """
    unknown = [name for name in of if name not in _CHANNELS]
    if unknown or not of:
        raise MienError(f"got parts {list(of)} to join; expected some of {', '.join(_CHANNELS)}; correct the recipe")
    parts = [_CHANNELS[name](stage) for name in of]
    if len({part.shape[:-1] for part in parts}) > 1:
        shapes = ", ".join(str(part.shape) for part in parts)
        raise MienError(f"got parts of the shapes {shapes} to join; expected one but for the last; correct the recipe")
    return replace(stage, array=np.concatenate(parts, axis=-1))


def _colour(frames: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return frames if frames.ndim == 4 else np.repeat(frames[..., None], 3, axis=-1)


def _depth(stage: Stage) -> npt.NDArray[np.uint16]:
    """Depth of the frames in use where they come from, to the nearest pixel: a mean of a depth and a 0 is no depth."""
    if stage.take.read_depth is None or stage.grid is None:
        raise MienError(
            f"got '{stage.take.name}' without depth; expected a corpus with depth images (casme3) and a registration "
            "by lwm or piecewise-affine; use another recipe"
        )
    (image,) = stage.take.read([stage.take.onset])
    depths = stage.take.read_depth(stage.numbers)
    return np.stack([_nearest(depth, stage.grid, image.shape) for depth in depths])[..., None]


def _nearest(depth: npt.NDArray[np.uint16], grid: FloatArray, size: tuple[int, ...]) -> npt.NDArray[np.uint16]:
    """Gather a depth image, which may be smaller than the frame; outside it nothing is measured."""
    height, width = depth.shape
    x = np.floor((grid[..., 0] + 0.5) * (width / size[1])).astype(int)
    y = np.floor((grid[..., 1] + 0.5) * (height / size[0])).astype(int)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return np.where(inside, depth[y.clip(0, height - 1), x.clip(0, width - 1)], np.uint16(0))


_CHANNELS: Mapping[str, Callable[[Stage], npt.NDArray[Any]]] = {
    "frames": lambda stage: _colour(stage.cropped("join")),
    "onset": lambda stage: _colour(stage.cropped("join")[stage.onset : stage.onset + 1]),
    "flow": lambda stage: np.moveaxis(stage.flowed("join"), 1, -1),
    "strain": lambda stage: np.stack([strain(field) for field in stage.flowed("join")])[..., None],
    "depth": _depth,
}


@STEPS.register("dynamic-image")
def take_dynamic_image(stage: Stage) -> Stage:
    """Make the dynamic image of the clip: (S, S) or (S, S, 3) float32."""
    return replace(stage, array=dynamic_image(stage.cropped("dynamic-image")))


@STEPS.register("long-term-flow")
def describe_long_term(stage: Stage, *, count: int, algorithm: str) -> Stage:
    """Flow from the onset to frames around the apex, as pictures: (count, S, S, 3) uint8 (SLSTT)."""
    fields = long_term_flow(stage.cropped("long-term-flow"), stage.apex, count, algorithm=algorithm)
    return replace(stage, flows=fields, array=np.stack([flow_image(field) for field in fields]))
