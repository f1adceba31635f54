"""C3D's network: eight convolutions, five poolings, and time kept by the first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien.core import MienError  # noqa: E402
from mien.methods._network import _export  # noqa: E402
from mien.methods._onnx import OnnxNetwork  # noqa: E402
from mien.methods.c3d.network import C3D  # noqa: E402


def count(module: torch.nn.Module) -> int:
    return sum(weights.numel() for weights in module.parameters())


def small(**settings: object) -> C3D:
    torch.manual_seed(0)
    return C3D(3, **{"size": 32, "width": 4, **settings}).eval()


def batch(channels: int = 3) -> torch.Tensor:
    return torch.rand(2, channels, 16, 32, 32, generator=torch.Generator().manual_seed(1))


def test_most_of_its_parameters_are_in_the_linear_layers() -> None:
    with torch.device("meta"):
        network = C3D(3)
    assert count(network.convolve) == 27_655_936
    linear = [layer for layer in network.classify if isinstance(layer, torch.nn.Linear)]
    assert [layer.in_features for layer in linear] == [8192, 4096, 4096]
    assert count(network) == 78_008_067


def test_the_poolings_leave_4_by_4_pixels_of_one_step() -> None:
    network, seen = C3D(3, width=2).eval(), []
    for layer in network.convolve:
        if isinstance(layer, torch.nn.MaxPool3d):
            layer.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[1:])))
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 16, 112, 112)).shape == (1, 3)
    assert seen == [(2, 16, 56, 56), (4, 8, 28, 28), (8, 4, 14, 14), (16, 2, 7, 7), (16, 1, 4, 4)]


@pytest.mark.parametrize(("frames", "size"), [(16, 16), (16, 47), (33, 32), (40, 112)])
def test_other_sizes_fit_too(frames: int, size: int) -> None:
    assert small(frames=frames, size=size)(torch.zeros(1, 3, frames, size, size)).shape == (1, 3)


def test_the_order_of_the_frames_matters() -> None:
    network, x = small(), batch()
    with torch.inference_mode():
        assert not torch.allclose(network(x.flip(2)), network(x))


def test_dropout_acts_in_training_only() -> None:
    network, x = small(), batch()
    torch.testing.assert_close(network(x), network(x))
    assert not torch.allclose(network.train()(x), network(x))


@pytest.mark.parametrize("channels", [3, 2])
def test_onnx_answers_as_torch_does(channels: int, tmp_path: Path) -> None:
    network, x = small(channels=channels), batch(channels)
    path = tmp_path / "network.onnx"
    _export(network, x.numpy(), path)
    exported = OnnxNetwork.open(np.asarray, path, None)
    for rows in (slice(0, 2), slice(1, 2)):
        with torch.inference_mode():
            expected = network(x[rows]).numpy()
        np.testing.assert_allclose(exported.logits(x[rows].numpy()), expected, atol=1e-4)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(MienError, match="frames = 8; expected 16 at least"):
        C3D(3, frames=8)
    with pytest.raises(MienError, match=r"expected \(N, 2, 16, 32, 32\)"):
        small(channels=2)(batch())
