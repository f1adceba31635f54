"""AST's network: attention whose mean is 1, and 384 features of two streams."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien.core import MienError  # noqa: E402
from mien.methods._network import _export  # noqa: E402
from mien.methods._onnx import OnnxNetwork  # noqa: E402
from mien.methods.ast_svm.network import AST, ChannelAttention, FusionAttention, SpatialAttention  # noqa: E402
from mien.nn.attention import AverageMaxMLP  # noqa: E402
from mien.nn.inception import Inception  # noqa: E402


def count(module: torch.nn.Module) -> int:
    return sum(weights.numel() for weights in module.parameters())


def small(**settings: object) -> AST:
    torch.manual_seed(0)
    return AST(3, size=64, **settings).eval()


def batch(maps: int = 2, size: int = 64) -> torch.Tensor:
    return torch.rand(2, maps, 10, size, size, generator=torch.Generator().manual_seed(1))


def zeroed(fam: FusionAttention) -> FusionAttention:
    for part in fam:
        for scores in (part.score,) if isinstance(part, ChannelAttention) else (part.average, part.maximum):
            for weights in scores.parameters():
                torch.nn.init.zeros_(weights)
    return fam


def test_its_parameters_are_those_of_the_reference_design() -> None:
    network = AST(3)
    assert count(network) == 166_657
    for stream in network.streams.values():
        assert (count(stream.attend), count(stream.spatial), count(stream.temporal)) == (255, 42_016, 40_480)
    assert count(network.classify) == 385 * 3


def test_u_and_v_cost_3667_parameters_more_than_their_magnitude() -> None:
    attention = 610 - 255  # two batch norms of 20 maps, an MLP 20-10-20, the same convolutions
    stems = 10 * 32 * 3 * 3 + 16 * 3 * 3 * 3
    assert count(AST(3, flow="uv")) - count(AST(3)) == attention + stems == 3667


def test_fusion_attention_has_255_parameters() -> None:
    assert count(FusionAttention(10)) == 20 + 115 + 20 + 2 * 50
    assert count(FusionAttention(10, "channel")) == 135
    assert count(FusionAttention(10, "spatial")) == 120
    assert count(FusionAttention(10, "none")) == 0


def test_the_perceptron_adds_the_scores_of_the_average_and_of_the_maximum() -> None:
    scores = AverageMaxMLP(2, ratio=2)
    for name, values in (
        ("0.weight", [[1.0, -1.0]]),
        ("0.bias", [0.5]),
        ("2.weight", [[2.0], [3.0]]),
        ("2.bias", [1, 0]),
    ):
        scores.mlp.load_state_dict({name: torch.tensor(values, dtype=torch.float32)}, strict=False)
    x = torch.tensor([[[3.0, 1.0], [1.0, 5.0]]])  # averages (2, 3): 0 after ReLU; maxima (3, 5): 0
    assert scores(x).tolist() == [[2.0, 0.0]]
    x = torch.tensor([[[3.0, 1.0], [1.0, 0.0]]])  # averages (2, .5): 2; maxima (3, 1): 2.5
    assert scores(x).tolist() == [[2 * 4.5 + 2, 3 * 4.5]]


@pytest.mark.parametrize("dims", [2, 3])
def test_inception_sees_1_3_5_and_3_pixels(dims: int) -> None:
    module = Inception(1, 1, dims)
    for name, weights in module.named_parameters():
        torch.nn.init.ones_(weights) if name.endswith("weight") else torch.nn.init.zeros_(weights)
    x = torch.zeros(1, 1, *[9] * dims)
    x[(0, 0, *[4] * dims)] = 1
    seen = [int(view.count_nonzero()) for view in module(x)[0]]
    assert seen == [1, 3**dims, 5**dims, 3**dims]


def test_channel_weights_are_positive_and_sum_to_the_number_of_channels() -> None:
    torch.manual_seed(0)
    attention, x = ChannelAttention(10), torch.randn(4, 10, 16, 16) * 5
    weights = attention.weights(x)
    assert weights.shape == (4, 10, 1, 1)
    assert (weights > 0).all()
    torch.testing.assert_close(weights.sum(dim=1).flatten(), torch.full((4,), 10.0))
    torch.testing.assert_close(attention(x), x * weights)  # x itself, not its batch norm
    assert weights.std() > 1e-3


def test_channel_weights_follow_the_scores() -> None:
    attention = zeroed(FusionAttention(10, "channel"))[0]
    with torch.no_grad():
        attention.score.mlp[2].bias.copy_(torch.arange(1.0, 11.0).log() / 2)  # added twice
    expected = torch.arange(1.0, 11.0) * 10 / 55
    torch.testing.assert_close(attention.weights(torch.randn(1, 10, 8, 8)).flatten(), expected)


def test_spatial_weights_have_the_mean_1() -> None:
    torch.manual_seed(0)
    attention, x = SpatialAttention(10), torch.randn(4, 10, 16, 16) * 5
    weights = attention.weights(x)
    assert weights.shape == (4, 1, 16, 16)
    assert (weights > 0).all()
    torch.testing.assert_close(weights.mean(dim=(1, 2, 3)), torch.ones(4))
    torch.testing.assert_close(attention(x), x * weights)
    assert weights.std() > 1e-2


def test_the_average_and_the_maximum_have_their_own_convolutions() -> None:
    torch.manual_seed(0)
    attention, x = SpatialAttention(10), torch.randn(2, 10, 16, 16)
    before = attention(x)
    attention.average, attention.maximum = attention.maximum, attention.average
    assert not torch.allclose(attention(x), before, atol=1e-3)


@pytest.mark.parametrize("attention", ["both", "channel", "spatial", "none"])
def test_attention_without_an_opinion_changes_nothing(attention: str) -> None:
    x = torch.randn(2, 10, 24, 24)
    torch.testing.assert_close(zeroed(FusionAttention(10, attention))(x), x)


def test_sigmoids_without_an_opinion_quarter() -> None:
    x = torch.randn(2, 10, 24, 24)
    torch.testing.assert_close(zeroed(FusionAttention(10, activation="sigmoid"))(x), x / 4)


def test_channel_attention_comes_first() -> None:
    torch.manual_seed(0)
    fam, x = FusionAttention(10).eval(), torch.randn(2, 10, 16, 16)
    channel, spatial = fam
    assert isinstance(channel, ChannelAttention)
    torch.testing.assert_close(fam(x), spatial(channel(x)))
    assert fam(x).shape == x.shape


@pytest.mark.parametrize("flow", ["mag", "uv"])
def test_at_192_pixels_both_streams_give_128_and_64_features(flow: str) -> None:
    network, seen = AST(3, flow=flow).eval(), []
    for stream in network.streams.values():
        for module in (stream.attend, stream.pool, stream.spatial, stream.temporal):
            module.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[1:])))
    maps = {"mag": 1, "uv": 2}[flow]
    with torch.inference_mode():
        x = batch(maps + 1, size=192)
        assert (network.features(x).shape, network(x).shape) == ((2, 384), (2, 3))
    tail = [(128, 16, 16), (64, 10, 16, 16)]
    idsf = [(10, 192, 192), (10, 32, 32), *tail]
    assert seen[:8] == [(maps * 10, 192, 192), (maps * 10, 32, 32), *tail, *idsf]


def test_the_logits_are_linear_in_the_features() -> None:
    network, x = small(), batch()
    expected = network.features(x) @ network.classify.weight.T + network.classify.bias
    torch.testing.assert_close(network(x), expected)


@pytest.mark.parametrize(
    ("settings", "features"),
    [
        ({"streams": "flow"}, 192),
        ({"streams": "idsf"}, 192),
        ({"branches": "2d"}, 256),
        ({"branches": "3d"}, 128),
        ({"attention": "none"}, 384),
        ({"attention": "channel"}, 384),
        ({"attention": "spatial"}, 384),
        ({"streams": "idsf", "branches": "3d"}, 64),
    ],
)
def test_each_arm_has_its_features(settings: dict[str, str], features: int) -> None:
    network = small(**settings)
    assert network.features(batch()).shape == (2, features)
    assert network(batch()).shape == (2, 3)


def test_an_arm_ignores_the_other_stream() -> None:
    x = batch()
    other = x.clone()
    other[:, 1] = 0
    torch.testing.assert_close(small(streams="flow")(other), small(streams="flow")(x))
    assert not torch.allclose(small(streams="idsf")(other), small(streams="idsf")(x))
    assert not torch.allclose(small()(other), small()(x))


def test_maps_are_averaged_to_32_pixels_before_the_convolutions() -> None:
    network = small(attention="none")
    x = batch(size=32).repeat_interleave(2, dim=3).repeat_interleave(2, dim=4)
    half = AST(3, size=32, attention="none").eval()
    half.load_state_dict(network.state_dict())
    torch.testing.assert_close(network.features(x), half.features(batch(size=32)))


def test_the_loss_reaches_every_part() -> None:
    network = small().train()
    torch.nn.functional.cross_entropy(network(batch()), torch.tensor([0, 2])).backward()
    assert [name for name, weights in network.named_parameters() if not weights.grad.any()] == []


def test_maps_of_three_times_the_size_are_averaged_down() -> None:
    network, large = small(), batch(size=192)
    averaged = large.unflatten(-1, (64, 3)).unflatten(-3, (64, 3)).mean(dim=(-1, -3))
    with torch.inference_mode():
        torch.testing.assert_close(network(large), network(averaged))
        with pytest.raises(MienError, match="check flow and size"):
            network(batch(size=160))


def test_training_copies_keep_each_stream_whole_or_hide_it() -> None:
    network = small()
    made = network.augment(torch.ones(400, *network.shape), torch.Generator().manual_seed(0))
    strengths = made[:, :, 0, 0, 0]
    torch.testing.assert_close(made, strengths[:, :, None, None, None].expand_as(made), atol=1e-4, rtol=1e-4)
    hidden = strengths == 0
    assert 0.1 < hidden[:, 0].float().mean() < 0.25
    assert not hidden.all(dim=1).any(), "one of the two always shows"
    shown = strengths[~hidden].log()
    assert abs(float(shown.mean())) < 0.05
    assert float(shown.std()) == pytest.approx(0.35, abs=0.03)


def test_an_arm_with_one_stream_never_loses_it() -> None:
    network = small(streams="flow")
    made = network.augment(torch.ones(100, *network.shape), torch.Generator().manual_seed(0))
    assert (made[:, 0] > 0).all()


def test_in_a_mirror_u_turns_round_and_v_does_not() -> None:
    network = small(flow="uv")
    still = torch.zeros(64, *network.shape)
    still[:, 0] = 1
    made = network.augment(still, torch.Generator().manual_seed(0))[:, :2, 0, 0, 0]
    seen = made[made[:, 0] != 0]
    assert {bool(u < 0) for u in seen[:, 0]} == {False, True}
    turned = (seen[:, 1] / seen[:, 0]).abs()
    assert float(turned.max()) <= np.tan(np.radians(7)) + 1e-4


def test_a_grid_tells_where_and_the_mean_over_it_is_the_reference() -> None:
    plain, parted, x = small(), small(grid=4), batch()
    parted.load_state_dict(plain.state_dict() | {"classify.weight": parted.classify.weight})
    with torch.inference_mode():
        features = parted.features(x)
        assert features.shape == (2, 16 * 384)
        torch.testing.assert_close(features.view(2, 384, 16).mean(dim=2), plain.features(x))
    with pytest.raises(MienError, match="grid = 3; expected one of 1, 2, 4, 8"):
        AST(3, grid=3)


def test_differences_can_be_made_as_strong_as_the_flow() -> None:
    plain, stronger, x = small(), small(idsf_gain=10.0), batch()
    x[:, 1] /= 10
    louder = x.clone()
    louder[:, 1] *= 10
    with torch.inference_mode():
        torch.testing.assert_close(stronger(x), plain(louder))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"grid": 4},
        {"flow": "uv", "activation": "sigmoid"},
        {"streams": "idsf", "branches": "2d", "attention": "none"},
    ],
)
def test_onnx_answers_as_torch_does(settings: dict[str, str], tmp_path: Path) -> None:
    network, x = small(**settings), batch(3 if settings.get("flow") == "uv" else 2)
    path = tmp_path / "network.onnx"
    _export(network, x.numpy(), path)
    exported = OnnxNetwork.open(np.asarray, path, None)
    for rows in (slice(0, 2), slice(1, 2)):
        with torch.inference_mode():
            expected = network(x[rows]).numpy()
        np.testing.assert_allclose(exported.logits(x[rows].numpy()), expected, atol=1e-4)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(MienError, match="streams = 'strain'; expected one of both, flow, idsf"):
        AST(3, streams="strain")
    with pytest.raises(MienError, match="size = 100; expected a multiple of 32"):
        AST(3, size=100)
    with pytest.raises(MienError, match=r"expected \(N, 3, 10, 64, 64\)"):
        small(flow="uv")(batch())
