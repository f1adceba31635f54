"""AST+SVMNet: recipe, settings and deviations."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray
from mien.methods._method import METHODS, Method


def prepare(inputs: npt.NDArray[np.float32]) -> FloatArray:
    """Take length or u and v of the flow, then IDSF, (N, 2 or 3, 10, 192, 192), as they are."""
    return np.ascontiguousarray(inputs, dtype=np.float32)


_PAPER = {"batch": 32, "lr": 1e-3, "epochs": 100}
_SMALL = {"batch": 8, "lr": 2e-3, "epochs": 30, "schedule": "cosine", "label_smoothing": 0.1, "augment": True}
_REDUCED = {"size": 64, "idsf_gain": 10.0, "grid": 4}
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
                "small": {**_SMALL, "squash": True, "network": _REDUCED},
                "small-softmax": {**_SMALL, "classifier": "softmax", "network": _REDUCED},
                **{name: {**_PAPER, "network": arm} for name, arm in _ARMS.items()},
                **{
                    f"small-{name}": {**_SMALL, "squash": True, "network": {**_REDUCED, **arm}}
                    for name, arm in _ARMS.items()
                },
                **{
                    f"{name}-softmax": {**_PAPER, "classifier": "softmax", "network": arm}
                    for name, arm in _ARMS.items()
                },
                **{
                    f"small-{name}-softmax": {**_SMALL, "classifier": "softmax", "network": {**_REDUCED, **arm}}
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
            "The small presets read maps of 64 px with the differences ten times as strong, smooth the labels, and "
            "train on copies that are mirrored, turned, shifted, zoomed, stronger or weaker, with one stream hidden "
            "now and then: the network as printed learns a hundred clips by heart.",
            "The small presets average the features in 4 x 4 parts of the face, 384 of each, so that the SVM sees "
            "where something moved; and standardised features pass through tanh before the SVM, because one that "
            "hardly varies over the training clips can lie so far off in a new person that every kernel is 0.",
        ),
        parameters=166657,
    ),
)

AST_SVM_UV = METHODS.add(
    "ast-svm-uv",
    replace(
        AST_SVM,
        name="ast-svm-uv",
        title="AST+SVMNet with the flow itself, u and v apart, in place of its length",
        recipe="ast-svm-uv",
        network="mien.methods.ast_svm.network:ast_uv",
        presets=MappingProxyType(
            {name: AST_SVM.presets[name] for name in ("paper", "softmax", "small", "small-softmax")}
        ),
        deviations=(
            "Eleven frames by TIM, so that there are ten flow fields and ten differences; flow enters as u and v, "
            "twenty maps, as the figure colours them, where the printed shape has ten.",
            *AST_SVM.deviations[1:],
        ),
        parameters=170324,
    ),
)
