"""A trained model as a folder: `model.json` says what it is, the files beside it hold what it learned.

Loading executes no code: weights are safetensors, ONNX or skops, and the method is looked up by name.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError, atomic_folder
from mien.methods._method import METHODS, IntArray, Method, Probabilities, Trained, load_entry
from mien.recipes import RECIPES, Recipe

__all__ = ["CARD", "TrainedModel", "check_free", "load_model", "save_model", "versions"]

FORMAT = 1
CARD = "model.json"
WEIGHTS = "weights.safetensors"
DEFAULT = Path(__file__).parent / "_default"
LOADERS = {"classic": "mien.methods._svm:load", "network": "mien.methods._onnx:load"}
NAMED_FROM = "action_units_named_from"
FIELDS: dict[str, Any] = {
    "format": int,
    "method": str,
    "classes": list,
    "input_shape": list,
    "recipe": dict,
    "parameters": (int, type(None)),
    "files": dict,
}


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A model that was read from disk; a network runs on onnxruntime, without torch.

    Attributes
    ----------
    method : Method
        What it is.
    classes : tuple of str
        What it answers with.
    recipe : Recipe
        How its input must be made.
    card : mapping
        All of ``model.json``.
    trained : Trained
        What was learned.
    folder : Path or None
        Where it was read from.
    """

    method: Method
    classes: tuple[str, ...]
    recipe: Recipe
    card: Mapping[str, Any]
    trained: Trained
    folder: Path | None = None

    @property
    def parameters(self) -> int | None:
        """Trainable parameters; None for a classic method."""
        return self.trained.parameters

    @property
    def bundled(self) -> bool:
        """Whether it is the default recogniser that comes with mien."""
        return self.folder == DEFAULT

    def action_units(self, inputs: npt.NDArray[Any]) -> dict[int, npt.NDArray[np.float64]]:
        """Say which action units prepared inputs show.

        Parameters
        ----------
        inputs : array, (N, ...)
            As in :meth:`predict`.

        Returns
        -------
        dict of int to float array (N,)
            Action unit -> its probability in each clip; empty where the model was not taught them.

        Raises
        ------
        MienError
            As :meth:`predict`.
        """
        self._check(inputs)
        ask = getattr(self.trained, "action_units", None)
        said = None if ask is None else ask(inputs)
        if said is None:
            return {}
        return dict(zip(self.method.action_units, said.T.astype(np.float64), strict=True))

    def name_units(self, inputs: npt.NDArray[Any]) -> list[dict[int, float]]:
        """Name the action units of prepared inputs.

        Parameters
        ----------
        inputs : array, (N, ...)
            As in :meth:`predict`.

        Returns
        -------
        list of dict of int to float
            Of each clip: action unit -> its probability, the most probable first, where that reaches what the model
            names it from (``action_units_named_from`` of its card, else one half).

        Raises
        ------
        MienError
            As :meth:`predict`.
        """
        said, least = self.action_units(inputs), self.card.get(NAMED_FROM, {})
        clips = [{unit: float(shares[row]) for unit, shares in said.items()} for row in range(len(inputs))]
        return [
            {unit: share for unit, share in sorted(clip.items(), key=_share) if share >= least.get(str(unit), 0.5)}
            for clip in clips
        ]

    def predict(self, inputs: npt.NDArray[Any]) -> tuple[IntArray, Probabilities]:
        """Recognise prepared inputs.

        Parameters
        ----------
        inputs : array, (N, ...)
            Made by ``recipe``; motion maps are uint8 (N, 28, 28, 3).

        Returns
        -------
        predicted : int array, (N,)
            Indices into ``classes``; these decide.
        probabilities : float array, (N, K)
            For an SVM calibrated apart, so they may disagree.

        Raises
        ------
        MienError
            If the inputs have another shape or type than those it was trained on.
        """
        self._check(inputs)
        return self.trained.predict(inputs)

    def _check(self, inputs: npt.NDArray[Any]) -> None:
        shape, kind = tuple(self.card["input_shape"]), self.card.get("input_type", "uint8")
        if inputs.ndim < 1 or inputs.shape[1:] != shape or inputs.dtype.name != kind:
            raise MienError(
                f"got inputs {inputs.shape} {inputs.dtype}; expected (N, *{shape}) {kind}; use the model's recipe"
            )

    def restore(self) -> Trained | None:
        """Return the network in torch, which can say where it looked (``where``).

        None for a classic method, and where torch is not installed or the folder holds no weights for it.
        """
        weights = None if self.folder is None else self.folder / WEIGHTS
        if self.method.kind != "network" or weights is None or WEIGHTS not in self.card["files"]:
            return None
        options = (self.card.get("settings") or {}).get("network", {})
        try:
            restored: Trained = load_entry("mien.methods._network:restore")(
                self.method, weights, len(self.classes), options
            )
        except MienError:
            return None
        return restored


