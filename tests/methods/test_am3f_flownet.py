"""AM3F-FlowNet: three branches, three scales, two attentions, a loss that knows the priors."""

from __future__ import annotations

from math import log
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien.methods._network import _export  # noqa: E402
from mien.methods._onnx import OnnxNetwork  # noqa: E402
from mien.methods.am3f_flownet.network import (  # noqa: E402
    AM3FFlowNet,
    FlowReweighting,
    SpatialAttention,
    log_priors,
    logit_adjusted_loss,
)


@pytest.fixture(scope="module")
def network() -> AM3FFlowNet:
    torch.manual_seed(0)
    net = AM3FFlowNet(3)
    net(torch.rand(16, 3, 28, 28))  # batch norm has seen something
    net.classify[1].weight.data *= 30  # an untrained network's logits are all near 0
    return net.eval()


def maps(n: int = 3) -> torch.Tensor:
    return torch.rand(n, 3, 28, 28, generator=torch.Generator().manual_seed(1))


def test_it_has_the_parameters_of_its_parts() -> None:
    stages = sum(9 * before * after + 2 * after for before, after in ((1, 16), (16, 32), (32, 64)))
    branch = stages + 3 * (2 * 49) + sum(64 * width + 64 for width in (16, 32, 64))
    reweight = 3 * 192 + 3 + 3 * (64 * 16 + 16 + 16 * 64 + 64)
    total = sum(p.numel() for p in AM3FFlowNet(3).parameters())
    assert total == 3 * branch + reweight + 3 * 192 + 3 == 100_728


def test_each_branch_sees_one_flow_at_28_14_and_7(network: AM3FFlowNet) -> None:
    seen: list[tuple[int, ...]] = []
    hooks = [a.register_forward_hook(lambda _m, _i, o: seen.append(o.shape[1:])) for a in network.branches[0].attend]
    with torch.inference_mode():
        features = network.features(maps(1))
    for hook in hooks:
        hook.remove()
    assert seen == [(16, 28, 28), (32, 14, 14), (64, 7, 7)]
    assert features.shape == (1, 3, 64, 7, 7)


def test_a_flow_reaches_its_own_branch_only(network: AM3FFlowNet) -> None:
    x = maps(1)
    with torch.inference_mode():
        before = network.features(x)
        for flow in range(3):
            other = x.clone()
            other[:, flow] = 0.5
            changed = (network.features(other) != before).flatten(2).any(2)[0]
            assert changed.tolist() == [number == flow for number in range(3)]


def test_spatial_attention_weighs_places_alike_in_every_channel() -> None:
    torch.manual_seed(0)
    attend, x = SpatialAttention(), torch.rand(2, 8, 9, 9)
    weights = attend.weights(x)
    assert weights.shape == (2, 1, 9, 9)
    assert ((weights > 0) & (weights < 1)).all()
    torch.testing.assert_close(attend(x), x * weights)
    torch.testing.assert_close(attend.weights(x.flip(1)), weights, msg="the order of channels does not matter")


def test_the_flows_share_one_unit_of_weight_and_channels_are_gated() -> None:
    torch.manual_seed(0)
    reweight, x = FlowReweighting(8), torch.rand(2, 3, 8, 5, 5)
    flows, channels = reweight.weights(x)
    torch.testing.assert_close(flows.sum(1), torch.ones(2))
    assert channels.shape == (2, 3, 8)
    assert ((channels > 0) & (channels < 1)).all()
    expected = x[1, 2, 4] * flows[1, 2] * channels[1, 2, 4]
    torch.testing.assert_close(reweight(x)[1, 2, 4], expected)


def test_priors_are_the_shares_of_the_training_labels() -> None:
    priors = log_priors(torch.tensor([0] * 88 + [1] * 32 + [2] * 25), 3)
    assert priors.tolist() == pytest.approx([log(88 / 145), log(32 / 145), log(25 / 145)])


def test_the_adjusted_loss_asks_more_for_a_rare_class() -> None:
    """With equal logits the loss is minus log of the prior; with equal priors it is the plain cross entropy."""
    priors = log_priors(torch.tensor([0] * 9 + [1]), 2)
    equal = torch.zeros(1, 2)
    assert logit_adjusted_loss(equal, torch.tensor([0]), priors).item() == pytest.approx(-log(0.9))
    assert logit_adjusted_loss(equal, torch.tensor([1]), priors).item() == pytest.approx(-log(0.1))
    logits, targets = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 0, 1])
    plain = torch.nn.functional.cross_entropy(logits, targets)
    torch.testing.assert_close(logit_adjusted_loss(logits, targets, log_priors(torch.arange(3), 3)), plain)
    torch.testing.assert_close(logit_adjusted_loss(logits, targets, log_priors(torch.tensor([0, 0, 1]), 3), 0), plain)


def test_a_class_that_never_occurs_does_no_harm() -> None:
    logits = torch.zeros(2, 3, requires_grad=True)
    loss = logit_adjusted_loss(logits, torch.tensor([0, 1]), log_priors(torch.tensor([0, 1]), 3))
    loss.backward()
    assert loss.item() == pytest.approx(log(2))
    assert logits.grad.isfinite().all()


def test_the_exported_network_agrees(network: AM3FFlowNet, tmp_path: Path) -> None:
    x = maps()
    _export(network, x.numpy(), tmp_path / "network.onnx")
    exported = OnnxNetwork.open(np.asarray, tmp_path / "network.onnx", None)
    for rows in (slice(0, 3), slice(1, 2)):
        with torch.inference_mode():
            expected = network(x[rows]).numpy()
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(exported.logits(x[rows].numpy()), expected, atol=1e-4)
