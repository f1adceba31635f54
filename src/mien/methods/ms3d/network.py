"""MS3D: a 3-D residual network with multi-scale modules and four heads on fused stages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from monai.networks.nets.resnet import ResNetBlock, ResNetBottleneck
from torch import Tensor, nn
from torch.nn import functional

from mien.core import MienError
from mien.methods.ms3d.blocks import (
    AttentionalFusion,
    Size,
    SpatialAttention,
    TemporalAttention,
    deconvolution,
    norm_layer,
    norm_name,
    rc1,
    rc2,
    rc3,
)
from mien.training.augmentation import mirror_and_shift

__all__ = ["MS3D", "log_of_selected", "loss_over_heads", "ms3d_frames"]

BLOCKS: dict[str, Any] = {"basic": ResNetBlock, "bottleneck": ResNetBottleneck}
REPEATS = (3, 4, 6, 3)  # of Block2 to Block5
HIDDEN = 128
FLOW = 2  # channels u, v
IN_GRAPH = ("min_entropy", "mean")
CHOICES = {
    "block": tuple(BLOCKS),
    "fusion": ("pairwise", "cascade"),
    "norm": ("batch", "group"),
    "rc_weights": ("free", "softmax"),
}


class MS3D(nn.Module):
    """Multi-scale 3D residual network (Jin et al., MBE 2024, section 3.3).

    Stem, temporal and spatial attention, four residual stages, the multi-scale modules RC1 to RC3 after the first
    three; a head on the last stage, and one on each of three fusions of a stage with the deconvolution of the one
    above. 69,104,114 parameters for K = 3; 134,678,930 with bottlenecks.

    Parameters
    ----------
    n_classes : int
        K.
    channels : int
        Of the input: 2 for flow (u, v); 1 for grey frames, the paper's arm without flow.
    frames, size : int
        T and S: the input is (N, channels, T, S, S); of a multiple of S it is averaged down: 67 costs a quarter of 134.
    width : int
        Channels of the stem, a multiple of 4; the stages have 1, 2, 4, 8 times as many (4 times that as bottlenecks).
    block : {"basic", "bottleneck"}
        Residual blocks of two convolutions, as the paper counts them, or of three, as in ResNet-50.
    attention, spatial, temporal : bool
        The arms of figure 11: attention after the stem; RC1 to RC3; fusion and four heads, instead of one on Block5.
    fusion : {"pairwise", "cascade"}
        What is deconvolved and fused with the stage below: the stage above, as the text says, or its fusion.
    norm : {"batch", "group"}
        Both also follow global pooling, in the fusions: batch norm then needs two clips at least in a training batch,
        group norm 4 channels at least where the fusions narrow them, which is a width of 16.
    rc_weights : {"free", "softmax"}
        Whether the weights of the multi-scale modules are free, or positive and of sum 1.
    reduction : int
        r of the channel attention in the fusions (eq. 3.10).
    selector : {"min_entropy", "mean"} or int
        Which head answers in evaluation mode (:mod:`mien.methods.ms3d.selectors`); an int is one head for all clips,
        ``val_head``. It may be changed later: ``network.selector = 2``.

    Raises
    ------
    MienError
        If a choice is unknown or the width does not divide.

    Examples
    --------
    >>> network = MS3D(3, frames=4, size=32, width=4)
    >>> network(torch.zeros(2, 2, 4, 32, 32)).shape
    torch.Size([2, 4, 3])
    >>> network.eval()(torch.zeros(2, 2, 4, 32, 32)).exp().sum(dim=1).round().tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        n_classes: int,
        *,
        channels: int = 2,
        frames: int = 16,
        size: int = 134,
        width: int = 64,
        block: str = "basic",
        attention: bool = True,
        spatial: bool = True,
        temporal: bool = True,
        fusion: str = "pairwise",
        norm: str = "batch",
        rc_weights: str = "free",
        reduction: int = 4,
        selector: str | int = "min_entropy",
    ) -> None:
        super().__init__()
        _check_choices(width, block=block, fusion=fusion, norm=norm, rc_weights=rc_weights)
        widths = [width * BLOCKS[block].expansion * 2**stage for stage in range(4)]
        if temporal and norm == "group":
            _check_group_norm(widths[0], reduction)
        self.shape, self.fusion, self.norm = (channels, frames, size, size), fusion, norm
        stem = nn.Conv3d(channels, width, (3, 7, 7), stride=(1, 2, 2), padding=(1, 3, 3), bias=False)
        self.stem = nn.Sequential(stem, norm_layer(norm, width), nn.ReLU())
        self.attention = nn.Sequential(TemporalAttention(frames), SpatialAttention()) if attention else nn.Identity()
        self.pool = nn.MaxPool3d(3, stride=2, padding=1)
        self.stages = nn.ModuleList(
            _stage(block, number, before, width * 2**number, norm) for number, before in enumerate([width, *widths[:3]])
        )
        self.scales = nn.ModuleList(
            build(wide, norm, rc_weights == "softmax") if spatial else nn.Identity()
            for build, wide in zip((rc1, rc2, rc3), widths, strict=False)
        )
        below = (2, 1, 0) if temporal else ()  # the stages that are fused with the one above them
        sizes = _sizes(frames, size)
        self.deconvolutions = nn.ModuleList(
            deconvolution(widths[stage + 1], widths[stage], sizes[stage + 1], sizes[stage]) for stage in below
        )
        self.fusions = nn.ModuleList(AttentionalFusion(widths[stage], reduction, norm) for stage in below)
        self.heads = nn.ModuleList(_head(widths[stage], n_classes) for stage in (3, *below))
        _check_selector(selector, len(self.heads))
        self.selector = selector

    @property
    def least_batch(self) -> int:
        """Clips that a training batch needs: batch norm after global pooling has nothing to compare one with."""
        return 2 if self.norm == "batch" else 1

    @staticmethod
    def loss(logits: Tensor, targets: Tensor, class_weights: Tensor) -> Tensor:
        """Add up the weighted cross entropies of the heads."""
        return loss_over_heads(logits, targets, nn.CrossEntropyLoss(class_weights))

    def forward(self, x: Tensor) -> Tensor:
        """Return the heads' logits (N, H, K) in training, and the answer (N, K) in evaluation mode.

        Parameters
        ----------
        x : Tensor, (N, channels, T, S, S)
            Flow between consecutive key frames, in pixels.

        Returns
        -------
        Tensor
            In training for :func:`loss_over_heads`; H is 4, or 1 without ``temporal``; the heads are those of X5, of
            X4, X3 and X2 fused. In evaluation mode the logarithm of the selected probabilities, of which a softmax
            is the probabilities.

        Raises
        ------
        MienError
            If the shape is another, or a training batch holds one clip (see ``norm``).
        """
        logits = self.logits(x)
        return logits if self.training else log_of_selected(logits, self.selector)

    def logits(self, x: Tensor) -> Tensor:
        """Return the logits of all heads (N, H, K)."""
        x = self._sized(x)
        self._check(x)
        maps = self.fused(self.stages_of(x))
        return torch.stack([head(features) for head, features in zip(self.heads, maps, strict=True)], dim=1)

    def stages_of(self, x: Tensor) -> list[Tensor]:
        """Return X2 to X5, after the multi-scale modules."""
        features = self.pool(self.attention(self.stem(x)))
        found = []
        for number, stage in enumerate(self.stages):
            features = stage(features)
            if number < len(self.scales):
                features = self.scales[number](features)
            found.append(features)
        return found

    def fused(self, stages: Sequence[Tensor]) -> list[Tensor]:
        """Return what the heads see: X5, then X4, X3 and X2, each fused with the stage above it."""
        seen = [stages[-1]]
        for number, (up, fuse) in enumerate(zip(self.deconvolutions, self.fusions, strict=True)):
            above = seen[-1] if self.fusion == "cascade" else stages[3 - number]
            seen.append(fuse(up(above), stages[2 - number]))
        return seen

    def augment(self, batch: Tensor, generator: torch.Generator) -> Tensor:
        """Mirror half of the training clips, and shift each by up to 6 % of its side; grey frames have no u."""
        is_flow = batch.shape[1] == FLOW
        shift = batch.shape[-1] // 16
        return mirror_and_shift(batch, generator, shift_px=shift, u_channels=(0,) if is_flow else ())

    def _sized(self, x: Tensor) -> Tensor:
        """Clips of a multiple of the size, averaged down to it."""
        factor = int(x.shape[-1]) // self.shape[-1]
        if x.ndim != len(self.shape) + 1 or factor < 2 or x.shape[-1] % self.shape[-1]:
            return x
        return functional.avg_pool3d(x, (1, factor, factor))

    def _check(self, x: Tensor) -> None:
        if tuple(x.shape[1:]) != self.shape:
            wanted = ", ".join(map(str, self.shape))
            raise MienError(
                f"got an input of {tuple(x.shape)}; expected (N, {wanted}); check channels, frames and size"
            )
        if self.training and self.norm == "batch" and len(self.fusions) and len(x) == 1:
            raise MienError("got one clip to train on; batch norm needs two at least; drop it, or set norm to 'group'")


