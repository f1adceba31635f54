"""What a network is trained with: its preset, and what the user adds to it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mien.core import MienError
from mien.methods import METHODS
from mien.methods._method import load_entry
from mien.training.settings import PRECISIONS

__all__ = ["chosen_device", "chosen_settings", "recorded"]


def chosen_settings(
    method: str, preset: str | None, precision: str | None = None, pretrained: Path | str | None = None
) -> dict[str, Any]:
    """Return the settings of a preset with the precision and the backbone's weights that the user gives.

    Raises
    ------
    MienError
        If a name is unknown, the method is no network, or the weights are not those of its backbone.
    """
    entry = METHODS[method]
    settings = dict(entry.settings(preset))
    if entry.kind == "classic" and (precision or pretrained):
        raise MienError(
            f"got {'a precision' if precision else 'pretrained weights'} for '{method}', which is no network; "
            "expected a network; drop the option"
        )
    if precision:
        settings["precision"] = precision
    if settings.get("precision", "float32") not in PRECISIONS:
        known = ", ".join(PRECISIONS)
        raise MienError(f"got precision = '{settings['precision']}'; expected one of {known}; choose one")
    if pretrained:
        settings["network"] = {**settings.get("network", {}), "pretrained": str(pretrained)}
    if settings.get("network", {}).get("pretrained"):  # a wrong file is said before hours of preparing inputs
        load_entry("mien.methods._network:build")(entry, 2, settings["network"])
    return settings


def recorded(settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str] | None]:
    """Return the settings without the file of pretrained weights, and that file with its SHA-256."""
    network = dict(settings.get("network", {}))
    path = network.pop("pretrained", None)
    if path is None:
        return dict(settings), None
    kept = {name: value for name, value in settings.items() if name != "network"}
    with Path(path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return kept | ({"network": network} if network else {}), {"file": str(path), "sha256": digest}


def chosen_device(method: str, device: str, settings: Mapping[str, Any]) -> str:
    """Return what the device is called: ``cpu``, or the GPU's name.

    Raises
    ------
    MienError
        If there is no such device, or it does not compute in the precision of the settings.
    """
    if METHODS[method].kind == "classic":
        if device not in ("auto", "cpu"):
            raise MienError(f"got the device '{device}' for '{method}', no network; expected cpu; drop --device")
        return "cpu"
    chosen = load_entry("mien.training.devices:choose_device")(device)
    load_entry("mien.training.devices:check_precision")(chosen, settings.get("precision", "float32"))
    name: str = load_entry("mien.training.devices:device_name")(chosen)
    return name
