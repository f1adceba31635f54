"""RCN-A: its sizes, its shared recurrence, its attention without parameters, its pooling."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien.methods import METHODS  # noqa: E402
from mien.methods._network import _export  # noqa: E402
from mien.methods._onnx import OnnxNetwork  # noqa: E402
from mien.methods.rcn_a.network import RCNA, RecurrentConvolution, average_pool, class_attention  # noqa: E402
from mien.training import Settings  # noqa: E402


@pytest.fixture(scope="module")
def network() -> RCNA:
    torch.manual_seed(0)
    net = RCNA(3)
    net(torch.rand(16, 3, 28, 28))  # batch norm has seen something
    net.classify.weight.data *= 100  # an untrained network's logits are all near 0
    return net.eval()


def maps(n: int = 3, side: int = 28) -> torch.Tensor:
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(1))


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("width", "pool", "total"), [(64, 7, 55_747), (32, 5, 15_331)])
def test_it_has_the_parameters_of_the_authors_network(width: int, pool: int, total: int) -> None:
    assert count(RCNA(3, width, pool)) == total


def test_attention_and_the_second_pass_add_no_parameter() -> None:
    m, p = 64, 7
    first, feed, recur = 3 * 25 * m + 3 * m, m * m + 3 * m, 9 * m * m + 3 * m  # with bias and batch norm
    assert count(RCNA(3)) == first + feed + recur + m * p * p * 3 + 3
    assert count(RecurrentConvolution(m)) == feed + recur


def test_the_recurrent_convolution_is_applied_twice_with_the_same_weights() -> None:
    torch.manual_seed(0)
    layer = RecurrentConvolution(4).eval()
    x = torch.rand(2, 4, 6, 6)
    calls: list[torch.Tensor] = []
    layer.recur.register_forward_hook(lambda _m, args, _out: calls.append(args[0]))
    y = layer(x)
    first = layer.feed(x)
    second = layer.recur(x + first)
    torch.testing.assert_close(calls[0], x + first)
    torch.testing.assert_close(calls[1], x + second)
    torch.testing.assert_close(y, layer.recur(x + second))


def test_its_maps_shrink_from_28_to_12_to_6(network: RCNA) -> None:
    low = network.first(maps(1))
    assert low.shape == (1, 64, 12, 12)
    assert network.second(low).shape == (1, 64, 6, 6)


@pytest.mark.parametrize("side", [8, 28, 41, 60, 112])
def test_maps_of_any_size_are_classified(network: RCNA, side: int) -> None:
    with torch.inference_mode():
        assert network(maps(2, side)).shape == (2, 3)


@pytest.mark.parametrize("length", [1, 3, 6, 7, 12, 14, 28])
@pytest.mark.parametrize("side", [5, 7])
def test_its_pooling_is_adaptive_average_pooling(length: int, side: int) -> None:
    x = torch.rand(2, 3, length, length + 1, generator=torch.Generator().manual_seed(0))
    expected = torch.nn.functional.adaptive_avg_pool2d(x, side)
    torch.testing.assert_close(average_pool(x, side), expected, atol=1e-6, rtol=0)


def test_attention_by_hand() -> None:
    """Two channels, two classes; for each the mean over channels of features times weights, stretched to 0 to 1."""
    features = torch.tensor([[[[1.0, 0.0], [2.0, 4.0]], [[0.0, 2.0], [2.0, 0.0]]]])
    weights = torch.tensor([[1.0, 1, 1, 1, 1, 1, 1, 1], [-1.0, -1, -1, -1, 0, 0, 0, 0]])
    # Class 1: (.5, 1, 2, 2) -> (0, 1/3, 1, 1); class 2: (-.5, 0, -1, -2) -> (.75, 1, .5, 0).
    expected = [0.375, (1 / 3 + 1) / 2, 0.75, 0.5]
    assert class_attention(features, weights).flatten().tolist() == pytest.approx(expected)


def test_attention_does_not_depend_on_how_strong_the_motion_is() -> None:
    features, weights = maps(2, 7), torch.randn(3, 3 * 49, generator=torch.Generator().manual_seed(2))
    attention = class_attention(features, weights)
    assert attention.shape == (2, 1, 7, 7)
    assert 0 <= attention.min() < attention.max() <= 1
    torch.testing.assert_close(class_attention(5 * features, weights), attention)


def test_a_map_without_contrast_is_nowhere_attended_to_and_trains() -> None:
    weights = torch.randn(3, 2 * 49, requires_grad=True)
    attention = class_attention(torch.zeros(1, 2, 7, 7), weights)
    assert attention.abs().max() == 0
    torch.manual_seed(0)
    net = RCNA(3)
    net(torch.zeros(4, 3, 28, 28)).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in net.parameters())


def test_the_logits_are_of_the_weighted_features(network: RCNA) -> None:
    x = maps()
    with torch.inference_mode():
        low = network.first(x)
        attention = class_attention(average_pool(low, 7), network.classify.weight)
        pooled = average_pool(network.second(low), 7)
        torch.testing.assert_close(network(x), network.classify((pooled * attention).flatten(1)))
        assert not torch.allclose(network(x), network.classify(pooled.flatten(1)), atol=1e-3)


def test_its_input_is_u_v_strain_from_0_to_1() -> None:
    given = np.zeros((1, 28, 28, 3), np.uint8)
    given[..., :] = (255, 51, 0)
    prepared = METHODS["rcn-a"].prepare(given)
    assert (prepared.shape, prepared.dtype) == ((1, 3, 28, 28), np.float32)
    assert prepared[0, :, 0, 0].tolist() == pytest.approx([1.0, 0.2, 0.0])


def test_its_paper_preset_halves_the_rate_every_ten_epochs() -> None:
    paper = Settings.of(METHODS["rcn-a"].settings())
    assert (paper.epochs, paper.batch, paper.optimizer) == (100, 64, "adam")
    assert [paper.lr_in(epoch) for epoch in (1, 10, 11, 21)] == pytest.approx([5e-4, 5e-4, 2.5e-4, 1.25e-4])


@pytest.mark.parametrize("side", [28, 60])
def test_the_exported_network_agrees(network: RCNA, side: int, tmp_path: Path) -> None:
    x = maps(3, side)
    _export(network, x.numpy(), tmp_path / "network.onnx")
    exported = OnnxNetwork.open(np.asarray, tmp_path / "network.onnx", None)
    for rows in (slice(0, 3), slice(1, 2)):
        with torch.inference_mode():
            expected = network(x[rows]).numpy()
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(exported.logits(x[rows].numpy()), expected, atol=1e-4)
    still = np.zeros((1, 3, side, side), np.float32)
    with torch.inference_mode():
        np.testing.assert_allclose(exported.logits(still), network(torch.from_numpy(still)).numpy(), atol=1e-4)
