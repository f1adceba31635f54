"""The records that flow, the error, the registry. Standard library and numpy only."""

from mien.core.atomic import atomic_folder, atomic_path
from mien.core.errors import MienError, MienWarning
from mien.core.probability import format_probability
from mien.core.records import (
    AnnotatedInterval,
    Clip,
    FloatArray,
    Interval,
    LongVideo,
    Movement,
    Prediction,
    Sample,
    Source,
    UInt8Array,
)
from mien.core.registry import Registry

__all__ = [
    "AnnotatedInterval",
    "Clip",
    "FloatArray",
    "Interval",
    "LongVideo",
    "MienError",
    "MienWarning",
    "Movement",
    "Prediction",
    "Registry",
    "Sample",
    "Source",
    "UInt8Array",
    "atomic_folder",
    "atomic_path",
    "format_probability",
]
