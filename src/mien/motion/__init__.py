"""Motion between frames: arrays in, arrays out."""

from mien.motion._registry import FLOWS, FlowEstimator
from mien.motion.flow import motion_map, optical_flow, resize_flow, strain, to_grey

__all__ = ["FLOWS", "FlowEstimator", "motion_map", "optical_flow", "resize_flow", "strain", "to_grey"]
