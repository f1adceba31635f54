"""AD-Net: recipe, settings and deviations."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._frames import channels_first
from mien.methods._method import METHODS, Method

_PAPER = {"batch": 16, "lr": 1e-4, "class_weights": "balanced", "loss": "per-sample"}
_ATTACK = {"pgd_epsilon": 2 / 255, "pgd_step": 1 / 255, "pgd_steps": 3}
_MADRY = {"pgd_epsilon": 8 / 255, "pgd_step": 2 / 255, "pgd_steps": 7}
_NARROW = {"size": 64, "growth": 8, "frames_per_clip": 1, "standardise": True}
_SMALL = {**_PAPER, "epochs": 24, "batch": 8, "lr": 1e-3, "schedule": "cosine", "network": _NARROW}
_TWO_STEPS = {**_ATTACK, "pgd_steps": 2}

ADNET = METHODS.add(
    "adnet",
    Method(
        name="adnet",
        title="AD-Net: DenseNet-121 with coordinate attention, adversarially trained on frames near the apex",
        paper="Li, Chen, Feng, Wei, Zhang: AD-Net. AIRR 15(2), 593-602, 2026 (in Chinese)",
        kind="network",
        recipe="adnet",
        prepare=channels_first,
        entry="mien.methods._network:fit",
        network="mien.methods.adnet.network:ADNet",
        presets=MappingProxyType(
            {
                "paper": {**_PAPER, **_ATTACK, "epochs": 100},
                "madry": {**_PAPER, **_MADRY, "epochs": 100},
                "frequency": {**_PAPER, **_ATTACK, "epochs": 100, "class_weights": "frequency"},
                "dense": {**_PAPER, "epochs": 100, "network": {"ca": False}},
                "dense-pgd": {**_PAPER, **_ATTACK, "epochs": 100, "network": {"ca": False}},
                "dense-ca": {**_PAPER, "epochs": 100},
                "small": {**_SMALL, **_TWO_STEPS},
                "small-dense": {**_SMALL, "network": {**_NARROW, "ca": False}},
                "small-dense-pgd": {**_SMALL, **_TWO_STEPS, "network": {**_NARROW, "ca": False}},
                "small-dense-ca": _SMALL,
            }
        ),
        deviations=(
            "No distillation: the name promises one, the paper describes none. One frame at a time; a clip's score is "
            "the mean softmax over its frames, since no temporal layer is described and frame scores would inflate N.",
            "Frames: every second one back from the apex, at most 10 away. Five points come from 68 landmarks (dlib, "
            "or dlib's points in RetinaFace's box with --faces retinaface); one box per clip.",
            "Attack: 2/255 in 3 steps of 1/255, no random start, on pixels (unstated); it climbs the loss, as eq. 5 "
            "does, not as the text says. Batch norm is frozen during the attack. No embedding is restored: there is "
            "none.",
            "Class weights N / (K n_k): the printed n_k / N raises the majority's (preset frequency). Eq. 3 sums to H.",
            "Adam, no schedule, no augmentation, random initialisation: unstated.",
            "The undefined feature refinement is left out (network option refine).",
            "The small presets: frames averaged to 64 px, each less its own mean and over its deviation, a quarter of "
            "every width (growth 8), one frame per clip and epoch drawn at random, 24 epochs in batches of 8, a cosine "
            "from 1e-3, 2 attack steps. Chosen on a rendered corpus of their own (seed 7).",
        ),
        parameters=6992611,
    ),
)
