"""Inception: one map seen at several sizes at once."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Inception"]

LAYERS = {2: (nn.Conv2d, nn.MaxPool2d), 3: (nn.Conv3d, nn.MaxPool3d)}


class Inception(nn.Module):
    """Four parallel views of the same map (Szegedy et al., CVPR 2015), each of the same width.

    A convolution of size 1; size 1 then 3; size 1 then 5; max pooling of size 3 then a convolution of size 1. ReLU
    after each convolution, the size of the map stays.

    Parameters
    ----------
    before, width : int
        Channels in; channels of each view, so that 4 * width come out.
    dims : {2, 3}
        Images (N, C, H, W) or clips (N, C, T, H, W).

    Examples
    --------
    >>> Inception(3, 6, dims=2)(torch.zeros(1, 3, 7, 7)).shape
    torch.Size([1, 24, 7, 7])
    >>> Inception(1, 4, dims=3)(torch.zeros(1, 1, 5, 7, 7)).shape
    torch.Size([1, 16, 5, 7, 7])
    """

    def __init__(self, before: int, width: int, dims: int) -> None:
        super().__init__()
        convolution, pool = LAYERS[dims]

        def chain(*kernels: int) -> list[nn.Module]:
            widths = (before, *[width] * len(kernels))
            return [
                layer
                for step, kernel in enumerate(kernels)
                for layer in (convolution(widths[step], width, kernel, padding=kernel // 2), nn.ReLU())
            ]

        chains = (chain(1), chain(1, 3), chain(1, 5), [pool(3, stride=1, padding=1), *chain(1)])
        self.views = nn.ModuleList(nn.Sequential(*layers) for layers in chains)

    def forward(self, x: Tensor) -> Tensor:
        """Return features (N, 4 * width, ...) of x (N, before, ...)."""
        return torch.cat([view(x) for view in self.views], dim=1)
