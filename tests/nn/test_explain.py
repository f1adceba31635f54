"""Where a network looked: numbers computed by hand, and a network that can only look at one corner."""

from __future__ import annotations

import numpy as np
import pytest

from mien.core import MienError
from mien.methods import METHODS
from mien.methods._method import load_entry

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from mien.nn.explain import where  # noqa: E402


class Streams(nn.Module):
    """Two convolution streams on one channel each, joined in one linear layer."""

    def __init__(self, factors: tuple[float, float], weights: list[float], stride: int = 1) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 1, 1, stride, bias=False)
        self.classify = nn.Linear(len(weights), 1, bias=False)
        for layer, value in ((self.a, factors[0]), (self.b, factors[1])):
            nn.init.constant_(layer.weight, value)
        self.classify.weight.data = torch.tensor([weights])

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.classify(torch.cat([self.a(x[:, :1]).flatten(1), self.b(x[:, 1:]).flatten(1)], dim=1))
        return found


class Linear(nn.Module):
    """Whatever a network says by itself."""

    def __init__(self, answer: Tensor | None) -> None:
        super().__init__()
        self.convolve, self.classify = nn.Conv2d(1, 1, 1), nn.Linear(4, 1)
        self.answer = answer
        self.convolve.bias = None
        nn.init.ones_(self.convolve.weight)
        nn.init.ones_(self.classify.weight)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classify(self.convolve(x).flatten(1))
        return logits

    def looked(self, x: Tensor) -> Tensor | None:
        return None if self.answer is None else self.answer.expand(len(x), -1, -1)


def test_equations_1_and_2_by_hand() -> None:
    # Two maps A1 = x, A2 = 2 x, and y = (1, 0, 0, 1) A1 - (0, 0, 0, 1) A2 for class 1: alpha = 2 / 4 and -1 / 4,
    # so that the sum is x / 2 - 2 x / 4 = 0; for class 0 it is y = mean of A2, alpha = (0, 1 / 4) and the sum x / 2.
    network = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.Flatten(), nn.Linear(8, 2, bias=False))
    network[0].weight.data = torch.tensor([1.0, 2.0]).view(2, 1, 1, 1)
    network[2].weight.data = torch.tensor([[0, 0, 0, 0, 0.25, 0.25, 0.25, 0.25], [1, 0, 0, 1, 0, 0, 0, -1]])
    x = torch.tensor([[[[0.0, 1.0], [2.0, 4.0]]]])
    looked = where(network, x.repeat(2, 1, 1, 1), [0, 1])
    assert looked.by == "Grad-CAM"
    np.testing.assert_allclose(looked.maps[0], [[0, 0.25], [0.5, 1]])
    np.testing.assert_array_equal(looked.maps[1], np.zeros((2, 2)))


def test_what_speaks_against_the_class_is_no_place_looked_at() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.Flatten(), nn.Linear(4, 2, bias=False))
    nn.init.ones_(network[0].weight)
    network[2].weight.data = torch.tensor([[1.0] * 4, [-1.0] * 4])
    x = torch.tensor([[[[-3.0, 1.0], [-1.0, 2.0]]]])
    maps = where(network, x.repeat(2, 1, 1, 1), [0, 1]).maps
    np.testing.assert_allclose(maps[0], [[0, 0.5], [0, 1]])  # ReLU(x) / 2
    np.testing.assert_allclose(maps[1], [[1, 0], [1 / 3, 0]], rtol=1e-6)  # ReLU(-x) / 3


def test_streams_count_as_channels_of_one_map() -> None:
    # y = sum of a + 2 sum of b: alpha = 1 and 2, A = 3 x and x, hence 3 x_a + 2 x_b.
    network = Streams((3.0, 1.0), [1.0] * 4 + [2.0] * 4)
    x = torch.tensor([[[[0.0, 1.0], [0.0, 0.0]], [[0.0, 0.0], [2.0, 0.0]]]])
    np.testing.assert_allclose(where(network, x, [0]).maps[0], [[0, 0.75], [1, 0]])


def test_a_coarse_stream_counts_as_much_as_it_adds_to_the_answer() -> None:
    # b keeps every second pixel, and each of its four places weighs as much as four of a. By columns: a is 1 1 0 0,
    # b is 0 1 enlarged to 0 .25 .75 1, together 1 1.25 .75 1.
    network = Streams((1.0, 1.0), [1.0] * 16 + [4.0] * 4, stride=2)
    x = torch.zeros(1, 2, 4, 4)
    x[0, 0, :, :2] = 1
    x[0, 1, :, 2:] = 1
    np.testing.assert_allclose(where(network, x, [0]).maps[0], [[0.5, 1, 0, 0.5]] * 4)


