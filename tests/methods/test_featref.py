"""FeatRef: shared features, a branch for each expression, their fusion."""

from __future__ import annotations

from math import log
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien.methods._network import _export  # noqa: E402
from mien.methods._onnx import OnnxNetwork  # noqa: E402
from mien.methods.dual_inception.network import DualInception  # noqa: E402
from mien.methods.featref.network import FeatRef, refinement_loss  # noqa: E402


@pytest.fixture(scope="module")
def network() -> FeatRef:
    torch.manual_seed(0)
    net = FeatRef(3, bottleneck=16).eval()
    net.classify[2].weight.data *= 100  # an untrained network's logits are all near 0
    return net


def maps(n: int = 3) -> torch.Tensor:
    return torch.rand(n, 2, 28, 28, generator=torch.Generator().manual_seed(1))


def test_it_has_the_parameters_of_its_parts() -> None:
    with torch.device("meta"):
        net, backbone = FeatRef(3), DualInception(3)
    branch = (6272 * 128 + 128) + (128 * 6272 + 6272) + (6272 + 1)
    assert sum(p.numel() for p in backbone.parameters()) == 6_449_963
    assert sum(p.numel() for p in net.parameters()) == 6_449_963 + 3 * branch == 11_304_878


@pytest.mark.parametrize("n_classes", [3, 5])
def test_there_is_a_branch_for_each_expression(n_classes: int) -> None:
    net = FeatRef(n_classes, bottleneck=2)
    assert net.specific(maps(1)).shape == (1, n_classes, 6272)
    logits, proposals = net.propose(maps(2))
    assert logits.shape == proposals.shape == (2, n_classes)


def test_attending_to_everything_is_dual_inception(network: FeatRef) -> None:
    torch.manual_seed(3)
    blind, plain = FeatRef(3, bottleneck=2).eval(), DualInception(3).eval()
    for attend in blind.attend:
        torch.nn.init.zeros_(attend[2].weight)
        torch.nn.init.constant_(attend[2].bias, 50.0)  # a sigmoid of 1
    plain.u.load_state_dict(blind.u.state_dict())
    plain.v.load_state_dict(blind.v.state_dict())
    plain.classify[1].load_state_dict(blind.classify[0].state_dict())
    plain.classify[3].load_state_dict(blind.classify[2].state_dict())
    with torch.inference_mode():
        torch.testing.assert_close(blind(maps()), plain(maps()))


def test_attention_only_ever_weakens_a_shared_feature(network: FeatRef) -> None:
    """The shared features come from a ReLU, so they are not negative; a factor is from 0 to 1."""
    with torch.inference_mode():
        specific = network.specific(maps())
        shared = torch.cat(
            [network.u(maps()[:, :1].repeat(1, 3, 1, 1)), network.v(maps()[:, 1:].repeat(1, 3, 1, 1))], 1
        )
    assert (specific >= 0).all()
    assert (specific <= shared.flatten(1).unsqueeze(1)).all()
    assert not torch.allclose(specific[:, 0], specific[:, 1])


def test_a_branch_proposes_from_its_own_features_only(network: FeatRef) -> None:
    proposals = network.propose(maps(1))[1]
    for own in range(3):
        network.zero_grad()
        proposals[0, own].backward(retain_graph=True)
        touched = [attend[0].weight.grad is not None and bool(attend[0].weight.grad.any()) for attend in network.attend]
        assert touched == [number == own for number in range(3)]
    network.zero_grad()


def test_the_loss_by_hand() -> None:
    logits, proposals = torch.zeros(1, 3), torch.tensor([[0.0, 100.0, -100.0]])
    right = refinement_loss(logits, proposals, torch.tensor([1]))
    assert right.item() == pytest.approx(log(3) + log(2) / 3)
    assert refinement_loss(logits, proposals, torch.tensor([1]), weight=0).item() == pytest.approx(log(3))
    assert refinement_loss(logits, proposals, torch.tensor([2])) > right + 10


def test_the_exported_network_agrees(network: FeatRef, tmp_path: Path) -> None:
    x = maps()
    _export(network, x.numpy(), tmp_path / "network.onnx")
    exported = OnnxNetwork.open(np.asarray, tmp_path / "network.onnx", None)
    for rows in (slice(0, 3), slice(1, 2)):
        with torch.inference_mode():
            expected = network(x[rows]).numpy()
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(exported.logits(x[rows].numpy()), expected, atol=1e-4)
