"""mien-net: mirrored twins agree, action units are learnt beside the classes, and what is saved runs without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.core import MienError  # noqa: E402
from mien.methods import METHODS, load_model, save_model  # noqa: E402
from mien.methods.mien_net import train  # noqa: E402
from mien.methods.mien_net.method import prepare  # noqa: E402
from mien.methods.mien_net.network import MienNet, mirrored  # noqa: E402
from mien.methods.mien_net.units import UNITS, naming_thresholds  # noqa: E402
from mien.synthesis import ACTION_UNITS, MapSettings  # noqa: E402
from mien.synthesis.emotions import CLASSES, class_shares  # noqa: E402
from mien.synthesis.motion_maps import synthetic_maps  # noqa: E402

METHOD = METHODS["mien-net"]
SHARES = list(class_shares().values())
TINY = {"members": 2, "width": 4, "hidden": 8}
QUICK = {**METHOD.settings("synthetic"), "epochs": 2, "batch": 16}


def network(n_classes: int = 3, seed: int = 0, **options: int) -> MienNet:
    torch.manual_seed(seed)
    return MienNet(n_classes, **(TINY | options))


def clips(n: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, 2, 28, 28)).astype(np.float32))


@pytest.fixture(scope="module")
def synthetic():
    """60 clips, two crops each."""
    return synthetic_maps(20, 0, MapSettings(drawn=0.1), crops=2, jobs=1)


@pytest.fixture(scope="module")
def taught(synthetic):
    return train.learn_synthetic(
        METHOD,
        synthetic.maps,
        synthetic.labels,
        synthetic.action_units,
        shares=SHARES,
        held_out=(synthetic.maps[:, 1], synthetic.labels),
        settings=QUICK,
        seed=0,
    )


@pytest.fixture(scope="module")
def saved(taught, synthetic, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mien-net") / "model"
    return save_model(folder, METHOD, taught, classes=CLASSES, example=synthetic.maps[0, 0], details={"settings": {}})


# --- input


def test_prepared_maps_have_median_zero_and_deviation_one_in_each_channel() -> None:
    maps = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 3), np.uint8)
    made = prepare(maps)
    assert made.shape == (5, 2, 28, 28)
    assert made.dtype == np.float32
    np.testing.assert_allclose(np.median(made, axis=(2, 3)), 0, atol=1e-6)
    np.testing.assert_allclose(made.std(axis=(2, 3)), 1, atol=1e-4)


def test_strain_and_the_stretch_do_not_reach_the_network() -> None:
    maps = np.random.default_rng(0).integers(0, 120, (2, 28, 28, 3), np.uint8)
    other = maps.copy()
    other[..., 0] = 2 * maps[..., 0] + 10
    other[..., 2] = 255 - maps[..., 2]
    np.testing.assert_allclose(prepare(other), prepare(maps), atol=1e-5)


def test_a_map_without_motion_is_zero_and_gets_an_answer() -> None:
    made = prepare(np.full((1, 28, 28, 3), 128, np.uint8))
    assert not made.any()
    assert torch.isfinite(network().eval()(torch.from_numpy(made))).all()


# --- network


def test_three_classes_take_741666_parameters() -> None:
    assert sum(p.numel() for p in MienNet(3).parameters() if p.requires_grad) == METHOD.parameters == 741_666


def test_it_answers_for_all_modelled_units_but_the_blink() -> None:
    assert set(UNITS) == set(ACTION_UNITS) - {45}
    assert METHOD.action_units == UNITS


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_shapes(n_classes: int) -> None:
    net, x = network(n_classes), clips(4)
    assert net.train()(x).shape == (4, 2, n_classes + len(UNITS))
    assert net.eval()(x).shape == (4, n_classes)
    classes, units = net.with_units(x)
    assert classes.shape == (4, n_classes)
    assert units.shape == (4, len(UNITS))


def test_in_use_it_answers_with_logarithms_of_probabilities() -> None:
    net = network().eval()
    torch.testing.assert_close(net(clips(6)).exp().sum(dim=1), torch.ones(6))
    units = net.with_units(clips(6))[1]
    assert 0 < units.min() <= units.max() < 1


def test_a_mirrored_face_gets_the_same_answer() -> None:
    net, x = network().eval(), clips(6)
    torch.testing.assert_close(net(mirrored(x)), net(x), atol=1e-6, rtol=0)
    torch.testing.assert_close(net.with_units(mirrored(x))[1], net.with_units(x)[1], atol=1e-6, rtol=0)
    with torch.no_grad():
        assert (net._all(mirrored(x)) - net._all(x)).abs().max() > 1e-3  # each member alone does not see to it


def test_mirroring_twice_gives_the_map_back() -> None:
    torch.testing.assert_close(mirrored(mirrored(clips(3))), clips(3))


def test_the_same_motion_elsewhere_on_the_face_is_something_else() -> None:
    """The network is told where on the map each pixel lies."""
    spots, net = torch.zeros(2, 2, 28, 28), network().eval()
    spots[0, 1, 6:10, 12:16] = spots[1, 1, 18:22, 12:16] = 3.0  # three cells of four pixels further down
    with torch.no_grad():
        placed = torch.cat([spots, net.place.expand(2, -1, -1, -1)], dim=1)
        up, down = (net.members[0].maps(clip[None])[0] for clip in placed)
    assert (up[:, 1:3, 2:5] - down[:, 4:6, 2:5]).abs().max() > 1e-3


def test_motion_beyond_six_deviations_counts_as_six() -> None:
    net, x = network().eval(), torch.zeros(1, 2, 28, 28)
    x[0, 0, 5, 5] = 6.0
    wild = x.clone()
    wild[0, 0, 5, 5] = 60.0
    torch.testing.assert_close(net(wild), net(x))


def test_a_network_that_knows_nothing_answers_with_the_shares_of_the_classes() -> None:
    net = network().eval()
    for parameter in net.parameters():
        parameter.data.zero_()
    net.prior.copy_(torch.log(torch.tensor(SHARES) * 3))
    net.temperature.fill_(1.7)
    torch.testing.assert_close(net(clips(2)).exp(), torch.tensor([SHARES] * 2))


def test_a_higher_temperature_makes_it_less_sure() -> None:
    net, x = network().eval(), clips(5)
    sure = net(x).exp().max(dim=1).values
    net.temperature.fill_(3.0)
    assert (net(x).exp().max(dim=1).values < sure).all()


def test_augmentation_keeps_shapes_and_is_drawn_from_the_generator() -> None:
    net, x = network(), clips(8)
    one, two, other = (net.augment(x, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert one.shape == x.shape
    torch.testing.assert_close(one, two)
    assert (one - other).abs().mean() > 0.05


# --- loss


def test_the_loss_of_classes_by_hand() -> None:
    """Logits 2, 0, 0 of three classes, truth the first, a twentieth of smoothing: q = (29/30, 1/60, 1/60)."""
    output = torch.zeros(1, 1, 3 + len(UNITS))
    output[0, 0, 0] = 2.0
    total = np.log(np.exp(2) + 2)
    expected = (0.95 + 0.05 / 3) * (total - 2) + 2 * 0.05 / 3 * total
    loss = network().loss(output, torch.tensor([0]), torch.ones(3))
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_the_loss_of_action_units_by_hand() -> None:
    """All logits 0: log 3 for the classes, log 2 for the units; one unit at 2 that is active takes some away."""
    output, targets = torch.zeros(1, 1, 3 + len(UNITS)), torch.zeros(1, 1 + len(UNITS), dtype=torch.long)
    targets[0, 1 + UNITS.index(12)] = 1
    assert network().loss(output, targets, torch.ones(3)).item() == pytest.approx(np.log(3) + np.log(2), rel=1e-6)
    output[0, 0, 3 + UNITS.index(12)] = 2.0
    less = (np.log(2) - np.log1p(np.exp(-2))) / len(UNITS)
    assert network().loss(output, targets, torch.ones(3)).item() == pytest.approx(
        np.log(3) + np.log(2) - less, rel=1e-6
    )


def test_in_evaluation_the_loss_is_plain_cross_entropy() -> None:
    said = torch.log(torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]]))
    loss = network().loss(said, torch.tensor([[0, 1], [1, 0]]), torch.ones(3))
    assert loss.item() == pytest.approx(-(np.log(0.5) + np.log(0.8)) / 2, rel=1e-6)


def test_the_loss_is_the_mean_over_members() -> None:
    torch.manual_seed(0)
    output, targets = torch.randn(4, 3, 3 + len(UNITS)), torch.tensor([0, 1, 2, 0])
    net, even = network(), torch.ones(3)
    apart = [net.loss(output[:, m : m + 1], targets, even) for m in range(3)]
    torch.testing.assert_close(net.loss(output, targets, even), torch.stack(apart).mean())


def test_action_units_teach_the_unit_outputs_only() -> None:
    """What the units add to the loss has no gradient at the logits of the classes, nor the classes at the units'."""
    torch.manual_seed(0)
    output = torch.randn(4, 2, 3 + len(UNITS), requires_grad=True)
    targets = torch.cat([torch.tensor([[0], [1], [2], [0]]), torch.randint(0, 2, (4, len(UNITS)))], dim=1)
    net, even = network(), torch.ones(3)
    (classes,) = torch.autograd.grad(net.loss(output, targets[:, 0], even), output)
    (both,) = torch.autograd.grad(net.loss(output, targets, even), output)
    units = both - classes
    assert not classes[..., 3:].any()
    torch.testing.assert_close(units[..., :3], torch.zeros(4, 2, 3))
    expected = (output[..., 3:].sigmoid() - targets[:, None, 1:]) / output[..., 3:].numel()
    torch.testing.assert_close(units[..., 3:], expected.detach())