def log_of_selected(logits: Tensor, selector: str | int) -> Tensor:
    """Return the logarithm of the probabilities that a selector takes from several heads, inside the graph.

    Parameters
    ----------
    logits : Tensor, (N, H, K)
        Of H heads.
    selector : {"min_entropy", "mean"} or int
        The most certain head per clip, the average of the heads' probabilities, or one head.

    Returns
    -------
    Tensor, (N, K)
        As :func:`mien.methods.ms3d.selectors.select` chooses.

    Raises
    ------
    MienError
        If there is no such selector or head.

    Examples
    --------
    >>> heads = torch.tensor([[[0.5, 0.5], [0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]])
    >>> log_of_selected(heads.log(), "min_entropy").exp()
    tensor([[0.9000, 0.1000]])
    """
    each = logits.log_softmax(dim=2)
    _check_selector(selector, logits.shape[1])
    if selector == "mean":
        return each.exp().mean(dim=1).log()
    if selector == "min_entropy":
        certain = (each.exp() * each).sum(dim=2).argmax(dim=1)
        return each.gather(1, certain[:, None, None].expand(-1, 1, each.shape[2])).squeeze(1)
    return each[:, int(selector)]


def loss_over_heads(
    logits: Tensor, targets: Tensor, loss_of: Callable[[Tensor, Tensor], Tensor] = functional.cross_entropy
) -> Tensor:
    """Add up the losses of the heads (section 3.4).

    Parameters
    ----------
    logits : Tensor, (N, H, K)
        What the network returns in training; divide by H for their mean.
    targets : int64 Tensor, (N,)
        Classes, the same for all heads.
    loss_of : callable
        ``loss_of(logits (N, K), targets) -> scalar``, such as a weighted cross-entropy.

    Returns
    -------
    Tensor
        A scalar.

    Examples
    --------
    >>> round(loss_over_heads(torch.zeros(2, 4, 3), torch.tensor([0, 2])).item(), 4)  # 4 log 3
    4.3944
    """
    return torch.stack([loss_of(head, targets) for head in logits.unbind(dim=1)]).sum()


