"""FeatRef: features that all expressions share, refined once for each expression, then fused."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.methods.dual_inception.network import as_grey, inception_stream

__all__ = ["FeatRef", "refinement_loss"]

SHARED = 2 * 64 * 7 * 7


class FeatRef(nn.Module):
    """Feature refinement (Zhou, Mao, Huang, Zhang & Zhang, Pattern Recognition 122, 2022).

    Stated: an Inception module on optical flow gives features shared by all expressions; a proposal module with
    attention and a proposal loss makes them specific, one branch per expression; a classification branch predicts from
    the fused specific features.

    Invented here, for no layer table or code was to be had:

    - the shared features are those of Dual-Inception, by the same first author: 6272 values of u and v;
    - a branch attends by 6272 to ``bottleneck`` (128), ReLU, to 6272, sigmoid: one factor per value;
    - a branch proposes by one linear unit on its features: is it this expression, or another;
    - the fusion is the mean of the branches, and the classifier Dual-Inception's (6272 to 1024 to K), so that where no
      branch attends to anything in particular (all factors 1) the network is Dual-Inception;
    - :func:`refinement_loss` and its weight.

    11,304,878 parameters for K = 3.

    Parameters
    ----------
    n_classes : int
        K, also the number of branches.
    bottleneck : int
        Width between the layers of an attention.

    Examples
    --------
    >>> FeatRef(3, bottleneck=8).eval()(torch.zeros(2, 2, 28, 28)).shape
    torch.Size([2, 3])
    """

    def __init__(self, n_classes: int, bottleneck: int = 128) -> None:
        super().__init__()
        self.u, self.v = inception_stream(), inception_stream()
        self.attend = nn.ModuleList(_attention(bottleneck) for _ in range(n_classes))
        self.proposal = nn.ModuleList(nn.Linear(SHARED, 1) for _ in range(n_classes))
        self.classify = nn.Sequential(nn.Linear(SHARED, 1024), nn.ReLU(), nn.Linear(1024, n_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of maps (N, 2, 28, 28), channels u, v, values 0 to 1; in training proposals, too.

        Then they come stacked, (N, 2, K), for :meth:`loss`.
        """
        logits, proposals = self.propose(x)
        return torch.stack([logits, proposals], dim=1) if self.training else logits

    @staticmethod
    def loss(output: Tensor, targets: Tensor, class_weights: Tensor) -> Tensor:
        """Refinement loss of what training gives (N, 2, K); classes are not weighted, as far as is known."""
        del class_weights
        return refinement_loss(output[:, 0], output[:, 1], targets)

    def propose(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits (N, K) and what each branch proposes (N, K), before its sigmoid: for the loss."""
        specific = self.specific(x)
        proposals = [propose(part) for propose, part in zip(self.proposal, specific.unbind(dim=1), strict=True)]
        return self.classify(specific.mean(dim=1)), torch.cat(proposals, dim=1)

    def specific(self, x: Tensor) -> Tensor:
        """Return the features of each branch (N, K, 6272): the shared ones, each times its factor, 0 to 1."""
        shared = torch.cat([self.u(as_grey(x[:, :1])), self.v(as_grey(x[:, 1:]))], dim=1).flatten(1)
        return torch.stack([shared * attend(shared) for attend in self.attend], dim=1)


def refinement_loss(logits: Tensor, proposals: Tensor, targets: Tensor, weight: float = 1.0) -> Tensor:
    """Add to the cross entropy that of the proposals: each branch tells its expression from the others.

    Parameters
    ----------
    logits, proposals : Tensor, (N, K)
        What :meth:`FeatRef.propose` gives.
    targets : int64 Tensor, (N,)
        Classes.
    weight : float
        Of the mean binary cross entropy of the proposals.

    Returns
    -------
    Tensor
        A scalar.

    Examples
    --------
    >>> loss = refinement_loss(torch.zeros(2, 3), torch.zeros(2, 3), torch.tensor([0, 2]))
    >>> round(loss.item(), 4)  # log 3 + log 2
    1.7918
    """
    own = functional.one_hot(targets, proposals.shape[1]).to(proposals.dtype)
    proposed = functional.binary_cross_entropy_with_logits(proposals, own)
    return functional.cross_entropy(logits, targets) + weight * proposed


def _attention(bottleneck: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(SHARED, bottleneck), nn.ReLU(), nn.Linear(bottleneck, SHARED), nn.Sigmoid())
