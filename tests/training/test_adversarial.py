"""PGD: exact where the loss is linear, bounded everywhere, and no trace in the network."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402

from mien.core import MienError  # noqa: E402
from mien.training.adversarial import adversarial_backward, pgd, right_under_attack  # noqa: E402

Y = torch.tensor([0, 1, 2, 0])


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.0), nn.Flatten(), nn.Linear(4 * 36, 3)
    )


def images(n: int = 4) -> torch.Tensor:
    return torch.rand(n, 3, 8, 8, generator=torch.Generator().manual_seed(2))


def linear(weights: torch.Tensor):
    return lambda x, _y: (weights * x).sum()


@pytest.mark.parametrize(("epsilon", "step", "steps"), [(2, 1, 3), (4, 1, 3), (2, 1, 0), (8, 2, 7), (1, 4, 1)])
def test_on_a_linear_loss_the_attack_is_known(epsilon: int, step: int, steps: int) -> None:
    # In 256ths every step is exact in float32.
    torch.manual_seed(0)
    x = torch.randint(1, 257, (2, 3, 4, 4)) / 256
    weights = torch.randn(2, 3, 4, 4)
    weights[0, 0, 0, 0] = 0
    attacked = pgd(
        nn.Identity(), linear(weights), x, Y, epsilon=epsilon / 256, step=step / 256, steps=steps, freeze_norm=True
    )
    reach = min(steps * step, epsilon) / 256
    assert torch.equal(attacked, (x + reach * weights.sign()).clamp(0, 1))


@pytest.mark.parametrize("freeze", [True, False])
def test_no_pixel_moves_further_than_epsilon_or_leaves_its_range(network: nn.Module, freeze: bool) -> None:
    x = images()
    x[0, 0, 0] = 1
    attacked = pgd(network, cross_entropy, x, Y, epsilon=8 / 255, step=5 / 255, steps=7, freeze_norm=freeze)
    rounding = 2**-24  # half a unit in the last place below 1
    assert (attacked - x).abs().max() <= 8 / 255 + rounding
    assert attacked.min() >= 0
    assert attacked.max() <= 1
    assert (attacked != x).any()
    assert not attacked.requires_grad


def test_the_attack_raises_the_loss(network: nn.Module) -> None:
    network.eval()
    x = images()
    losses = [cross_entropy(network(pgd(network, cross_entropy, x, Y, steps=steps)), Y).item() for steps in range(4)]
    assert losses == sorted(losses)
    assert losses[3] > losses[0]


def test_the_attack_leaves_no_gradient_on_the_weights(network: nn.Module) -> None:
    x = images()
    pgd(network, cross_entropy, x, Y)
    assert all(weights.grad is None for weights in network.parameters())
    cross_entropy(network(x), Y).backward()
    before = [weights.grad.clone() for weights in network.parameters()]
    pgd(network, cross_entropy, x, Y)
    for weights, gradient in zip(network.parameters(), before, strict=True):
        assert torch.equal(weights.grad, gradient)
    assert x.grad is None


def test_the_attack_leaves_the_running_statistics(network: nn.Module) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    pgd(network, cross_entropy, images(), Y)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(module.training for module in network.modules())
    pgd(network, cross_entropy, images(), Y, freeze_norm=False)
    assert not torch.equal(network[1].running_mean, before["1.running_mean"])


def test_a_norm_that_was_frozen_already_stays_so(network: nn.Module) -> None:
    network[1].eval()
    with pytest.raises(ZeroDivisionError):
        pgd(network, lambda logits, y: 1 / 0, images(), Y)
    assert not network[1].training
    network.train()
    with pytest.raises(ZeroDivisionError):
        pgd(network, lambda logits, y: 1 / 0, images(), Y)
    assert network[1].training


def test_padding_stays_zero_and_a_black_pixel_does_not() -> None:
    clips = torch.full((2, 3, 3, 4, 4), 0.5)
    clips[0, 1:] = 0
    clips[1, 0, 0, 0, 0] = 0
    attacked = pgd(nn.Identity(), linear(torch.ones_like(clips)), clips, Y)
    assert not attacked[0, 1:].any()
    assert attacked[1, 0, 0, 0, 0].item() == pytest.approx(2 / 255)
    assert (attacked[0, 0] > 0.5).all()


def test_it_attacks_where_gradients_are_off(network: nn.Module) -> None:
    with torch.no_grad():
        assert (pgd(network, cross_entropy, images(), Y) != images()).any()


def test_a_step_adds_the_gradients_of_both_batches(network: nn.Module) -> None:
    x = images()
    network[1].eval()  # so that the order of the batches does not matter
    attacked = pgd(network, cross_entropy, x, Y)
    expected = []
    for batch in (x, attacked):
        network.zero_grad()
        cross_entropy(network(batch), Y).backward()
        expected.append([weights.grad.clone() for weights in network.parameters()])
    network.zero_grad()
    clean, harder = adversarial_backward(network, cross_entropy, x, Y)
    for weights, first, second in zip(network.parameters(), *expected, strict=True):
        torch.testing.assert_close(weights.grad, first + second)
    torch.testing.assert_close(clean, cross_entropy(network(x), Y))
    torch.testing.assert_close(harder, cross_entropy(network(attacked), Y))
    assert not clean.requires_grad


def test_a_step_updates_the_running_statistics_twice(network: nn.Module) -> None:
    adversarial_backward(network, cross_entropy, images(), Y)
    assert network[1].num_batches_tracked.item() == 2


@pytest.mark.parametrize("value", [float("nan"), -0.1, 1.5, 255.0])
def test_pixels_outside_0_to_1_are_refused(value: float) -> None:
    x = images()
    x[1, 2, 3, 4] = value
    with pytest.raises(MienError, match="values 0 to 1"):
        pgd(nn.Identity(), linear(x), x, Y)


@pytest.mark.parametrize("setting", [{"epsilon": -1.0}, {"step": float("nan")}, {"steps": -1}])
def test_an_attack_of_no_size_is_refused(setting: dict[str, float]) -> None:
    with pytest.raises(MienError, match="expected a number from 0"):
        pgd(nn.Identity(), linear(images()), images(), Y, **setting)


def brighter_pixel() -> nn.Module:
    """Two pixels; the brighter one is the class: a difference of d is lost from epsilon d / 2."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    network[1].weight.data.copy_(torch.eye(2))
    return network