# --- starting from another


def trained_state(n_classes: int = 3) -> dict[str, torch.Tensor]:
    net = network(n_classes, seed=1)
    net.train()(clips(8))  # moves the running means of the batch norms
    net.prior.fill_(0.3)
    net.temperature.fill_(2.0)
    net.knows_units.fill_(True)
    return net.state_dict()


def test_start_from_keeps_the_weights_and_forgets_prior_temperature_and_units() -> None:
    net, state = network(), trained_state()
    net.start_from(state)
    for name, tensor in net.state_dict().items():
        if name not in ("prior", "temperature", "knows_units"):
            torch.testing.assert_close(tensor, state[name])
    assert not net.prior.any()
    assert net.temperature == 1
    assert not net.knows_units


def test_start_from_other_classes_keeps_all_but_their_layers() -> None:
    net, state = network(5), trained_state(3)
    fresh = network(5).state_dict()
    net.start_from(state)
    kept = {name for name, tensor in net.state_dict().items() if torch.equal(tensor, state.get(name, torch.empty(0)))}
    for member in range(2):
        assert f"members.{member}.maps.0.weight" in kept
        assert f"members.{member}.hidden.2.weight" in kept
        torch.testing.assert_close(
            net.state_dict()[f"members.{member}.classes.weight"], fresh[f"members.{member}.classes.weight"]
        )
    assert net.eval()(clips(2)).shape == (2, 5)


