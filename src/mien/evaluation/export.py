"""A trained network as one ONNX file, checked against torch."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError, atomic_path
from mien.methods import TrainedModel, load_model

__all__ = ["export_model"]

TOLERANCE = 1e-4
CLIPS = 8  # real ones that are compared


def export_model(
    model: Path | str, *, out: Path | str, dataset: str | None = None, root: Path | str | None = None
) -> dict[str, Any]:
    """Write the network of a trained model as ONNX, if it says the same as torch.

    The network is built anew from ``model.json`` and ``weights.safetensors``, exported, and run by torch and by
    onnxruntime on random inputs (one, then several: the number of clips is free) and, where a dataset is given, on
    eight of its clips. The file takes what the method's ``prepare`` makes. Of AST+SVMNet with its SVM it holds the
    network up to the features, which is where the SVM begins.

    Parameters
    ----------
    model : Path or str
        A folder from ``mien train``, or the word ``default``; what that says of action units is in the file as well.
    out : Path
        The file to write.
    dataset, root : str, Path, optional
        Real clips to compare on.

    Returns
    -------
    dict
        ``file``, ``input`` (shape, the first size free), ``output`` (``logits`` or ``features``), ``outputs`` (how
        many), ``parameters``, and the largest difference on ``random`` and ``real`` input (None without a dataset).

    Raises
    ------
    MienError
        If the model is none of mien's, is no network or lacks its weights, only one of ``dataset`` and ``root`` is
        given, torch is not installed, or the two differ by more than 1e-4 (of the largest output, where that is more
        than 1).

    Examples
    --------
    >>> export_model("models/ststnet", out="ststnet.onnx")["random"] < 1e-4  # doctest: +SKIP
    True
    """
    if (dataset is None) != (root is None):
        raise MienError("got only one of dataset and root; expected both, or neither; give --dataset and --root")
    loaded = load_model(model)
    if loaded.method.kind != "network":
        raise MienError(
            f"got '{model}', a classic model ({loaded.method.name}) without a network; expected a trained network; "
            "use the model as it is, or train a network"
        )
    trained, is_features = _rebuilt(loaded, loaded.folder or Path(model))
    real = None if dataset is None or root is None else _real(loaded, dataset, root)
    with tempfile.TemporaryDirectory() as folder:
        trained.save(Path(folder))
        exported = Path(folder) / "network.onnx"
        random = _random(loaded, 3)
        worst = {
            "random": max(_difference(trained, exported, part) for part in (random, random[:1])),
            "real": None if real is None else _difference(trained, exported, real),
        }
        with atomic_path(out) as temporary:
            shutil.copyfile(exported, temporary)
    return {
        "file": str(out),
        "method": loaded.method.name,
        "input": ["n", *trained.example.shape[1:]],
        "output": "features" if is_features else "logits",
        "outputs": int(trained.outputs(random[:1]).shape[1]),
        "parameters": loaded.parameters,
        "opset": _opset(),
        **worst,
    }


def _rebuilt(loaded: TrainedModel, folder: Path) -> tuple[Any, bool]:
    """Build the network and load its weights; and whether it ends in features."""
    from mien.methods._method import load_entry

    network_of = load_entry(loaded.method.network)
    trained_of = load_entry("mien.methods._network:TrainedNetwork")
    network = network_of(len(loaded.classes), **loaded.card.get("settings", {}).get("network", {}))
    _load_weights(network, folder / load_entry("mien.methods._network:WEIGHTS"))
    is_features = hasattr(loaded.trained, "svm")
    if is_features:
        network = load_entry("mien.methods.ast_svm.train:Features")(network)
    prepare = loaded.method.prepare
    return trained_of(prepare, network, prepare(_random(loaded, 2))), is_features


def _load_weights(network: Any, path: Path) -> None:
    import safetensors
    import safetensors.torch

    try:
        network.load_state_dict(safetensors.torch.load_file(path))
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        raise MienError(
            f"got '{path}', whose weights do not fit the network of its model.json "
            f"({str(error).splitlines()[0][:120]}); expected those it was saved with; take a fresh copy"
        ) from error


def _random(loaded: TrainedModel, n: int) -> npt.NDArray[Any]:
    """Noise of the shape and type that the recipe makes: all bytes, or numbers about as large as flow."""
    rng = np.random.default_rng(0)
    shape, kind = (n, *loaded.card["input_shape"]), np.dtype(loaded.card.get("input_type", "uint8"))
    if kind.kind == "u":
        return rng.integers(0, np.iinfo(kind).max, shape, kind, endpoint=True)
    return rng.normal(size=shape).astype(kind)


def _real(loaded: TrainedModel, dataset: str, root: Path | str) -> npt.NDArray[Any]:
    """Inputs of clips spread over a dataset."""
    from mien.datasets import DATASETS
    from mien.evaluation._data import read_samples
    from mien.recipes import load

    samples = sorted(read_samples(DATASETS[dataset], Path(root), errata=False), key=lambda sample: sample.sample_id)
    step = max(1, len(samples) // CLIPS)
    inputs = load(samples[::step][:CLIPS], loaded.recipe)
    loaded._check(inputs)  # as before a prediction: a dataset of ready maps may hold them in another size
    return inputs


def _difference(trained: Any, exported: Path, inputs: npt.NDArray[Any]) -> float:
    """Return the largest difference between torch and the file; raise :class:`MienError` if it is too large."""
    from mien.methods._onnx import OnnxNetwork

    expected = trained.outputs(inputs)
    found = OnnxNetwork.open(trained.prepare, exported, None).logits(trained.prepare(inputs))
    difference = float(np.abs(found - expected).max())
    if not difference <= TOLERANCE * max(1.0, float(np.abs(expected).max())):
        raise MienError(
            f"got an export that differs from torch by {difference:.2g}; expected at most {TOLERANCE:g}; "
            "nothing was written; please report it with the versions of torch and onnxruntime"
        )
    return difference


def _opset() -> int:
    from mien.methods._network import OPSET

    return OPSET
