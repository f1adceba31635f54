"""MS3D's own parts: temporal and spatial attention, the multi-scale modules RC1 to RC3, attentional feature fusion."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from monai.networks.layers.utils import get_norm_layer
from torch import Tensor, nn

from mien.nn.attention import AverageMaxMLP

__all__ = [
    "AttentionalFusion",
    "ChannelWeights",
    "MultiScale",
    "SpatialAttention",
    "TemporalAttention",
    "convolution",
    "deconvolution",
    "norm_layer",
    "norm_name",
    "rc1",
    "rc2",
    "rc3",
]

Size = tuple[int, int, int]  # T, H, W
EVERYWHERE = (2, 3, 4)  # T, H, W
LINES = {size: ((1, 1, size), (1, size, 1), (size, 1, 1)) for size in (3, 7)}  # along x, along y, along time


def norm_name(kind: str, channels: int) -> tuple[str, dict[str, Any]]:
    """Name a normalisation for MONAI: ``batch``, or ``group`` with groups of 16 channels (fewer where there are fewer).

    A group of one channel would turn a pooled 1 x 1 x 1 map into a constant.
    """
    return (kind, {"num_groups": math.gcd(channels, max(1, channels // 16))} if kind == "group" else {})


def norm_layer(kind: str, channels: int) -> nn.Module:
    """Build the normalisation of C channels."""
    layer: nn.Module = get_norm_layer(norm_name(kind, channels), spatial_dims=3, channels=channels)
    return layer


def convolution(before: int, after: int, kernel: Size, norm: str) -> nn.Sequential:
    """Build a convolution that keeps the size, its normalisation and ReLU."""
    padding = (kernel[0] // 2, kernel[1] // 2, kernel[2] // 2)
    return nn.Sequential(
        nn.Conv3d(before, after, kernel, padding=padding, bias=False), norm_layer(norm, after), nn.ReLU()
    )


def deconvolution(before: int, after: int, source: Size, target: Size) -> nn.ConvTranspose3d:
    """Build the inverse of a convolution of size 3 and stride 2: from the size (T, H, W) `source` to exactly `target`.

    Each side of `target` is twice that of `source`, or one less.

    Examples
    --------
    >>> deconvolution(4, 2, (2, 9, 9), (4, 17, 17))(torch.zeros(1, 4, 2, 9, 9)).shape
    torch.Size([1, 2, 4, 17, 17])
    """
    t, h, w = (wide - (2 * narrow - 1) for narrow, wide in zip(source, target, strict=True))
    return nn.ConvTranspose3d(before, after, 3, stride=2, padding=1, output_padding=(t, h, w))


class TemporalAttention(nn.Module):
    """Weight the steps of a clip from 0 to 1 by their averages and maxima over channels and positions (section 3.3.1).

    Parameters
    ----------
    frames : int
        T. 148 parameters for 16.
    """

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.score = AverageMaxMLP(frames, ratio=4)

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted features, of the shape of x (N, C, T, H, W)."""
        return x * self.score(x.transpose(1, 2)).sigmoid()[:, None, :, None, None]