def test_after_start_from_batch_norms_stay_as_they_are() -> None:
    net = network()
    net.start_from(trained_state())
    before = {name: tensor.clone() for name, tensor in net.state_dict().items() if "running" in name}
    net.train()(10 * clips(8))
    assert before
    for name, tensor in before.items():
        torch.testing.assert_close(net.state_dict()[name], tensor)
    scratch = network()
    first = scratch.state_dict()["members.0.maps.1.running_var"].clone()
    scratch.train()(10 * clips(8))
    assert not torch.equal(scratch.state_dict()["members.0.maps.1.running_var"], first)


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(RuntimeError, match="no weight of the same name and size"):
        network().start_from({"encoder.weight": torch.zeros(3)})


# --- training


def test_what_it_learnt_is_calibrated_and_knows_its_classes_shares(taught) -> None:
    net = taught.network
    assert bool(net.knows_units)
    torch.testing.assert_close(net.prior, torch.log(3 * torch.tensor(SHARES)))
    assert np.exp(-1) < float(net.temperature) < np.exp(1.5)
    assert float(net.temperature) != 1


def test_the_temperature_is_the_likeliest(taught, synthetic) -> None:
    """No other temperature gives the held-out labels a higher likelihood (without the prior of the classes)."""
    net, held_out = taught.network.eval(), torch.from_numpy(prepare(synthetic.maps[:, 1]))
    with torch.no_grad():
        said = net.say_both(held_out)[..., :3]
    labels = torch.from_numpy(synthetic.labels)

    def likelihood(temperature: float) -> float:
        chances = (said / temperature).softmax(dim=-1).mean(dim=1)
        return float(chances[torch.arange(len(labels)), labels].log().mean())

    best = likelihood(float(net.temperature))
    assert all(best >= likelihood(other) - 1e-5 for other in np.exp(np.linspace(-1, 1.5, 26)))


