"""CapsuleNet: its sizes, its capsules, the routing between them, its loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien.core import MienError  # noqa: E402
from mien.methods._network import _export  # noqa: E402
from mien.methods._onnx import OnnxNetwork  # noqa: E402
from mien.methods.capsulenet.network import CapsuleNet, margin_loss, route, squash  # noqa: E402

SMALL = 136


@pytest.fixture(scope="module")
def network() -> CapsuleNet:
    """Votes far larger than an untrained network's, so that the lengths are not all near 0."""
    torch.manual_seed(0)
    net = CapsuleNet(3, size=SMALL).eval()
    net.votes.data *= 100
    return net


def frames(n: int = 2, size: int = SMALL) -> torch.Tensor:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(1))


def votes(n: int = 2, classes: int = 3, capsules: int = 9) -> torch.Tensor:
    return torch.randn(n, classes, capsules, 16, generator=torch.Generator().manual_seed(2))


def test_it_has_the_parameters_of_the_authors_network() -> None:
    with torch.device("meta"):
        net = CapsuleNet(3)
    parts = {name: sum(p.numel() for p in part.parameters()) for name, part in net.named_children()}
    assert parts == {"backbone": 2_782_784, "convolve": 5_308_672, "primary": 5_308_672}
    assert net.votes.shape == (3, 1152, 16, 8)
    assert sum(p.numel() for p in net.parameters()) == 13_842_496


def test_a_frame_of_224_becomes_1152_capsules_of_8() -> None:
    with torch.device("meta"):
        net = CapsuleNet(3).eval()
        seen: dict[str, tuple[int, ...]] = {}
        for name in ("backbone.layer1", "backbone.layer3", "convolve", "primary"):
            keep = lambda _m, _i, out, name=name: seen.update({name: tuple(out.shape[1:])})  # noqa: E731
            net.get_submodule(name).register_forward_hook(keep)
        assert net.primary_capsules(torch.zeros(1, 3, 224, 224)).shape == (1, 1152, 8)
        assert net.capsules(torch.zeros(1, 3, 224, 224)).shape == (1, 3, 16)
    assert seen == {
        "backbone.layer1": (64, 112, 112),
        "backbone.layer3": (256, 28, 28),
        "convolve": (256, 20, 20),
        "primary": (256, 6, 6),
    }


def test_the_stem_pools_nothing_away(network: CapsuleNet) -> None:
    called = []
    hook = network.backbone.maxpool.register_forward_hook(lambda *_: called.append(1))
    with torch.inference_mode():
        network(frames(1))
    hook.remove()
    assert not called


def test_the_eight_values_of_a_capsule_are_of_one_place(network: CapsuleNet) -> None:
    """Capsule k of a place is channels 8 k to 8 k + 7 there."""
    seen: list[torch.Tensor] = []
    hook = network.primary.register_forward_hook(lambda _m, _i, out: seen.append(out))
    with torch.inference_mode():
        capsules = network.primary_capsules(frames(1))
    hook.remove()
    torch.testing.assert_close(capsules[0, 5], squash(seen[0][0, 40:48, 0, 0]))


def test_lengths_are_from_0_to_below_1(network: CapsuleNet) -> None:
    with torch.inference_mode():
        lengths = network(frames()).exp()
    assert lengths.shape == (2, 3)
    assert (lengths > 0.1).all()
    assert (lengths < 1).all()


def test_squashing_keeps_the_direction_and_shortens_below_1() -> None:
    length = torch.tensor([0.0, 1e-3, 0.5, 1.0, 3.0, 100.0])
    squashed = squash(length[:, None] * torch.tensor([0.6, -0.8]))
    torch.testing.assert_close(squashed.norm(dim=1), length**2 / (1 + length**2))
    torch.testing.assert_close(squashed[3:] / squashed[3:].norm(dim=1, keepdim=True), torch.tensor([[0.6, -0.8]] * 3))


