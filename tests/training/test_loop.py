"""The training loop: it learns, repeats bit for bit, and says where it failed."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from mien.core import MienError, MienWarning  # noqa: E402
from mien.training import Settings  # noqa: E402
from mien.training.augmentation import random_mirror  # noqa: E402
from mien.training.loop import fit_network  # noqa: E402
from mien.training.seeds import reproducible  # noqa: E402

N = 60


def problem() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    targets = torch.arange(N) % 3
    return torch.randn(N, 4, generator=generator) + 2 * torch.eye(3, 4)[targets], targets


def network() -> torch.nn.Module:
    with reproducible(0):
        return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(8, 3))


def weights(trained: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in trained.parameters()])


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
@pytest.mark.parametrize("kind", ["none", "balanced"])
def test_it_learns_what_can_be_learned(optimizer: str, kind: str) -> None:
    inputs, targets = problem()
    settings = Settings(epochs=40, batch=16, lr=0.02, optimizer=optimizer, class_weights=kind)
    trained = fit_network(network(), inputs, targets, settings, seed=0)
    assert (trained(inputs).argmax(1) == targets).float().mean() > 0.8
    assert not trained.training


def test_a_seed_repeats_bit_for_bit_whatever_was_drawn_before_and_watches() -> None:
    inputs, targets = problem()
    settings = Settings(epochs=3, batch=7)
    first = fit_network(network(), inputs, targets, settings, seed=1)
    torch.rand(100)
    again = fit_network(
        network(),
        inputs,
        targets,
        settings,
        seed=1,
        on_epoch=lambda _epoch, net, _loss: torch.rand(9) + net.train()(inputs).sum(),
    )
    other = fit_network(network(), inputs, targets, settings, seed=2)
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))


def test_training_leaves_the_process_as_it_was() -> None:
    inputs, targets = problem()
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled(), torch.random.get_rng_state()
    fit_network(network(), inputs, targets, Settings(epochs=1), seed=3)
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == before[:2]
    assert torch.equal(torch.random.get_rng_state(), before[2])


def test_a_loss_that_is_no_number_names_its_epoch_and_batch() -> None:
    inputs, targets = problem()
    inputs[:] = float("nan")
    with pytest.raises(MienError, match="epoch 1, batch 1"):
        fit_network(network(), inputs, targets, Settings(epochs=2), seed=0)


@pytest.mark.parametrize("kind", ["none", "balanced"])
def test_a_class_without_training_clips_is_said(kind: str) -> None:
    inputs, targets = problem()
    there = targets != 1
    with pytest.warns(MienWarning, match=r"no training clip of class 1 \(of 0 to 2\): its weight is 0") as caught:
        fit_network(network(), inputs[there], targets[there], Settings(epochs=2, class_weights=kind), seed=0)
    assert len(caught) == 1


def test_every_epoch_trains_with_dropout_also_after_a_look_at_the_last() -> None:
    """A network is told to evaluate after each epoch: one left so would train without its dropout."""
    inputs, targets = problem()
    modes: list[bool] = []
    watched = network()
    watched.register_forward_hook(lambda net, given, _: modes.append(net.training) if len(given[0]) > 1 else None)
    fit_network(watched, inputs, targets, Settings(epochs=3, batch=30), 0, on_epoch=lambda _e, net, _l: net(inputs))
    assert modes == [True, True, False] * 3


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd"])
def test_weight_decay_shrinks_the_weights(optimizer: str) -> None:
    inputs, targets = problem()
    free, decayed = (
        weights(
            fit_network(
                network(),
                inputs,
                targets,
                Settings(epochs=5, batch=16, lr=0.02, optimizer=optimizer, weight_decay=decay),
                seed=0,
            )
        ).norm()
        for decay in (0.0, 0.5)
    )
    assert decayed < 0.9 * free


def test_every_epoch_is_shown_once_in_order() -> None:
    inputs, targets = problem()
    seen: list[int] = []
    fit_network(
        network(), inputs, targets, Settings(epochs=3), 0, on_epoch=lambda epoch, _net, _loss: seen.append(epoch)
    )
    assert seen == [1, 2, 3]


def test_a_mirrored_face_moves_the_other_way_sideways() -> None:
    batch = torch.rand(50, 3, 6, 6)
    mirrored = random_mirror(u_channel=2, top=1.0)(batch, torch.Generator().manual_seed(0))
    changed = (mirrored != batch).flatten(1).any(1)
    assert 10 < changed.sum() < 40
    flipped = batch.flip(-1)[changed]
    torch.testing.assert_close(mirrored[changed][:, :2], flipped[:, :2])
    torch.testing.assert_close(mirrored[changed][:, 2], 1 - flipped[:, 2])


def rates(**options: object) -> list[float]:
    settings = Settings(**{"epochs": 25, "lr": 0.1} | options)
    return [settings.lr_in(epoch) for epoch in range(1, settings.epochs + 1)]


@pytest.mark.parametrize(
    ("options", "of_torch"),
    [
        ({}, lambda given: torch.optim.lr_scheduler.ConstantLR(given, 1.0)),
        (
            {"schedule": "step", "step_epochs": 10, "gamma": 0.5},
            lambda given: torch.optim.lr_scheduler.StepLR(given, 10, 0.5),
        ),
        (
            {"schedule": "exponential", "gamma": 0.987},
            lambda given: torch.optim.lr_scheduler.ExponentialLR(given, 0.987),
        ),
        ({"schedule": "cosine"}, lambda given: torch.optim.lr_scheduler.CosineAnnealingLR(given, 25)),
    ],
)
def test_schedules_are_those_of_torch(options: dict, of_torch) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule, expected = of_torch(optimizer), []
    for _ in range(25):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates(**options) == pytest.approx(expected)


def test_a_decay_of_so_many_epochs_ends_and_the_rate_stays() -> None:
    """MMNet: times .987 after each of the first 50 epochs."""
    found = rates(epochs=70, schedule="exponential", gamma=0.987, decay_epochs=50)
    assert found[:51] == pytest.approx([0.1 * 0.987**epoch for epoch in range(51)])
    assert set(found[51:]) == {found[50]}
    assert set(rates(schedule="exponential", gamma=0.5, decay_epochs=0)) == {0.1}


def test_every_epoch_is_trained_with_its_own_rate() -> None:
    """One step of plain gradient descent per epoch: what it moves is rate times gradient."""
    inputs, targets = problem()
    line = torch.nn.Linear(4, 3)
    moved: list[torch.Tensor] = []
    before = weights(line)

    def keep(_epoch: int, net: torch.nn.Module, _loss: float) -> None:
        nonlocal before
        gradient = torch.cat([p.grad.flatten() for p in net.parameters()])
        moved.append(((before - weights(net)).norm() / gradient.norm()).item())
        before = weights(net)

    settings = Settings(
        epochs=6, batch=N, lr=0.5, optimizer="sgd", momentum=0.0, schedule="step", step_epochs=2, gamma=0.1
    )
    fit_network(line, inputs, targets, settings, 0, on_epoch=keep)
    assert moved == pytest.approx([0.5, 0.5, 0.05, 0.05, 0.005, 0.005], rel=1e-3)


@pytest.mark.parametrize("longest", [1e-3, 0.05])
def test_no_step_is_longer_than_the_clipped_gradient(longest: float) -> None:
    inputs, targets = problem()
    line = torch.nn.Linear(4, 3)
    before = weights(line)
    settings = Settings(epochs=1, batch=N, lr=1.0, optimizer="sgd", momentum=0.0, clip_norm=longest)
    fit_network(line, 100 * inputs, targets, settings, seed=0)
    assert (weights(line) - before).norm().item() == pytest.approx(longest, rel=1e-3)


def test_a_short_gradient_is_not_clipped() -> None:
    inputs, targets = problem()
    free, clipped = (
        weights(fit_network(network(), inputs, targets, Settings(epochs=3, clip_norm=norm), 0)) for norm in (None, 1e6)
    )
    assert torch.equal(free, clipped)


def test_the_loss_of_the_first_epoch_is_that_of_smoothed_labels() -> None:
    """With share s the label is 1 - s + s / K for its own class and s / K for each other."""
    inputs, targets = problem()
    line = torch.nn.Linear(4, 3)
    soft = torch.eye(3)[targets] * (1 - 0.3) + 0.3 / 3
    expected = -(soft * line(inputs).log_softmax(1)).sum(1).mean().item()
    seen: list[float] = []
    settings = Settings(epochs=1, batch=N, label_smoothing=0.3)
    fit_network(line, inputs, targets, settings, 0, on_epoch=lambda _epoch, _net, loss: seen.append(loss))
    assert seen == pytest.approx([expected], rel=1e-5)


def test_smoothed_labels_keep_a_network_from_certainty() -> None:
    inputs, targets = problem()
    sharp, soft = (
        fit_network(network(), inputs, targets, Settings(epochs=60, lr=0.05, label_smoothing=share), 0)(inputs)
        .softmax(1)
        .amax(1)
        .mean()
        for share in (0.0, 0.5)
    )
    assert soft < sharp - 0.1


def test_by_default_nothing_is_scheduled_smoothed_or_clipped() -> None:
    """Settings of runs made before these existed still mean the same, bit for bit."""
    inputs, targets = problem()
    with reproducible(4):
        plain = network().train()
        generator = torch.Generator().manual_seed(4)
        optimizer = torch.optim.Adam(plain.parameters(), lr=1e-2)
        for _ in range(3):
            for rows in torch.split(torch.randperm(N, generator=generator), 16):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(plain(inputs[rows]), targets[rows]).backward()
                optimizer.step()
    trained = fit_network(network(), inputs, targets, Settings(epochs=3, batch=16, lr=1e-2), seed=4)
    assert torch.equal(weights(trained), weights(plain))


@pytest.mark.parametrize(
    "bad",
    [
        {"epochs": 0},
        {"batch": 0},
        {"lr": float("nan")},
        {"optimizer": "adagrad"},
        {"class_weights": "focal"},
        {"schedule": "plateau"},
        {"step_epochs": 0},
        {"gamma": 1.1},
        {"gamma": float("nan")},
        {"decay_epochs": -1},
        {"label_smoothing": 1.5},
        {"label_smoothing": -0.1},
        {"clip_norm": -1.0},
        {"clip_norm": float("inf")},
    ],
)
def test_settings_out_of_range_are_refused(bad: dict) -> None:
    with pytest.raises(MienError, match=next(iter(bad))):
        Settings.of({"epochs": 1} | bad)


class TestWhatANetworkMaySay:
    """A network may say itself what its samples are and what its loss is; the loop stays one."""

    def test_two_half_batches_make_the_step_of_a_whole_one(self) -> None:
        inputs, targets = problem()
        found = []
        for batch, accumulate in ((N, 1), (N // 2, 2)):
            torch.manual_seed(0)
            line = torch.nn.Linear(4, 3)
            settings = Settings(epochs=3, batch=batch, accumulate=accumulate, lr=0.5, optimizer="sgd", momentum=0.0)
            found.append(weights(fit_network(line, inputs, targets, settings, 0)))
        torch.testing.assert_close(found[0], found[1])

    @pytest.mark.parametrize("pgd_steps", [0, 1])
    def test_a_step_of_fewer_batches_at_the_end_of_an_epoch_is_as_long_as_their_mean(self, pgd_steps: int) -> None:
        """Five equal batches, two to a step, plain gradient descent: the third step has one batch, and all of it."""
        generator = torch.Generator().manual_seed(2)
        images = torch.rand(1, 3, 4, 4, generator=generator).repeat(5, 1, 1, 1)
        labels, found = torch.zeros(5, dtype=torch.int64), []
        for batch, accumulate in ((5, 1), (1, 2)):  # three epochs of one step; one epoch of three steps
            torch.manual_seed(0)
            plain = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 3))
            settings = Settings(
                epochs=3 if accumulate == 1 else 1,
                batch=batch,
                accumulate=accumulate,
                lr=0.02,
                optimizer="sgd",
                momentum=0.0,
                pgd_steps=pgd_steps,
            )
            with pytest.warns(MienWarning, match="no training clip of class 1, 2"):
                found.append(weights(fit_network(plain, images, labels, settings, 0)))
        torch.testing.assert_close(found[0], found[1])

    def test_its_samples_and_its_loss_are_used(self) -> None:
        inputs, targets = problem()
        seen: list[int] = []

        class Doubled(torch.nn.Linear):
            @staticmethod
            def samples(batch: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
                return batch.repeat(2, 1), labels.repeat(2)

            @staticmethod
            def loss(output: torch.Tensor, labels: torch.Tensor, class_weights: torch.Tensor) -> torch.Tensor:
                seen.append(len(labels))
                return torch.nn.functional.cross_entropy(output, labels, class_weights)

        fit_network(Doubled(4, 3), inputs, targets, Settings(epochs=1, batch=N), 0)
        assert seen == [2 * N]

    def test_a_last_batch_of_one_joins_the_one_before_where_the_network_needs_two(self) -> None:
        inputs, targets = problem()
        seen: list[int] = []

        class Pair(torch.nn.Linear):
            least_batch = 2

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                if self.training:
                    seen.append(len(x))
                return super().forward(x)

        fit_network(Pair(4, 3), inputs, targets, Settings(epochs=1, batch=N - 1), 0)
        assert seen == [N]

    def test_adversarial_training_attacks_every_batch(self) -> None:
        torch.manual_seed(0)
        images, labels = torch.rand(8, 3, 6, 6), torch.arange(8) % 3
        found = []
        for steps in (0, 3):
            torch.manual_seed(1)
            network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(108, 3))
            settings = Settings(epochs=2, batch=8, pgd_steps=steps, pgd_epsilon=0.1, pgd_step=0.05)
            found.append(weights(fit_network(network, images, labels, settings, 0)))
        assert not torch.allclose(found[0], found[1])

    def test_the_loss_per_sample_keeps_the_weight_of_a_batch_of_one_class(self) -> None:
        """With batches of one clip torch's weighted mean ignores the weights; AD-Net's eq. 6 does not."""
        inputs, _ = problem()
        targets = torch.tensor([0] * (N - 2) + [1, 2])
        found = []
        for loss in ("cross-entropy", "per-sample"):
            torch.manual_seed(0)
            settings = Settings(
                epochs=1, batch=1, lr=0.1, optimizer="sgd", momentum=0.0, class_weights="balanced", loss=loss
            )
            found.append(weights(fit_network(torch.nn.Linear(4, 3), inputs, targets, settings, 0)))
        assert not torch.allclose(found[0], found[1])
