"""MMNet and the other inputs of its reproduction: recipes, settings and deviations."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray
from mien.methods._frames import channels_first
from mien.methods._method import METHODS, Method

_PAPER = {
    "batch": 32,
    "lr": 8e-4,
    "optimizer": "adamw",
    "weight_decay": 0.6,
    "schedule": "exponential",
    "gamma": 0.987,
    "decay_epochs": 50,
    "augment": True,
}
_COLOUR = {"colour": 0.1}
_JITTER = {"copies": "jitter"}
_REPRODUCTION = {**_PAPER, "epochs": 75, "weight_decay": 0.7, "class_weights": "inverse_mean1"}
_CASME3 = {**_REPRODUCTION, "lr": 1e-3, "batch": 64}
_SMALL = {**_PAPER, "batch": 8, "lr": 2e-3, "weight_decay": 0.1, "schedule": "cosine", "epochs": 40}
_SMALL_NETWORK = {"size": 112, "width": 64, "drop_path": 0.0}
_UV = {"inputs": "flow"}


def prepare_flow(inputs: npt.NDArray[np.float32]) -> FloatArray:
    """Turn u, v, strain and the RGB onset (N, 1, S, S, 6) into (N, 6, S, S), the onset from 0 to 1."""
    packed = np.array(np.moveaxis(inputs[:, 0], -1, 1), np.float32, order="C")
    packed[:, 3:] /= 255
    return packed


def prepare_depth(inputs: npt.NDArray[np.uint16]) -> FloatArray:
    """Turn onset and apex with their depth (N, 2, S, S, 4) into (N, 2, 4, S, S): RGB from 0 to 1, depth as it is."""
    packed = np.array(np.moveaxis(inputs, -1, 2), np.float32, order="C")
    packed[:, :, :3] /= 255
    return packed


MMNET = METHODS.add(
    "mmnet",
    Method(
        name="mmnet",
        title="MMNet: continuous attention on apex minus onset, position calibration by a small ViT on the onset",
        paper="Li, Sui, Zhu, Zhao: MMNet: muscle motion-guided network for micro-expression recognition. IJCAI 2022; "
        "and its reproduction by Wang Zihan (SZU-AdvTech 2022, in Chinese)",
        kind="network",
        recipe="mmnet",
        prepare=channels_first,
        entry="mien.methods._network:fit",
        network="mien.methods.mmnet.network:MMNet",
        presets=MappingProxyType(
            {
                "paper": {**_PAPER, **_JITTER, "epochs": 70, "network": _COLOUR},
                "official": {**_PAPER, "copies": "jitter-official", "epochs": 99, "weight_decay": 0.7, "batch": 24},
                "official-5": {
                    **_PAPER,
                    "copies": "jitter-official-5",
                    "epochs": 74,
                    "network": {"depth": 2, "mlp_ratio": 4, "drop_path": 0.0},
                },
                "reproduction": _REPRODUCTION,
                "reproduction-mmew": {**_REPRODUCTION, "lr": 8e-3},
                "reproduction-casme3": _CASME3,
                "no-prior": {**_PAPER, **_JITTER, "epochs": 70, "network": {**_COLOUR, "attention_prior": False}},
                "no-position": {**_PAPER, **_JITTER, "epochs": 70, "network": {**_COLOUR, "position": False}},
                "small": {**_SMALL, "network": _SMALL_NETWORK},
            }
        ),
        deviations=(
            "Stem, block widths, ReLU after the shortcut and batch norm before the sigmoid as in the published code: "
            "the text's doubling in all four blocks cannot give the stated 512 x 14 x 14.",
            "Frames are registered by LWM on dlib's 68 points (the reproduction: ASM), onto a neutral face of our own.",
            "Augmentation: mirror, turns to 4 degrees, shifts to 4 px, both frames alike; brightness and contrast to "
            "10 % in the presets that follow the text, as the codes have none.",
            "Jitter in training: for onset and apex one of the four frames around each, if inside the clip (presets "
            "official: as the codes draw them). A clip has eight such pairs, an epoch draws one. Not in the small "
            "presets, nor in the reproduction's, whose code is not known to have it.",
            "The last epoch is the result; both published codes keep each subject's best epoch on that subject.",
        ),
        parameters=9241719,
    ),
)

_OTHER_INPUTS = {
    "paper": MMNET.presets["paper"],
    "reproduction": MMNET.presets["reproduction-casme3"],
    "small": MMNET.presets["small"],
}

MMNET_FLOW = METHODS.add(
    "mmnet-flow",
    replace(
        MMNET,
        name="mmnet-flow",
        title="MMNet on optical flow from onset to apex, with strain or without",
        recipe="mmnet-flow",
        prepare=prepare_flow,
        network="mien.methods.mmnet.network:mmnet_flow",
        presets=MappingProxyType(
            {
                **_OTHER_INPUTS,
                "reproduction": {**_CASME3, "augment": False},
                "uv": {**_PAPER, **_JITTER, "epochs": 70, "network": {**_COLOUR, **_UV}},
                "reproduction-uv": {**_CASME3, "augment": False, "network": _UV},
                "small-uv": {**_SMALL, "network": {**_SMALL_NETWORK, **_UV}},
            }
        ),
        deviations=(
            "The flow of the reproduction is unpublished: TV-L1 here, u and v over 4 px, strain times 16, no motion is "
            "0. Whether it had strain or u and v alone (presets with uv) is not known. It was not augmented.",
            *MMNET.deviations,
        ),
    ),
)

MMNET_DEPTH = METHODS.add(
    "mmnet-depth",
    replace(
        MMNET,
        name="mmnet-depth",
        title="MMNet on the difference of depth between onset and apex",
        recipe="mmnet-depth",
        prepare=prepare_depth,
        network="mien.methods.mmnet.network:mmnet_depth",
        presets=MappingProxyType(_OTHER_INPUTS),
        deviations=("Where depth is unknown in onset or apex, its difference is 0.", *MMNET.deviations),
        parameters=9238479,
    ),
)

MMNET_RGBD = METHODS.add(
    "mmnet-rgbd",
    replace(
        MMNET_DEPTH,
        name="mmnet-rgbd",
        title="MMNet on the difference of colour and depth between onset and apex",
        network="mien.methods.mmnet.network:mmnet_rgbd",
        parameters=9243339,
    ),
)