def _check_choices(width: int, **chosen: str) -> None:
    if width <= 0 or width % 4:
        raise MienError(f"got width = {width}; expected a multiple of 4; change the setting")
    for name, value in chosen.items():
        if value not in CHOICES[name]:
            raise MienError(f"got {name} = '{value}'; expected one of {', '.join(CHOICES[name])}; choose one")


def _check_group_norm(channels: int, reduction: int) -> None:
    """Where a fusion pools, group norm of one channel would be a constant, of two a sign."""
    if channels < 4 * reduction:
        raise MienError(
            f"got {channels} channels in Block2; expected {4 * reduction} at least with group norm; widen it"
        )


def _check_selector(selector: str | int, heads: int) -> None:
    if not (0 <= selector < heads if isinstance(selector, int) else selector in IN_GRAPH):
        raise MienError(
            f"got the selector '{selector}'; expected min_entropy, mean or a head from 0 to {heads - 1}; choose one"
        )


def _sizes(frames: int, size: int) -> list[Size]:
    """Return (T, H, W) of X2 to X5; each stride of 2 halves, and rounds up."""
    found = []
    side = (size + 1) // 2  # the stem, which keeps T
    for _ in range(4):  # the pooling before Block2, then Block3 to Block5
        frames, side = (frames + 1) // 2, (side + 1) // 2
        found.append((frames, side, side))
    return found


def _stage(block: str, number: int, before: int, width: int, norm: str) -> nn.Sequential:
    """Build one of Block2 to Block5: all but the first halve the size."""
    after, stride = width * BLOCKS[block].expansion, 2 if number else 1
    shortcut = None
    if before != after:
        shortcut = nn.Sequential(nn.Conv3d(before, after, 1, stride, bias=False), norm_layer(norm, after))
    name = norm_name(norm, width)
    first = BLOCKS[block](before, width, 3, stride, shortcut, norm=name)
    return nn.Sequential(first, *(BLOCKS[block](after, width, 3, norm=name) for _ in range(REPEATS[number] - 1)))


def _head(channels: int, n_classes: int) -> nn.Sequential:
    return nn.Sequential(
        nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(channels, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, n_classes)
    )


ms3d_frames = partial(MS3D, channels=1)
