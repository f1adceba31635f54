"""Dual-Inception: its sizes, its two streams, its input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien.methods import METHODS  # noqa: E402
from mien.methods._network import _export  # noqa: E402
from mien.methods._onnx import OnnxNetwork  # noqa: E402
from mien.methods.dual_inception.network import DualInception, as_grey, inception_stream  # noqa: E402
from mien.nn.inception import Inception  # noqa: E402


@pytest.fixture(scope="module")
def network() -> DualInception:
    torch.manual_seed(0)
    return DualInception(3).eval()


def maps(n: int = 3) -> torch.Tensor:
    return torch.rand(n, 2, 28, 28, generator=torch.Generator().manual_seed(1))


def count(*modules: torch.nn.Module) -> int:
    return sum(p.numel() for module in modules for p in module.parameters())


def test_it_has_the_parameters_of_the_authors_network(network: DualInception) -> None:
    joined, last = (layer for layer in network.classify if isinstance(layer, torch.nn.Linear))
    assert count(joined) == 6272 * 1024 + 1024
    assert count(last) == 1024 * 3 + 3
    # By hand: views 1 x 1, 1 x 1 to 3 x 3, 1 x 1 to 5 x 5, pooled 1 x 1; six wide on 3 channels, then 16 on 24.
    first = 4 * (3 * 6 + 6) + (9 * 6 * 6 + 6) + (25 * 6 * 6 + 6)
    second = 4 * (24 * 16 + 16) + (9 * 16 * 16 + 16) + (25 * 16 * 16 + 16)
    assert count(network.u) == count(network.v) == first + second
    assert count(network) == 6_449_963


def test_each_stream_goes_by_24_and_64_channels_to_3136_values() -> None:
    seen: list[tuple[int, ...]] = []
    stream = inception_stream()
    for layer in stream:
        layer.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[1:])))
    stream(torch.zeros(1, 3, 28, 28))
    assert seen == [(24, 28, 28), (24, 14, 14), (64, 14, 14), (64, 7, 7)]
    assert 64 * 7 * 7 == 3136


def test_the_views_of_a_block_reach_as_far_as_their_kernels() -> None:
    """1 x 1 sees the place itself, 3 x 3 its neighbours, 5 x 5 two further, and the pooled one the neighbours too."""
    torch.manual_seed(0)
    block = Inception(1, 6, dims=2)
    for layer in block.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.ones_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
    point = torch.zeros(1, 1, 11, 11)
    point[..., 5, 5] = 1
    reached = (block(point)[0] > 0).sum(dim=(1, 2)).view(4, 6)
    assert reached.tolist() == [[1] * 6, [9] * 6, [25] * 6, [9] * 6]


def test_u_and_v_each_have_their_own_stream(network: DualInception) -> None:
    x = maps(1)
    x.requires_grad_()
    for channel, stream in enumerate((network.u, network.v)):
        (gradient,) = torch.autograd.grad(stream(as_grey(x[:, channel : channel + 1])).sum(), x)
        assert gradient[:, channel].abs().sum() > 0
        assert gradient[:, 1 - channel].abs().sum() == 0
    with torch.inference_mode():
        assert not torch.allclose(network(x), network(x.flip(1)), atol=1e-4)


def test_a_grey_picture_is_three_equal_channels() -> None:
    assert as_grey(torch.tensor([[[[0.25]]]])).flatten().tolist() == [0.25] * 3


def test_its_input_is_u_and_v_from_0_to_1() -> None:
    given = np.zeros((1, 28, 28, 3), np.uint8)
    given[..., :] = (255, 51, 99)  # u, v, strain
    prepared = METHODS["dual-inception"].prepare(given)
    assert (prepared.shape, prepared.dtype) == ((1, 2, 28, 28), np.float32)
    assert prepared[0, :, 0, 0].tolist() == pytest.approx([1.0, 0.2])


def test_its_paper_preset_is_the_authors() -> None:
    paper = METHODS["dual-inception"].settings()
    assert (paper["lr"], paper["batch"], paper["epochs"], paper["class_weights"]) == (1e-4, 3, 40, "balanced")
    assert any("onset to apex" in line and "middle" in line for line in METHODS["dual-inception"].deviations)


def test_the_exported_network_agrees(network: DualInception, tmp_path: Path) -> None:
    x = maps()
    _export(network, x.numpy(), tmp_path / "network.onnx")
    exported = OnnxNetwork.open(np.asarray, tmp_path / "network.onnx", None)
    for rows in (slice(0, 3), slice(1, 2)):
        with torch.inference_mode():
            expected = network(x[rows]).numpy()
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(exported.logits(x[rows].numpy()), expected, atol=1e-4)