def test_it_learns_what_it_is_shown(synthetic) -> None:
    """After a few epochs on 60 clips it names most of them, and smiles show AU 12."""
    learnt = train.learn_synthetic(
        METHOD,
        synthetic.maps,
        synthetic.labels,
        synthetic.action_units,
        shares=[1 / 3] * 3,
        held_out=(synthetic.maps[:, 1], synthetic.labels),
        settings={**QUICK, "epochs": 15, "network": {"members": 1}},
        seed=0,
    )
    predicted, _ = learnt.predict(synthetic.maps[:, 1])
    assert (predicted == synthetic.labels).mean() > 0.7
    smiles = np.array([12 in active for active in synthetic.action_units])
    twelve = learnt.action_units(synthetic.maps[:, 1])[:, UNITS.index(12)]
    assert twelve[smiles].mean() > 2 * twelve[~smiles].mean()


def test_the_same_seed_gives_the_same_weights(taught, synthetic) -> None:
    again = train.learn_synthetic(
        METHOD,
        synthetic.maps,
        synthetic.labels,
        synthetic.action_units,
        shares=SHARES,
        held_out=(synthetic.maps[:, 1], synthetic.labels),
        settings=QUICK,
        seed=0,
    )
    for name, tensor in again.network.state_dict().items():
        assert torch.equal(tensor, taught.network.state_dict()[name]), name


def real_clips(n: int = 12) -> tuple[np.ndarray, np.ndarray, list[str]]:
    maps = np.random.default_rng(3).integers(0, 256, (n, 28, 28, 3), np.uint8)
    return maps, np.arange(n) % 2, [f"made/s{row // 4}" for row in range(n)]