def test_a_capsule_of_nothing_has_a_gradient() -> None:
    nothing = torch.zeros(2, 8, requires_grad=True)
    squash(nothing).sum().backward()
    assert nothing.grad.isfinite().all()


def test_routing_of_one_iteration_is_the_uniform_mean() -> None:
    given = votes()
    torch.testing.assert_close(route(given, 1), squash(given.sum(dim=2) / 3))
    mean = given.mean(dim=2)
    torch.testing.assert_close(
        torch.nn.functional.cosine_similarity(route(given, 1), mean, dim=2), torch.ones(2, 3), atol=1e-5, rtol=0
    )


def test_routing_goes_on_towards_agreement() -> None:
    """Eight capsules vote alike for class 0 and at random for class 1: each iteration lengthens the first more."""
    given = votes(1, 2, 8) * 0.3
    given[:, 0] = given[:, 0, :1]
    lengths = torch.stack([route(given, iterations).norm(dim=2)[0] for iterations in (1, 2, 3, 5)])
    assert (lengths[1:, 0] > lengths[:-1, 0]).all()
    assert (lengths[1:, 1] < lengths[:-1, 1]).all()


def test_couplings_of_two_iterations_by_hand() -> None:
    """One capsule, two classes, one value: votes 2 and 1."""
    given = torch.tensor([[[[2.0]], [[1.0]]]])
    first = squash(given[..., 0] / 2)  # 1 and 1/2 squashed: 1/2 and 1/5
    assert first.flatten().tolist() == pytest.approx([0.5, 0.2])
    share = torch.tensor([2 * 0.5, 1 * 0.2]).softmax(0)
    expected = squash(torch.stack([2 * share[:1], 1 * share[1:]])).flatten()
    assert route(given, 2).flatten().tolist() == pytest.approx(expected.tolist())


def test_capsules_are_a_set() -> None:
    given = votes()
    order = torch.randperm(given.shape[2], generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(route(given[:, :, order]), route(given))
    torch.testing.assert_close(route(given.flip(1)), route(given).flip(1))


def test_routing_needs_an_iteration() -> None:
    with pytest.raises(MienError, match="got 0 iterations"):
        route(votes(), 0)


def test_margin_loss_by_hand() -> None:
    lengths = torch.tensor([[0.99, 0.01, 0.0], [0.49, 0.61, 0.01]])
    # The first is right to the margin; the second: (.99 - .49)^2 + .5 (.61 - .01)^2.
    expected = (0.0 + 0.25 + 0.5 * 0.36) / 2
    assert margin_loss(lengths, torch.tensor([0, 0])).item() == pytest.approx(expected)
    original = margin_loss(lengths[:1], torch.tensor([1]), present=0.9, absent=0.1, balance=0.5).item()
    assert original == pytest.approx(0.89**2 + 0.5 * 0.89**2)


def test_it_trains_by_the_margin_loss() -> None:
    torch.manual_seed(0)
    net = CapsuleNet(3, size=SMALL)
    margin_loss(net(frames()), torch.tensor([0, 2])).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in net.parameters())


def test_frames_of_another_size_are_refused(network: CapsuleNet) -> None:
    with pytest.raises(MienError, match=r"expected \(N, 3, 136, 136\)"):
        network(frames(1, 144))
    for size in (128, 225):
        with pytest.raises(MienError, match="expected a multiple of 8 from 136"):
            CapsuleNet(3, size=size)


def test_the_exported_network_agrees(network: CapsuleNet, tmp_path: Path) -> None:
    x = frames()
    _export(network, x.numpy(), tmp_path / "network.onnx")
    exported = OnnxNetwork.open(np.asarray, tmp_path / "network.onnx", None)
    for rows in (slice(0, 2), slice(1, 2)):
        with torch.inference_mode():
            expected = network(x[rows]).numpy()
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(exported.logits(x[rows].numpy()), expected, atol=1e-4)
