"""AST's second stage: an SVM on standardised features, squashed where asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien.core import MienError  # noqa: E402
from mien.methods import METHODS, load_model, save_model  # noqa: E402
from mien.methods.ast_svm.train import one_vs_rest  # noqa: E402

AST = METHODS["ast-svm"]
CLASSES = ("negative", "positive", "surprise")
TRUTH = np.tile(np.arange(3), 20)


def features(seed: int, *, rare: float) -> np.ndarray:
    """Three telling features of each class, and two that are all but constant; ``rare`` adds to the latter."""
    rng = np.random.default_rng(seed)
    telling = 2 * np.repeat(np.eye(3)[TRUTH], 3, axis=1) + 0.3 * rng.normal(size=(60, 9))
    return np.hstack([telling, rare + 1e-3 * rng.normal(size=(60, 2))])


def test_a_stray_feature_silences_the_machines_unless_it_is_squashed() -> None:
    seen, new = features(0, rare=0), features(1, rare=0.05)  # 50 deviations away
    plain, squashed = one_vs_rest().fit(seen, TRUTH), one_vs_rest(squash=True).fit(seen, TRUTH)
    values = plain.decision_function(new)
    assert np.ptp(values, axis=0).max() < 1e-6, "every kernel is 0: each machine says its constant"
    assert len(set(plain.predict(new))) == 1
    assert (squashed.predict(new) == TRUTH).all()
    assert (plain.predict(features(1, rare=0)) == TRUTH).all()


def test_squashed_features_are_the_tanh_of_the_standardised() -> None:
    seen = features(0, rare=0)
    machine = one_vs_rest(squash=True).fit(seen, TRUTH)
    expected = np.tanh((seen - seen.mean(axis=0)) / seen.std(axis=0))
    np.testing.assert_allclose(machine[:-1].transform(seen), expected, atol=1e-9)


def fitted(**settings: Any) -> tuple[Any, np.ndarray]:
    clips = np.random.default_rng(0).normal(size=(6, 2, 10, 32, 32)).astype(np.float32)
    settings = {"epochs": 1, "batch": 3, "network": {"size": 32}, **settings}
    return AST.fit(clips, [0, 1, 2] * 2, list("abcdef"), CLASSES, settings=settings, seed=0), clips


def test_the_setting_squash_changes_the_svm_and_not_the_network() -> None:
    (plain, clips), (squashed, _) = fitted(), fitted(squash=True)
    assert (len(plain.svm), len(squashed.svm)) == (2, 3)
    for name, weights in plain.trained.network.state_dict().items():
        torch.testing.assert_close(squashed.trained.network.state_dict()[name], weights, rtol=0, atol=0)
    assert not np.allclose(plain.predict(clips)[1], squashed.predict(clips)[1])


def test_each_epoch_is_shown_with_the_same_machine_as_the_last() -> None:
    clips = np.random.default_rng(0).normal(size=(6, 2, 10, 32, 32)).astype(np.float32)
    shown: list[int] = []

    def show(_epoch: int, trained: Any) -> None:
        shown.append(len(trained.svm))

    AST.fit(
        clips,
        [0, 1, 2] * 2,
        list("abcdef"),
        CLASSES,
        settings={"epochs": 2, "network": {"size": 32}, "squash": True},
        on_epoch=show,
    )
    assert shown == [3, 3]


def test_a_squashed_model_is_read_back_and_says_the_same(tmp_path: Path) -> None:
    trained, clips = fitted(squash=True)
    save_model(tmp_path / "model", AST, trained, classes=CLASSES, example=clips[0], details={"settings": {}})
    predicted, probabilities = load_model(tmp_path / "model").predict(clips)
    np.testing.assert_array_equal(predicted, trained.predict(clips)[0])
    np.testing.assert_allclose(probabilities, trained.predict(clips)[1], atol=1e-4)


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(MienError, match="squeeze"):
        fitted(squeeze=True)
