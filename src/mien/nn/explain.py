"""Where a network looked: its own attention where it has one, else Grad-CAM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node
from torch.nn import functional

from mien.core import FloatArray, MienError

__all__ = ["Looked", "where"]

CONVOLUTIONS = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)
NORMS = (nn.BatchNorm2d, nn.BatchNorm3d)
SUMS_TO_ONE = 1e-4  # how far the logarithm of a sum of probabilities may be from 0


@dataclass(frozen=True, slots=True)
class Looked:
    """Maps of some inputs.

    Attributes
    ----------
    maps : float32 array, (N, h, w)
        In the frame of the input: 0 where the network looked least, 1 where it looked most; all 0 if nowhere.
    by : {"attention", "Grad-CAM"}
        What they were made by.
    """

    maps: FloatArray
    by: Literal["attention", "Grad-CAM"]


def where(network: nn.Module, inputs: Tensor, classes: Sequence[int]) -> Looked:
    """Say where a network in evaluation mode looked.

    A network with a method ``looked(x (N, ...)) -> Tensor (N, h, w)`` says it itself, by its attention, whatever the
    class; None from it means that it has no attention as it is set. Any other is asked by Grad-CAM (Selvaraju et al.,
    ICCV 2017): the last convolutional feature maps A^k are weighted by the gradient of the class's output,
    alpha_k = mean of dy / dA^k (eq. 1), and places that speak for the class remain, ReLU(sum of alpha_k A^k) (eq. 2).

    The last feature maps are those from which the output is computed without another convolution, after the activation
    and pooling that are modules of their own. Most networks have one; of several streams each has its own, and the sum
    in eq. 2 goes over them all, enlarged to the finest, as if they were one. Frames are added up and time is averaged
    before the ReLU. y is the logit; of log-probabilities, whose gradients vanish where the network is certain, it is
    what lies above their mean over the classes, which is the logit but for a constant.

    Parameters
    ----------
    network : Module
        Inputs to logits or log-probabilities (N, K). It is left in evaluation mode.
    inputs : float Tensor, (N, ...)
        As the network takes them.
    classes : sequence of int, length N
        The class of each for which the places are asked: the predicted one, as a rule.

    Returns
    -------
    Looked
        Each map stretched to 0..1 by itself: maps tell places apart, not clips.

    Raises
    ------
    MienError
        If the network has neither attention nor a feature map of more than one place.

    Examples
    --------
    >>> network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.AvgPool2d(2), nn.Flatten())
    >>> _ = nn.init.ones_(network[0].weight)
    >>> where(network, torch.tensor([[[[1.0, 3.0], [1.0, 2.0]]]]), [0]).maps.tolist()
    [[[0.0, 1.0], [0.0, 0.5]]]
    """
    network.eval()
    device = next(network.parameters()).device
    one_each = [part.to(device) for part in inputs.split(1)]
    attention = [_attention(network, one) for one in one_each]
    own = [one for one in attention if one is not None]
    maps = own or [_grad_cam(network, one, label) for one, label in zip(one_each, classes, strict=True)]
    stretched = torch.stack([_stretched(one) for one in maps])
    return Looked(stretched.float().cpu().numpy(), "attention" if own else "Grad-CAM")


def _attention(network: nn.Module, one: Tensor) -> Tensor | None:
    looked = getattr(network, "looked", None)
    if looked is None:
        return None
    with torch.no_grad():
        maps: Tensor | None = looked(one)
    return None if maps is None else maps[0]


def _grad_cam(network: nn.Module, one: Tensor, label: int) -> Tensor:
    """Return the map (h, w) of one input; alpha_k without 1 / Z, so that maps of unlike size count alike."""
    # Without cuDNN, whose recurrent layers have no gradient in evaluation mode.
    with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):
        found, output = _features(network, one.detach().requires_grad_().clone())
        score = _logit(output[0], label)
        features = _last(score, found)
        if not features:
            raise MienError(
                f"got '{type(network).__name__}' without a convolutional feature map; expected one to explain it by; "
                "give the network a method looked(x)"
            )
        gradients = torch.autograd.grad(score, features)
    summed = [_weighted(map_, gradient) for map_, gradient in zip(features, gradients, strict=True)]
    size = max((one.shape for one in summed), key=lambda shape: shape.numel())
    enlarged = [functional.interpolate(one[None, None], size=size, mode="bilinear")[0, 0] for one in summed]
    return torch.stack(enlarged).sum(dim=0).relu()


def _logit(outputs: Tensor, label: int) -> Tensor:
    """Return the logit of a class from logits or log-probabilities (K,)."""
    are_log_probabilities = abs(float(outputs.detach().logsumexp(dim=0))) < SUMS_TO_ONE
    return outputs[label] - outputs.mean() if are_log_probabilities else outputs[label]


def _features(network: nn.Module, one: Tensor) -> tuple[list[Tensor], Tensor]:
    """Run the network; return its feature maps (.., C, [T,] h, w) in the order they were made, and its output."""
    found: list[Tensor] = []

    def keep(module: nn.Module, _inputs: object, output: object) -> None:
        if not isinstance(output, Tensor) or output.ndim not in (4, 5) or min(output.shape[-2:]) < 2:
            return
        # What has the channels of the map before it is an activation, a pooling or the like: they come first there too.
        if isinstance(module, CONVOLUTIONS) or (
            found and (isinstance(module, NORMS) or output.shape[:2] == found[-1].shape[:2])
        ):
            found.append(output)

    leaves = [module for module in network.modules() if next(module.children(), None) is None]
    handles = [module.register_forward_hook(keep) for module in leaves]
    try:
        return found, network(one)
    finally:
        for handle in handles:
            handle.remove()


def _last(score: Tensor, features: Sequence[Tensor]) -> list[Tensor]:
    """Go back from the score through what it was computed from, and stop at the first feature map on each way."""
    made_by = {feature.grad_fn: feature for feature in features}
    last: list[Tensor] = []
    todo: list[Node | None] = [score.grad_fn]
    seen: set[Node | None] = {None}
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node in made_by:
            last.append(made_by[node])
        else:
            todo += [before for before, _ in node.next_functions]
    return last


def _weighted(features: Tensor, gradient: Tensor) -> Tensor:
    """Weight channels by their gradients (eq. 1 and the sum of eq. 2): (h, w) of (F, C, [T,] h, w)."""
    places = tuple(range(2, features.ndim))
    weighted = (gradient.sum(dim=places, keepdim=True) * features.detach()).sum(dim=(0, 1))
    return weighted if weighted.ndim == 2 else weighted.mean(dim=0)


def _stretched(one: Tensor) -> Tensor:
    above = one - one.min()
    top = above.max()
    return above / torch.where(top > 0, top, 1.0)
