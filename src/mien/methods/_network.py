"""A network on motion maps: trained by the one loop, run by torch, kept as safetensors and ONNX."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx  # noqa: F401 - torch's exporter needs it: better to miss it before training than after
import safetensors.torch
import torch
from scipy.special import softmax
from torch import nn

from mien.core import FloatArray, MienError
from mien.methods._method import Inputs, IntArray, Method, OnEpoch, Prepare, Probabilities, load_entry
from mien.methods._model import WEIGHTS
from mien.methods._onnx import NETWORK, OnnxNetwork
from mien.nn.explain import Looked, where
from mien.nn.pretrained import load_torchvision
from mien.training.augmentation import random_mirror
from mien.training.devices import choose_device, to_device
from mien.training.loop import fit_network
from mien.training.seeds import deterministic, one_thread, reproducible
from mien.training.settings import Settings

__all__ = ["WEIGHTS", "TrainedNetwork", "build", "fit", "restore"]

OPSET = 17
TOLERANCE = 1e-4
PORTION_BYTES = 4_000_000  # of inputs predicted at once


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """A torch network with the preparation of its input.

    Attributes
    ----------
    prepare : callable
        What the recipe makes (N, ...) to the network's input (N, C, H, W).
    network : Module
        Input to logits (N, K).
    example : float32 array, (B, C, H, W)
        Some training inputs: what the exported network is checked on.
    """

    prepare: Prepare
    network: nn.Module
    example: FloatArray

    @property
    def parameters(self) -> int:
        """Trainable parameters."""
        return sum(p.numel() for p in self.network.parameters() if p.requires_grad)

    def outputs(self, inputs: Inputs) -> FloatArray:
        """Return what the network says of inputs in evaluation mode, float32 (N, ...)."""
        return self._said(self.network, inputs)

    def predict(self, inputs: Inputs) -> tuple[IntArray, Probabilities]:
        """Return classes (N,) and the softmax of the logits (N, K)."""
        probabilities = softmax(self.outputs(inputs).astype(np.float64), axis=1)
        return probabilities.argmax(axis=1), probabilities

    def action_units(self, inputs: Inputs) -> FloatArray | None:
        """Return the probability of each action unit (N, A), from a network that has learnt them, else None."""
        if not knows_units(self.network):
            return None
        with_units: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]] = self.network.with_units  # type: ignore[assignment]
        return self._said(lambda batch: with_units(batch)[1], inputs)

    def where(self, inputs: Inputs, classes: Sequence[int]) -> Looked:
        """Return where the network looked for these classes (:func:`mien.nn.explain.where`)."""
        with one_thread(), deterministic(next(self.network.parameters()).device):
            return where(self.network, torch.from_numpy(self.prepare(inputs)), classes)

    def _said(self, answer: Callable[[torch.Tensor], torch.Tensor], inputs: Inputs) -> FloatArray:
        """Ask the network in evaluation mode, where it is, portion by portion."""
        device = next(self.network.parameters()).device
        self.network.eval()
        with one_thread(), deterministic(device), torch.inference_mode():
            tensors = (torch.from_numpy(self.prepare(part)) for part in _portions(inputs))
            parts = [answer(to_device(tensor, device)).cpu() for tensor in tensors]
        return np.asarray(torch.cat(parts).numpy(), np.float32)

    def save(self, folder: Path) -> None:
        """Write ``weights.safetensors`` and ``network.onnx``; raise if ONNX and torch disagree."""
        self.network.cpu()
        state = {name: tensor.contiguous() for name, tensor in self.network.state_dict().items()}
        (folder / WEIGHTS).write_bytes(safetensors.torch.save(state))
        _export(self.network, self.example, folder / NETWORK)
        exported = OnnxNetwork.open(self.prepare, folder / NETWORK, self.parameters)
        with torch.inference_mode():
            expected = self.network.eval()(torch.from_numpy(self.example)).numpy()
        difference = float(np.abs(exported.logits(self.example) - expected).max())
        if not difference <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
            raise RuntimeError(f"the exported network differs from torch by {difference}")


def fit(
    method: Method,
    inputs: Inputs,
    targets: IntArray,
    *,
    groups: Sequence[str],
    n_classes: int,
    settings: Mapping[str, Any],
    seed: int,
    on_epoch: OnEpoch | None = None,
    start: Path | None = None,
    device: str = "auto",
    checkpoint: Path | None = None,
    copies: Inputs | None = None,
) -> TrainedNetwork:
    """Train a method's network (see :meth:`mien.methods.Method.fit`)."""
    options = dict(settings)
    arguments = options.pop("network", {})
    checked = Settings.of(options)
    shown = inputs if copies is None else copies.reshape(-1, *copies.shape[2:])
    tensors = torch.from_numpy(method.prepare(shown))
    with reproducible(seed):
        network = build(method, n_classes, arguments)
    if checked.augment and not hasattr(network, "augment"):
        raise MienError(f"got augment for '{method.name}', whose network has none; expected false; remove it")
    _check_fits(network, tensors, method)
    if start is not None:
        _start_from(network, start, getattr(network, "start_from", None))
    trained = TrainedNetwork(method.prepare, network, tensors[:8].numpy())
    try:
        fit_network(
            network,
            tensors,
            torch.tensor(targets),
            checked,
            seed,
            on_epoch=(lambda epoch, _network, _loss: on_epoch(epoch, trained)) if on_epoch else None,
            augment=_augmentation(method, network, checked),
            device=choose_device(device),
            checkpoint=checkpoint,
            copies=len(shown) // len(targets),
        )
    except torch.cuda.OutOfMemoryError as error:
        raise MienError(
            f"got a GPU whose memory '{method.name}' does not fit in ({str(error).splitlines()[0][:80]}); expected "
            "more that is free; give fewer --jobs, a smaller preset or --device cpu"
        ) from error
    return trained


