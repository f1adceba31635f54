"""Dual-Inception: two Inception blocks over u, two over v, joined in one wide layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mien.nn.inception import Inception

__all__ = ["DualInception", "as_grey", "inception_stream"]


class DualInception(nn.Module):
    """Dual-Inception network, DINet (Zhou et al., FG 2019).

    Each stream: :func:`inception_stream`, 3136 values; both together: 6272 to 1024 to K. Weights start as in Keras:
    Glorot's uniform, biases 0. 6,449,963 parameters for K = 3.

    Parameters
    ----------
    n_classes : int
        K.

    Examples
    --------
    >>> DualInception(3)(torch.zeros(2, 2, 28, 28)).shape
    torch.Size([2, 3])
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.u, self.v = inception_stream(), inception_stream()
        self.classify = nn.Sequential(
            nn.Flatten(), nn.Linear(2 * 64 * 7 * 7, 1024), nn.ReLU(), nn.Linear(1024, n_classes)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of maps (N, 2, 28, 28), channels u, v, values 0 to 1."""
        shared = torch.cat([self.u(as_grey(x[:, :1])), self.v(as_grey(x[:, 1:]))], dim=1)
        logits: Tensor = self.classify(shared)
        return logits


def as_grey(channel: Tensor) -> Tensor:
    """Repeat a channel (N, 1, H, W) as red, green and blue: how the authors read their pictures of flow."""
    return channel.repeat(1, 3, 1, 1)


def inception_stream() -> nn.Sequential:
    """Build one stream: a grey picture (N, 3, 28, 28) to (N, 24, 14, 14), and that to features (N, 64, 7, 7)."""
    return nn.Sequential(Inception(3, 6, dims=2), nn.MaxPool2d(2), Inception(24, 16, dims=2), nn.MaxPool2d(2))
