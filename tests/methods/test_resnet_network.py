"""ResNets on the difference of onset and apex."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien.core import MienError  # noqa: E402
from mien.methods._network import _export  # noqa: E402
from mien.methods._onnx import OnnxNetwork  # noqa: E402
from mien.methods.resnet.network import DifferenceResNet, resnet18, resnet50  # noqa: E402


@pytest.fixture(scope="module")
def network() -> DifferenceResNet:
    torch.manual_seed(0)
    return resnet18(3).eval()


def test_they_have_torchvisions_parameters() -> None:
    with torch.device("meta"):
        totals = [sum(p.numel() for p in net.parameters()) for net in (resnet18(4), resnet50(4))]
        imagenet = [sum(p.numel() for p in net.parameters()) for net in (resnet18(1000), resnet50(1000))]
    assert totals == [11_178_564, 23_516_228]
    assert imagenet == [11_689_512, 25_557_032]


def test_they_see_only_the_difference(network: DifferenceResNet) -> None:
    x = torch.rand(2, 2, 3, 32, 32) / 2
    with torch.inference_mode():
        torch.testing.assert_close(network(x + 0.25), network(x), atol=1e-4, rtol=1e-4)
        still = network(x[:, :1].repeat(1, 2, 1, 1, 1))
        torch.testing.assert_close(still, network(torch.zeros_like(x)))
        assert not torch.allclose(network(x), still, atol=1e-2)


def test_a_frame_of_224_ends_in_seven_by_seven(network: DifferenceResNet) -> None:
    seen = []
    hook = network.backbone.layer4.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape)))
    with torch.inference_mode():
        network(torch.rand(1, 2, 3, 224, 224))
    hook.remove()
    assert seen == [(1, 512, 7, 7)]


def test_what_does_not_fit_is_refused(network: DifferenceResNet) -> None:
    with pytest.raises(MienError, match=r"expected \(N, 2, 3, H, W\)"):
        network(torch.rand(2, 3, 32, 32))
    with pytest.raises(MienError, match="expected 18 or 50"):
        DifferenceResNet(3, 34)


def test_the_exported_network_agrees(network: DifferenceResNet, tmp_path: Path) -> None:
    x = torch.rand(3, 2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    _export(network, x.numpy(), tmp_path / "network.onnx")
    with torch.inference_mode():
        expected = network(x).numpy()
    exported = OnnxNetwork.open(np.asarray, tmp_path / "network.onnx", None)
    np.testing.assert_allclose(exported.logits(x.numpy()), expected, atol=1e-4)
