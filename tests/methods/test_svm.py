"""The SVM decides; its probabilities are calibrated on training subjects alone."""

from __future__ import annotations

import numpy as np
import pytest

from mien.core import MienError, MienWarning
from mien.methods import METHODS

FLOW_SVM = METHODS["flow-svm"]
CLASSES = ("negative", "positive", "surprise")


def blobs(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Small maps whose classes overlap, six per subject."""
    rng = np.random.default_rng(seed)
    targets = np.arange(n) % 3
    centres = np.array([90, 128, 166])[targets, None, None, None]
    maps = np.clip(rng.normal(centres, 60, (n, 4, 4, 3)), 0, 255).astype(np.uint8)
    return maps, targets, [f"smic/s{row // 6}" for row in range(n)]


def test_the_svm_decides_and_its_probabilities_follow_it() -> None:
    maps, targets, subjects = blobs(120)
    trained = FLOW_SVM.fit(maps, targets, subjects, CLASSES)
    new, truth, _ = blobs(300, seed=1)
    predicted, probabilities = trained.predict(new)
    np.testing.assert_array_equal(predicted, trained.svm.predict(FLOW_SVM.prepare(new)))
    assert (probabilities.argmax(axis=1) == predicted).mean() > 0.9
    # Calibrated: of what it is sure of to 70 % and more, about that much is right.
    sure = probabilities.max(axis=1)
    right = (probabilities.argmax(axis=1) == truth)[sure > 0.7].mean()
    assert abs(right - sure[sure > 0.7].mean()) < 0.15


def test_nothing_in_it_is_random() -> None:
    maps, targets, subjects = blobs(60)
    runs = [FLOW_SVM.fit(maps, targets, subjects, CLASSES, seed=seed).predict(maps)[1] for seed in (0, 1)]
    np.testing.assert_array_equal(*runs)


def test_a_class_that_was_never_seen_has_probability_0() -> None:
    maps, targets, subjects = blobs(60)
    seen = targets != 1
    names = [subject for subject, keep in zip(subjects, seen, strict=True) if keep]
    trained = FLOW_SVM.fit(maps[seen], targets[seen], names, CLASSES)
    predicted, probabilities = trained.predict(maps)
    assert set(predicted) <= {0, 2}
    assert (probabilities[:, 1] == 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_a_single_training_subject_leaves_nothing_to_calibrate_on() -> None:
    maps, targets, _ = blobs(12)
    with pytest.warns(MienWarning, match="too few training subjects"):
        trained = FLOW_SVM.fit(maps, targets, ["smic/s1"] * 12, CLASSES)
    np.testing.assert_allclose(trained.predict(maps)[1].sum(axis=1), 1)


def test_unknown_settings_are_refused() -> None:
    maps, targets, subjects = blobs(12)
    with pytest.raises(MienError, match="got the settings"):
        FLOW_SVM.fit(maps, targets, subjects, CLASSES, settings={"epochs": 3})
