"""AD-Net's network: its size, coordinate attention, and a clip as the mean over its frames."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien.core import MienError  # noqa: E402
from mien.methods._network import _export  # noqa: E402
from mien.methods._onnx import OnnxNetwork  # noqa: E402
from mien.methods.adnet.network import ADNet, CoordinateAttention, present_frames  # noqa: E402
from mien.training.adversarial import pgd  # noqa: E402


def count(build, *args: object, **settings: object) -> int:
    with torch.device("meta"):
        return sum(weights.numel() for weights in build(*args, **settings).parameters())


@pytest.fixture(scope="module")
def network() -> ADNet:
    torch.manual_seed(0)
    return ADNet(3).eval()


def clips(n: int = 3, frames: int = 4, size: int = 32) -> torch.Tensor:
    return torch.rand(n, frames, 3, size, size, generator=torch.Generator().manual_seed(1))


def test_it_has_the_parameters_of_its_parts() -> None:
    assert count(ADNet, 3) == 6_992_611
    assert count(ADNet, 5) == 6_994_661
    assert count(ADNet, 1000, ca=False) == 7_978_856
    assert count(ADNet, 3, ca=False) == count(ADNet, 3, ca_after=()) == 6_956_931
    assert [count(CoordinateAttention, channels) for channels in (128, 256, 512)] == [3_352, 6_680, 25_648]
    assert count(ADNet, 3, ca_after=(2,)) == 6_956_931 + 6_680
    assert count(ADNet, 3, refine=True) == 6_992_611 + 1024 * 1024 + 2 * 1024
    assert count(ADNet, 3, growth=8, refine=True) == count(ADNet, 3, growth=8) + 256 * 256 + 2 * 256


@pytest.mark.parametrize(("height", "width", "growth"), [(128, 128, 32), (128, 96, 32), (64, 64, 8)])
def test_the_stages_halve_the_frame_and_the_growth_scales_the_channels(height: int, width: int, growth: int) -> None:
    network = ADNet(3, growth=growth).eval()
    seen: dict[str, tuple[int, ...]] = {}
    stages = network.backbone.features
    names = ("pool0", "denseblock1", "denseblock2", "denseblock3", "denseblock4")
    watched = {name: stages.get_submodule(name) for name in names} | dict(network.attention.items())
    hooks = [
        module.register_forward_hook(lambda _m, _i, out, name=name: seen.__setitem__(name, tuple(out.shape[1:])))
        for name, module in watched.items()
    ]
    with torch.inference_mode():
        assert network(torch.rand(1, 3, height, width)).shape == (1, 3)
    for hook in hooks:
        hook.remove()
    channels = {"pool0": 64, "denseblock1": 256, "denseblock2": 512, "denseblock3": 1024, "denseblock4": 1024}
    sides = {"pool0": 4, "denseblock1": 4, "denseblock2": 8, "denseblock3": 16, "denseblock4": 32}
    expected = {name: (channels[name] * growth // 32, height // sides[name], width // sides[name]) for name in names}
    for name, width_of, side in (("transition1", 128, 8), ("transition2", 256, 16), ("transition3", 512, 32)):
        expected[name] = (width_of * growth // 32, height // side, width // side)
    assert seen == expected


def test_a_standardised_frame_has_no_light_of_its_own(network: ADNet) -> None:
    torch.manual_seed(0)
    standard = ADNet(3, growth=8, standardise=True).eval()
    x = clips() / 2
    gain = torch.tensor([0.6, 0.8, 1.2])[:, None, None]
    with torch.inference_mode():
        torch.testing.assert_close(standard(gain * x + 0.2), standard(x), atol=2e-3, rtol=0)
        torch.testing.assert_close(standard(x[:1]), standard(x)[:1])
        assert not torch.allclose(network(gain * x + 0.2), network(x), atol=2e-3, rtol=0)


def test_rows_are_averaged_over_the_width_and_columns_over_the_height() -> None:
    x = torch.tensor([[[[1.0, 2.0, 6.0], [3.0, 4.0, 8.0]]]])
    assert CoordinateAttention.means(x).flatten().tolist() == [3, 5, 2, 3, 7]


@pytest.mark.parametrize(("residual", "gain"), [(True, 1.25), (False, 0.25)])
def test_attention_without_an_opinion_is_a_half_times_a_half(residual: bool, gain: float) -> None:
    attention = CoordinateAttention(16, residual).eval()
    for convolution in (attention.to_rows, attention.to_columns):
        torch.nn.init.zeros_(convolution.weight)
        torch.nn.init.zeros_(convolution.bias)
    x = torch.randn(2, 16, 5, 3)
    torch.testing.assert_close(attention(x), gain * x)


def test_a_transposed_map_swaps_rows_and_columns() -> None:
    torch.manual_seed(0)
    attention = CoordinateAttention(16).eval()
    x = torch.randn(2, 16, 5, 3)
    expected = attention(x).transpose(2, 3)
    rows, columns = attention.weights(x)
    assert rows.shape == (2, 16, 5, 1)
    assert columns.shape == (2, 16, 1, 3)
    attention.to_rows, attention.to_columns = attention.to_columns, attention.to_rows
    torch.testing.assert_close(attention(x.transpose(2, 3)), expected)
    assert not torch.allclose(attention(x), expected.transpose(2, 3))


def test_the_residual_and_the_refinement_change_what_it_says() -> None:
    x = clips(1, 2)
    answers = []
    for settings in ({}, {"ca_residual": False}, {"refine": True}):
        torch.manual_seed(0)
        answers.append(ADNet(3, **settings).eval()(x))
    assert len({tuple(answer.flatten().tolist()) for answer in answers}) == 3


def test_without_attention_it_is_densenet121_on_normalised_pixels() -> None:
    from monai.networks.nets.densenet import DenseNet121

    plain, network = DenseNet121(2, 3, 3).eval(), ADNet(3, ca=False).eval()
    network.backbone.load_state_dict(plain.state_dict())
    frames = clips(1)[0]
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = plain((frames - mean[:, None, None]) / std[:, None, None])
    torch.testing.assert_close(network(frames), expected)


def test_a_clip_scores_the_mean_over_its_frames_in_any_order(network: ADNet) -> None:
    x = clips()
    with torch.inference_mode():
        scores = network(x)
        each = network(x.flatten(0, 1)).softmax(dim=1).unflatten(0, (3, 4))
        shuffled = network(x[:, [2, 0, 3, 1]])
    torch.testing.assert_close(scores.exp(), each.mean(dim=1))
    torch.testing.assert_close(scores.softmax(dim=1), each.mean(dim=1))
    torch.testing.assert_close(shuffled, scores)


def test_padding_is_no_frame(network: ADNet) -> None:
    x = clips()
    padded = torch.cat([x[:, :1], torch.zeros_like(x[:, :2]), x[:, 1:]], dim=1)
    with torch.inference_mode():
        torch.testing.assert_close(network(padded), network(x))
        torch.testing.assert_close(network(x[:, :1]), network(x[:, 0]).log_softmax(dim=1))


def test_padding_does_not_reach_the_batch_norm() -> None:
    x = clips(2, 2)
    padded = torch.cat([x, torch.zeros_like(x)], dim=1)
    means = []
    for batch in (x, padded):
        torch.manual_seed(0)
        network = ADNet(3).train()
        network(batch)
        means.append(network.backbone.features.norm5.running_mean)
    torch.testing.assert_close(means[0], means[1])


def test_an_attacked_clip_keeps_its_padding(network: ADNet) -> None:
    x = clips(2)
    x[0, 2:] = 0
    attacked = pgd(network, torch.nn.functional.nll_loss, x, torch.tensor([0, 2]), steps=1)
    assert not attacked[0, 2:].any()
    moved = (attacked - x).abs().flatten(2).amax(dim=2)
    assert moved[0, :2].tolist() == pytest.approx([1 / 255] * 2)
    assert moved[1].tolist() == pytest.approx([1 / 255] * 4)


def test_the_frames_of_padded_clips_keep_their_clip() -> None:
    x = clips()
    x[0, 1:] = 0
    x[2, 0] = 0
    frames, rows = present_frames(x)
    assert rows.tolist() == [0, 1, 1, 1, 1, 2, 2, 2]
    torch.testing.assert_close(frames, torch.cat([x[0, :1], x[1], x[2, 1:]]))


def test_it_trains_on_so_many_frames_of_a_clip_and_never_on_padding() -> None:
    x, targets = clips(), torch.tensor([2, 0, 1])
    x[1, 1:] = 0  # a clip of one frame
    for wanted, kept in ((1, [2, 0, 1]), (2, [2, 2, 0, 1, 1]), (9, [2, 2, 2, 2, 0, 1, 1, 1, 1])):
        network = ADNet(3, growth=8, frames_per_clip=wanted)
        frames, labels = network.samples(x, targets)
        assert labels.tolist() == kept
        own = {label: {tuple(frame.flatten().tolist()) for frame in x[row]} for row, label in ((0, 2), (1, 0), (2, 1))}
        for frame, label in zip(frames, labels.tolist(), strict=True):
            assert frame.any()
            assert tuple(frame.flatten().tolist()) in own[label]


def test_every_frame_is_drawn_sometimes_and_the_seed_says_which() -> None:
    x = torch.arange(1, 5)[None, :, None, None, None].expand(50, 4, 3, 2, 2) / 4
    network = ADNet(3, growth=8, frames_per_clip=1)
    drawn = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        drawn.append((4 * network.samples(x, torch.zeros(50))[0][:, 0, 0, 0]).tolist())
    assert drawn[0] == drawn[1] != drawn[2]
    assert set(drawn[0]) == {1, 2, 3, 4}


@pytest.mark.parametrize("shape", [(2, 4, 1, 32, 32), (3, 32, 32), (2, 2, 4, 3, 32, 32)])
def test_another_shape_is_refused(network: ADNet, shape: tuple[int, ...]) -> None:
    with pytest.raises(MienError, match=r"expected \(N, F, 3, H, W\)"):
        network(torch.rand(shape))


def test_a_clip_without_a_frame_and_a_fourth_transition_are_refused(network: ADNet) -> None:
    empty = clips()
    empty[1] = 0
    with pytest.raises(MienError, match="frames are all zero"):
        network(empty)
    with pytest.raises(MienError, match="expected some of 1, 2, 3"):
        ADNet(3, ca_after=(4,))
    with pytest.raises(MienError, match="got growth = 0; expected a whole number from 1"):
        ADNet(3, growth=0)
    with pytest.raises(MienError, match="got frames_per_clip = 0; expected a whole number from 1"):
        ADNet(3, frames_per_clip=0)


@pytest.mark.parametrize("settings", [{}, {"growth": 8, "standardise": True, "frames_per_clip": 1}])
def test_the_exported_network_leaves_padding_out_too(settings: dict[str, int], tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, x = ADNet(3, **settings).eval(), clips()
    x[1, 2:] = 0
    path = tmp_path / "network.onnx"
    _export(network, x.numpy(), path)
    exported = OnnxNetwork.open(np.asarray, path, None)
    for rows in (slice(0, 3), slice(1, 2)):
        with torch.inference_mode():
            expected = network(x[rows]).numpy()
        np.testing.assert_allclose(exported.logits(x[rows].numpy()), expected, atol=1e-4)
        assert math.isclose(np.exp(expected[0]).sum(), 1, abs_tol=1e-5)
