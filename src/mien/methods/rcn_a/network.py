"""RCN-A: a shallow recurrent convolutional network whose classifier also tells where to look."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["RCNA", "RecurrentConvolution", "average_pool", "class_attention"]


class RecurrentConvolution(nn.Module):
    """One 3 x 3 convolution, with its own output fed back to it (Liang & Hu, CVPR 2015).

    y = f(x), then twice y = g(x + y); f is a 1 x 1 convolution, g one of 3 x 3 whose weights both passes share, each
    followed by batch norm and ReLU.

    Parameters
    ----------
    width : int
        Channels in and out.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.feed = nn.Sequential(nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.ReLU())
        self.recur = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the shape of x (N, C, H, W)."""
        y = self.feed(x)
        for _ in range(2):
            y = self.recur(x + y)
        return y


class RCNA(nn.Module):
    """Recurrent convolutional network with an attention unit (Xia et al., TIP 2020).

    Convolution 5 x 5, batch norm, ReLU, max pooling, dropout; :class:`RecurrentConvolution`, max pooling, dropout;
    average pooling to p x p, times :func:`class_attention` of what the first block gave. 55,747 parameters for K = 3.

    Parameters
    ----------
    n_classes : int
        K.
    width : int
        M, channels of every layer. The authors' script has 64 (p = 7), their manual 32 (p = 5; 15,331 parameters).
    pool : int
        p.

    Examples
    --------
    >>> RCNA(3)(torch.rand(2, 3, 28, 28)).shape
    torch.Size([2, 3])
    """

    def __init__(self, n_classes: int, width: int = 64, pool: int = 7) -> None:
        super().__init__()
        self.pool = pool
        self.first = nn.Sequential(
            nn.Conv2d(3, width, 5), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.5)
        )
        self.second = nn.Sequential(RecurrentConvolution(width), nn.MaxPool2d(2), nn.Dropout(0.5))
        self.classify = nn.Linear(width * pool * pool, n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.normal_(self.classify.weight, 0, 0.01)
        nn.init.zeros_(self.classify.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of maps (N, 3, H, W), channels u, v, strain, values 0 to 1; any H, W from 8."""
        low = self.first(x)
        weighted = average_pool(self.second(low), self.pool) * self._attention(low)
        logits: Tensor = self.classify(weighted.flatten(1))
        return logits

    def looked(self, x: Tensor) -> Tensor:
        """Return the attention (N, p, p), values 0 to 1."""
        return self._attention(self.first(x))[:, 0]

    def _attention(self, low: Tensor) -> Tensor:
        return class_attention(average_pool(low, self.pool), self.classify.weight)


def class_attention(features: Tensor, weights: Tensor) -> Tensor:
    """Weight places by how much the classifier's own weights make of them: attention without parameters.

    For each class: features times its weights, averaged over the channels, stretched to [0, 1] over the map (a map
    without contrast is 0). The mean over the classes is the attention.

    Parameters
    ----------
    features : Tensor, (N, C, p, p)
        What the attention is on.
    weights : Tensor, (K, C * p * p)
        Of the linear classifier.

    Returns
    -------
    Tensor, (N, 1, p, p)
        Values 0 to 1.

    Examples
    --------
    >>> features = torch.tensor([[[[1.0, 2.0], [3.0, 5.0]]]])
    >>> class_attention(features, torch.ones(3, 4)).flatten().tolist()
    [0.0, 0.25, 0.5, 1.0]
    """
    maps = (features.unsqueeze(1) * weights.view(-1, *features.shape[1:])).mean(dim=2)
    above = maps - maps.amin(dim=(2, 3), keepdim=True)
    top = above.amax(dim=(2, 3), keepdim=True)
    return (above / torch.where(top > 0, top, 1.0)).mean(dim=1, keepdim=True)


def average_pool(x: Tensor, side: int) -> Tensor:
    """Average over side x side bins that cover the map: torch's ``adaptive_avg_pool2d``, also where ONNX has none.

    Parameters
    ----------
    x : Tensor, (N, C, H, W)
        H and W need not be multiples of the side, nor larger.
    side : int
        p.

    Returns
    -------
    Tensor, (N, C, p, p)
        Bin i averages over rows floor(i H / p) to ceil((i + 1) H / p) - 1, and columns likewise.
    """
    rows, columns = (_bins(int(length), side, x) for length in x.shape[2:])
    return rows @ x @ columns.T


def _bins(length: int, side: int, like: Tensor) -> Tensor:
    """Return the averaging matrix (side, length)."""
    place, index = torch.arange(length, device=like.device), torch.arange(side, device=like.device)[:, None]
    member = (place >= index * length // side) & (place < -(-(index + 1) * length // side))
    return member.to(like.dtype) / member.sum(dim=1, keepdim=True)
