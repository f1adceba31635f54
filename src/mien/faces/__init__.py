"""Detect, landmark, track, register and crop faces; say how good each view is."""

from mien.faces.affine import apply_affine, compose, fit_similarity, invert
from mien.faces.backend import BACKENDS, Box, FaceBackend, face_backend
from mien.faces.crop import eye_centres, eye_crop_matrix, warp
from mien.faces.quality import NO_FACE, Quality, head_pose, measure_quality, sharpness
from mien.faces.registration import STABLE_POINTS, register_points
from mien.faces.template import MIRRORED, canonical_points
from mien.faces.tracking import FaceTracker, Observation, box_around

__all__ = [
    "BACKENDS",
    "MIRRORED",
    "NO_FACE",
    "STABLE_POINTS",
    "Box",
    "FaceBackend",
    "FaceTracker",
    "Observation",
    "Quality",
    "apply_affine",
    "box_around",
    "canonical_points",
    "compose",
    "eye_centres",
    "eye_crop_matrix",
    "face_backend",
    "fit_similarity",
    "head_pose",
    "invert",
    "measure_quality",
    "register_points",
    "sharpness",
    "warp",
]
