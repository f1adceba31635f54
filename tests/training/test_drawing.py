"""Of several copies of a sample an epoch sees one."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from mien.training.loop import fit_network  # noqa: E402
from mien.training.settings import Settings  # noqa: E402

SAMPLES, COPIES, EPOCHS = 6, 4, 40


class Watched(nn.Module):
    """A linear layer that remembers what it was trained on."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer, self.seen = nn.Linear(1, 2), []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            self.seen += x[:, 0].tolist()
        return self.layer(x)

    def samples(self, batch: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        sample = batch[:, 0].div(COPIES, rounding_mode="floor")
        assert (sample % 2 == targets).all(), "a copy keeps the class of its sample"
        return batch, targets


def trained(seed: int = 0, copies: int = COPIES) -> Watched:
    inputs = torch.arange(SAMPLES * copies, dtype=torch.float32)[:, None] * (COPIES // copies)
    network = Watched()
    settings = Settings(epochs=EPOCHS, batch=4, lr=1e-3)
    fit_network(network, inputs, torch.arange(SAMPLES) % 2, settings, seed, copies=copies)
    return network


def test_an_epoch_is_one_pass_over_the_samples_with_a_copy_of_each() -> None:
    epochs = torch.tensor(trained().seen).reshape(EPOCHS, SAMPLES)
    for epoch in epochs:
        assert sorted((epoch // COPIES).tolist()) == list(range(SAMPLES))
    assert set(epochs.flatten().tolist()) == set(range(SAMPLES * COPIES)), "in time every copy has its turn"


def test_a_seed_draws_the_same_copies_and_another_seed_others() -> None:
    first, again, other = (trained(seed) for seed in (0, 0, 1))
    assert first.seen == again.seen != other.seen
    assert torch.equal(first.layer.weight, again.layer.weight)


def test_a_single_copy_draws_nothing() -> None:
    alone = Watched()
    inputs = torch.arange(SAMPLES, dtype=torch.float32)[:, None] * COPIES
    fit_network(alone, inputs, torch.arange(SAMPLES) % 2, Settings(epochs=EPOCHS, batch=4, lr=1e-3), 0)
    assert alone.seen == trained(copies=1).seen
    order = torch.randperm(SAMPLES, generator=torch.Generator().manual_seed(0))
    assert alone.seen[:SAMPLES] == (COPIES * order).tolist()