def build(method: Method, n_classes: int, options: Mapping[str, Any]) -> Any:
    """Make a method's network; the option ``pretrained`` names a file of torchvision's weights for its backbone."""
    arguments = dict(options)
    pretrained = arguments.pop("pretrained", None)
    network = load_entry(method.network)(n_classes, **arguments)
    if pretrained is not None:
        load_torchvision(network, pretrained)
    return network


def restore(method: Method, weights: Path, n_classes: int, options: Mapping[str, Any]) -> TrainedNetwork:
    """Make a trained network again from its weights (``.safetensors``) and the options it was built with."""
    network = build(method, n_classes, options)
    _start_from(network, weights)
    return TrainedNetwork(method.prepare, network.eval(), np.empty((0,), np.float32))


def _portions(inputs: Inputs) -> Iterator[Inputs]:
    """Parts that are predicted at once: many small inputs, few large ones."""
    step = max(1, PORTION_BYTES // max(1, inputs[:1].nbytes))
    for start in range(0, max(1, len(inputs)), step):
        yield inputs[start : start + step]


def _check_fits(network: nn.Module, inputs: torch.Tensor, method: Method) -> None:
    try:
        with torch.inference_mode():
            network.eval()(inputs[:1])
    except RuntimeError as error:
        size = tuple(inputs.shape[1:])
        raise MienError(
            f"got inputs of {size}, which '{method.name}' does not take; expected those of its recipe "
            f"'{method.recipe}' ({str(error).splitlines()[0][:80]}); make them by it"
        ) from error


def _start_from(network: nn.Module, path: Path, load: Callable[..., object] | None = None) -> None:
    """Load weights; a network that is to be trained further may take them in its own way (``start_from``)."""
    try:
        (load or network.load_state_dict)(safetensors.torch.load_file(path))
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        raise MienError(
            f"got '{path}', whose weights do not fit ({error}); expected a model of the same method and classes"
        ) from error


def _augmentation(method: Method, network: Any, settings: Settings) -> Callable[..., torch.Tensor] | None:
    """What is done to training batches: the network's own copies, mirrored copies, or both."""
    steps = [network.augment] if settings.augment else []
    steps += [_mirror(method)] if settings.mirror else []
    if not steps:
        return None

    def augment(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        for step in steps:
            batch = step(batch, generator)
        return batch

    return augment


def _mirror(method: Method) -> Callable[..., torch.Tensor]:
    """Find where the method's input keeps u, and in what range, by preparing a map that holds only u."""
    probe = np.zeros((1, 1, 1, 3), np.uint8)
    probe[..., 0] = 255
    prepared = method.prepare(probe)[0, :, 0, 0]
    return random_mirror(int(prepared.argmax()), float(prepared.max()))


def knows_units(network: nn.Module) -> bool:
    """Whether a network has learnt action units beside its classes."""
    return bool(getattr(network, "knows_units", False))


class _WithUnits(nn.Module):
    """A network that also answers with action units, for export."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        both: tuple[torch.Tensor, torch.Tensor] = self.network.with_units(x)  # type: ignore[operator]
        return both


def _export(network: nn.Module, example: FloatArray, path: Path) -> None:
    names = ["logits", "action_units"] if knows_units(network) else ["logits"]
    whole = _WithUnits(network) if knows_units(network) else network
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that writes one file is called legacy; it is chosen on purpose
        torch.onnx.export(
            whole.eval(),
            (torch.from_numpy(example),),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["maps"],
            output_names=names,
            dynamic_axes={name: {0: "n"} for name in ("maps", *names)},
        )
