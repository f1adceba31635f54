"""What a network is trained with, as one checked record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from mien.core import MienError
from mien.training.losses import CLASS_WEIGHTS

__all__ = ["OPTIMIZERS", "Settings"]

OPTIMIZERS = ("adam", "adamw", "sgd")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of :func:`mien.training.loop.fit_network`.

    Attributes
    ----------
    epochs, batch : int
        Passes over the training samples; samples per step.
    lr, weight_decay, momentum : float
        Of the optimiser; ``momentum`` is for SGD only.
    optimizer : {"adam", "adamw", "sgd"}
        Which optimiser.
    class_weights : {"none", "balanced", "inverse_mean1", "frequency"}
        Weights in the cross entropy, from the training labels only (:func:`mien.training.class_weights`).
    mirror : bool
        Mirror a random half of each batch.

    Raises
    ------
    MienError
        If a value is out of its range.

    Examples
    --------
    >>> Settings.of({"epochs": 10, "lr": 1e-3}).batch
    32
    >>> Settings.of({"epoch": 10})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    mien.core.errors.MienError: got the setting 'epoch'; expected epochs, batch, lr, weight_decay, momentum, ...
    """

    epochs: int
    batch: int = 32
    lr: float = 1e-3
    weight_decay: float = 0.0
    momentum: float = 0.9
    optimizer: str = "adam"
    class_weights: str = "none"
    mirror: bool = False

    def __post_init__(self) -> None:
        for name, low in (("epochs", 1), ("batch", 1), ("lr", 0), ("weight_decay", 0), ("momentum", 0)):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= low):
                raise MienError(f"got {name} = {value}; expected a number from {low}; change the setting")
        for name, known in (("optimizer", OPTIMIZERS), ("class_weights", CLASS_WEIGHTS)):
            if getattr(self, name) not in known:
                raise MienError(f"got {name} = '{getattr(self, name)}'; expected one of {', '.join(known)}; choose one")

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Settings:
        """Make the record from a mapping; an unknown name raises :class:`MienError`."""
        known = [field.name for field in fields(cls)]
        for name in settings:
            if name not in known:
                raise MienError(f"got the setting '{name}'; expected {', '.join(known)}; remove or rename it")
        return cls(**settings)
