"""MMNet's network: its size, what the two branches see, and attention that only narrows."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien.core import MienError  # noqa: E402
from mien.methods import METHODS  # noqa: E402
from mien.methods._method import load_entry  # noqa: E402
from mien.methods._network import _export  # noqa: E402
from mien.methods._onnx import OnnxNetwork  # noqa: E402
from mien.methods.mmnet.network import INPUTS, ContinuousAttentionBlock, MMNet, PositionCalibration  # noqa: E402

FIVE = {"depth": 2, "mlp_ratio": 4}


def count(network: torch.nn.Module) -> int:
    return sum(weights.numel() for weights in network.parameters())


def on_paper(*args: object, **settings: object) -> MMNet:
    with torch.device("meta"):
        return MMNet(*args, **settings)


def small(inputs: str = "rgb", size: int = 64, **settings: object) -> MMNet:
    torch.manual_seed(0)
    return MMNet(3, inputs, size=size, width=32, **settings).eval()


def batch(inputs: str = "rgb", n: int = 2, size: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    if inputs.startswith("flow"):
        return torch.rand(n, 6, size, size, generator=generator)
    x = torch.rand(n, 2, 3 if inputs == "rgb" else 4, size, size, generator=generator)
    x[:, :, 3:] *= 1500
    return x


@pytest.mark.parametrize(
    ("n_classes", "settings", "total"),
    [
        (3, {}, 9_241_719),
        (4, {}, 9_342_072),
        (5, FIVE, 9_438_841),
        (4, {"inputs": "flow"}, 9_340_452),
        (4, {"inputs": "flow+strain"}, 9_342_072),
        (4, {"inputs": "depth"}, 9_338_832),
        (4, {"inputs": "rgbd"}, 9_343_692),
    ],
)
def test_only_the_used_parameters_are_there(n_classes: int, settings: dict[str, object], total: int) -> None:
    assert count(on_paper(n_classes, **settings)) == total


def test_each_block_has_its_parameters() -> None:
    network = on_paper(3)
    assert (count(network.stem[:3]), count(network.stem[3:])) == (5_220, 207_616)
    assert [count(block) for block in network.blocks] == [164_356, 180_996, 394_756, 1_575_940]
    assert (count(network.position), count(on_paper(5, **FIVE).position)) == (6_411_776, 6_408_192)
    assert [count(on_paper(k).head) for k in (3, 4, 5)] == [301_059, 401_412, 501_765]
    assert count(on_paper(3, position=False)) == 9_241_719 - 6_411_776


@pytest.mark.parametrize("size", [224, 112])
def test_motion_and_position_meet_in_a_sixteenth_of_the_size(size: int) -> None:
    network, seen = small(size=size), []
    network.blocks[3].register_forward_hook(lambda _m, _i, out: seen.append(tuple(out[0].shape[1:])))
    network.position.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[1:])))
    network.head.register_forward_pre_hook(lambda _m, args: seen.append(args[0].shape[1]))
    x = batch(n=1, size=size)
    network(x)
    side = size // 16
    assert seen == [(32, side, side), (32, side, side), 32 * side * side]
    assert [tuple(a.shape) for a in network.attention(x)] == [(1, 1, size // k, size // k) for k in (2, 4, 8, 16)]


def test_at_full_size_both_branches_are_512_by_14_by_14() -> None:
    network, seen = MMNet(3).eval(), []
    network.stem.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[1:])))
    for block in network.blocks:
        block.register_forward_hook(lambda _m, _i, out: seen.append((out[0].shape[1], *out[1].shape[1:])))
    network.position.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[1:])))
    network.head.register_forward_pre_hook(lambda _m, args: seen.append(args[0].shape[1]))
    with torch.inference_mode():
        assert network(batch(n=1, size=224)).shape == (1, 3)
    blocks = [(128, 1, 112, 112), (128, 1, 56, 56), (256, 1, 28, 28), (512, 1, 14, 14)]
    assert seen == [(128, 112, 112), *blocks, (512, 14, 14), 100_352]


def test_attention_without_an_opinion_halves_from_block_to_block() -> None:
    with_prior, without = small(), small(attention_prior=False)
    for network in (with_prior, without):
        for block in network.blocks:
            torch.nn.init.zeros_(block.attend[0].weight)
    halves = [a.unique().tolist() for a in with_prior.attention(batch())]
    assert halves == [[0.5], [0.25], [0.125], [0.0625]]
    assert [a.unique().tolist() for a in without.attention(batch())] == [[0.5]] * 4


@pytest.mark.parametrize(("after", "stride"), [(8, 1), (8, 2), (16, 2)])
def test_a_block_multiplies_every_channel_by_its_attention(after: int, stride: int) -> None:
    torch.manual_seed(0)
    block = ContinuousAttentionBlock(8, after, stride).eval()
    x, prior = torch.randn(2, 8, 6, 6), torch.rand(2, 1, 6, 6)
    features, attention = block(x, prior)
    moved = (block.convolve(x) + (x if stride == 1 else block.shortcut(x))).relu()
    torch.testing.assert_close(features, moved * attention)
    both = torch.stack([moved.amax(1), moved.mean(1)], dim=1)
    own = block.attend[1]((both * block.attend[0].weight.view(1, 2, 1, 1)).sum(1, keepdim=True)).sigmoid()
    bound = prior if stride == 1 else torch.nn.functional.max_pool2d(prior, 3, 2, 1)
    torch.testing.assert_close(attention, own * bound)


def test_attention_never_exceeds_the_one_before() -> None:
    maps = small().train().attention(batch())
    for before, after in pairwise(maps):
        assert (after <= torch.nn.functional.max_pool2d(before, 3, 2, 1)).all()
    assert all((a > 0).all() and (a < 1).all() for a in maps)


def test_attention_without_its_norm_has_two_weights_per_block() -> None:
    assert count(on_paper(3)) - count(on_paper(3, attention_norm=False)) == 4 * 2


def test_the_main_branch_sees_only_the_difference() -> None:
    network = small()
    x = batch() / 2
    shifted = x + torch.linspace(0, 0.5, 64)
    torch.testing.assert_close(network.motion(shifted), network.motion(x), atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(network.motion(x.flip(1)), -network.motion(x))
    still = x[:, :1].repeat(1, 2, 1, 1, 1)
    assert not network.motion(still).any()
    for seen, expected in zip(network.attention(still), network.attention(torch.zeros_like(x)), strict=True):
        torch.testing.assert_close(seen, expected)


def test_the_difference_is_in_imagenets_deviations() -> None:
    x = torch.zeros(1, 2, 3, 64, 64)
    x[:, 1] = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    torch.testing.assert_close(small().motion(x), torch.ones(1, 3, 64, 64))


def test_the_sub_branch_ignores_the_apex() -> None:
    network, x = small(), batch()
    other = x.clone()
    other[:, 1] = 0
    torch.testing.assert_close(network.onset(other), network.onset(x))
    assert network.onset(x).shape == (2, 3, 4, 4)
    assert not torch.allclose(network.motion(other), network.motion(x))


def test_a_ramp_stays_a_ramp_in_the_small_onset() -> None:
    x = torch.zeros(1, 2, 3, 64, 64)
    x[:, 0] = torch.arange(64) / 63
    small_onset = small().onset(x)[0, 0, 0] * 0.229 + 0.485
    torch.testing.assert_close(small_onset * 63, torch.tensor([7.5, 23.5, 39.5, 55.5]))


def test_tokens_know_their_place_only_by_the_position_embedding() -> None:
    torch.manual_seed(0)
    branch = PositionCalibration(side=3, width=16, depth=2, mlp_ratio=2, drop_path=0.0).eval()
    onset, order = torch.randn(1, 3, 3, 3), torch.randperm(9)

    def permuted(x: torch.Tensor) -> torch.Tensor:
        return x.flatten(2)[..., order].unflatten(2, (3, 3))

    assert not torch.allclose(branch(permuted(onset)), permuted(branch(onset)), atol=1e-4)
    torch.nn.init.zeros_(branch.positions)
    torch.testing.assert_close(branch(permuted(onset)), permuted(branch(onset)))


def test_layers_are_skipped_more_often_the_deeper_and_only_in_training() -> None:
    branch = PositionCalibration(side=2, width=16, depth=3, mlp_ratio=2, drop_path=0.3)
    assert [layer.drop_path for layer in branch.layers] == pytest.approx([0.0, 0.15, 0.3])
    layer = branch.layers[2]
    ones = torch.ones(4000, 1, 1)
    kept = layer._drop(ones)
    assert sorted(kept.unique().tolist()) == pytest.approx([0, 1 / 0.7])
    assert kept.mean().item() == pytest.approx(1, abs=0.05)
    assert layer.eval()._drop(ones) is ones


def test_without_position_the_onset_alone_says_nothing() -> None:
    x = batch()
    blind, seeing = small(position=False), small()
    shifted = x + 0.5
    torch.testing.assert_close(blind(shifted), blind(x), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(seeing(shifted), seeing(x), atol=1e-4)


def test_1500_units_of_depth_are_one_and_unknown_depth_is_no_motion() -> None:
    x = torch.zeros(1, 2, 4, 64, 64)
    x[0, :, 3, 0, :4] = torch.tensor([[500.0, 500.0, 0.0, 2000.0], [2000.0, 0.0, 500.0, 500.0]])
    assert small("depth").motion(x)[0, 0, 0, :4].tolist() == [1, 0, 0, -1]


def test_rgbd_is_rgb_and_depth() -> None:
    x = batch("rgbd")
    motion = small("rgbd").motion(x)
    torch.testing.assert_close(motion[:, :3], small("rgb").motion(x[:, :, :3]))
    torch.testing.assert_close(motion[:, 3:], small("depth").motion(x))
    torch.testing.assert_close(small("depth").onset(x), small("rgb").onset(x[:, :, :3]))


def test_flow_of_4_pixels_per_224_is_one_and_strain_counts_16_fold() -> None:
    x = torch.zeros(1, 6, 112, 112)
    x[:, 0], x[:, 1], x[:, 2] = 2.0, -1.0, 0.25
    assert small("flow+strain", size=112).motion(x)[0, :, 0, 0].tolist() == pytest.approx([1.0, -0.5, 4.0])
    flow = small("flow", size=112)
    assert flow.motion(x)[0, :, 0, 0].tolist() == pytest.approx([1.0, -0.5])
    assert not flow.motion(torch.zeros(1, 6, 112, 112)).any()


@pytest.mark.parametrize("inputs", INPUTS)
def test_an_input_of_twice_the_size_shows_the_same_motion(inputs: str) -> None:
    """Flow counts pixels, twice as many in a picture twice as wide; depth is never blended."""
    network, x = small(inputs), batch(inputs)
    twice = x.repeat_interleave(2, -1).repeat_interleave(2, -2)
    if inputs.startswith("flow"):
        twice[:, :2] *= 2
    torch.testing.assert_close(network._sized(twice), x)
    torch.testing.assert_close(network(twice), network(x))


def test_depth_is_sampled_where_it_is_brought_to_the_size() -> None:
    x = torch.zeros(1, 2, 4, 64, 64)
    x[:, :, 3, ::2, 1::2] = 3000.0
    x[:, :, 3, 1::2] = 1000.0
    assert small("rgbd", size=32)._sized(x)[:, :, 3].unique().tolist() == [1000.0]


@pytest.mark.parametrize("inputs", INPUTS)
def test_augmented_a_still_face_stays_still(inputs: str) -> None:
    network, x = small(inputs, colour=0.1), batch(inputs, n=4)
    if inputs.startswith("flow"):
        x[:, :3] = 0
    else:
        x[:, 1] = x[:, 0]
    augmented = network.augment(x, torch.Generator().manual_seed(0))
    assert augmented.shape == x.shape
    assert not torch.equal(augmented, x)
    assert not network.motion(augmented).any()


@pytest.mark.parametrize("inputs", INPUTS)
def test_colour_changes_the_frames_and_neither_flow_nor_depth(inputs: str) -> None:
    x, kept = batch(inputs), batch(inputs).clone()
    plain, other = (small(inputs, colour=colour).augment(x, torch.Generator().manual_seed(0)) for colour in (0.0, 0.1))
    changed = (plain != other).movedim(-3, 0).flatten(1).any(dim=1).tolist()
    assert changed == {3: [True] * 3, 4: [True] * 3 + [False], 6: [False] * 3 + [True] * 3}[x.shape[-3]]
    assert torch.equal(x, kept), "the clips themselves stay as they are"


def test_augmentation_turns_the_flow_with_the_face() -> None:
    x = torch.zeros(64, 6, 32, 32)
    x[:, 0], x[:, 2] = 5.0, 0.5
    u, v, strain = small("flow+strain", size=32).augment(x, torch.Generator().manual_seed(0))[:, :3, 16, 16].T
    torch.testing.assert_close(u.hypot(v), torch.full((64,), 5.0))
    torch.testing.assert_close(strain, torch.full((64,), 0.5))
    assert 20 < (u < 0).sum() < 44, "about half are mirrored"
    angles = torch.rad2deg(torch.atan2(v, u.abs())).abs()
    assert 3 < angles.max() <= 4


def test_colour_is_in_the_text_and_not_in_the_code() -> None:
    for method in ("mmnet", "mmnet-flow", "mmnet-depth", "mmnet-rgbd"):
        assert METHODS[method].presets["paper"]["network"]["colour"] == 0.1
    for preset in ("official", "official-5", "reproduction", "small"):
        assert "colour" not in METHODS["mmnet"].presets[preset].get("network", {})


def test_the_reproduction_trains_at_another_rate_on_each_corpus() -> None:
    rates = {name: preset["lr"] for name, preset in METHODS["mmnet"].presets.items() if "reproduction" in name}
    assert rates == {"reproduction": 8e-4, "reproduction-mmew": 8e-3, "reproduction-casme3": 1e-3}
    for name in ("mmnet-flow", "mmnet-depth", "mmnet-rgbd"):
        settings = METHODS[name].presets["reproduction"]
        assert (settings["lr"], settings["batch"], settings["epochs"]) == (1e-3, 64, 75)


@pytest.mark.parametrize(
    ("method", "preset", "channels"),
    [
        ("mmnet-flow", "paper", 3),
        ("mmnet-flow", "uv", 2),
        ("mmnet-flow", "reproduction-uv", 2),
        ("mmnet-flow", "small", 3),
        ("mmnet-flow", "small-uv", 2),
        ("mmnet-depth", "small", 1),
        ("mmnet-rgbd", "small", 4),
    ],
)
def test_each_method_prepares_what_its_network_takes(method: str, preset: str, channels: int) -> None:
    entry = METHODS[method]
    with torch.device("meta"):
        network = load_entry(entry.network)(3, **entry.settings(preset).get("network", {}))
    assert network.stem[0].in_channels == channels
    made = {
        "mmnet-flow": np.full((2, 1, 224, 224, 6), 51, np.float32),
        "mmnet-depth": np.full((2, 2, 224, 224, 4), 51, np.uint16),
    }[entry.recipe]
    prepared = entry.prepare(made)
    assert prepared.dtype == np.float32
    assert network.to("meta")(torch.from_numpy(prepared).to("meta")).shape == (2, 3)
    by_channel = prepared[:, :, 0, 0] if method == "mmnet-flow" else prepared[:, 0, :, 0, 0]
    rgb = np.float32(0.2)
    expected = [51, 51, 51, rgb, rgb, rgb] if method == "mmnet-flow" else [rgb, rgb, rgb, 51]
    np.testing.assert_array_equal(by_channel, [expected] * 2)
    assert (made == 51).all(), "what the cache holds stays as it is"


@pytest.mark.parametrize("inputs", INPUTS)
def test_every_input_is_classified_and_exported(inputs: str, tmp_path: Path) -> None:
    network, x = small(inputs, size=32), batch(inputs, size=32)
    path = tmp_path / "network.onnx"
    _export(network, x.numpy(), path)
    exported = OnnxNetwork.open(np.asarray, path, None)
    for rows in (slice(0, 2), slice(1, 2)):
        with torch.inference_mode():
            expected = network(x[rows]).numpy()
        np.testing.assert_allclose(exported.logits(x[rows].numpy()), expected, atol=1e-4)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(MienError, match="expected one of rgb, flow"):
        MMNet(3, "thermal")
    with pytest.raises(MienError, match="size = 100"):
        MMNet(3, size=100)
    with pytest.raises(MienError, match=r"expected \(N, 2, 3, 64, 64\) of 'rgb'"):
        small()(batch(size=32))
    with pytest.raises(MienError, match=r"expected \(N, 6, 64, 64\) of 'flow'"):
        small("flow")(batch("flow")[:, :5])
    with pytest.raises(MienError, match=r"expected \(N, 2, 3, 64, 64\) of 'rgb'"):
        small()(batch("depth", size=128))
    with pytest.raises(MienError, match="colour = 1"):
        MMNet(3, colour=1.0)
