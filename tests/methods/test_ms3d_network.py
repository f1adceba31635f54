"""MS3D: its size, the shapes of its stages, modules that mix, and an answer that no label chooses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien.core import MienError  # noqa: E402
from mien.methods._network import _export  # noqa: E402
from mien.methods._onnx import OnnxNetwork  # noqa: E402
from mien.methods.ms3d.blocks import AttentionalFusion, deconvolution, rc1, rc2, rc3  # noqa: E402
from mien.methods.ms3d.network import MS3D, log_of_selected, loss_over_heads  # noqa: E402
from mien.methods.ms3d.selectors import best_head, select  # noqa: E402

HEADS = [[[0.5, 0.5], [0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]]

SQUEEZES = [
    f"fusions.{n}.{cam}.{pool}" for n in range(3) for cam in ("first", "second") for pool in ("average", "maximum")
]


def count(module: torch.nn.Module) -> int:
    return sum(weights.numel() for weights in module.parameters())


def counts(modules: torch.nn.ModuleList) -> list[int]:
    return [count(module) for module in modules]


def on_paper(**settings: object) -> MS3D:
    with torch.device("meta"):
        return MS3D(3, **settings)


def small(**settings: object) -> MS3D:
    torch.manual_seed(0)
    return MS3D(3, **{"frames": 8, "size": 38, "width": 4, **settings})


def batch(n: int = 2, channels: int = 2) -> torch.Tensor:
    return torch.randn(n, channels, 8, 38, 38, generator=torch.Generator().manual_seed(1))


def used(module: torch.nn.Module, seed: int = 3) -> torch.nn.Module:
    """Give batch norm statistics and weights as after training, so that no part is an identity."""
    generator = torch.Generator().manual_seed(seed)
    for norm in module.modules():
        if isinstance(norm, torch.nn.BatchNorm3d):
            norm.running_mean.uniform_(-0.2, 0.2, generator=generator)
            norm.running_var.uniform_(0.5, 1.5, generator=generator)
    return module.eval()


def random_heads(n: int = 40) -> np.ndarray:
    logits = np.random.default_rng(0).normal(size=(n, 4, 3)) * 2
    return np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)


def test_its_parameters_are_those_of_the_reference_design() -> None:
    network = on_paper()
    assert count(network) == count(on_paper(norm="group")) == 69_104_114
    assert (count(network.stem), count(network.attention)) == (18_944, 246)
    assert counts(network.stages) == [664_320, 3_328_256, 20_388_352, 39_066_624]
    assert counts(network.scales) == [72_996, 115_268, 500_104]
    assert counts(network.deconvolutions) == [3_539_200, 884_864, 221_248]
    assert counts(network.fusions) == [134_912, 34_688, 9_152]
    assert counts(network.heads) == [66_051, 33_283, 16_899, 8_707]


def test_with_bottlenecks_it_is_twice_as_large() -> None:
    assert count(on_paper(block="bottleneck")) == 134_678_930


def test_clips_of_twice_the_size_are_averaged_down() -> None:
    network = used(small())
    large = torch.randn(2, 2, 8, 76, 76, generator=torch.Generator().manual_seed(1))
    averaged = large.unflatten(-1, (38, 2)).unflatten(-3, (38, 2)).mean(dim=(-1, -3))
    with torch.inference_mode():
        torch.testing.assert_close(network(large), network(averaged))
        with pytest.raises(MienError, match="check channels, frames and size"):
            network(large[..., :75])


@pytest.mark.parametrize(("channels", "sign"), [(2, -1.0), (1, 1.0)])
def test_a_mirrored_flow_turns_round_and_a_mirrored_picture_does_not(channels: int, sign: float) -> None:
    made = small().augment(torch.ones(64, channels, 8, 38, 38), torch.Generator().manual_seed(0))
    assert set(made[:, 0].unique().tolist()) == {sign, 1.0, 0.0}
    assert set(made[:, 1:].unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize(("block", "expected"), [("basic", [6, 8, 12, 6]), ("bottleneck", [9, 12, 18, 9])])
def test_the_paper_counts_convolutions_as_in_resnet_34(block: str, expected: list[int]) -> None:
    shortcuts, found = ".downsample.", []
    for stage in on_paper(block=block).stages:
        layers = {name: layer for name, layer in stage.named_modules() if isinstance(layer, torch.nn.Conv3d)}
        found.append(len([name for name in layers if shortcuts not in name]))
    assert found == expected


def test_each_arm_of_figure_11_takes_its_parameters_away() -> None:
    whole = count(on_paper())
    assert whole - count(on_paper(channels=1)) == 64 * 3 * 7 * 7
    assert whole - count(on_paper(attention=False)) == 148 + 98
    assert whole - count(on_paper(spatial=False)) == 72_996 + 115_268 + 500_104
    fused = (3_539_200 + 884_864 + 221_248) + (134_912 + 34_688 + 9_152) + (33_283 + 16_899 + 8_707)
    assert whole - count(on_paper(temporal=False)) == fused


def test_the_stages_have_the_sizes_of_the_paper() -> None:
    network, seen = MS3D(3, width=4).eval(), []
    for module in (network.stem, network.attention, network.pool, *network.stages, *network.deconvolutions):
        module.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[1:])))
    with torch.inference_mode():
        assert network(torch.zeros(1, 2, 16, 134, 134)).shape == (1, 3)
    stem, pooled = (4, 16, 67, 67), (4, 8, 34, 34)
    stages = [(4, 8, 34, 34), (8, 4, 17, 17), (16, 2, 9, 9), (32, 1, 5, 5)]
    assert seen == [stem, stem, pooled, *stages, stages[2], stages[1], stages[0]]


@pytest.mark.slow
@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_at_full_size_the_fused_maps_are_those_of_the_paper(block: str) -> None:
    network, times = MS3D(3, block=block).eval(), {"basic": 1, "bottleneck": 4}[block]
    with torch.inference_mode():
        maps = network.fused(network.stages_of(torch.zeros(1, 2, 16, 134, 134)))
    expected = [(512, 1, 5, 5), (256, 2, 9, 9), (128, 4, 17, 17), (64, 8, 34, 34)]
    assert [tuple(features.shape[1:]) for features in maps] == [(c * times, *size) for c, *size in expected]


@pytest.mark.parametrize(("narrow", "wide"), [(5, 9), (9, 17), (17, 34), (1, 1), (1, 2)])
def test_a_deconvolution_restores_odd_and_even_sides(narrow: int, wide: int) -> None:
    up = deconvolution(2, 3, (narrow, narrow, 1), (wide, wide, 2))
    assert up(torch.zeros(1, 2, narrow, narrow, 1)).shape == (1, 3, wide, wide, 2)


@pytest.mark.parametrize(("build", "k"), [(rc1, 4), (rc2, 4), (rc3, 8)])
def test_a_multi_scale_module_is_the_weighted_sum_of_its_views(build: object, k: int) -> None:
    torch.manual_seed(0)
    module, x = used(build(8)), torch.randn(2, 8, 4, 7, 7)
    with torch.no_grad():
        assert module.weights.tolist() == pytest.approx([1 / k] * k)
        assert module(x).shape == x.shape
        views = [view.expand_as(x) for view in module.views(x)]
        torch.testing.assert_close(module(x), torch.stack(views).mean(dim=0))
        for number, view in enumerate(views):
            module.weights.copy_(torch.eye(k)[number])
            torch.testing.assert_close(module(x), view)


def test_softmax_keeps_the_weights_of_a_module_positive() -> None:
    torch.manual_seed(0)
    module, x = used(rc1(8, softmax=True)), torch.randn(1, 8, 2, 5, 5)
    with torch.no_grad():
        module.weights.copy_(torch.tensor([3.0, -1.0, 0.0, 2.0]))
        views = torch.stack([view.expand_as(x) for view in module.views(x)])
        torch.testing.assert_close(module(x), torch.einsum("k,k...->...", module.weights.softmax(0), views))


@pytest.mark.parametrize(
    ("build", "seen"),
    [
        (rc1, [(1, 1, 1), (3, 3, 3), (5, 5, 5)]),
        (rc2, [(1, 1, 1), (7, 7, 7), (13, 13, 13)]),
        (rc3, [(3, 3, 5), (3, 5, 3), (5, 3, 3), (1, 1, 3), (1, 3, 1), (3, 1, 1), (1, 1, 1)]),
    ],
)
def test_how_far_the_views_see(build: object, seen: list[tuple[int, ...]]) -> None:
    module = build(4).eval()
    for name, weights in module.named_parameters():
        torch.nn.init.ones_(weights) if name.endswith("weight") else torch.nn.init.zeros_(weights)
    x = torch.ones(1, 4, 15, 15, 15, requires_grad=True)
    found = []
    for view in module.views(x)[:-1]:
        (gradient,) = torch.autograd.grad(view[0, :, 7, 7, 7].sum(), x, retain_graph=True)
        places = gradient[0].sum(dim=0).nonzero()
        found.append(tuple((places.amax(dim=0) - places.amin(dim=0) + 1).tolist()))
    assert found == seen


def test_the_last_view_is_the_same_everywhere() -> None:
    x = torch.randn(1, 8, 4, 7, 7)
    for build in (rc1, rc2, rc3):
        module = used(build(8))
        torch.testing.assert_close(module.views(x)[-1], module.views(x.flip(3))[-1])
        assert module.views(x)[-1].shape == (1, 8, 1, 1, 1)


def test_a_map_fused_with_itself_stays() -> None:
    x = torch.randn(2, 8, 2, 5, 5)
    assert torch.equal(used(AttentionalFusion(8))(x, x), x)


def test_a_fusion_lies_between_its_maps() -> None:
    torch.manual_seed(0)
    x, y, fusion = torch.randn(2, 8, 2, 5, 5), torch.randn(2, 8, 2, 5, 5), used(AttentionalFusion(8))
    fused = fusion(x, y)
    assert (fused >= torch.minimum(x, y) - 1e-6).all()
    assert (fused <= torch.maximum(x, y) + 1e-6).all()
    mixed = fusion.first(x + y) * x + (1 - fusion.first(x + y)) * y
    torch.testing.assert_close(fused, fusion.second(mixed) * x + (1 - fusion.second(mixed)) * y)
    assert not torch.allclose(fused, mixed, atol=1e-3)


def test_attention_without_an_opinion_quarters() -> None:
    attention = small().attention
    for weights in attention.parameters():
        torch.nn.init.zeros_(weights)
    x = torch.randn(2, 4, 8, 5, 5)
    torch.testing.assert_close(attention(x), x / 4)


def test_temporal_attention_weights_steps_and_spatial_attention_positions() -> None:
    temporal, spatial = small().attention
    x = torch.rand(2, 4, 8, 9, 9) + 1
    by_step, by_place = temporal(x) / x, spatial(x) / x
    torch.testing.assert_close(by_step, by_step[:, :1, :, :1, :1].expand_as(x))
    torch.testing.assert_close(by_place, by_place[:, :1].expand_as(x))
    assert by_step[0, 0, :, 0, 0].unique().numel() == 8
    assert by_place[0, 0, 0].unique().numel() > 40


def test_pairwise_fuses_stages_and_cascade_fuses_fusions() -> None:
    pairwise, cascade = used(small()), used(small(fusion="cascade"))
    cascade.load_state_dict(pairwise.state_dict())
    with torch.inference_mode():
        stages = pairwise.stages_of(batch())
        first, second = pairwise.fused(stages), cascade.fused(stages)
        torch.testing.assert_close(first[1], second[1])
        assert not torch.allclose(first[2], second[2])
        up, fuse = pairwise.deconvolutions[1], pairwise.fusions[1]
        torch.testing.assert_close(first[2], fuse(up(stages[2]), stages[1]))
        torch.testing.assert_close(second[2], fuse(up(second[1]), stages[1]))


def test_in_training_it_returns_four_heads_and_then_one_answer() -> None:
    network, x = small(), batch()
    assert network.train()(x).shape == (2, 4, 3)
    assert small(temporal=False).train()(x).shape == (2, 1, 3)
    used(network)
    with torch.inference_mode():
        torch.testing.assert_close(network(x).exp().sum(dim=1), torch.ones(2))
        torch.testing.assert_close(network(x).softmax(dim=1), network(x).exp())


@pytest.mark.parametrize("selector", ["min_entropy", "mean"])
def test_the_network_selects_as_the_numpy_selector_does(selector: str) -> None:
    heads = random_heads()
    inside = log_of_selected(torch.from_numpy(heads).log() + 5, selector).exp().numpy()
    np.testing.assert_allclose(inside, select(heads, selector).probabilities, rtol=1e-9)


def test_a_fixed_head_answers_for_all_clips() -> None:
    heads = random_heads()
    inside = log_of_selected(torch.from_numpy(heads).log(), 2).exp().numpy()
    np.testing.assert_allclose(inside, select(heads, "val_head", head=2).probabilities, rtol=1e-9)
    np.testing.assert_allclose(inside, heads[:, 2])


def test_the_most_certain_head_is_the_second() -> None:
    chosen = select(HEADS)
    assert (chosen.heads.tolist(), chosen.probabilities.tolist()) == ([1], [[0.9, 0.1]])
    assert chosen.leaks_label is False


def test_only_the_oracle_looks_at_labels_and_says_so() -> None:
    heads, rng = random_heads(), np.random.default_rng(1)
    labels = rng.integers(0, 3, len(heads))
    other = rng.permutation(labels)
    for how in ("min_entropy", "mean"):
        first, second = select(heads, how, labels), select(heads, how, other)
        assert not first.leaks_label
        np.testing.assert_array_equal(first.probabilities, second.probabilities)
    first, second = select(heads, "oracle", labels), select(heads, "oracle", other)
    assert first.leaks_label
    assert "leaks_label=True" in str(first)
    assert (first.heads != second.heads).any()


def test_an_oracle_beats_every_honest_choice() -> None:
    heads = random_heads()
    labels = np.random.default_rng(1).integers(0, 3, len(heads))  # the heads know nothing of these

    def accuracy(how: str) -> float:
        return float((select(heads, how, labels, head=0).probabilities.argmax(axis=1) == labels).mean())

    assert accuracy("oracle") > max(accuracy(how) for how in ("min_entropy", "mean", "val_head")) + 0.2


def test_the_mean_selector_averages() -> None:
    chosen = select(HEADS, "mean")
    assert chosen.probabilities.tolist() == [pytest.approx([0.55, 0.45])]
    assert chosen.heads is None


def test_the_best_head_has_the_lowest_mean_loss_on_other_clips() -> None:
    assert best_head(HEADS, [0]) == 1
    assert best_head(HEADS, [1]) == 3
    assert best_head(HEADS * 2, [0, 1]) == 0  # log 4 together; the others lose more on one than they gain


def test_heads_that_are_no_probabilities_are_refused() -> None:
    for heads, message in (
        (np.log(HEADS), "expected probabilities"),
        (np.full((1, 4, 2), np.nan), "NaN"),
        (np.full((4, 2), 0.5), r"expected \(N, H, K\)"),
    ):
        with pytest.raises(MienError, match=message):
            select(heads)
    with pytest.raises(MienError, match="expected one of min_entropy, mean"):
        select(HEADS, "best")
    with pytest.raises(MienError, match="no labels"):
        select(HEADS, "oracle")
    with pytest.raises(MienError, match="1 integers from 0 to 1"):
        select(HEADS, "oracle", [2])
    with pytest.raises(MienError, match="expected 0 to 3"):
        select(HEADS, "val_head", head=4)


def test_the_loss_is_the_sum_of_four_cross_entropies() -> None:
    logits, targets = torch.randn(5, 4, 3), torch.tensor([0, 1, 2, 0, 1])
    by_hand = -logits.log_softmax(dim=2)[torch.arange(5), :, targets].mean(dim=0).sum()
    torch.testing.assert_close(loss_over_heads(logits, targets), by_hand)
    weighted = torch.nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 3.0]))
    separate = sum(weighted(logits[:, head], targets) for head in range(4))
    torch.testing.assert_close(loss_over_heads(logits, targets, weighted), separate)


@pytest.mark.parametrize("settings", [{}, {"fusion": "cascade", "norm": "group", "width": 16, "rc_weights": "softmax"}])
def test_the_loss_reaches_every_part(settings: dict[str, object]) -> None:
    network = small(**settings).train()
    torch.nn.init.ones_(network.attention[0].score.mlp[0].bias)  # or both of its two hidden units may start dead
    loss_over_heads(network(batch(4)), torch.tensor([0, 1, 2, 0])).backward()
    without = [name for name, weights in network.named_parameters() if weights.grad is None or not weights.grad.any()]
    removed = {f"{name}.{at}.bias" for name in SQUEEZES for at in (0, 3)}  # batch norm follows and takes a shift away
    assert set(without) <= removed


def test_batch_norm_needs_two_clips_and_group_norm_one() -> None:
    with pytest.raises(MienError, match="one clip to train on"):
        small().train()(batch(1))
    network, x = small(norm="group", width=16).train(), batch()
    torch.testing.assert_close(network(x)[:1], network(x[:1]), atol=1e-5, rtol=1e-4)
    assert small(temporal=False).train()(batch(1)).shape == (1, 1, 3)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"selector": "mean", "fusion": "cascade", "attention": False},
        {"selector": 3, "block": "bottleneck", "spatial": False},
        {"temporal": False, "norm": "group", "rc_weights": "softmax", "channels": 1},
    ],
)
def test_onnx_answers_as_torch_does(settings: dict[str, object], tmp_path: Path) -> None:
    network, x = used(small(**settings)), batch(channels=settings.get("channels", 2))
    path = tmp_path / "network.onnx"
    _export(network, x.numpy(), path)
    exported = OnnxNetwork.open(np.asarray, path, None)
    for rows in (slice(0, 2), slice(1, 2)):
        with torch.inference_mode():
            expected = network(x[rows]).numpy()
        np.testing.assert_allclose(exported.logits(x[rows].numpy()), expected, atol=1e-4)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(MienError, match="block = 'resnet50'; expected one of basic, bottleneck"):
        MS3D(3, block="resnet50")
    with pytest.raises(MienError, match="width = 6; expected a multiple of 4"):
        MS3D(3, width=6)
    with pytest.raises(MienError, match="got 8 channels in Block2; expected 16 at least"):
        MS3D(3, width=8, norm="group")
    with pytest.raises(MienError, match="selector 'oracle'; expected min_entropy, mean or a head from 0 to 3"):
        small(selector="oracle")
    with pytest.raises(MienError, match="head from 0 to 0"):
        small(temporal=False, selector=1)
    with pytest.raises(MienError, match=r"expected \(N, 2, 8, 38, 38\)"):
        small()(batch(channels=1))
