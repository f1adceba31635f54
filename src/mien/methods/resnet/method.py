"""ResNets on apex minus onset: recipe, settings and deviations."""

from __future__ import annotations

from types import MappingProxyType

from mien.methods._frames import channels_first
from mien.methods._method import METHODS, Method

_SETTINGS = {
    "batch": 32,
    "lr": 8e-4,
    "optimizer": "adamw",
    "weight_decay": 0.6,
    "schedule": "exponential",
    "gamma": 0.987,
    "decay_epochs": 50,
    "augment": True,
}
_DEVIATIONS = (
    "The reproduction of MMNet built these baselines and reports no numbers; input and training are MMNet's.",
    "Random initialisation.",
)
_PAPER = "He, Zhang, Ren, Sun: Deep residual learning for image recognition. CVPR 2016"

for _layers, _count in ((18, 11178051), (50, 23514179)):
    METHODS.add(
        f"resnet{_layers}",
        Method(
            name=f"resnet{_layers}",
            title=f"ResNet-{_layers} on apex minus onset",
            paper=_PAPER,
            kind="network",
            recipe="mmnet",
            prepare=channels_first,
            entry="mien.methods._network:fit",
            network=f"mien.methods.resnet.network:resnet{_layers}",
            presets=MappingProxyType(
                {
                    "paper": {**_SETTINGS, "epochs": 70},
                    "small": {**_SETTINGS, "epochs": 12, "network": {"size": 56}},
                }
            ),
            deviations=_DEVIATIONS,
            parameters=_count,
        ),
    )
