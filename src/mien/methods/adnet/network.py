"""AD-Net: DenseNet-121 with coordinate attention after its transitions, one frame at a time."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from monai.networks.nets.densenet import DenseNet
from torch import Tensor, nn

from mien.core import MienError
from mien.nn.pretrained import ImageNetPixels

__all__ = ["ADNet", "CoordinateAttention", "present_frames"]

BLOCKS = (6, 12, 24, 16)  # layers of DenseNet-121
TRANSITIONS = {1: 4, 2: 8, 3: 16}  # the channels that leave each transition, and the last block, by the growth
FEATURES = 32


class CoordinateAttention(nn.Module):
    """Weight each row and each column of a feature map (Hou et al., CVPR 2021; AD-Net section 2.3).

    The means over the width (eq. 2) and over the height (eq. 3, its upper limit read as H) pass one convolution to
    m = max(8, C / 32) channels, batch norm and h-swish; one more convolution each and a sigmoid make a_h (C, H, 1) and
    a_w (C, 1, W). The result is x a_h a_w, and AD-Net adds x.

    Parameters
    ----------
    channels : int
        C. 3,352 parameters for 128, 6,680 for 256, 25,648 for 512.
    residual : bool
        Add x, as AD-Net does and the module's own paper does not.

    Examples
    --------
    >>> CoordinateAttention(128)(torch.zeros(2, 128, 4, 3)).shape
    torch.Size([2, 128, 4, 3])
    """

    def __init__(self, channels: int, residual: bool = True) -> None:
        super().__init__()
        narrow = max(8, channels // 32)
        self.reduce = nn.Sequential(nn.Conv2d(channels, narrow, 1), nn.BatchNorm2d(narrow), nn.Hardswish())
        self.to_rows = nn.Conv2d(narrow, channels, 1)
        self.to_columns = nn.Conv2d(narrow, channels, 1)
        self.residual = residual

    @staticmethod
    def means(x: Tensor) -> Tensor:
        """Return the H means over the width, then the W means over the height: (N, C, H + W, 1)."""
        return torch.cat([x.mean(3, keepdim=True), x.mean(2, keepdim=True).transpose(2, 3)], dim=2)

    def weights(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return a_h (N, C, H, 1) and a_w (N, C, 1, W), values 0 to 1."""
        rows, columns = self.reduce(self.means(x)).split([x.shape[2], x.shape[3]], dim=2)
        return self.to_rows(rows).sigmoid(), self.to_columns(columns.transpose(2, 3)).sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """Return the weighted features, of the shape of x (N, C, H, W)."""
        rows, columns = self.weights(x)
        weighted = x * rows * columns
        return x + weighted if self.residual else weighted


