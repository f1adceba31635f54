"""From frames or flow to a vector that describes the clip."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.motion import to_grey
from mien.recipes._stage import STEPS, Stage

__all__ = [
    "describe_bi_woof",
    "describe_dis_stlbp_rip",
    "describe_fhoof",
    "describe_flow_roi",
    "describe_hoof",
    "describe_lbp_sip",
    "describe_lbp_top",
    "describe_mdmo",
    "describe_stclqp",
    "describe_stlbp_ip",
]


@STEPS.register("lbp-top")
def describe_lbp_top(stage: Stage, **params: Any) -> Stage:
    """Local binary patterns on three planes: :func:`mien.motion.descriptors.lbp_top`."""
    from mien.motion.descriptors import lbp_top

    return replace(stage, array=lbp_top(_grey(stage, "lbp-top"), **params))


@STEPS.register("lbp-sip")
def describe_lbp_sip(stage: Stage, **params: Any) -> Stage:
    """Local binary patterns with six intersection points: :func:`mien.motion.descriptors.lbp_sip`."""
    from mien.motion.descriptors import lbp_sip

    return replace(stage, array=lbp_sip(_grey(stage, "lbp-sip"), **params))


@STEPS.register("stclqp")
def describe_stclqp(stage: Stage, **params: Any) -> Stage:
    """Counts of patterns, for codebooks to be learnt from: :func:`mien.motion.descriptors.completed_counts`."""
    from mien.motion.descriptors import completed_counts

    return replace(stage, array=completed_counts(_grey(stage, "stclqp"), **params))


@STEPS.register("stlbp-ip")
def describe_stlbp_ip(stage: Stage, **params: Any) -> Stage:
    """Binary patterns of integral projections: :func:`mien.motion.descriptors.stlbp_ip`."""
    from mien.motion.descriptors import stlbp_ip

    return replace(stage, array=stlbp_ip(_grey(stage, "stlbp-ip"), **params))


@STEPS.register("dis-stlbp-rip")
def describe_dis_stlbp_rip(stage: Stage, **params: Any) -> Stage:
    """The same on the subtle motion alone: :func:`mien.motion.descriptors.dis_stlbp_rip`."""
    from mien.motion.descriptors import dis_stlbp_rip

    return replace(stage, array=dis_stlbp_rip(_grey(stage, "dis-stlbp-rip"), **params))


@STEPS.register("hoof")
def describe_hoof(stage: Stage, **params: Any) -> Stage:
    """Histograms of flow orientations, the mean over the fields: :func:`mien.motion.descriptors.hoof`."""
    from mien.motion.descriptors import hoof

    return replace(stage, array=hoof(stage.flowed("hoof"), **params))


@STEPS.register("fhoof")
def describe_fhoof(stage: Stage, **params: Any) -> Stage:
    """Fuzzy histograms of flow orientations: :func:`mien.motion.descriptors.fhoof`."""
    from mien.motion.descriptors import fhoof

    return replace(stage, array=fhoof(stage.flowed("fhoof"), **params))


@STEPS.register("mdmo")
def describe_mdmo(stage: Stage) -> Stage:
    """Main directional mean optical flow of 36 regions: :func:`mien.motion.descriptors.mdmo`."""
    from mien.motion.descriptors import mdmo

    return replace(stage, array=mdmo(stage.flowed("mdmo"), stage.landmarks("mdmo")))


@STEPS.register("flow-roi")
def describe_flow_roi(stage: Stage) -> Stage:
    """Statistics of the first field in 36 regions: :func:`mien.motion.descriptors.flow_roi`."""
    from mien.motion.descriptors import flow_roi, mdmo_regions

    regions = mdmo_regions(stage.landmarks("flow-roi"))
    return replace(stage, array=flow_roi(stage.flowed("flow-roi")[0], regions))


@STEPS.register("bi-woof")
def describe_bi_woof(stage: Stage, **params: Any) -> Stage:
    """Bi-weighted oriented optical flow of the first field: :func:`mien.motion.descriptors.bi_woof`."""
    from mien.motion.descriptors import bi_woof

    return replace(stage, array=bi_woof(stage.flowed("bi-woof")[0], **params))


def _grey(stage: Stage, step: str) -> npt.NDArray[Any]:
    """Grey frames (T, H, W), of the type they have."""
    frames = stage.cropped(step)
    if frames.ndim == 3:
        return frames
    if frames.dtype == np.uint8:
        return np.stack([to_grey(frame) for frame in frames])
    return frames @ np.array([0.299, 0.587, 0.114], np.float32)
