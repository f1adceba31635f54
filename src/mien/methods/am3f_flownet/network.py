"""AM3F-FlowNet: a branch for u, for v and for strain; each looks at three scales, and they are weighed up."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["AM3FFlowNet", "FlowReweighting", "SpatialAttention", "log_priors", "logit_adjusted_loss"]

FLOWS = 3
WIDTHS = (16, 32, 64)  # channels at 28 x 28, 14 x 14, 7 x 7


class SpatialAttention(nn.Module):
    """Weight places by the mean and the maximum over the channels there (as in CBAM, Woo et al., ECCV 2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Conv2d(2, 1, 7, padding=3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted features, of the shape of x (N, C, H, W)."""
        return x * self.weights(x)

    def weights(self, x: Tensor) -> Tensor:
        """Return the weights (N, 1, H, W), values 0 to 1."""
        seen = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        return torch.sigmoid(self.look(seen))


class FlowReweighting(nn.Module):
    """Weigh up the flows, then the channels of each: the doubly weighting module of the paper.

    Parameters
    ----------
    width : int
        C, channels of one flow's features, a multiple of 4.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Linear(FLOWS * width, FLOWS)
        self.select = nn.ModuleList(
            nn.Sequential(nn.Linear(width, width // 4), nn.ReLU(), nn.Linear(width // 4, width), nn.Sigmoid())
            for _ in range(FLOWS)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted features, of the shape of x (N, 3, C, H, W)."""
        flows, channels = self.weights(x)
        return x * (flows.unsqueeze(2) * channels)[..., None, None]

    def weights(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return what each flow weighs (N, 3), which adds up to 1, and each of its channels (N, 3, C), 0 to 1."""
        means = x.mean(dim=(3, 4))
        channels = [select(part) for select, part in zip(self.select, means.unbind(dim=1), strict=True)]
        return self.score(means.flatten(1)).softmax(dim=1), torch.stack(channels, dim=1)


class AM3FFlowNet(nn.Module):
    """Attention-based multi-scale multi-branch flow network (Fu, Yang, Chen & Wei, Entropy 25(7), 2023).

    Stated: three branches, for u, v and strain from onset to apex; features of several scales are fused, with spatial
    attention at each scale; channel attention first scores the flows, then selects among the channels of each; a loss
    adjusted by the class priors.

    Invented here, for no layer table or code was to be had:

    - maps of 28 x 28, and as backbone three convolutions 3 x 3 with batch norm and ReLU, to 16, 32 and 64 channels,
      with max pooling between: the scales 28, 14 and 7;
    - the spatial attention is that of CBAM, the selection of channels that of squeeze and excitation (reduction 4);
    - each scale goes by a convolution 1 x 1 to 64 channels, is averaged to 7 x 7, and the three are added;
    - the flows are scored by a linear layer on all their channel means, and a softmax;
    - average pooling, dropout .5 and a linear classifier.

    100,728 parameters for K = 3.

    Parameters
    ----------
    n_classes : int
        K.

    Examples
    --------
    >>> AM3FFlowNet(3)(torch.rand(2, 3, 28, 28)).shape
    torch.Size([2, 3])
    """

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(_Branch() for _ in range(FLOWS))
        self.reweight = FlowReweighting(WIDTHS[-1])
        self.classify = nn.Sequential(nn.Dropout(0.5), nn.Linear(FLOWS * WIDTHS[-1], n_classes))

    @staticmethod
    def loss(logits: Tensor, targets: Tensor, class_weights: Tensor) -> Tensor:
        """Logit-adjusted loss; the weights are the training classes' shares (setting ``frequency``), the priors."""
        return logit_adjusted_loss(logits, targets, class_weights.clamp_min(1e-6).log())

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of maps (N, 3, 28, 28), channels u, v, strain, values 0 to 1."""
        logits: Tensor = self.classify(self.reweight(self.features(x)).mean(dim=(3, 4)).flatten(1))
        return logits

    def features(self, x: Tensor) -> Tensor:
        """Return what each branch makes of its flow (N, 3, 64, 7, 7)."""
        flows = x.split(1, dim=1)
        return torch.stack([branch(flow) for branch, flow in zip(self.branches, flows, strict=True)], dim=1)


class _Branch(nn.Module):
    """One flow (N, 1, 28, 28) at three scales, fused: (N, 64, 7, 7)."""

    def __init__(self) -> None:
        super().__init__()
        before = (1, *WIDTHS[:-1])
        self.stages = nn.ModuleList(_stage(b, a) for b, a in zip(before, WIDTHS, strict=True))
        self.attend = nn.ModuleList(SpatialAttention() for _ in WIDTHS)
        self.reduce = nn.ModuleList(nn.Conv2d(width, WIDTHS[-1], 1) for width in WIDTHS)

    def forward(self, x: Tensor) -> Tensor:
        scales: list[Tensor] = []
        for number, (stage, attend, reduce) in enumerate(zip(self.stages, self.attend, self.reduce, strict=True)):
            x = stage(functional.max_pool2d(x, 2) if number else x)
            scales.append(functional.avg_pool2d(reduce(attend(x)), 2 ** (len(WIDTHS) - 1 - number)))
        return torch.stack(scales).sum(dim=0)


def log_priors(targets: Tensor, n_classes: int) -> Tensor:
    """Return log(n_k / N) of each class (K,) among the training labels (N,); -inf for one that does not occur."""
    return (torch.bincount(targets, minlength=n_classes) / len(targets)).log()


def logit_adjusted_loss(logits: Tensor, targets: Tensor, priors: Tensor, tau: float = 1.0) -> Tensor:
    """Cross entropy of logits + tau log(prior): a rare class must win by more (Menon et al., ICLR 2021, eq. 10).

    Parameters
    ----------
    logits : Tensor, (N, K)
        Of the network; at test they are used as they are.
    targets : int64 Tensor, (N,)
        Classes.
    priors : Tensor, (K,)
        :func:`log_priors` of the training labels.
    tau : float
        How strongly; 0 is the plain cross entropy.

    Returns
    -------
    Tensor
        A scalar.

    Examples
    --------
    >>> priors = log_priors(torch.tensor([0, 0, 0, 1]), 2)
    >>> round(logit_adjusted_loss(torch.zeros(1, 2), torch.tensor([1]), priors).item(), 4)  # log 4
    1.3863
    """
    return functional.cross_entropy(logits + tau * priors if tau else logits, targets)


def _stage(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU())