def save_model(
    folder: Path | str,
    method: Method,
    trained: Trained,
    *,
    classes: Sequence[str],
    example: npt.NDArray[Any],
    details: Mapping[str, Any],
    recipe: Recipe | None = None,
) -> Path:
    """Write a trained model as a folder.

    Parameters
    ----------
    folder : Path
        Must not exist, or be empty.
    method, trained : Method, Trained
        What was trained, and the result.
    classes : sequence of str
        Names of the classes, in the order of its answers.
    example : array
        One input: its shape and type are what the model takes.
    details : mapping
        Further JSON for ``model.json``: settings, label map, seed, what it was trained on.
    recipe : Recipe, optional
        How the input was made; by default the method's recipe.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    MienError
        If the folder holds something.
    """
    folder = Path(folder)
    check_free(folder)
    with atomic_folder(folder) as temporary:
        trained.save(temporary)
        card = {
            "format": FORMAT,
            "method": method.name,
            "kind": method.kind,
            "paper": method.paper,
            "classes": list(classes),
            "input_shape": list(example.shape),
            "input_type": example.dtype.name,
            "recipe": (recipe or RECIPES[method.recipe]).to_json(),
            "parameters": trained.parameters,
            **details,
            "versions": versions(),
            "files": {path.name: _sha256(path) for path in sorted(temporary.iterdir())},
        }
        (temporary / CARD).write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return folder


def load_model(folder: Path | str) -> TrainedModel:
    """Read a trained model.

    Parameters
    ----------
    folder : Path or str
        A folder from ``mien train``, or the word ``default`` for the recogniser that comes with mien.

    Returns
    -------
    TrainedModel
        Ready to predict.

    Raises
    ------
    MienError
        If a file is missing, changed or of another kind, or the method or recipe is not the one known here.
    """
    path = DEFAULT if str(folder) == "default" else Path(folder)
    if path == DEFAULT and not (path / CARD).is_file():
        raise MienError("got 'default', but this copy of mien has no bundled model; expected one; give a model folder")
    card = _read_card(path)
    _check_files(path, card["files"])
    method = METHODS[card["method"]]
    recipe = Recipe.from_json(card["recipe"])
    known = RECIPES[method.recipe]
    if _made(recipe) != _made(known):
        raise MienError(
            f"got a model of the recipe '{recipe.name}' {recipe.digest[:12]} in '{path}'; "
            f"expected '{known.name}' {known.digest[:12]}, as this mien makes it; train it again"
        )
    classes = tuple(str(name) for name in card["classes"])
    trained = load_entry(method.loader or LOADERS[method.kind])(method, path, len(classes), card["parameters"])
    return TrainedModel(method, classes, recipe, MappingProxyType(card), trained, path)


def check_free(folder: Path) -> None:
    """Raise :class:`MienError` if a folder to be written exists and holds something."""
    if folder.is_dir() and not any(folder.iterdir()):
        return
    if folder.exists():
        raise MienError(f"got '{folder}' to write, which is there already; expected a new folder; choose another")


def versions() -> dict[str, str]:
    """Return the versions of what a result depends on."""
    found = {"python": platform.python_version()}
    for name in ("mien", "numpy", "scipy", "scikit-learn", "torch", "onnxruntime"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _share(unit: tuple[int, float]) -> tuple[float, int]:
    return -unit[1], unit[0]


def _made(recipe: Recipe) -> list[Any]:
    """The steps of a recipe, wherever it finds faces and missing apexes: these two are the user's to choose."""
    return [(step, [pair for pair in params if pair[0] not in ("apex", "faces")]) for step, params in recipe.steps]


def _read_card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MienError(
            f"got '{folder}' without a readable {CARD}; expected a folder from 'mien train'; check it"
        ) from error
    except ValueError as error:
        raise MienError(
            f"got '{path}', which is not JSON ({error}); expected a model card; take a fresh copy"
        ) from error
    if not isinstance(card, dict):
        raise MienError(f"got '{path}', which is no model card; expected one of mien; take a fresh copy")
    for name, kind in FIELDS.items():
        if name not in card or not isinstance(card[name], kind) or isinstance(card[name], bool):
            raise MienError(f"got '{path}' without a proper '{name}'; expected a model card of mien; take a fresh copy")
    if card["format"] != FORMAT:
        raise MienError(
            f"got the model format {card['format']} in '{path}'; expected {FORMAT}; use the mien it came from"
        )
    least = card.get(NAMED_FROM, {})
    if not isinstance(least, dict) or not all(isinstance(value, (int, float)) for value in least.values()):
        raise MienError(
            f"got '{path}' with '{NAMED_FROM}' {least!r}; expected a probability for each action unit; take a fresh "
            "copy"
        )
    return card


def _check_files(folder: Path, files: Mapping[str, Any]) -> None:
    """Raise unless every file of the card is there, unchanged."""
    for name, digest in files.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise MienError(f"got '{folder}' without '{name}'; expected the files of its {CARD}; take a fresh copy")
        if _sha256(path) != digest:
            raise MienError(
                f"got '{path}', changed since the model was saved; expected it as listed in {CARD}; copy it again"
            )


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
