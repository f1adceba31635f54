"""Inputs of the papers' networks, each as its paper prepares it where it says so (docs: the method's deviations)."""

from __future__ import annotations

from mien.recipes._recipe import RECIPES, Recipe

__all__ = [
    "ADNET",
    "AST_SVM",
    "AST_SVM_UV",
    "C3D",
    "CAPSULENET",
    "DYNAMIC_IMAGE",
    "MMNET",
    "MMNET_DEPTH",
    "MMNET_FLOW",
    "MS3D",
    "MS3D_FRAMES",
    "REGISTERED_MAP",
    "SLSTT",
]

_EYES = {"by": "eyes of the onset frame", "side": 1.1, "above": 0.6, "below": 1.9}
_CLIP = ("frames", {"which": "onset to offset"})
_EVM = (
    "magnify",
    {
        "alpha": 10.0,
        "low_hz": 1.6,
        "high_hz": 16.0,
        "temporal": "iir",
        "pyramid": "laplacian",
        "wavelength": 16.0,
    },
)
_TO_APEX = ("flow", {"algorithm": "tvl1", "first": "onset", "second": "apex"})

ADNET = RECIPES.add(
    "adnet",
    Recipe.of(
        "adnet",
        ("frames", {"which": "apex neighbours", "stride": 2, "reach": 10}),
        ("align", {"by": "five points of the onset frame", "size": 128}),
        ("stack", {"of": ("frames",), "frames": 6}),
    ),
)
"""Up to six frames before and at the apex, (6, 128, 128, 3) uint8; frames of zeros are none."""

MMNET = RECIPES.add(
    "mmnet",
    Recipe.of("mmnet", ("register", {"by": "lwm", "size": 224, "neighbours": 12}), ("stack", {"of": ("frames",)})),
)
"""Onset and apex on the neutral face, (2, 224, 224, 3) uint8."""

MMNET_FLOW = RECIPES.add(
    "mmnet-flow",
    Recipe.of(
        "mmnet-flow",
        ("register", {"by": "lwm", "size": 224, "neighbours": 12}),
        _TO_APEX,
        ("join", {"of": ("flow", "strain", "onset")}),
    ),
)
"""u and v in pixels, their strain, and the onset in RGB, 0 to 255, (1, 224, 224, 6) float32."""

MMNET_DEPTH = RECIPES.add(
    "mmnet-depth",
    Recipe.of(
        "mmnet-depth",
        ("register", {"by": "lwm", "size": 224, "neighbours": 12}),
        ("join", {"of": ("frames", "depth")}),
    ),
)
"""Onset and apex on the neutral face with their depth in the camera's units, (2, 224, 224, 4) uint16."""

_MS3D = (_CLIP, ("crop", {**_EYES, "size": 134, "grey": True}), _EVM)

MS3D = RECIPES.add(
    "ms3d",
    Recipe.of(
        "ms3d",
        *_MS3D,
        ("key-frames", {"frames": 17}),
        ("flow", {"algorithm": "tvl1", "first": "previous", "second": "each"}),
        ("stack", {"of": ("flow",)}),
    ),
)
"""Flow between 17 key frames of the magnified clip, (16, 134, 134, 2) float32."""

MS3D_FRAMES = RECIPES.add(
    "ms3d-frames",
    Recipe.of("ms3d-frames", *_MS3D, ("key-frames", {"frames": 16}), ("stack", {"of": ("frames",)})),
)
"""Sixteen key frames of the magnified clip themselves, grey, (16, 134, 134) float32."""

_AST = (
    _CLIP,
    ("register", {"by": "similarity", "size": 192, "grey": True}),
    _EVM,
    ("tim", {"frames": 11}),
    ("flow", {"algorithm": "lk", "first": "previous", "second": "each"}),
)

AST_SVM = RECIPES.add("ast-svm", Recipe.of("ast-svm", *_AST, ("stack", {"of": ("magnitude", "idsf")})))
"""Length of the flow between eleven frames, and their differences to the first, (2, 10, 192, 192) float32."""

AST_SVM_UV = RECIPES.add("ast-svm-uv", Recipe.of("ast-svm-uv", *_AST, ("stack", {"of": ("u", "v", "idsf")})))
"""The same with the flow itself, u and v apart, (3, 10, 192, 192) float32."""

SLSTT = RECIPES.add(
    "slstt",
    Recipe.of(
        "slstt",
        _CLIP,
        ("crop", {**_EYES, "size": 384, "grey": True}),
        ("long-term-flow", {"count": 11, "algorithm": "farneback"}),
    ),
)
"""Flow from the onset to eleven frames around the apex, as pictures, (11, 384, 384, 3) uint8."""

CAPSULENET = RECIPES.add(
    "capsulenet",
    Recipe.of(
        "capsulenet", ("frames", {"which": "apex"}), ("crop", {**_EYES, "size": 224}), ("stack", {"of": ("frames",)})
    ),
)
"""The apex frame, (1, 224, 224, 3) uint8."""

C3D = RECIPES.add(
    "c3d",
    Recipe.of("c3d", _CLIP, ("crop", {**_EYES, "size": 112}), ("tim", {"frames": 16}), ("stack", {"of": ("frames",)})),
)
"""Sixteen interpolated frames, (16, 112, 112, 3) float32, 0 to 255."""

DYNAMIC_IMAGE = RECIPES.add(
    "dynamic-image", Recipe.of("dynamic-image", _CLIP, ("crop", {**_EYES, "size": 224}), ("dynamic-image", {}))
)
"""The clip as one picture by approximate rank pooling, (224, 224, 3) float32."""

REGISTERED_MAP = RECIPES.add(
    "registered-motion-map",
    Recipe.of(
        "registered-motion-map",
        ("register", {"by": "similarity", "size": 128}),
        _TO_APEX,
        ("map", {"channels": ("u", "v", "strain"), "size": 28, "stretch": "min-max per map and channel"}),
    ),
)
"""As ``motion-map``, the apex registered onto the onset first, so that the head's motion is taken out."""