@pytest.mark.parametrize("steps", [4, 10])
def test_an_image_is_lost_when_epsilon_is_half_of_what_tells_its_class(steps: int) -> None:
    differences = torch.tensor([0.02, 0.1, 0.3, -0.1])  # the last is named wrong from the start
    x = torch.stack([0.5 + differences / 2, 0.5 - differences / 2], dim=1).reshape(4, 1, 1, 2)
    epsilons = [0.0, 0.005, 0.02, 0.06, 0.2]
    right = right_under_attack(brighter_pixel(), x, torch.zeros(4, dtype=torch.int64), epsilons, steps=steps, batch=3)
    expected = [[epsilon < difference / 2 for difference in differences.tolist()] for epsilon in epsilons]
    assert right.tolist() == expected


def test_what_an_attack_has_won_it_keeps() -> None:
    class Window(nn.Module):
        """Names a pixel of .5 to .6 right where nothing changed it, and again beyond .7."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            level = x.flatten(1).mean(dim=1)
            inside = (level < 0.55) | (level > 0.7)
            return torch.stack([inside + 0.1 - 0.01 * level, 0.5 + 0 * level], dim=1)

    x = torch.full((1, 1, 1, 1), 0.5)
    attacked = [right_under_attack(Window(), x, torch.tensor([0]), epsilons) for epsilons in ([0.1], [0.4], [0.1, 0.4])]
    assert [right.flatten().tolist() for right in attacked] == [[False], [True], [False, False]]


def test_asking_for_robustness_leaves_no_trace(network: nn.Module) -> None:
    before = {name: value.clone() for name, value in network.state_dict().items()}
    right_under_attack(network, images(), Y, [0.0, 8 / 255])
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(weights.grad is None for weights in network.parameters())
    network.eval()
    plain = network(images()).argmax(dim=1) == Y
    assert torch.equal(right_under_attack(network, images(), Y, [0.0])[0], plain)
    assert not network.training


def test_epsilons_that_do_not_ascend_are_refused(network: nn.Module) -> None:
    with pytest.raises(MienError, match="expected them to ascend"):
        right_under_attack(network, images(), Y, [0.1, 0.0])
