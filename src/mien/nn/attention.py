"""Attention by two poolings: what the channels (or steps) of a feature map are worth, from its averages and maxima."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["AverageMaxMLP"]


class AverageMaxMLP(nn.Module):
    """Score channels by one perceptron over their averages and over their maxima (CBAM, Woo et al., ECCV 2018, eq. 2).

    s = MLP(average of x) + MLP(maximum of x), the same MLP: C to C / r, ReLU, to C, with biases. What becomes of the
    scores (sigmoid, softmax) is the paper's that uses them: the temporal attention of MS3D, the channel attention of
    AST.

    Parameters
    ----------
    channels : int
        C.
    ratio : int
        r; C / r is rounded down, to 1 at least.

    Examples
    --------
    >>> import torch
    >>> scores = AverageMaxMLP(10, ratio=2)
    >>> sum(weights.numel() for weights in scores.parameters())
    115
    >>> scores(torch.zeros(4, 10, 8, 8)).shape
    torch.Size([4, 10])
    """

    def __init__(self, channels: int, ratio: int) -> None:
        super().__init__()
        narrow = max(1, channels // ratio)
        self.mlp = nn.Sequential(nn.Linear(channels, narrow), nn.ReLU(), nn.Linear(narrow, channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return scores (N, C), of any sign, of features (N, C, ...)."""
        rest = tuple(range(2, x.ndim))
        scores: Tensor = self.mlp(x.mean(dim=rest)) + self.mlp(x.amax(dim=rest))
        return scores
