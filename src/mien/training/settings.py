"""What a network is trained with, as one checked record."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from mien.core import MienError
from mien.training.losses import CLASS_WEIGHTS

__all__ = ["LOSSES", "OPTIMIZERS", "PRECISIONS", "SCHEDULES", "Settings"]

OPTIMIZERS = ("adam", "adamw", "sgd")
LOSSES = ("cross-entropy", "per-sample")
PRECISIONS = ("float32", "bf16", "fp16")
SCHEDULES = ("none", "step", "exponential", "cosine")
RANGES = {
    "epochs": (1, math.inf),
    "batch": (1, math.inf),
    "lr": (0, math.inf),
    "weight_decay": (0, math.inf),
    "momentum": (0, math.inf),
    "step_epochs": (1, math.inf),
    "gamma": (0, 1),
    "decay_epochs": (0, math.inf),
    "label_smoothing": (0, 1),
    "clip_norm": (0, math.inf),
    "accumulate": (1, math.inf),
    "pgd_epsilon": (0, 1),
    "pgd_step": (0, 1),
    "pgd_steps": (0, math.inf),
}
MAY_BE_NONE = ("decay_epochs", "clip_norm")
CHOICES = {
    "optimizer": OPTIMIZERS,
    "class_weights": CLASS_WEIGHTS,
    "schedule": SCHEDULES,
    "loss": LOSSES,
    "precision": PRECISIONS,
}


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
    schedule : {"none", "step", "exponential", "cosine"}
        How ``lr`` falls from epoch to epoch (:meth:`lr_in`).
    step_epochs, gamma, decay_epochs : int, float, int or None
        Of the schedule: multiply by ``gamma`` every so many epochs (step), or after each of the first ``decay_epochs``
        epochs (exponential; None: after every one).
    label_smoothing : float
        Share of each label that is spread evenly over the classes.
    clip_norm : float or None
        Longest gradient, over all weights together; None: as it comes.
    loss : {"cross-entropy", "per-sample"}
        Whether the weighted mean divides by the weights, as torch does, or by the samples (AD-Net eq. 6).
    accumulate : int
        Batches per step of the optimiser: their gradients are averaged.
    pgd_epsilon, pgd_step, pgd_steps : float, float, int
        Adversarial training (:func:`mien.training.adversarial.pgd`); no attack with 0 steps.
    augment : bool
        Apply the network's own ``augment(batch, generator)`` to training batches.
    precision : {"float32", "bf16", "fp16"}
        Of forward pass and loss in training; the latter two are mixed precision, and fp16 is for GPUs only. Predictions
        are always made in float32.

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
    schedule: str = "none"
    step_epochs: int = 10
    gamma: float = 0.5
    decay_epochs: int | None = None
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    loss: str = "cross-entropy"
    accumulate: int = 1
    pgd_epsilon: float = 2 / 255
    pgd_step: float = 1 / 255
    pgd_steps: int = 0
    augment: bool = False
    precision: str = "float32"

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if value is None and name in MAY_BE_NONE:
                continue
            if not (math.isfinite(value) and low <= value <= high):
                upto = f" to {high}" if math.isfinite(high) else ""
                raise MienError(f"got {name} = {value}; expected a number from {low}{upto}; change the setting")
        for name, known in CHOICES.items():
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

    def lr_in(self, epoch: int) -> float:
        """Return the learning rate in an epoch, counted from 1; the first is always trained with ``lr`` itself.

        Examples
        --------
        >>> halves = Settings(epochs=30, lr=1.0, schedule="step", step_epochs=10, gamma=0.5)
        >>> [halves.lr_in(epoch) for epoch in (1, 10, 11, 30)]
        [1.0, 1.0, 0.5, 0.25]
        """
        past = epoch - 1
        if self.schedule == "step":
            return self.lr * self.gamma ** (past // self.step_epochs)
        if self.schedule == "exponential":
            return self.lr * self.gamma ** (past if self.decay_epochs is None else min(past, self.decay_epochs))
        if self.schedule == "cosine":
            return self.lr * (1 + math.cos(math.pi * past / self.epochs)) / 2
        return self.lr
