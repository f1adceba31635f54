"""A trained network run by onnxruntime: no torch needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.special import softmax

from mien.core import FloatArray, MienError
from mien.methods._method import Inputs, IntArray, Method, Prepare, Probabilities

__all__ = ["NETWORK", "OnnxNetwork", "load"]

NETWORK = "network.onnx"


@dataclass(frozen=True, slots=True)
class OnnxNetwork:
    """An exported network with the preparation of its input.

    Attributes
    ----------
    prepare : callable
        Motion maps (N, H, W, 3) to the network's input (N, C, H, W).
    session : InferenceSession
        On one thread of the CPU.
    parameters : int or None
        As the model's card says.
    """

    prepare: Prepare
    session: Any
    parameters: int | None

    @classmethod
    def open(cls, prepare: Prepare, path: Path, parameters: int | None) -> OnnxNetwork:
        """Open an ONNX file; raise :class:`MienError` if it is none."""
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            # From bytes, so that the file cannot point to data elsewhere on this machine.
            session = ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's exceptions share no other base
            reason = str(error).splitlines()[0]
            raise MienError(
                f"got '{path}', which does not load ({reason}); expected ONNX; take a fresh copy"
            ) from error
        return cls(prepare, session, parameters)

    def logits(self, inputs: FloatArray) -> FloatArray:
        """Return logits (N, K) of prepared inputs (N, C, H, W)."""
        logits: FloatArray = self.session.run(None, {self.session.get_inputs()[0].name: inputs})[0]
        return logits

    def predict(self, inputs: Inputs) -> tuple[IntArray, Probabilities]:
        """Return classes (N,) and the softmax of the logits (N, K)."""
        probabilities = softmax(self.logits(self.prepare(inputs)).astype("float64"), axis=1)
        return probabilities.argmax(axis=1), probabilities

    def action_units(self, inputs: Inputs) -> FloatArray | None:
        """Return the probability of each action unit (N, A) where the file answers with them, else None."""
        if len(self.session.get_outputs()) == 1:
            return None
        units: FloatArray = self.session.run(
            ["action_units"], {self.session.get_inputs()[0].name: self.prepare(inputs)}
        )[0]
        return units

    def save(self, folder: Path) -> None:
        """Refuse: an exported network is a copy."""
        raise MienError(
            f"got an exported network to save in '{folder}'; expected a trained one; copy its folder instead"
        )


def load(method: Method, folder: Path, n_classes: int, parameters: int | None) -> OnnxNetwork:
    """Open the network of a model folder and check that it answers with K classes."""
    network = OnnxNetwork.open(method.prepare, folder / NETWORK, parameters)
    shape = network.session.get_outputs()[0].shape
    if len(network.session.get_inputs()) != 1 or len(shape) != 2 or shape[1] not in (n_classes, *_symbols(shape[1:])):
        raise MienError(f"got the output {shape} of '{folder / NETWORK}'; expected (n, {n_classes}) as in model.json")
    return network


def _symbols(shape: list[Any]) -> list[str]:
    """Sizes that the file leaves open, as some exported networks do."""
    return [size for size in shape if isinstance(size, str)]
