"""Motion between frames: arrays in, arrays out."""

from mien.motion._registry import FLOWS, FlowEstimator, Frame
from mien.motion.apex import APEX_POLICIES, find_apex
from mien.motion.difference import depth_difference, frame_difference, idsf, rgbd_difference
from mien.motion.dynamic_image import dynamic_image, rank_pooling_weights
from mien.motion.flow import mirror_flow, motion_map, optical_flow, resize_flow, strain, to_grey
from mien.motion.long_term import flow_image, long_term_flow
from mien.motion.magnify import magnify, magnify_stream
from mien.motion.sampling import apex_neighbours, equal_interval, linear, tim, tim_matrix
from mien.motion.slices import key_clip, key_frames, slice_motion, slice_stack
from mien.motion.threads import one_thread

__all__ = [
    "APEX_POLICIES",
    "FLOWS",
    "FlowEstimator",
    "Frame",
    "apex_neighbours",
    "depth_difference",
    "dynamic_image",
    "equal_interval",
    "find_apex",
    "flow_image",
    "frame_difference",
    "idsf",
    "key_clip",
    "key_frames",
    "linear",
    "long_term_flow",
    "magnify",
    "magnify_stream",
    "mirror_flow",
    "motion_map",
    "one_thread",
    "optical_flow",
    "rank_pooling_weights",
    "resize_flow",
    "rgbd_difference",
    "slice_motion",
    "slice_stack",
    "strain",
    "tim",
    "tim_matrix",
    "to_grey",
]