def test_time_is_averaged() -> None:
    network = nn.Sequential(nn.Conv3d(1, 1, 1, bias=False), nn.Flatten(), nn.Linear(8, 1, bias=False))
    nn.init.ones_(network[0].weight)
    nn.init.ones_(network[2].weight)
    x = torch.tensor([[[[[0.0, 1.0], [0.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]]]]])
    np.testing.assert_allclose(where(network, x, [0]).maps[0], [[0, 1], [0.5, 0]])


def test_shortcuts_end_at_the_last_block() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Conv2d(1, 1, 1, bias=False), nn.Conv2d(1, 1, 1, bias=False)
            nn.init.ones_(self.first.weight)
            nn.init.constant_(self.second.weight, 2.0)

        def forward(self, x: Tensor) -> Tensor:
            low = self.first(x)
            return (low + self.second(low)).sum(dim=(2, 3))

    x = torch.tensor([[[[1.0, 2.0], [0.0, 4.0]]]])
    np.testing.assert_allclose(where(Residual(), x, [0]).maps[0], [[0.25, 0.5], [0, 1]])


def test_a_certain_network_is_explained_by_its_log_probabilities_as_by_its_logits() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.Flatten(), nn.Linear(4, 2, bias=False))
    nn.init.ones_(network[0].weight)
    network[2].weight.data = torch.tensor([[50.0] * 4, [-50.0] * 4])  # opposite, so that their mean is 0
    x = torch.tensor([[[[0.0, 1.0], [2.0, 4.0]]]])
    certain = nn.Sequential(network, nn.LogSoftmax(dim=1))
    assert certain(x)[0, 0] == 0  # p = 1: the log-probability itself has no gradient
    np.testing.assert_allclose(where(certain, x, [0]).maps, where(network, x, [0]).maps)
    np.testing.assert_allclose(where(certain, x, [0]).maps[0], [[0, 0.25], [0.5, 1]])


def test_attention_goes_before_gradients_where_there_is_some() -> None:
    x = torch.tensor([[[[0.0, 1.0], [2.0, 4.0]]]])
    own = where(Linear(torch.tensor([[0.2, 0.2], [0.4, 0.6]])), x, [0])
    assert own.by == "attention"
    np.testing.assert_allclose(own.maps[0], [[0, 0], [0.5, 1]], rtol=1e-6)
    assert where(Linear(None), x, [0]).by == "Grad-CAM"


def test_a_frozen_network_is_explained_too() -> None:
    network = Linear(None).requires_grad_(False)
    x = torch.tensor([[[[0.0, 1.0], [2.0, 4.0]]]])
    np.testing.assert_allclose(where(network, x, [0]).maps[0], [[0, 0.25], [0.5, 1]], rtol=1e-6)


def test_without_places_there_is_nothing_to_show() -> None:
    with pytest.raises(MienError, match="'Sequential' without a convolutional feature map"):
        where(nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), torch.zeros(1, 1, 2, 2), [0])


def test_it_changes_neither_the_answer_nor_the_weights() -> None:
    made = load_entry(METHODS["ststnet"].network)(3).eval()
    x = torch.rand(2, 3, 28, 28) * 255
    before, state = made(x), {name: value.clone() for name, value in made.state_dict().items()}
    where(made, x, [0, 1])
    assert torch.equal(made(x), before)
    assert all(torch.equal(value, state[name]) for name, value in made.state_dict().items())
    assert all(weights.grad is None for weights in made.parameters())
    assert not any(module._forward_hooks for module in made.modules())


@pytest.mark.parametrize("name", ["ststnet", "off-apexnet", "rcn-a"])
def test_a_trained_network_looks_where_alone_something_moves(name: str) -> None:
    """Classes differ in which way the lower right corner moves; everything else is the same noise."""
    rng = np.random.default_rng(0)
    targets = np.arange(48) % 3
    maps = rng.integers(110, 146, (48, 28, 28, 3)).astype(np.uint8)
    maps[:, 18:, 18:] = np.array([[230, 20, 60], [20, 230, 60], [230, 230, 200]])[targets][:, None, None]
    trained = METHODS[name].fit(
        maps, targets, [str(row // 6) for row in range(48)], ("a", "b", "c"), settings=METHODS[name].settings("small")
    )
    predicted, _ = trained.predict(maps)
    assert (predicted == targets).mean() > 0.9
    looked = trained.where(maps, predicted).maps  # type: ignore[attr-defined]
    row, column = np.unravel_index(looked.mean(axis=0).argmax(), looked.shape[1:])
    assert row / looked.shape[1] >= 0.5
    assert column / looked.shape[2] >= 0.5