class ADNet(nn.Module):
    """Apex distillation network (Li et al., AIRR 15(2), 2026, section 2.2); nothing in it distils.

    Each frame passes DenseNet-121 (MONAI's) by itself, with coordinate attention after the transitions; a clip's
    probabilities are the mean over its frames. 6,992,611 parameters for K = 3.

    Parameters
    ----------
    n_classes : int
        K.
    ca : bool
        Whether there is coordinate attention; without, it is the paper's ``Dense``.
    ca_after : sequence of int
        After which of the transitions 1, 2, 3.
    ca_residual : bool
        See :class:`CoordinateAttention`.
    size : int, optional
        Reduce frames to this side first, by averaging: 64 costs a quarter of the paper's 128.
    growth : int
        Channels that each layer of the dense blocks adds; 16 halves the width everywhere.
    frames_per_clip : int, optional
        Train on so many frames of each clip, drawn anew for every batch; None: on all. Predictions use all.
    standardise : bool
        Subtract each frame's own mean from each of its channels and divide by its deviation, instead of ImageNet's:
        light differs from person to person by more than an expression changes.
    refine : bool
        Put a 1 x 1 convolution with batch norm before the pooling: a guess at the paper's feature refinement, which it
        never defines.

    Raises
    ------
    MienError
        If a transition does not exist, or ``growth`` or ``frames_per_clip`` is less than 1.

    Examples
    --------
    >>> network = ADNet(3).eval()
    >>> clips = torch.rand(2, 4, 3, 32, 32)
    >>> clips[1, 2:] = 0  # a clip of two frames
    >>> network(clips).softmax(dim=1).shape
    torch.Size([2, 3])
    """

    def __init__(
        self,
        n_classes: int,
        *,
        ca: bool = True,
        ca_after: Sequence[int] = (1, 2, 3),
        ca_residual: bool = True,
        refine: bool = False,
        size: int | None = None,
        growth: int = 32,
        frames_per_clip: int | None = None,
        standardise: bool = False,
    ) -> None:
        super().__init__()
        if not set(ca_after) <= set(TRANSITIONS):
            raise MienError(f"got attention after the transitions {tuple(ca_after)}; expected some of 1, 2, 3; choose")
        for name, value in (("growth", growth), ("frames_per_clip", frames_per_clip)):
            if value is not None and value < 1:
                raise MienError(f"got {name} = {value}; expected a whole number from 1; change the network option")
        self.size, self.frames_per_clip = size, frames_per_clip
        self.pixels = nn.InstanceNorm2d(3) if standardise else ImageNetPixels()
        self.backbone = DenseNet(
            spatial_dims=2,
            in_channels=3,
            out_channels=n_classes,
            init_features=2 * growth,
            growth_rate=growth,
            block_config=BLOCKS,
        )
        self.attention = nn.ModuleDict(
            {
                f"transition{number}": CoordinateAttention(TRANSITIONS[number] * growth, ca_residual)
                for number in (sorted(ca_after) if ca else ())
            }
        )
        self.refine = _refinement(FEATURES * growth) if refine else nn.Identity()

    def samples(self, clips: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the network is trained on: single frames, each with the class of its clip."""
        if self.frames_per_clip is not None:
            clips = _some_frames(clips, self.frames_per_clip)
        frames, rows = present_frames(clips)
        return frames, targets[rows]

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K).

        Parameters
        ----------
        x : Tensor, (N, F, 3, H, W) or (N, 3, H, W)
            RGB from 0 to 1. Clips of up to F frames, where a frame that is entirely zero is padding and is left out; or
            frames, which is what the network is trained on (:func:`present_frames`).

        Returns
        -------
        Tensor
            Of clips: the logarithm of the mean softmax over their frames, so that a softmax of it is that mean.

        Raises
        ------
        MienError
            If the shape is another, or a clip has no frame.
        """
        if x.ndim not in (4, 5) or x.shape[-3] != 3:
            raise MienError(f"got an input of {tuple(x.shape)}; expected (N, F, 3, H, W); pass clips of RGB frames")
        if x.ndim == 4:
            return self._frames(x)
        present = _present(x)
        each = self._frames(x[present]).log_softmax(dim=1)
        scores = each.new_full((x.shape[0], x.shape[1], each.shape[1]), -torch.inf)
        scores[present] = each
        return scores.logsumexp(dim=1) - present.sum(dim=1, keepdim=True).to(each.dtype).log()

    def _frames(self, frames: Tensor) -> Tensor:
        if self.size is not None and frames.shape[-1] != self.size:
            frames = nn.functional.adaptive_avg_pool2d(frames, self.size)
        features = self.pixels(frames)
        for name, stage in self.backbone.features.named_children():
            features = stage(features)
            if name in self.attention:
                features = self.attention[name](features)
        logits: Tensor = self.backbone.class_layers(self.refine(features))
        return logits


def present_frames(clips: Tensor) -> tuple[Tensor, Tensor]:
    """Take the frames out of padded clips: a training sample is one frame.

    Parameters
    ----------
    clips : Tensor, (N, F, 3, H, W)
        A frame that is entirely zero is padding.

    Returns
    -------
    frames : Tensor, (M, 3, H, W)
        Clip after clip, in their order.
    rows : int64 Tensor, (M,)
        Which clip each frame is of; ``targets[rows]`` are its classes.

    Raises
    ------
    MienError
        If a clip has no frame.

    Examples
    --------
    >>> clips = torch.rand(2, 3, 3, 8, 8)
    >>> clips[0, 1:] = 0
    >>> frames, rows = present_frames(clips)
    >>> len(frames), rows.tolist()
    (4, [0, 1, 1, 1])
    """
    present = _present(clips)
    return clips[present], present.nonzero()[:, 0]


def _present(clips: Tensor) -> Tensor:
    present = (clips != 0).flatten(2).any(dim=2)
    if not torch.jit.is_tracing() and not bool(present.any(dim=1).all()):
        raise MienError("got a clip whose frames are all zero; expected one frame at least; check the video")
    return present


def _some_frames(clips: Tensor, count: int) -> Tensor:
    # Drawn on the processor, so that every device trains on the same frames; padding is drawn last.
    drawn = torch.rand(clips.shape[:2]).to(clips.device) - _present(clips).to(clips.dtype)
    rows = torch.arange(len(clips), device=clips.device)[:, None]
    return clips[rows, drawn.argsort(dim=1)[:, :count]]


def _refinement(channels: int) -> nn.Sequential:
    # DenseNet's last batch norm is followed by its head, whose ReLU then serves this one.
    return nn.Sequential(nn.ReLU(), nn.Conv2d(channels, channels, 1, bias=False), nn.BatchNorm2d(channels))
