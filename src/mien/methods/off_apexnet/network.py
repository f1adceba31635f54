"""OFF-ApexNet: one convolution stream for u, one for v, joined in two wide layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["OFFApexNet"]


class OFFApexNet(nn.Module):
    """Optical flow features from apex frame network (Gan et al., 2019, section 3.2).

    Each stream: convolution 5 x 5 to 6, ReLU, max pooling, convolution 5 x 5 to 16, ReLU, max pooling: 784 values.
    Both together: 1568 to 1024 to 1024 to K. 2,664,475 parameters for K = 3.

    Parameters
    ----------
    n_classes : int
        K.

    Examples
    --------
    >>> OFFApexNet(3)(torch.zeros(2, 2, 28, 28)).shape
    torch.Size([2, 3])
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.u, self.v = _stream(), _stream()
        self.classify = nn.Sequential(
            nn.Linear(2 * 16 * 7 * 7, 1024),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(1024, 1024),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(1024, n_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of maps (N, 2, 28, 28), channels u, v, values 0 to 1."""
        logits: Tensor = self.classify(torch.cat([self.u(x[:, :1]), self.v(x[:, 1:])], dim=1))
        return logits


def _stream() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
    )
