"""Several small convolutional networks on the levelled motion map, whose answers are averaged."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.methods.mien_net.units import UNITS

__all__ = ["MienNet"]

_CLIP = 6.0  # standard deviations: beyond, a flow estimator has lost its way
_SIDE = 7  # what two poolings leave of 28


class Member(nn.Module):
    """Three convolutions that know where they are, two poolings, one hidden layer; classes and action units."""

    def __init__(self, n_classes: int, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.maps = nn.Sequential(
            *_convolution(4, width),
            nn.MaxPool2d(2),
            *_convolution(width, 2 * width),
            *_convolution(2 * width, 3 * width),
            nn.MaxPool2d(2),
        )
        self.hidden = nn.Sequential(
            nn.Flatten(), nn.Dropout(dropout), nn.Linear(3 * width * _SIDE**2, hidden), nn.ReLU(), nn.Dropout(dropout)
        )
        self.classes = nn.Linear(hidden, n_classes)
        self.units = nn.Linear(hidden, len(UNITS))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits of classes and units, (N, K + A)."""
        hidden = self.hidden(self.maps(x))
        return torch.cat([self.classes(hidden), self.units(hidden)], dim=1)


class MienNet(nn.Module):
    """Members that learn the same from other starts; in use, each also sees the mirrored face.

    Parameters
    ----------
    n_classes : int
        K.
    members : int
        How many.
    width, hidden : int
        Channels of the first convolution; units of the hidden layer.
    dropout : float
        Before and after the hidden layer.

    Notes
    -----
    Input is (N, 2, 28, 28): u and v, levelled (:func:`mien.methods.motion_svm.features.levelled`). In evaluation the
    output is (N, K): the logarithm of the mean probability. While it trains it is (N, M, K + A), and :meth:`loss` is
    the mean over the members; targets are classes (N,) or, where action units are known, (N, 1 + A) with 0 and 1.
    """

    place: Tensor
    prior: Tensor
    temperature: Tensor

    def __init__(
        self, n_classes: int, members: int = 3, width: int = 16, hidden: int = 96, dropout: float = 0.3
    ) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.members = nn.ModuleList(Member(n_classes, width, hidden, dropout) for _ in range(members))
        steps = torch.linspace(-1, 1, 28)
        self.register_buffer("place", torch.stack(torch.meshgrid(steps, steps, indexing="xy"))[None])
        self.register_buffer("prior", torch.zeros(n_classes))
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("knows_units", torch.zeros((), dtype=torch.bool))
        self.freeze_norms = False

    def forward(self, x: Tensor) -> Tensor:
        """Return what all members say (training), or the logarithm of the mean probability (N, K)."""
        if self.training:
            return self._all(x)
        return self._classes(self.say_both(x))

    def with_units(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the answer in evaluation mode (N, K), and the mean probability of each action unit (N, A)."""
        said = self.say_both(x)
        return self._classes(said), said[..., self.n_classes :].sigmoid().mean(dim=1)

    def say_both(self, x: Tensor) -> Tensor:
        """Return what each member says of the face and of the mirrored face, logits (N, 2 M, K + A), as they come.

        Parameters
        ----------
        x : Tensor, (N, 2, 28, 28)
            As for the network.
        """
        return torch.cat([self._all(x), self._all(mirrored(x))], dim=1)

    def start_from(self, state: dict[str, Tensor]) -> None:
        """Take over what another has learnt, to learn on; classes only if they are as many; units are not kept up."""
        own = self.state_dict()
        kept = {name: tensor for name, tensor in state.items() if name in own and tensor.shape == own[name].shape}
        if not kept:
            raise RuntimeError("no weight of the same name and size")
        kept |= {name: own[name] for name in ("prior", "temperature", "knows_units")}
        self.load_state_dict(own | kept)
        self.freeze_norms = True

    def train(self, mode: bool = True) -> MienNet:
        """Go to training mode; batch norms stay as they are where few samples fine-tune (``freeze_norms``)."""
        super().train(mode)
        if mode and self.freeze_norms:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self

    def loss(self, output: Tensor, targets: Tensor, class_weights: Tensor) -> Tensor:
        """Cross entropy of the classes with a twentieth of smoothing, and of the action units where they are known.

        Parameters
        ----------
        output : Tensor, (N, M, K + A)
            In training; (N, K) in evaluation.
        targets : Tensor, (N,) or (N, 1 + A)
            Classes, and which units are active.
        class_weights : Tensor, (K,)
            Of the classes.
        """
        if output.ndim == 2:
            return functional.cross_entropy(output, targets if targets.ndim == 1 else targets[:, 0], class_weights)
        classes = targets if targets.ndim == 1 else targets[:, 0]
        members = output.shape[1]
        logits = output[..., : self.n_classes].flatten(0, 1)
        repeated = classes.repeat_interleave(members)
        loss = functional.cross_entropy(logits, repeated, class_weights, label_smoothing=0.05)
        if targets.ndim == 1:
            return loss
        active = targets[:, None, 1:].expand(-1, members, -1).to(output.dtype)
        return loss + functional.binary_cross_entropy_with_logits(output[..., self.n_classes :], active)

    def augment(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """Mirror a half, move and zoom a little, add noise: what another face box and another camera would do."""
        n = len(batch)
        chosen = torch.rand(n, generator=generator) < 0.5
        batch = torch.where(chosen[:, None, None, None], mirrored(batch), batch)
        zoom = 1 + 0.04 * torch.randn(n, 2, generator=generator)
        shift = 0.042 * torch.randn(n, 2, generator=generator)
        turn = torch.zeros(n, 2, 3)
        turn[:, 0, 0], turn[:, 1, 1], turn[:, :, 2] = zoom[:, 0], zoom[:, 1], shift
        grid = functional.affine_grid(turn, list(batch.shape), align_corners=False)
        moved = functional.grid_sample(batch, grid, padding_mode="border", align_corners=False)
        return moved + 0.1 * torch.randn(moved.shape, generator=generator)

    def _all(self, x: Tensor) -> Tensor:
        place = torch.zeros_like(x) + self.place  # traced, so that an exported network takes any number of clips
        seen = torch.cat([x.clamp(-_CLIP, _CLIP), place], dim=1)
        return torch.stack([member(seen) for member in self.members], dim=1)

    def _classes(self, said: Tensor) -> Tensor:
        logits = said[..., : self.n_classes] / self.temperature + self.prior
        return torch.log(logits.softmax(dim=-1).mean(dim=1))


def mirrored(batch: Tensor) -> Tensor:
    """Mirror the face in levelled maps (N, 2, 28, 28): left and right change places, and u its sign.

    Examples
    --------
    >>> mirrored(torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])).tolist()
    [[[[-2.0, -1.0]], [[4.0, 3.0]]]]
    """
    return batch.flip(-1) * torch.tensor([-1.0, 1.0], dtype=batch.dtype, device=batch.device)[:, None, None]


def _convolution(channels: int, width: int) -> list[Any]:
    return [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
