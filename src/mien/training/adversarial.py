"""Projected gradient descent: training frames, changed a little, so that the network errs more."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from mien.core import MienError
from mien.training.devices import Precision

__all__ = ["Loss", "adversarial_backward", "pgd", "right_under_attack"]

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
    precision: Precision | None = None,
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
    precision : Precision, optional
        Of forward pass and loss; float32 by default.

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
    precision = precision or Precision(x.device)
    frame = (x != 0).flatten(-3).any(dim=-1)[..., None, None, None]
    low, high = ((x.detach() + side).clamp(0, 1) * frame for side in (-epsilon, epsilon))
    attacked = x.detach()
    with _frozen_norms(network, freeze_norm), torch.enable_grad():
        for _ in range(steps):
            attacked.requires_grad_()
            with precision.cast():
                raised = precision.scaled(loss(network(attacked), y))
            # Of the input only: backward() would also fill the gradients of the weights.
            (gradient,) = torch.autograd.grad(raised, attacked)
            # A scaled loss may overflow to nan, which points nowhere.
            attacked = torch.clamp(attacked.detach() + step * gradient.nan_to_num(0.0).sign(), low, high)
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
    share: float = 1.0,
    precision: Precision | None = None,
) -> tuple[Tensor, Tensor]:
    """Add the gradients of a batch and of the attacked batch to those of the weights: AD-Net's training step.

    AD-Net section 2.4: "accumulate the gradient of the adversarial loss on the original gradient"; one step of the
    optimiser follows. Parameters and errors are those of :func:`pgd`; the gradients are multiplied by ``share`` where
    several batches make a step.

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
    precision = precision or Precision(x.device)
    with precision.cast():
        clean = loss(network(x), y)
    precision.scaled(share * clean).backward()
    harder = pgd(
        network, loss, x, y, epsilon=epsilon, step=step, steps=steps, freeze_norm=freeze_norm, precision=precision
    )
    with precision.cast():
        attacked = loss(network(harder), y)
    precision.scaled(share * attacked).backward()
    return clean.detach(), attacked.detach()


def right_under_attack(
    network: nn.Module, x: Tensor, y: Tensor, epsilons: Sequence[float], *, steps: int = 10, batch: int = 16
) -> Tensor:
    """Say which images a trained network still names right when they are attacked: its robustness curve.

    Each epsilon is one attack (:func:`pgd`) on the cross entropy in steps of 2.5 epsilon / steps, as Madry et al. go.
    What an attack may do with an epsilon it may do with every larger one: an image that was lost stays lost, and
    only those that are left are attacked further. Epsilon 0 is no attack.

    Parameters
    ----------
    network : Module
        Maps x to logits (N, K); asked in evaluation mode, and left in the mode it was in.
    x : Tensor, (N, ..., C, H, W)
        Pixels from 0 to 1; of clips, all frames are attacked together.
    y : int64 Tensor, (N,)
        Classes.
    epsilons : sequence of float
        Furthest change of a pixel, ascending.
    steps, batch : int
        Steps of an attack; images attacked at once, which changes nothing but the memory it takes.

    Returns
    -------
    bool Tensor, (E, N)
        Whether an image withstands each epsilon and all before it.

    Raises
    ------
    MienError
        If the epsilons do not ascend, or as :func:`pgd` does.

    Examples
    --------
    >>> network = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    >>> _ = network[1].weight.data.copy_(torch.eye(2))  # the brighter of two pixels is the class
    >>> x = torch.tensor([0.9, 0.1, 0.55, 0.45]).reshape(2, 1, 1, 2)
    >>> right_under_attack(network, x, torch.tensor([0, 0]), [0.0, 0.03, 0.1, 0.5]).tolist()
    [[True, True], [True, True], [True, False], [False, False]]
    """
    if list(epsilons) != sorted(epsilons):
        raise MienError(f"got the epsilons {list(epsilons)}; expected them to ascend; sort them")
    right = torch.ones(len(epsilons), len(x), dtype=torch.bool)
    was_training = network.training
    network.eval()
    try:
        for number, epsilon in enumerate(epsilons):
            left = right[max(number - 1, 0)].clone()
            for rows in torch.split(left.nonzero()[:, 0], batch):
                attacked = pgd(
                    network,
                    nn.functional.cross_entropy,
                    x[rows],
                    y[rows],
                    epsilon=epsilon,
                    step=2.5 * epsilon / max(steps, 1),
                    steps=steps,
                )
                with torch.no_grad():
                    left[rows] = (network(attacked).argmax(dim=1) == y[rows]).cpu()
            right[number] = left
    finally:
        network.train(was_training)
    return right


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
