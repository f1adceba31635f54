"""What backbones trained on ImageNet need: its pixel statistics, and weights from a file in torchvision's format."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from mien.core import MienError

__all__ = ["ImageNetPixels", "load_torchvision"]

# torchvision's classifier (its 1000 classes are never ours), and MONAI's name of it.
HEADS = ("fc.", "classifier.", "class_layers.out.")
# MONAI puts the parts of a dense layer into one more module; torchvision's older files write norm.1 for norm1.
DENSE_LAYER = re.compile(r"(.*\.denselayer\d+)\.(norm|conv)\.?([12]\..+)")
UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RuntimeError,
    pickle.UnpicklingError,
    safetensors.SafetensorError,
)


class ImageNetPixels(nn.Module):
    """Normalise RGB pixels from [0, 1] as ImageNet's are: subtract their mean, divide by their standard deviation.

    It holds no weights and adds nothing to a saved network.

    Examples
    --------
    >>> pixels = ImageNetPixels()
    >>> [round(value, 3) for value in pixels(torch.full((1, 3, 1, 1), 0.5)).flatten().tolist()]
    [0.066, 0.196, 0.418]
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Normalise images (..., 3, H, W), values 0 to 1."""
        return (x - self.mean) / self.std

    def difference(self, first: Tensor, second: Tensor) -> Tensor:
        """Return second minus first, both normalised: the mean cancels, the standard deviation stays."""
        return (second - first) / self.std


def load_torchvision(network: nn.Module, path: Path | str) -> None:
    """Load pretrained weights into the backbone of a network, in place; its classifier stays as it is.

    Parameters
    ----------
    network : Module
        With an attribute ``backbone``: MONAI's DenseNet or ResNet.
    path : Path or str
        A state dict with torchvision's names, ``.safetensors`` or ``.pth`` (opened with ``weights_only=True``: no code
        of the file is run). mien downloads none.

    Raises
    ------
    MienError
        If the network has no such backbone, the file does not open, or it holds other weights than the backbone's.

    Examples
    --------
    >>> load_torchvision(network, "densenet121-a639ec97.pth")  # doctest: +SKIP
    """
    backbone = getattr(network, "backbone", None)
    if not isinstance(backbone, nn.Module):
        raise MienError(
            f"got '{path}' for {type(network).__name__}, which has no backbone of torchvision's; "
            "expected adnet, resnet18 or resnet50; leave the weights out"
        )
    given = {_monai_name(name): tensor for name, tensor in _read(Path(path)).items() if not name.startswith(HEADS)}
    wanted = {name: tensor for name, tensor in backbone.state_dict().items() if not name.startswith(HEADS)}
    fault = _difference(given, wanted)
    if fault:
        raise MienError(f"got '{path}' {fault}; expected torchvision's weights of the same backbone; choose that file")
    backbone.load_state_dict(given, strict=False)


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except UNREADABLE as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MienError(
            f"got '{path}', which does not open ({reason}); expected .safetensors or .pth; take a fresh copy"
        ) from error
    if not (isinstance(state, dict) and all(isinstance(tensor, Tensor) for tensor in state.values())):
        raise MienError(f"got '{path}', which is no table of weights; expected a state dict; save network.state_dict()")
    return state


def _monai_name(name: str) -> str:
    return DENSE_LAYER.sub(r"\1.layers.\2\3", name)


def _difference(given: dict[str, Tensor], wanted: dict[str, Tensor]) -> str:
    """Say in what the given weights differ; files older than torch 0.4.1 hold no num_batches_tracked."""
    for name in sorted(wanted.keys() | given.keys()):
        if name not in wanted:
            return f"with '{name}', which the backbone lacks"
        if name not in given:
            if not name.endswith("num_batches_tracked"):
                return f"without '{name}'"
        elif given[name].shape != wanted[name].shape:
            return f"with '{name}' of {tuple(given[name].shape)}, not {tuple(wanted[name].shape)}"
        elif not given[name].isfinite().all():
            return f"with '{name}' that holds NaN or infinity"
    return ""