def test_real_clips_are_learnt_from_the_default_recognisers_weights(
    saved: Path, taught, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a learning rate next to nothing, the weights are those it starts from; the classes are its own."""
    monkeypatch.setattr(train, "DEFAULT", saved)
    maps, targets, people = real_clips()
    settings = {**METHOD.settings("paper"), "epochs": 1, "lr": 1e-9}
    fitted = METHOD.fit(maps, targets, people, ["a", "b"], settings=settings)
    source, state = taught.network.state_dict(), fitted.network.state_dict()
    for name in source:
        if ".maps." in name or ".hidden." in name:
            torch.testing.assert_close(state[name], source[name], atol=1e-6, rtol=0, msg=name)
    assert fitted.predict(maps)[1].shape == (12, 2)
    assert fitted.action_units(maps) is None


def test_from_scratch_nothing_is_taken_over(saved: Path, taught, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "DEFAULT", saved)
    maps, targets, people = real_clips()
    settings = {**METHOD.settings("scratch"), "epochs": 1, "lr": 1e-9}
    fitted = METHOD.fit(maps, targets, people, ["a", "b"], settings=settings)
    name = "members.0.maps.0.weight"
    assert (fitted.network.state_dict()[name] - taught.network.state_dict()[name]).abs().max() > 0.01


def test_a_missing_bundled_model_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "DEFAULT", tmp_path)
    maps, targets, people = real_clips()
    with pytest.raises(MienError, match="expected the bundled recogniser to start from"):
        METHOD.fit(maps, targets, people, ["a", "b"], settings=METHOD.settings("small"))


def test_asking_for_action_units_leaves_the_network_where_it_is(
    taught, synthetic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a network on a GPU would be on the processor from then on."""
    for name in ("cpu", "to"):
        monkeypatch.setattr(MienNet, name, lambda *_args, **_more: pytest.fail("moved"))
    assert taught.action_units(synthetic.maps[:3, 0]).shape == (3, len(UNITS))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_gives_the_same_action_units(taught, synthetic) -> None:
    here = taught.action_units(synthetic.maps[:3, 0])
    taught.network.cuda()
    try:
        there = taught.action_units(synthetic.maps[:3, 0])
        assert next(taught.network.parameters()).is_cuda
    finally:
        taught.network.cpu()
    np.testing.assert_allclose(there, here, atol=1e-4)


# --- saved


def test_a_saved_one_answers_as_torch_does(saved: Path, taught, synthetic) -> None:
    model, maps = load_model(saved), synthetic.maps[:, 0]
    np.testing.assert_allclose(model.predict(maps)[1], taught.predict(maps)[1], atol=1e-5)
    units = model.action_units(maps)
    assert tuple(units) == UNITS
    np.testing.assert_allclose(np.stack(list(units.values()), axis=1), taught.action_units(maps), atol=1e-5)


@pytest.mark.parametrize("n", [1, 5])
def test_it_takes_any_number_of_clips(saved: Path, synthetic, n: int) -> None:
    model = load_model(saved)
    everything = model.predict(synthetic.maps[:5, 0])[1]
    np.testing.assert_allclose(model.predict(synthetic.maps[:n, 0])[1], everything[:n], atol=1e-5)
    assert all(chances.shape == (n,) for chances in model.action_units(synthetic.maps[:n, 0]).values())


def test_it_loads_and_answers_where_torch_cannot_be_imported(saved: Path, synthetic, tmp_path: Path) -> None:
    np.save(tmp_path / "maps.npy", synthetic.maps[:5, 0])
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import json, numpy as np; from mien.methods import load_model\n"
        f"model, maps = load_model({str(saved)!r}), np.load({str(tmp_path / 'maps.npy')!r})\n"
        "units = {unit: chances.tolist() for unit, chances in model.action_units(maps).items()}\n"
        "print(json.dumps([model.predict(maps)[1].tolist(), units]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    probabilities, units = json.loads(done.stdout)
    model = load_model(saved)
    np.testing.assert_allclose(probabilities, model.predict(synthetic.maps[:5, 0])[1], atol=1e-7)
    assert units.keys() == {str(unit) for unit in UNITS}
    np.testing.assert_allclose(units["12"], model.action_units(synthetic.maps[:5, 0])[12], atol=1e-7)


def test_one_tuned_without_action_units_answers_none(saved: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(train, "DEFAULT", saved)
    maps, targets, people = real_clips()
    fitted = METHOD.fit(maps, targets, people, ["a", "b"], settings={**METHOD.settings("small"), "epochs": 1})
    folder = save_model(tmp_path / "tuned", METHOD, fitted, classes=("a", "b"), example=maps[0], details={})
    assert load_model(folder).action_units(maps) == {}


def test_a_unit_is_named_from_half_of_its_best_f1() -> None:
    """Clear, vague and rare. Hand-computed: naming the upper two groups, 24 of 30 are right of 26: F1 48 / 56."""
    clear = np.repeat([0.99, 0.01], [20, 40])
    vague = np.repeat([0.9, 0.7, 0.1], [20, 10, 30])
    vaguely = np.concatenate([np.arange(20) < 18, np.arange(10) < 6, np.arange(30) < 2])
    rare = np.linspace(0, 1, 60)
    said, active = np.column_stack([clear, vague, rare]), np.column_stack([clear > 0.5, vaguely, rare > 0.9])
    np.testing.assert_allclose(naming_thresholds(said, active), [0.5, 24 / 56, 0.5])
