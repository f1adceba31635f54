"""From frames and flow to what a network eats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError
from mien.motion.difference import depth_difference, idsf
from mien.motion.dynamic_image import dynamic_image
from mien.motion.flow import scaled_motion
from mien.motion.long_term import flow_image, long_term_flow
from mien.recipes._stage import STEPS, Stage

__all__ = ["describe_long_term", "stack", "take_depth", "take_dynamic_image"]

_PARTS: Mapping[str, Callable[[Stage], npt.NDArray[Any]]] = {
    "frames": lambda stage: stage.cropped("stack"),
    "flow": lambda stage: np.moveaxis(stage.flowed("stack"), 1, -1),
    "magnitude": lambda stage: np.hypot(stage.flowed("stack")[:, 0], stage.flowed("stack")[:, 1]),
    "scaled motion": lambda stage: np.stack([scaled_motion(field) for field in stage.flowed("stack")]),
    "idsf": lambda stage: idsf(stage.cropped("stack")),
    "idsf without dc": lambda stage: idsf(stage.cropped("stack"), "mean"),
}


@STEPS.register("stack")
def stack(stage: Stage, *, of: tuple[str, ...], frames: int = 0) -> Stage:
    """Put parts side by side: of one its array (T, ...), of several of the same shape (parts, T, ...).

    Parts are ``frames`` (T, H, W[, 3]), ``flow`` (N, H, W, 2), ``magnitude`` (N, H, W), ``scaled motion`` (N, 3, H, W),
    ``idsf`` and ``idsf without dc`` (T - 1, H, W). With ``frames`` there are so many: zeros fill up what is missing.
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


@STEPS.register("depth")
def take_depth(stage: Stage, *, scale: float) -> Stage:
    """Difference of depth between onset and apex on the crop, (S, S, 1); pixels unmeasured in either are 0."""
    if stage.take.read_depth is None or stage.matrix is None:
        raise MienError(
            f"got '{stage.take.name}' without depth; expected a corpus with depth images (casme3) and a crop; "
            "use another recipe"
        )
    assert stage.take.apex is not None
    size = stage.cropped("depth").shape[1]
    onset, apex = stage.take.read_depth([stage.take.onset, stage.take.apex])
    first, second = (_nearest(depth, stage.matrix, size) for depth in (onset, apex))
    return replace(stage, array=depth_difference(first, second, scale)[..., None])


def _nearest(depth: npt.NDArray[np.uint16], matrix: npt.NDArray[np.float64], size: int) -> npt.NDArray[np.uint16]:
    """Crop a depth image without mixing measured and unmeasured pixels."""
    import cv2

    cut = cv2.warpAffine(depth, matrix, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT)
    return np.asarray(cut, np.uint16)


@STEPS.register("dynamic-image")
def take_dynamic_image(stage: Stage) -> Stage:
    """Make the dynamic image of the clip: (S, S) or (S, S, 3) float32."""
    return replace(stage, array=dynamic_image(stage.cropped("dynamic-image")))


@STEPS.register("long-term-flow")
def describe_long_term(stage: Stage, *, count: int, algorithm: str) -> Stage:
    """Flow from the onset to frames around the apex, as pictures: (count, S, S, 3) uint8 (SLSTT)."""
    fields = long_term_flow(stage.cropped("long-term-flow"), stage.apex, count, algorithm=algorithm)
    return replace(stage, flows=fields, array=np.stack([flow_image(field) for field in fields]))
