"""AST+SVMNet: recipe, settings and deviations."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray
from mien.methods._method import METHODS, Method


def prepare(inputs: npt.NDArray[np.float32]) -> FloatArray:
    """Take magnitude and IDSF (N, 2, 10, 192, 192) as they are."""
    return np.ascontiguousarray(inputs, dtype=np.float32)


_PAPER = {"batch": 32, "lr": 1e-3, "epochs": 100}
_SMALL = {"batch": 16, "lr": 2e-3, "epochs": 25}
_ARMS = {
    "flow": {"streams": "flow"},
    "idsf": {"streams": "idsf"},
    "no-fam": {"attention": "none"},
    "cam": {"attention": "channel"},
    "sam": {"attention": "spatial"},
    "2d": {"branches": "2d"},
    "3d": {"branches": "3d"},
}

AST_SVM = METHODS.add(
    "ast-svm",
    Method(
        name="ast-svm",
        title="AST+SVMNet: flow and image differences through attention and Inceptions, then a one-vs-rest RBF SVM",
        paper="Xue, Guo, Bai, Yuan: AST+SVMNet. IEEE Access 12, 2024",
        kind="network",
        recipe="ast-svm",
        prepare=prepare,
        entry="mien.methods.ast_svm.train:fit",
        loader="mien.methods.ast_svm.train:load",
        network="mien.methods.ast_svm.network:AST",
        presets=MappingProxyType(
            {
                "paper": _PAPER,
                "softmax": {**_PAPER, "classifier": "softmax"},
                "small": _SMALL,
                "small-softmax": {**_SMALL, "classifier": "softmax"},
                **{name: {**_PAPER, "network": arm} for name, arm in _ARMS.items()},
                **{f"small-{name}": {**_SMALL, "network": arm} for name, arm in _ARMS.items()},
                **{
                    f"{name}-softmax": {**_PAPER, "classifier": "softmax", "network": arm}
                    for name, arm in _ARMS.items()
                },
                **{
                    f"small-{name}-softmax": {**_SMALL, "classifier": "softmax", "network": arm}
                    for name, arm in _ARMS.items()
                },
            }
        ),
        deviations=(
            "Eleven frames by TIM, so that there are ten flow fields and ten differences; flow enters as its length, "
            "ten maps, as the printed shape says.",
            "Softmax over channels and over positions, rescaled to mean 1: over the printed single-element axis it "
            "would be all ones. The order is channel, then space.",
            "10 x 32 x 32 by average pooling; both Inceptions on both streams, widths of our own: the paper's Table 1 "
            "is not readable. C = 1, gamma 'scale', 100 epochs: unstated.",
            "Registration by a similarity and the face's texture; the paper says ASM and names no transform.",
            "Probabilities are the softmax of the one-vs-rest decision values, not calibrated.",
        ),
        parameters=166657,
    ),
)
