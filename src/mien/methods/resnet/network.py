"""ResNet-18 and ResNet-50 on the difference of onset and apex: what MMNet is measured against."""

from __future__ import annotations

import torch
from monai.networks.nets.resnet import ResNet
from torch import Tensor, nn
from torch.nn import functional

from mien.core import MienError
from mien.nn.pretrained import ImageNetPixels
from mien.training.augmentation import joint_affine

__all__ = ["DifferenceResNet", "resnet18", "resnet50"]

LAYERS = {18: ("basic", [2, 2, 2, 2]), 50: ("bottleneck", [3, 4, 6, 3])}


class DifferenceResNet(nn.Module):
    """ResNet (He et al., CVPR 2016) on apex minus onset, the baseline of the MMNet reproduction (section 4.1).

    The backbone is MONAI's, built as torchvision builds it, so that ImageNet weights load
    (:func:`mien.nn.pretrained.load_torchvision`). For K = 4: 11,178,564 parameters with 18 layers, 23,516,228 with 50.

    Parameters
    ----------
    n_classes : int
        K.
    layers : {18, 50}
        How deep.
    size : int, optional
        Average the difference down to this side first, by a whole factor.

    Raises
    ------
    MienError
        If there is no such depth.

    Examples
    --------
    >>> import torch
    >>> DifferenceResNet(3)(torch.zeros(2, 2, 3, 32, 32)).shape
    torch.Size([2, 3])
    """

    def __init__(self, n_classes: int, layers: int = 18, size: int | None = None) -> None:
        super().__init__()
        if layers not in LAYERS:
            raise MienError(f"got a ResNet of {layers} layers; expected 18 or 50; choose one")
        block, repeats = LAYERS[layers]
        self.size = size
        self.pixels = ImageNetPixels()
        self.backbone = ResNet(
            block,
            repeats,
            [64, 128, 256, 512],
            spatial_dims=2,
            conv1_t_stride=2,
            num_classes=n_classes,
            bias_downsample=False,
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of onset and apex (N, 2, 3, H, W), RGB from 0 to 1."""
        if x.ndim != 5 or x.shape[1:3] != (2, 3):
            raise MienError(f"got an input of {tuple(x.shape)}; expected (N, 2, 3, H, W); pass onset and apex in RGB")
        difference = self.pixels.difference(x[:, 0], x[:, 1])
        factor = 1 if self.size is None else x.shape[-1] // self.size
        if factor > 1:
            difference = functional.avg_pool2d(difference, factor)
        logits: Tensor = self.backbone(difference)
        return logits

    @staticmethod
    def augment(batch: Tensor, generator: torch.Generator) -> Tensor:
        """Mirror, turn and shift onset and apex of training clips alike."""
        return joint_affine(batch, generator)


def resnet18(n_classes: int, size: int | None = None) -> DifferenceResNet:
    """Build the network with 18 layers."""
    return DifferenceResNet(n_classes, 18, size)


def resnet50(n_classes: int, size: int | None = None) -> DifferenceResNet:
    """Build the network with 50 layers."""
    return DifferenceResNet(n_classes, 50, size)
