"""SLSTT: a vision transformer on each long-term flow image, and their mean or an LSTM over them."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.core import MienError
from mien.nn.pretrained import ImageNetPixels

__all__ = ["SLSTT", "VisionTransformer"]

AGGREGATES = ("lstm", "mean")
DROPOUT = 0.1


class VisionTransformer(nn.Module):
    """Vision transformer (Dosovitskiy et al., ICLR 2021) up to its class token; as it stands, ViT-B/16 at 384.

    The parts and their shapes are those of the published weights, with a position for the class token too, which
    MONAI's lacks. 86,090,496 parameters.

    Parameters
    ----------
    size, patch : int
        Sides of the image and of a patch, in pixels; the first is a multiple of the second.
    width, depth, heads : int
        Of a token, of the stack, of the attention; the perceptrons are four times as wide.

    Examples
    --------
    >>> VisionTransformer(size=32, patch=8, width=24, depth=2, heads=3)(torch.zeros(2, 3, 32, 32)).shape
    torch.Size([2, 24])
    """

    def __init__(self, size: int = 384, patch: int = 16, width: int = 768, depth: int = 12, heads: int = 12) -> None:
        super().__init__()
        self.embed = nn.Conv2d(3, width, patch, stride=patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, (size // patch) ** 2 + 1, width))
        # Layer by layer: nn.TransformerEncoder would start them all from the same weights.
        self.layers = nn.Sequential(*(_layer(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        nn.init.normal_(self.positions, std=0.02)

    def forward(self, images: Tensor) -> Tensor:
        """Return the normalised class token (N, width) of images (N, 3, size, size)."""
        encoded: Tensor = self.norm(self.layers(self._tokens(images))[:, 0])
        return encoded

    def rollout(self, images: Tensor) -> Tensor:
        """Return how much of each patch reaches the class token, (N, size / patch, size / patch).

        Attention rollout (Abnar & Zuidema, ACL 2020, eq. 1): the product over the layers of (A + I) / 2, where A is the
        mean of the heads and I the residual path.
        """
        tokens = self._tokens(images)
        direct = torch.eye(tokens.shape[1], device=tokens.device)
        paths = direct
        for layer in self.layers:
            assert isinstance(layer, nn.TransformerEncoderLayer)
            normed = layer.norm1(tokens)
            paths = (layer.self_attn(normed, normed, normed)[1] + direct) / 2 @ paths
            tokens = layer(tokens)
        side = round((len(direct) - 1) ** 0.5)
        return paths[:, 0, 1:].unflatten(1, (side, side))

    def _tokens(self, images: Tensor) -> Tensor:
        patches = self.embed(images).flatten(2).transpose(1, 2)
        return torch.cat([self.token.expand(patches.shape[0], -1, -1), patches], dim=1) + self.positions


class SLSTT(nn.Module):
    """Short and long range relation based spatio-temporal transformer (Zhang et al., IEEE TAFFC 2022).

    The encoder sees each flow image by itself. ``lstm``: an LSTM of three layers over the images, and its last output
    through a hidden layer of half the width. ``mean``: one linear layer on the mean over the images, which is the mean
    of the images' logits. 93,050,627 parameters for K = 3, 86,090,496 of them the encoder.

    Parameters
    ----------
    n_classes : int
        K.
    aggregate : {"lstm", "mean"}
        How the images become one answer.
    frozen : bool
        Train only what follows the encoder's layers, its last norm included, as the public code does: it runs the
        layers without gradients, so that the patch embedding gets none either. 6,961,667 parameters are then left.
    size, patch, width, depth, heads : int
        Of :class:`VisionTransformer`.
    hidden : int
        Of the LSTM.

    Raises
    ------
    MienError
        If a choice is unknown or a size does not divide.

    Examples
    --------
    >>> network = SLSTT(3, size=32, patch=8, width=24, depth=2, heads=3, hidden=16).eval()
    >>> network(torch.rand(2, 11, 3, 32, 32)).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        aggregate: str = "lstm",
        frozen: bool = False,
        size: int = 384,
        patch: int = 16,
        width: int = 768,
        depth: int = 12,
        heads: int = 12,
        hidden: int = 512,
    ) -> None:
        super().__init__()
        if aggregate not in AGGREGATES:
            raise MienError(f"got aggregate = '{aggregate}'; expected one of {', '.join(AGGREGATES)}; choose one")
        for name, value, unit in (("size", size, patch), ("width", width, heads), ("hidden", hidden, 2)):
            if value <= 0 or value % unit:
                raise MienError(f"got {name} = {value}; expected a multiple of {unit}; change the setting")
        self.size = size
        self.pixels = ImageNetPixels()
        self.encoder = VisionTransformer(size, patch, width, depth, heads)
        if frozen:
            self.encoder.requires_grad_(False).norm.requires_grad_(True)
        self.lstm = nn.LSTM(width, hidden, num_layers=3, batch_first=True) if aggregate == "lstm" else None
        self.classify: nn.Module
        if self.lstm is None:
            self.classify = nn.Linear(width, n_classes)
        else:
            self.classify = nn.Sequential(nn.Linear(hidden, hidden // 2), nn.ReLU(), nn.Linear(hidden // 2, n_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K).

        Parameters
        ----------
        x : Tensor, (N, T, 3, size, size)
            Long-term flow, from the onset to each of T frames, drawn as RGB pictures (hue the direction, brightness
            the length) from 0 to 1; T is 11 in the paper. Pictures of a multiple of the size are averaged down to it.

        Raises
        ------
        MienError
            If the shape is another.
        """
        images = self._images(x)
        encoded = self.encoder(images.flatten(0, 1)).reshape(images.shape[0], images.shape[1], -1)
        summary = encoded.mean(dim=1) if self.lstm is None else self.lstm(encoded)[0][:, -1]
        logits: Tensor = self.classify(summary)
        return logits

    def looked(self, x: Tensor) -> Tensor:
        """Return the attention rollout of the encoder (N, size / patch, size / patch), the mean over the T images."""
        images = self._images(x)
        return self.encoder.rollout(images.flatten(0, 1)).unflatten(0, images.shape[:2]).mean(dim=1)

    def _images(self, x: Tensor) -> Tensor:
        factor = x.shape[-1] // self.size
        if x.ndim == 5 and factor > 1 and x.shape[-1] % self.size == 0:
            x = functional.avg_pool2d(x.flatten(0, 1), factor).unflatten(0, x.shape[:2])
        if x.ndim != 5 or tuple(x.shape[2:]) != (3, self.size, self.size) or not x.shape[1]:
            wanted = f"(N, T, 3, {self.size}, {self.size})"
            raise MienError(f"got an input of {tuple(x.shape)}; expected {wanted}; check the images")
        images: Tensor = self.pixels(x)
        return images


def _layer(width: int, heads: int) -> nn.TransformerEncoderLayer:
    """Build one layer of ViT: norm first, GELU by tanh, dropout after the attention and after the perceptron."""
    layer = nn.TransformerEncoderLayer(
        width,
        heads,
        4 * width,
        DROPOUT,
        activation=partial(functional.gelu, approximate="tanh"),
        layer_norm_eps=1e-6,
        batch_first=True,
        norm_first=True,
    )
    layer.dropout.p = 0.0  # torch also drops inside the perceptron, the public code does not
    for weights in (layer.self_attn.out_proj.weight, layer.linear1.weight, layer.linear2.weight):
        nn.init.xavier_uniform_(weights)
    return layer
