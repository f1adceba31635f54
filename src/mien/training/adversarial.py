"""Projected gradient descent: training frames, changed a little, so that the network errs more."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mien.core import MienError

__all__ = ["Loss", "adversarial_backward", "pgd"]

Loss = Callable[[Tensor, Tensor], Tensor]


def pgd(
    network: nn.Module,
    loss: Loss,
    x: Tensor,
    y: Tensor,
    *,
    epsilon: float = 2 / 255,
    step: float = 1 / 255,
    steps: int = 3,
    freeze_norm: bool = True,
) -> Tensor:
    """Attack a batch of images: climb the loss by signed gradients, at most epsilon away from each pixel.

    Madry et al., ICLR 2018; AD-Net eq. 4 (no random start) and 5. The weights of the network and their gradients stay
    as they are. A frame that is entirely zero is padding, and stays zero.

    Parameters
    ----------
    network : Module
        Maps x to logits (N, K).
    loss : callable
        ``loss(logits, y) -> scalar``.
    x : Tensor, (N, ..., C, H, W)
        Pixels from 0 to 1.
    y : int64 Tensor, (N,)
        Classes.
    epsilon, step : float
        Furthest change of a pixel, and change per step.
    steps : int
        How many steps.
    freeze_norm : bool
        Let batch norm use its running statistics, and not update them, while x is attacked.

    Returns
    -------
    Tensor
        Like x, values 0 to 1; detached.

    Raises
    ------
    MienError
        If a pixel is not from 0 to 1, or epsilon, step or steps is no number from 0.

    Examples
    --------
    >>> brightness = lambda logits, y: logits.sum()
    >>> x = torch.full((1, 3, 2, 2), 0.5)
    >>> attacked = pgd(nn.Flatten(), brightness, x, torch.tensor([0]), epsilon=0.25, step=0.125, steps=9)
    >>> attacked.unique().tolist()
    [0.75]
    """
    _check(x, epsilon=epsilon, step=step, steps=steps)
    frame = (x != 0).flatten(-3).any(dim=-1)[..., None, None, None]
    low, high = ((x.detach() + side).clamp(0, 1) * frame for side in (-epsilon, epsilon))
    attacked = x.detach()
    with _frozen_norms(network, freeze_norm), torch.enable_grad():
        for _ in range(steps):
            attacked.requires_grad_()
            # Of the input only: backward() would also fill the gradients of the weights.
            (gradient,) = torch.autograd.grad(loss(network(attacked), y), attacked)
            attacked = torch.clamp(attacked.detach() + step * gradient.sign(), low, high)
    return attacked.detach()


def adversarial_backward(
    network: nn.Module,
    loss: Loss,
    x: Tensor,
    y: Tensor,
    *,
    epsilon: float = 2 / 255,
    step: float = 1 / 255,
    steps: int = 3,
    freeze_norm: bool = True,
) -> tuple[Tensor, Tensor]:
    """Add the gradients of a batch and of the attacked batch to those of the weights: AD-Net's training step.

    AD-Net section 2.4: "accumulate the gradient of the adversarial loss on the original gradient"; one step of the
    optimiser follows. Parameters and errors are those of :func:`pgd`.

    Returns
    -------
    tuple of Tensor
        The loss of the batch and of the attacked batch; detached.

    Examples
    --------
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    >>> x, y = torch.rand(4, 3, 2, 2), torch.tensor([0, 1, 2, 0])
    >>> clean, attacked = adversarial_backward(network, nn.functional.cross_entropy, x, y)
    >>> bool(attacked > clean)
    True
    """
    clean = loss(network(x), y)
    clean.backward()
    attacked = loss(
        network(pgd(network, loss, x, y, epsilon=epsilon, step=step, steps=steps, freeze_norm=freeze_norm)), y
    )
    attacked.backward()
    return clean.detach(), attacked.detach()


@contextmanager
def _frozen_norms(network: nn.Module, freeze: bool) -> Iterator[None]:
    norms = [m for m in network.modules() if freeze and isinstance(m, nn.modules.batchnorm._BatchNorm) and m.training]
    for norm in norms:
        norm.eval()
    try:
        yield
    finally:
        for norm in norms:
            norm.train()


def _check(x: Tensor, **settings: float) -> None:
    for name, value in settings.items():
        if not (math.isfinite(value) and value >= 0):
            raise MienError(f"got {name} = {value}; expected a number from 0; change the setting")
    if x.ndim < 4 or not bool(((x >= 0) & (x <= 1)).all()):
        raise MienError(
            f"got images of {tuple(x.shape)} to attack; expected (N, ..., C, H, W) with values 0 to 1; "
            "divide pixels by 255, and normalise inside the network"
        )
