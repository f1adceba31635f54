"""Detect, landmark, track, register and crop faces; say how good each view is."""

from mien.faces.affine import apply_affine, compose, fit_similarity, invert
from mien.faces.backend import BACKENDS, Box, FaceBackend, face_backend
from mien.faces.crop import eye_centres, eye_crop_matrix, warp
from mien.faces.five_points import align_five, box_around_five, five_from_68
from mien.faces.landmark_file import LandmarkFile, read_landmarks
from mien.faces.lwm import LocalWeightedMean, fit_lwm
from mien.faces.mapping import FaceMap, fit_affine, jacobian, warp_by_map
from mien.faces.piecewise import PiecewiseAffine, fit_piecewise_affine
from mien.faces.quality import NO_FACE, Quality, head_pose, measure_quality, sharpness
from mien.faces.refine import FaceRefiner, Registration, register_frames
from mien.faces.registration import STABLE_POINTS, register_points
from mien.faces.several import FaceTracks
from mien.faces.template import MIRRORED, canonical_points
from mien.faces.tracking import FaceTracker, Observation, box_around

__all__ = [
    "BACKENDS",
    "MIRRORED",
    "NO_FACE",
    "STABLE_POINTS",
    "Box",
    "FaceBackend",
    "FaceMap",
    "FaceRefiner",
    "FaceTracker",
    "FaceTracks",
    "LandmarkFile",
    "LocalWeightedMean",
    "Observation",
    "PiecewiseAffine",
    "Quality",
    "Registration",
    "align_five",
    "apply_affine",
    "box_around",
    "box_around_five",
    "canonical_points",
    "compose",
    "eye_centres",
    "eye_crop_matrix",
    "face_backend",
    "fit_affine",
    "fit_lwm",
    "fit_piecewise_affine",
    "fit_similarity",
    "five_from_68",
    "head_pose",
    "invert",
    "jacobian",
    "measure_quality",
    "read_landmarks",
    "register_frames",
    "register_points",
    "sharpness",
    "warp",
    "warp_by_map",
]
