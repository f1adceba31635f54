"""The training loop, the only one."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from mien.core import MienError, MienWarning
from mien.training.adversarial import Loss, adversarial_backward
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
) -> nn.Module:
    """Train a classifier by cross entropy; the last epoch is the result.

    A network may say itself what a training sample is, ``samples(batch, targets) -> (batch, targets)``, and what its
    loss is, ``loss(output, targets, class_weights) -> scalar``, and how many samples a batch needs, ``least_batch``.

    Parameters
    ----------
    network : Module
        Maps (N, ...) inputs to (N, K) logits; trained in place.
    inputs : Tensor, (N, ...)
        The training samples, and only those.
    targets : int64 Tensor, (N,)
        Their classes, 0 to K - 1.
    settings : Settings
        Optimiser and its schedule, epochs, batch, class weights, label smoothing, clipping.
    seed : int
        Of shuffling, dropout and augmentation.
    on_epoch : callable, optional
        ``on_epoch(epoch, network, loss)`` after each epoch, from 1; for progress and for predictions per epoch.
        It cannot change the training.
    augment : callable, optional
        ``augment(batch, generator) -> batch``.

    Returns
    -------
    Module
        The same network, in evaluation mode.

    Raises
    ------
    MienError
        If the loss stops being a finite number; the message names the epoch and the batch.
    """
    with reproducible(seed):
        generator = torch.Generator().manual_seed(seed)
        loss_of = _loss(network, _weights(network, inputs, targets, settings), settings)
        samples = getattr(network, "samples", lambda batch, targets: (batch, targets))
        optimizer = _optimizer(network, settings)
        for epoch in range(1, settings.epochs + 1):
            network.train()
            for group in optimizer.param_groups:
                group["lr"] = settings.lr_in(epoch)
            total = 0.0
            order = torch.randperm(len(inputs), generator=generator)
            batches = _batches(order, settings.batch, getattr(network, "least_batch", 1))
            for number, rows in enumerate(batches, 1):
                batch = augment(inputs[rows], generator) if augment else inputs[rows]
                if (number - 1) % settings.accumulate == 0:
                    optimizer.zero_grad()
                batch, labels = samples(batch, targets[rows])
                loss = _backward(network, loss_of, batch, labels, settings)
                if not torch.isfinite(loss):
                    raise MienError(
                        f"got the loss {loss.item()} in epoch {epoch}, batch {number}; "
                        "expected a finite number; lower the learning rate or check the input"
                    )
                if number % settings.accumulate == 0 or number == len(batches):
                    if settings.clip_norm is not None:
                        nn.utils.clip_grad_norm_(network.parameters(), settings.clip_norm)
                    optimizer.step()
                total += loss.item() * len(rows)
            network.eval()
            if on_epoch:
                with torch.random.fork_rng(devices=[]):
                    on_epoch(epoch, network, total / len(inputs))
                network.eval()
    return network


def _batches(order: Tensor, size: int, least: int) -> list[Tensor]:
    """Split rows into batches; a last one that is too small for the network joins the one before."""
    batches = list(torch.split(order, size))
    if len(batches) > 1 and len(batches[-1]) < least:
        batches[-2:] = [torch.cat(batches[-2:])]
    return batches


def _backward(network: nn.Module, loss_of: Loss, batch: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    """Add a batch's gradients, those of the attacked batch included where there is an attack; return the loss."""
    if settings.pgd_steps:
        epsilon, step, steps = settings.pgd_epsilon, settings.pgd_step, settings.pgd_steps
        clean, attacked = adversarial_backward(
            network, loss_of, batch, targets, epsilon=epsilon, step=step, steps=steps
        )
        return clean + attacked
    loss = loss_of(network(batch), targets)
    (loss / settings.accumulate).backward()
    return loss


def _loss(network: nn.Module, weights: Tensor, settings: Settings) -> Loss:
    own = getattr(network, "loss", None)
    if own is not None:
        return lambda output, targets: own(output, targets, weights)
    if settings.loss == "per-sample":
        return lambda logits, targets: weighted_cross_entropy(logits, targets, weights)
    return nn.CrossEntropyLoss(weights, label_smoothing=settings.label_smoothing)


def _weights(network: nn.Module, inputs: Tensor, targets: Tensor, settings: Settings) -> Tensor:
    with torch.inference_mode():
        n_classes = network.eval()(inputs[:1]).shape[1]
    absent = sorted(set(range(n_classes)) - set(targets.tolist()))
    if absent:
        text = f"no training clip of class {', '.join(map(str, absent))} (of 0 to {n_classes - 1}): its weight is 0"
        warnings.warn(text, MienWarning, stacklevel=3)
    return torch.as_tensor(class_weights(targets.numpy(), n_classes, settings.class_weights), dtype=torch.float32)


def _optimizer(network: nn.Module, settings: Settings) -> torch.optim.Optimizer:
    weights, lr, decay = network.parameters(), settings.lr, settings.weight_decay
    if settings.optimizer == "sgd":
        return torch.optim.SGD(weights, lr=lr, weight_decay=decay, momentum=settings.momentum)
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(weights, lr=lr, weight_decay=decay)
    return torch.optim.Adam(weights, lr=lr, weight_decay=decay)
