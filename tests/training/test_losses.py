"""Class weights, against the numbers of the papers that use them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError
from mien.training import CLASS_WEIGHTS, class_weights
from mien.training.losses import weighted_cross_entropy


def labels(*counts: int) -> np.ndarray:
    return np.repeat(np.arange(len(counts)), counts)


def test_inverse_mean1_is_what_the_mmnet_reproduction_prints() -> None:
    weights = class_weights(labels(49, 437, 178, 129), 4, "inverse_mean1")
    np.testing.assert_allclose(weights, [2.26339846, 0.25379067, 0.62307036, 0.8597405], rtol=1e-7)


@pytest.mark.parametrize(
    ("counts", "kind", "expected"),
    [
        ((88, 32, 25), "frequency", (0.6069, 0.2207, 0.1724)),
        ((88, 32, 25), "balanced", (0.5492, 1.5104, 1.9333)),
        ((92, 26, 15), "balanced", (0.4819, 1.7051, 2.9556)),
        ((92, 26, 15), "none", (1, 1, 1)),
    ],
)
def test_weights_of_casme2_and_samm(counts: tuple[int, ...], kind: str, expected: tuple[float, ...]) -> None:
    np.testing.assert_allclose(class_weights(labels(*counts), 3, kind), expected, atol=5e-5)


@given(st.lists(st.integers(0, 20), min_size=2, max_size=6).filter(any))
def test_balanced_weights_give_every_class_that_occurs_the_same_say(counts: list[int]) -> None:
    said = class_weights(labels(*counts), len(counts), "balanced") * counts
    present = np.array(counts) > 0
    np.testing.assert_allclose(said[present], sum(counts) / present.sum())
    assert (said[~present] == 0).all()


@pytest.mark.parametrize("kind", CLASS_WEIGHTS)
def test_a_class_that_does_not_occur_weighs_nothing(kind: str) -> None:
    assert class_weights([0, 0, 2], 3, kind)[1] == 0


@pytest.mark.parametrize(("targets", "kind"), [([], "none"), ([0, 3], "none"), ([-1], "none"), ([0, 1], "focal")])
def test_bad_labels_and_kinds_are_refused(targets: list[int], kind: str) -> None:
    with pytest.raises(MienError):
        class_weights(targets, 3, kind)


def test_adnets_loss_divides_by_the_batch_and_not_by_the_weights() -> None:
    torch = pytest.importorskip("torch")
    logits, targets, weights = torch.zeros(2, 3), torch.tensor([0, 2]), torch.tensor([2.0, 1.0, 0.5])
    assert weighted_cross_entropy(logits, targets, weights).item() == pytest.approx(1.373265, abs=1e-6)
    assert torch.nn.functional.cross_entropy(logits, targets, weights).item() == pytest.approx(1.098612, abs=1e-6)
    assert weighted_cross_entropy(logits[:1], targets[:1], weights).item() == pytest.approx(2 * np.log(3))
    with pytest.raises(MienError, match="without samples"):
        weighted_cross_entropy(logits[:0], targets[:0], weights)
