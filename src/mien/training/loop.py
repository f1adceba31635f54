"""The training loop, the only one."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from mien.core import MienError, MienWarning
from mien.training.adversarial import Loss, adversarial_backward
from mien.training.checkpoint import EVERY_S, Checkpoint, identity
from mien.training.devices import Precision, to_device
from mien.training.losses import class_weights, weighted_cross_entropy
from mien.training.seeds import reproducible
from mien.training.settings import Settings

__all__ = ["fit_network"]

OnEpoch = Callable[[int, nn.Module, float], None]
Augment = Callable[[Tensor, torch.Generator], Tensor]


def fit_network(
    network: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    settings: Settings,
    seed: int,
    *,
    on_epoch: OnEpoch | None = None,
    augment: Augment | None = None,
    device: torch.device | str = "cpu",
    checkpoint: Path | None = None,
    every_s: float | None = None,
    copies: int = 1,
) -> nn.Module:
    """Train a classifier by cross entropy; the last epoch is the result.

    Order and augmentation are drawn on the processor, so every device sees the same batches; the samples stay where
    they are and only batches move.

    A network may say itself what a training sample is, ``samples(batch, targets) -> (batch, targets)``, and what its
    loss is, ``loss(output, targets, class_weights) -> scalar``, and how many samples a batch needs, ``least_batch``.

    Parameters
    ----------
    network : Module
        Maps (N, ...) inputs to (N, K) logits; trained in place, and left on the device.
    inputs : Tensor, (N * copies, ...)
        The training samples, and only those.
    targets : int64 Tensor, (N,) or (N, 1 + A)
        Their classes, 0 to K - 1; and, for a network whose loss uses them, further labels behind.
    settings : Settings
        Optimiser and its schedule, epochs, batch, class weights, label smoothing, clipping, precision.
    seed : int
        Of shuffling, dropout and augmentation.
    on_epoch : callable, optional
        ``on_epoch(epoch, network, loss)`` after each epoch, from 1; for progress and for predictions per epoch.
        It cannot change the training.
    augment : callable, optional
        ``augment(batch, generator) -> batch``.
    device : device or str
        Where it is trained, as torch names it.
    checkpoint : Path, optional
        Where to write, at the end of an epoch, all that the next one depends on. Where that file is there, training
        goes on from it, ``on_epoch`` with the epoch after it, to the very bits of an unbroken training. A file that
        does not open, or is of another training, is told by a :class:`MienWarning` and not used.
    every_s : float, optional
        Seconds from one writing to the next; 60 by default.
    copies : int
        Of each sample so many stand one after another in ``inputs``; an epoch draws one of them for each.

    Returns
    -------
    Module
        The same network, in evaluation mode.

    Raises
    ------
    MienError
        If the loss stops being a finite number; the message names the epoch and the batch.
    """
    device = torch.device(device)
    with reproducible(seed, device):
        generator = torch.Generator().manual_seed(seed)
        name = identity(network, inputs, targets, settings, seed) if checkpoint else ""
        network.to(device)
        loss_of = _loss(network, _weights(network, inputs, targets, settings, device), settings)
        samples = getattr(network, "samples", lambda batch, targets: (batch, targets))
        optimizer = _optimizer(network, settings)
        precision = Precision(device, settings.precision)
        parts = {"network": network, "optimizer": optimizer, "scaler": precision.scaler}
        kept = Checkpoint(checkpoint, name, EVERY_S if every_s is None else every_s, generator, **parts)
        for epoch in range(kept.restore(device) + 1, settings.epochs + 1):
            network.train()
            for group in optimizer.param_groups:
                group["lr"] = settings.lr_in(epoch)
            total = 0.0
            order = torch.randperm(len(targets), generator=generator)
            batches = _batches(order, settings.batch, getattr(network, "least_batch", 1))
            for number, rows in enumerate(batches, 1):
                batch = inputs[_drawn(rows, copies, generator)]
                batch = augment(batch, generator) if augment else batch
                if (number - 1) % settings.accumulate == 0:
                    optimizer.zero_grad()
                    together = min(settings.accumulate, len(batches) - number + 1)  # an epoch may end with fewer
                batch, labels = samples(to_device(batch, device), to_device(targets[rows], device))
                loss = _backward(network, loss_of, batch, labels, settings, precision, together)
                if not torch.isfinite(loss):
                    raise MienError(
                        f"got the loss {loss.item()} in epoch {epoch}, batch {number}; "
                        "expected a finite number; lower the learning rate or check the input"
                    )
                if number % settings.accumulate == 0 or number == len(batches):
                    if settings.clip_norm is not None:
                        precision.scaler.unscale_(optimizer)
                        nn.utils.clip_grad_norm_(network.parameters(), settings.clip_norm)
                    precision.scaler.step(optimizer)
                    precision.scaler.update()
                total += loss.item() * len(rows)
            network.eval()
            if on_epoch:
                with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
                    on_epoch(epoch, network, total / len(targets))
                network.eval()
            if epoch < settings.epochs:
                kept.save(epoch, device)
    return network


def _drawn(rows: Tensor, copies: int, generator: torch.Generator) -> Tensor:
    """Where a copy of each sample stands; nothing is drawn where there is one of each."""
    return rows if copies == 1 else copies * rows + torch.randint(copies, rows.shape, generator=generator)


def _batches(order: Tensor, size: int, least: int) -> list[Tensor]:
    """Split rows into batches; a last one that is too small for the network joins the one before."""
    batches = list(torch.split(order, size))
    if len(batches) > 1 and len(batches[-1]) < least:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def _backward(
    network: nn.Module,
    loss_of: Loss,
    batch: Tensor,
    targets: Tensor,
    settings: Settings,
    precision: Precision,
    together: int,
) -> Tensor:
    """Add a batch's gradients, those of the attacked batch included where there is an attack; return the loss.

    So many batches make the step ``together``.
    """
    if settings.pgd_steps:
        clean, attacked = adversarial_backward(
            network,
            loss_of,
            batch,
            targets,
            epsilon=settings.pgd_epsilon,
            step=settings.pgd_step,
            steps=settings.pgd_steps,
            share=1 / together,
            precision=precision,
        )
        return clean + attacked
    with precision.cast():
        loss = loss_of(network(batch), targets)
    precision.scaled(loss / together).backward()
    return loss


def _loss(network: nn.Module, weights: Tensor, settings: Settings) -> Loss:
    own = getattr(network, "loss", None)
    if own is not None:
        return lambda output, targets: own(output, targets, weights)
    if settings.loss == "per-sample":
        return lambda logits, targets: weighted_cross_entropy(logits, targets, weights)
    return nn.CrossEntropyLoss(weights, label_smoothing=settings.label_smoothing)


def _weights(network: nn.Module, inputs: Tensor, targets: Tensor, settings: Settings, device: torch.device) -> Tensor:
    with torch.inference_mode():
        n_classes = network.eval()(to_device(inputs[:1], device)).shape[1]
    targets = targets if targets.ndim == 1 else targets[:, 0]
    absent = sorted(set(range(n_classes)) - set(targets.tolist()))
    if absent:
        text = f"no training clip of class {', '.join(map(str, absent))} (of 0 to {n_classes - 1}): its weight is 0"
        warnings.warn(text, MienWarning, stacklevel=3)
    weights = class_weights(targets.numpy(), n_classes, settings.class_weights)
    return torch.as_tensor(weights, dtype=torch.float32, device=device)


def _optimizer(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    weights, lr, decay = network.parameters(), settings.lr, settings.weight_decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=lr, weight_decay=decay, momentum=settings.momentum)
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(weights, lr=lr, weight_decay=decay)
    return torch.optim.Adam(weights, lr=lr, weight_decay=decay)
