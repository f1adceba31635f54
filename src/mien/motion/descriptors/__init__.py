"""Descriptors of a clip's motion and texture: frames or flow in, one vector out."""

from mien.motion.descriptors.bi_woof import bi_woof
from mien.motion.descriptors.flow_roi import FLOW_STATISTICS, flow_roi
from mien.motion.descriptors.hoof import fhoof, hoof
from mien.motion.descriptors.lbp_sip import lbp_sip
from mien.motion.descriptors.lbp_top import PLANES, lbp_codes, lbp_top, plane_codes
from mien.motion.descriptors.mdmo import MDMO_MIRRORED, mdmo, mdmo_kernel_features, mdmo_regions
from mien.motion.descriptors.stclqp import COMPONENTS, completed_counts, learn_codebook, nearest_entries
from mien.motion.descriptors.stlbp_ip import (
    dis_stlbp_rip,
    integral_projections,
    laplacian_scores,
    robust_pca,
    select_groups,
    stlbp_ip,
)

__all__ = [
    "COMPONENTS",
    "FLOW_STATISTICS",
    "MDMO_MIRRORED",
    "PLANES",
    "bi_woof",
    "completed_counts",
    "dis_stlbp_rip",
    "fhoof",
    "flow_roi",
    "hoof",
    "integral_projections",
    "laplacian_scores",
    "lbp_codes",
    "lbp_sip",
    "lbp_top",
    "learn_codebook",
    "mdmo",
    "mdmo_kernel_features",
    "mdmo_regions",
    "nearest_entries",
    "plane_codes",
    "robust_pca",
    "select_groups",
    "stlbp_ip",
]