class SpatialAttention(nn.Module):
    """Weight the positions of each step from 0 to 1 by the mean and the maximum over channels (section 3.3.1)."""

    def __init__(self) -> None:
        super().__init__()
        self.score = nn.Conv3d(2, 1, (1, 7, 7), padding=(0, 3, 3), bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted features, of the shape of x (N, C, T, H, W)."""
        pooled = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        return x * self.score(pooled).sigmoid()


class MultiScale(nn.Module):
    """Add up views of a map at several sizes, each with a learnt weight (eq. 3.8 and 3.9).

    Parameters
    ----------
    branches : sequence of Module
        Each from (N, C, T, H, W) to one or more views of that shape; one that pools may leave 1 for a size.
    softmax : bool
        Keep the weights positive and their sum 1. The paper sets no bounds.
    """

    def __init__(self, branches: Sequence[_Branch], softmax: bool = False) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        count = sum(len(branch.views) for branch in branches)
        self.weights = nn.Parameter(torch.full((count,), 1 / count))
        self.softmax = softmax

    def views(self, x: Tensor) -> list[Tensor]:
        """Return the views before they are weighted, branch after branch."""
        return [view for branch in self.branches for view in branch(x)]

    def forward(self, x: Tensor) -> Tensor:
        """Return the fused map, of the shape of x (N, C, T, H, W)."""
        weights = self.weights.softmax(dim=0) if self.softmax else self.weights
        fused = torch.zeros_like(x)
        for number, view in enumerate(self.views(x)):
            fused = fused + weights[number] * view
        return fused


class _Branch(nn.Module):
    """Convolutions one after another, then one or more views of the result."""

    def __init__(self, layers: Sequence[nn.Module], views: Sequence[nn.Module]) -> None:
        super().__init__()
        self.layers, self.views = nn.Sequential(*layers), nn.ModuleList(views)

    def forward(self, x: Tensor) -> list[Tensor]:
        narrowed = self.layers(x)
        return [view(narrowed) for view in self.views]


class _Pooled(nn.Module):
    """The global average and one convolution on it; no normalisation, no ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Conv3d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.mix(x.mean(dim=EVERYWHERE, keepdim=True))
        return mixed


def _point(channels: int, norm: str) -> _Branch:
    return _Branch([], [convolution(channels, channels, (1, 1, 1), norm)])


def _average(channels: int) -> _Branch:
    return _Branch([], [_Pooled(channels)])


def rc1(channels: int, norm: str = "batch", softmax: bool = False) -> MultiScale:
    """Build RC1 (figure 4): size 1; 3; 3 twice for 5; the global average. 4 weights.

    Parameters
    ----------
    channels : int
        C, a multiple of 4: the branches narrow it to C / 4 first. 72,996 parameters for 64.
    norm : {"batch", "group"}
        Normalisation after each convolution.
    softmax : bool
        See :class:`MultiScale`.

    Examples
    --------
    >>> rc1(8)(torch.zeros(2, 8, 4, 5, 5)).shape
    torch.Size([2, 8, 4, 5, 5])
    """
    narrow, cube = channels // 4, (3, 3, 3)

    def branch(*middle: nn.Module) -> _Branch:
        reduce = convolution(channels, narrow, (1, 1, 1), norm)
        return _Branch([reduce, *middle], [convolution(narrow, channels, cube, norm)])

    twice = branch(convolution(narrow, narrow, cube, norm))
    return MultiScale([_point(channels, norm), branch(), twice, _average(channels)], softmax)


def rc2(channels: int, norm: str = "batch", softmax: bool = False) -> MultiScale:
    """Build RC2 (figure 5): size 1; 7 as three lines; those twice (the paper: "for 9"); the global average. 4 weights.

    Parameters as of :func:`rc1`. 115,268 parameters for 128.

    Examples
    --------
    >>> rc2(8)(torch.zeros(2, 8, 4, 5, 5)).shape
    torch.Size([2, 8, 4, 5, 5])
    """
    narrow = channels // 4

    def branch(times: int) -> _Branch:
        lines = [convolution(narrow, narrow, line, norm) for line in LINES[7] * times]
        widen = convolution(narrow, channels, (1, 1, 1), norm)
        return _Branch([convolution(channels, narrow, (1, 1, 1), norm), *lines], [widen])

    return MultiScale([_point(channels, norm), branch(1), branch(2), _average(channels)], softmax)


def rc3(channels: int, norm: str = "batch", softmax: bool = False) -> MultiScale:
    """Build RC3 (figure 6): three directions after 3 x 3 x 3 as lines; three directions; size 1; the global average.

    Parameters as of :func:`rc1`. 3 + 3 + 1 + 1 = 8 weights; 500,104 parameters for 256.

    Examples
    --------
    >>> rc3(8)(torch.zeros(2, 8, 4, 5, 5)).shape
    torch.Size([2, 8, 4, 5, 5])
    """
    narrow = channels // 4

    def branch(lines: Sequence[Size]) -> _Branch:
        middle = [convolution(narrow, narrow, line, norm) for line in lines]
        directions = [convolution(narrow, channels, line, norm) for line in LINES[3]]
        return _Branch([convolution(channels, narrow, (1, 1, 1), norm), *middle], directions)

    return MultiScale([branch(LINES[3]), branch(()), _point(channels, norm), _average(channels)], softmax)


class ChannelWeights(nn.Module):
    """CAM (eq. 3.10, figure 7): channel weights from 0 to 1 by the global average and the global maximum.

    Each pooled map passes its own two convolutions of size 1, C to C / r to C, with normalisation; the sum, a sigmoid.

    Parameters
    ----------
    channels, ratio : int
        C, r.
    norm : {"batch", "group"}
        After each convolution. Batch norm of pooled maps needs two clips at least in training.
    """

    def __init__(self, channels: int, ratio: int, norm: str) -> None:
        super().__init__()
        self.average, self.maximum = (self._squeeze(channels, max(1, channels // ratio), norm) for _ in range(2))

    @staticmethod
    def _squeeze(channels: int, narrow: int, norm: str) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv3d(channels, narrow, 1),
            norm_layer(norm, narrow),
            nn.ReLU(),
            nn.Conv3d(narrow, channels, 1),
            norm_layer(norm, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return weights (N, C, 1, 1, 1) of x (N, C, T, H, W)."""
        average = self.average(x.mean(dim=EVERYWHERE, keepdim=True))
        maximum = self.maximum(x.amax(dim=EVERYWHERE, keepdim=True))
        return (average + maximum).sigmoid()


class AttentionalFusion(nn.Module):
    """AFFA (eq. 3.11, figure 8): twice, mix two maps of the same shape channel by channel.

    w = CAM_1(X + Y), Z_1 = w X + (1 - w) Y; then w = CAM_2(Z_1), Z = w X + (1 - w) Y, which lies between X and Y.

    Parameters
    ----------
    channels, ratio, norm : int, int, str
        Of :class:`ChannelWeights`. 134,912 parameters for 256 channels and ratio 4.

    Examples
    --------
    >>> x = torch.rand(2, 8, 2, 3, 3)
    >>> bool((AttentionalFusion(8)(x, x) == x).all())
    True
    """

    def __init__(self, channels: int, ratio: int = 4, norm: str = "batch") -> None:
        super().__init__()
        self.first, self.second = (ChannelWeights(channels, ratio, norm) for _ in range(2))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return Z, of the shape of x and y (N, C, T, H, W)."""
        mixed = y + self.first(x + y) * (x - y)
        return y + self.second(mixed) * (x - y)
