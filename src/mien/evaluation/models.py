"""One model trained on every sample of a dataset, and a trained model applied to a dataset."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError, Prediction, atomic_path
from mien.evaluation._data import Labelled, read_labelled
from mien.evaluation._progress import progress_bar
from mien.evaluation._settings import chosen_device, chosen_settings, recorded
from mien.methods import METHODS, TrainedModel, check_free, load_model, save_model
from mien.methods._method import load_entry
from mien.protocols import write_predictions
from mien.recipes import RECIPES, with_apex, with_faces

__all__ = ["predict", "train"]

# Of inputs given to a network at once: for all frames of a corpus its layers would take tens of GB.
PORTION_BYTES = 4_000_000


def train(
    method: str,
    dataset: str,
    root: Path | str,
    *,
    out: Path | str,
    labels: str | None = None,
    preset: str | None = None,
    seed: int = 0,
    start: Path | str | None = None,
    apex: str = "midpoint",
    faces: str = "dlib",
    device: str = "auto",
    precision: str | None = None,
    pretrained: Path | str | None = None,
    progress: bool = False,
) -> Path:
    """Train one model on all samples of a dataset, for use on other recordings.

    Parameters
    ----------
    method, dataset : str
        Names in ``METHODS`` and ``DATASETS``.
    root : Path
        The copy of the dataset.
    out : Path
        The folder to write; must not exist, or be empty.
    labels, preset : str, optional
        Label map and training settings.
    seed : int
        Of everything random.
    start : Path or str, optional
        A model folder of the same network, to start from its weights, or the word ``default``; the classes must be the
        same, except for mien-net.
    apex, faces, device, precision, pretrained
        As in :func:`mien.evaluate`; the model remembers ``apex`` and ``faces`` in its recipe.
    progress : bool
        Show a progress bar on standard error.

    Returns
    -------
    Path
        The model folder, for :func:`predict` and :func:`mien.analyze`.

    Raises
    ------
    MienError
        If a name is unknown, the data are broken, the folder is taken, or the model to start from does not fit.
    """
    entry = METHODS[method]
    if start is not None and pretrained is not None:
        raise MienError("got a model and pretrained weights to start from; expected one of them; drop the other")
    settings = chosen_settings(method, preset, precision, pretrained)
    in_card, backbone = recorded(settings)
    device_name = chosen_device(method, device, settings)
    recipe = with_faces(with_apex(RECIPES[entry.recipe], apex), faces)
    if not 0 <= seed < 2**32:
        raise MienError(f"got the seed {seed}; expected a whole number from 0; give another")
    check_free(Path(out))
    data = read_labelled(dataset, root, labels, recipe, copies=settings.get("copies"))
    weights = _weights(start, method, data.classes) if start is not None else None
    with progress_bar("epochs", settings.get("epochs", 1), shown=progress) as advance:
        trained = entry.fit(
            **data.training(np.arange(len(data.samples))),
            classes=data.classes,
            settings=settings,
            seed=seed,
            on_epoch=lambda _epoch, _trained: advance(),
            start=weights,
            device=device,
        )
    details = {
        "preset": preset or "paper",
        "settings": in_card,
        "pretrained": backbone,
        "device": device_name,
        "seed": seed,
        "started_from": str(start) if start is not None else None,
        "labels": data.labels,
        "training_data": _described(data, dataset),
    }
    return save_model(out, entry, trained, classes=data.classes, example=data.inputs[0], details=details, recipe=recipe)


def predict(
    model: Path | str,
    dataset: str,
    root: Path | str,
    *,
    out: Path | str,
    labels: str | None = None,
    action_units: Path | str | None = None,
) -> list[Prediction]:
    """Apply a trained model to every sample of a dataset; nothing is trained.

    Parameters
    ----------
    model : Path or str
        A model folder, or the word ``default``.
    dataset : str
        A name in ``DATASETS``.
    root : Path
        The copy of the dataset.
    out : Path
        The predictions file to write.
    labels : str, optional
        A label map; by default the dataset's.
    action_units : Path, optional
        A CSV file to write as well: ``dataset, subject, sample_id`` and a column per action unit (``AU4``), its
        probability.

    Returns
    -------
    list of Prediction
        Sorted by id, with an empty fold. Whether the model was trained on some of these samples is for the reader of
        its ``model.json`` to judge.

    Raises
    ------
    MienError
        If the model or the data are broken, the data have a class that the model does not know, or it is asked for
        action units and was not taught them.
    """
    loaded = load_model(model)
    data = read_labelled(dataset, root, labels, loaded.recipe)
    unknown = sorted({data.classes[target] for target in data.targets} - set(loaded.classes))
    if unknown:
        raise MienError(
            f"got clips of {', '.join(unknown)}; expected the classes of the model: {', '.join(loaded.classes)}; "
            "choose a label map that leads to them"
        )
    units = loaded.action_units(data.inputs) if action_units is not None else {}
    if action_units is not None and not units:
        raise MienError(
            f"got '{model}' ({loaded.method.name}) to say action units, which it was not taught; expected the default "
            "recogniser; drop --action-units, or choose another model"
        )
    predictions = _predictions(loaded, data)
    write_predictions(out, predictions)
    if action_units is not None:
        _write_units(Path(action_units), data, units)
    return predictions


def _write_units(path: Path, data: Labelled, units: Mapping[int, npt.NDArray[np.float64]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["dataset", "subject", "sample_id", *(f"AU{unit}" for unit in units)])
        for row, sample in enumerate(data.samples):
            shares = (f"{values[row]:.4f}" for values in units.values())
            table.writerow([sample.dataset, sample.subject, sample.sample_id, *shares])


def _predictions(model: TrainedModel, data: Labelled) -> list[Prediction]:
    predicted, probabilities = _said(model, data.inputs)
    return [
        Prediction(
            dataset=sample.dataset,
            subject=sample.subject,
            sample_id=sample.sample_id,
            fold="",
            seed=int(model.card.get("seed", 0)),
            selection="last",
            truth=data.classes[target],
            predicted=model.classes[label],
            probabilities=dict(zip(model.classes, row.tolist(), strict=True)),
        )
        for sample, target, label, row in zip(data.samples, data.targets, predicted, probabilities, strict=True)
    ]


def _said(model: TrainedModel, inputs: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Classes (N,) and probabilities (N, K), of a network portion by portion."""
    if model.method.kind == "classic":
        return model.predict(inputs)
    step = max(1, PORTION_BYTES // inputs[:1].nbytes)
    parts = [model.predict(inputs[start : start + step]) for start in range(0, len(inputs), step)]
    return np.concatenate([labels for labels, _ in parts]), np.concatenate([shares for _, shares in parts])


def _weights(start: Path | str, method: str, classes: tuple[str, ...]) -> Path:
    """Find the weights of the model to start from."""
    model = load_model(start)
    same = model.method.name == method and model.method.kind == "network"
    if not same or (model.classes != classes and not hasattr(load_entry(model.method.network), "start_from")):
        raise MienError(
            f"got '{start}' ({model.method.name}, {', '.join(model.classes)}) to start from; "
            f"expected a network trained as {method} with the classes {', '.join(classes)}; change --from"
        )
    assert model.folder is not None
    path = model.folder / "weights.safetensors"
    if not path.is_file():
        raise MienError(f"got '{start}' without weights.safetensors; expected them to start from; choose another model")
    return path


def _described(data: Labelled, dataset: str) -> dict[str, Any]:
    """What the model was trained on, in numbers."""
    return {
        "dataset": dataset,
        "corpora": sorted({sample.dataset for sample in data.samples}),
        "n": len(data.samples),
        "subjects": len(set(data.subjects)),
        "per_class": {data.classes[k]: n for k, n in sorted(Counter(data.targets.tolist()).items())},
        "fingerprint": data.fingerprint,
    }
