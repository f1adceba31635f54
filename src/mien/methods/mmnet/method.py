"""MMNet: recipe, settings and deviations."""

from __future__ import annotations

from types import MappingProxyType

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
                "paper": {**_PAPER, "epochs": 70},
                "official": {**_PAPER, "epochs": 99, "weight_decay": 0.7, "batch": 24},
                "official-5": {
                    **_PAPER,
                    "epochs": 74,
                    "network": {"depth": 2, "mlp_ratio": 4, "drop_path": 0.0},
                },
                "reproduction": {**_PAPER, "epochs": 75, "weight_decay": 0.7, "class_weights": "inverse_mean1"},
                "no-prior": {**_PAPER, "epochs": 70, "network": {"attention_prior": False}},
                "no-position": {**_PAPER, "epochs": 70, "network": {"position": False}},
                "small": {**_PAPER, "epochs": 15, "network": {"size": 112, "width": 128}},
            }
        ),
        deviations=(
            "Stem, block widths, ReLU after the shortcut and batch norm before the sigmoid as in the published code: "
            "the text's doubling in all four blocks cannot give the stated 512 x 14 x 14.",
            "Frames are registered by LWM on dlib's 68 points (the reproduction: ASM), onto a neutral face of our own.",
            "No jitter of onset and apex yet. Augmentation: mirror, turns to 4 degrees, shifts to 4 px, both frames "
            "alike; no colour jitter, as in the code.",
            "The last epoch is the result; both published codes keep each subject's best epoch on that subject.",
        ),
        parameters=9241719,
    ),
)
