"""Where a network is trained, and with how many bits: the processor or a GPU, float32 or mixed precision."""

from __future__ import annotations

import torch
from torch import Tensor

from mien.core import MienError

__all__ = ["Precision", "choose_device", "cuda_devices", "device_name", "peak_gpu_mb", "reset_gpu_peak", "to_device"]

TYPES = {"float32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """Number formats of forward pass and loss; weights and optimiser stay float32.

    Parameters
    ----------
    device : device
        Where the network is.
    name : {"float32", "bf16", "fp16"}
        Mixed precision by torch's autocast; with fp16 the loss is scaled, and a step with an overflow is left out.

    Raises
    ------
    MienError
        For fp16 on the processor, where it has no use.
    """

    def __init__(self, device: torch.device, name: str = "float32") -> None:
        check_precision(device, name)
        self._device, self._name = device, name
        self.scaler = torch.amp.GradScaler(device.type, enabled=name == "fp16")

    def cast(self) -> torch.autocast:
        """Return the block in which to compute outputs and loss."""
        return torch.autocast(self._device.type, dtype=TYPES[self._name], enabled=self._name != "float32")

    def scaled(self, loss: Tensor) -> Tensor:
        """Return the loss as it is to be differentiated; the same where nothing is scaled."""
        return self.scaler.scale(loss)


def check_precision(device: torch.device, name: str) -> None:
    """Raise :class:`MienError` if a device does not compute so."""
    if name == "fp16" and device.type == "cpu":
        raise MienError("got precision = 'fp16' on the processor; expected a GPU for it; use bf16 or float32")


def choose_device(name: str = "auto") -> torch.device:
    """Return the device of a name: ``auto`` (a GPU where there is one), ``cpu``, ``cuda``, ``cuda:1``.

    Raises
    ------
    MienError
        If the name is unknown, or there is no such GPU.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    kind, _, number = name.partition(":")
    if name not in ("auto", "cpu", "cuda") and not (kind == "cuda" and number.isdecimal()):
        raise MienError(f"got the device '{name}'; expected auto, cpu, cuda or cuda:NUMBER; choose one")
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "cpu" or (name == "auto" and not found):
        return torch.device("cpu")
    if int(number or 0) >= found:
        raise MienError(
            f"got the device '{name}', but torch {torch.__version__} sees {found} GPUs; expected one of them; "
            "use --device cpu, or install torch for CUDA"
        )
    return torch.device("cuda", int(number or 0))


def cuda_devices(name: str) -> list[str]:
    """Return the GPUs that a name allows: all for ``auto`` and ``cuda``, else the one; none for the processor."""
    device = choose_device(name)
    if device.type == "cpu":
        return []
    return [name] if ":" in name else [f"cuda:{number}" for number in range(torch.cuda.device_count())]


def device_name(device: torch.device) -> str:
    """Return ``cpu`` or the name of the GPU."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def to_device(batch: Tensor, device: torch.device) -> Tensor:
    """Move a batch; to a GPU from pinned memory. What is there already stays."""
    if device.type == "cuda" and batch.device.type == "cpu":
        return batch.pin_memory().to(device, non_blocking=True)
    return batch.to(device)


def reset_gpu_peak(device: torch.device) -> None:
    """Give back what is cached, and count the peak from now on."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak_gpu_mb(device: torch.device) -> float | None:
    """Return the most memory that torch held on a GPU since the last reset, in MB; None for the processor."""
    return torch.cuda.max_memory_reserved(device) / 1e6 if device.type == "cuda" else None
