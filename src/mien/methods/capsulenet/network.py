"""CapsuleNet: an apex frame becomes capsules, and capsules vote for expressions."""

from __future__ import annotations

import torch
from monai.networks.nets.resnet import ResNet
from torch import Tensor, nn
from torch.nn import functional

from mien.core import MienError

__all__ = ["CapsuleNet", "margin_loss", "route", "squash"]

MAPS, INNER, OUTER = 32, 8, 16  # maps of primary capsules; lengths of a primary and of a class capsule
SMALLEST = 136
FULL = 224  # side of the paper's frames


class CapsuleNet(nn.Module):
    """Capsule network on one apex frame (Quang, Chun & Tokuyama, FG 2019).

    ResNet-18 (MONAI's) up to its third stage, without the max pooling of its stem: 256 x 28 x 28; convolution 9 x 9;
    primary capsules by a convolution 9 x 9 of stride 2: 1152 of 8 values; K class capsules of 16 values, by
    :func:`route`. 13,842,496 parameters for K = 3. The authors start from ResNet-18 of ImageNet and feed it pixels
    from 0 to 1 without normalising them.

    Parameters
    ----------
    n_classes : int
        K.
    iterations : int
        Of the routing.
    size : int
        Side of the frame, a multiple of 8 from 136. 224 is the authors'; 136 leaves 32 primary capsules.

    Raises
    ------
    MienError
        If the size is another.

    Examples
    --------
    >>> CapsuleNet(3, size=136)(torch.rand(1, 3, 136, 136)).shape
    torch.Size([1, 3])
    """

    def __init__(self, n_classes: int, iterations: int = 3, size: int = 224) -> None:
        super().__init__()
        if size < SMALLEST or size % 8:
            raise MienError(f"got size = {size}; expected a multiple of 8 from {SMALLEST}; change the setting")
        self.iterations, self.size = iterations, size
        self.backbone = ResNet(
            "basic",
            [2, 2, 2, 1],
            [64, 128, 256, 512],
            spatial_dims=2,
            conv1_t_stride=2,
            feed_forward=False,
            bias_downsample=False,
        )
        del self.backbone.layer4
        self.convolve = nn.Sequential(nn.Conv2d(256, 256, 9), nn.ReLU())
        self.primary = nn.Conv2d(256, MAPS * INNER, 9, stride=2)
        side = (size // 8 - 8 - 9) // 2 + 1
        self.votes = nn.Parameter(0.01 * torch.randn(n_classes, MAPS * side * side, OUTER, INNER))

    def forward(self, x: Tensor) -> Tensor:
        """Return lengths (N, K), from 0 to below 1, of apex frames (N, 3, S, S), RGB from 0 to 1.

        The longest names the class; there is no softmax in :func:`margin_loss`. In evaluation mode their logarithm, so
        that a softmax of it shares out the lengths. Frames of 224 px are reduced to S.
        """
        if x.ndim == 4 and x.shape[-1] == FULL and self.size < FULL:
            x = functional.interpolate(x, size=(self.size, self.size), mode="bilinear")
        lengths = _length(self.capsules(x))
        return lengths if self.training else lengths.clamp_min(1e-6).log()

    @staticmethod
    def loss(lengths: Tensor, targets: Tensor, class_weights: Tensor) -> Tensor:
        """Margin loss; the authors do not weight classes."""
        del class_weights
        return margin_loss(lengths, targets)

    def capsules(self, x: Tensor) -> Tensor:
        """Return the class capsules (N, K, 16); raise :class:`MienError` if the shape of x is another."""
        if x.ndim != 4 or tuple(x.shape[1:]) != (3, self.size, self.size):
            raise MienError(
                f"got an input of {tuple(x.shape)}; expected (N, 3, {self.size}, {self.size}); pass RGB apex frames"
            )
        return route(torch.einsum("kiod,nid->nkio", self.votes, self.primary_capsules(x)), self.iterations)

    def primary_capsules(self, x: Tensor) -> Tensor:
        """Return the primary capsules (N, 1152, 8) of frames: at each place one per map."""
        backbone = self.backbone
        features = backbone.act(backbone.bn1(backbone.conv1(x)))
        for stage in (backbone.layer1, backbone.layer2, backbone.layer3):
            features = stage(features)
        places = self.primary(self.convolve(features)).permute(0, 2, 3, 1)
        return squash(places.flatten(1).unflatten(1, (self.votes.shape[1], INNER)))


def route(votes: Tensor, iterations: int = 3) -> Tensor:
    """Let capsules agree: each sends its vote to the classes whose capsule it resembles (Sabour et al., 2017).

    The coupling of capsule i to class k starts equal, 1 / K, and grows with how far vote and outcome agree. Only the
    last iteration is differentiated, as in the authors' code; so after one iteration each class capsule is the squashed
    sum of its votes over K: the direction of their mean.

    Parameters
    ----------
    votes : Tensor, (N, K, I, D)
        What each of I capsules predicts for each of K classes.
    iterations : int
        At least 1.

    Returns
    -------
    Tensor, (N, K, D)
        Shorter than 1.

    Raises
    ------
    MienError
        If there is no iteration.

    Examples
    --------
    >>> votes = torch.tensor([[[[3.0, 0.0], [3.0, 0.0]], [[3.0, 0.0], [-3.0, 0.0]]]])  # they agree on class 0 only
    >>> [round(value, 2) for value in route(votes, 1)[0, :, 0].tolist()]
    [0.9, 0.0]
    """
    if iterations < 1:
        raise MienError(f"got {iterations} iterations of routing; expected 1 or more; the paper has 3")
    fixed = votes.detach()
    agreement = fixed.new_zeros(1, *fixed.shape[1:3])  # of one clip, so that no export fixes how many there are
    for _ in range(iterations - 1):
        outcome = _couple(fixed, agreement)
        agreement = agreement + (fixed * outcome.unsqueeze(2)).sum(dim=-1)
    return _couple(votes, agreement)


def squash(vectors: Tensor) -> Tensor:
    """Shorten vectors (..., D) of length l to l^2 / (1 + l^2), the direction kept (Sabour et al., 2017, eq. 1)."""
    length = _length(vectors).unsqueeze(-1)
    return vectors * length / (1 + length.square())


def margin_loss(
    lengths: Tensor, targets: Tensor, *, present: float = 0.99, absent: float = 0.01, balance: float = 0.5
) -> Tensor:
    """Ask for a long capsule of the true class and short ones of the others (Sabour et al., 2017, eq. 4).

    Per clip the sum over classes of T max(0, m+ - l)^2 + lambda (1 - T) max(0, l - m-)^2, averaged over the clips.

    Parameters
    ----------
    lengths : Tensor, (N, K)
        l, what :class:`CapsuleNet` gives.
    targets : int64 Tensor, (N,)
        Classes: T is 1 at these.
    present, absent, balance : float
        m+, m- and lambda: the values of the micro-expression paper; the capsule paper has .9, .1, .5.

    Returns
    -------
    Tensor
        A scalar.

    Examples
    --------
    >>> round(margin_loss(torch.tensor([[0.99, 0.01, 0.21]]), torch.tensor([0])).item(), 6)
    0.02
    """
    true = nn.functional.one_hot(targets, lengths.shape[1]).to(lengths.dtype)
    missing, excess = (present - lengths).relu().square(), (lengths - absent).relu().square()
    return (true * missing + balance * (1 - true) * excess).sum(dim=1).mean()


def _couple(votes: Tensor, agreement: Tensor) -> Tensor:
    return squash((agreement.softmax(dim=1).unsqueeze(-1) * votes).sum(dim=2))


def _length(vectors: Tensor) -> Tensor:
    # The small number keeps the gradient of a zero vector finite.
    return (vectors.square().sum(dim=-1) + 1e-16).sqrt()
