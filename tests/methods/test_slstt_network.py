"""SLSTT's network: ViT-B/16 per image, a mean that forgets the order, an LSTM that does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien.core import MienError  # noqa: E402
from mien.methods import METHODS  # noqa: E402
from mien.methods._network import _export  # noqa: E402
from mien.methods._onnx import OnnxNetwork  # noqa: E402
from mien.methods.slstt.network import SLSTT, VisionTransformer  # noqa: E402

TINY = {"size": 32, "patch": 8, "width": 24, "depth": 2, "heads": 3}


def count(module: torch.nn.Module, trained: bool = False) -> int:
    return sum(weights.numel() for weights in module.parameters() if weights.requires_grad or not trained)


def on_paper(**settings: object) -> SLSTT:
    with torch.device("meta"):
        return SLSTT(3, **settings)


def small(**settings: object) -> SLSTT:
    torch.manual_seed(0)
    return SLSTT(3, **{**TINY, "hidden": 16, **settings}).eval()


def batch(n: int = 2, images: int = 5) -> torch.Tensor:
    return torch.rand(n, images, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def test_its_parameters_are_those_of_vit_b_16_and_of_the_public_code() -> None:
    network = on_paper()
    assert count(network.encoder) == 86_090_496
    assert count(network.encoder.layers) == 12 * 7_087_872
    assert network.encoder.positions.shape == (1, 24 * 24 + 1, 768)
    assert count(network.lstm) == 6_828_032
    assert count(network.classify) == 513 * 256 + 257 * 3
    assert count(network) == 93_050_627


def test_the_mean_needs_one_linear_layer() -> None:
    assert count(on_paper(aggregate="mean")) == 86_090_496 + 769 * 3


def test_frozen_only_the_last_norm_of_the_encoder_learns() -> None:
    assert count(on_paper(frozen=True), trained=True) == 93_050_627 - 86_090_496 + 2 * 768 == 6_961_667
    network = small(frozen=True).train()
    torch.nn.functional.cross_entropy(network(batch()), torch.tensor([0, 2])).backward()
    learning = {name.rsplit(".", 1)[0] for name, weights in network.named_parameters() if weights.grad is not None}
    assert learning == {"encoder.norm", "lstm", "classify.0", "classify.2"}


def test_trained_frozen_the_transformer_keeps_its_weights_and_the_head_does_not() -> None:
    slstt = METHODS["slstt"]
    assert slstt.settings("frozen")["network"] == {"frozen": True}
    clips = np.random.default_rng(0).integers(0, 256, (4, 3, 32, 32, 3), np.uint8)
    network = {**TINY, "hidden": 16, "frozen": True}

    def trained(epochs: int) -> dict[str, torch.Tensor]:
        settings = {**slstt.settings("frozen"), "epochs": epochs, "network": network}
        return slstt.fit(clips, [0, 1] * 2, list("abcd"), ["x", "y"], settings=settings).network.state_dict()

    before, after = trained(1), trained(3)
    changed = {name.rsplit(".", 1)[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"encoder.norm", "lstm", "classify.0", "classify.2"}


@pytest.mark.parametrize("aggregate", ["lstm", "mean"])
def test_otherwise_the_loss_reaches_every_part(aggregate: str) -> None:
    network = small(aggregate=aggregate).train()
    torch.nn.functional.cross_entropy(network(batch()), torch.tensor([0, 2])).backward()
    assert [name for name, weights in network.named_parameters() if not weights.grad.any()] == []


def test_the_mean_forgets_the_order_and_the_lstm_does_not() -> None:
    x = batch()
    with torch.inference_mode():
        torch.testing.assert_close(small(aggregate="mean")(x.flip(1)), small(aggregate="mean")(x))
        assert not torch.allclose(small()(x.flip(1)), small()(x), atol=1e-5)


def test_the_mean_is_that_of_the_images_logits() -> None:
    network, x = small(aggregate="mean"), batch()
    with torch.inference_mode():
        each = torch.stack([network(x[:, [t]]) for t in range(5)])
        torch.testing.assert_close(network(x), each.mean(dim=0))


def test_the_lstm_reads_the_class_tokens_in_order_and_answers_at_the_end() -> None:
    network, x = small(), batch()
    with torch.inference_mode():
        tokens = [network.encoder(network.pixels(x[:, t])) for t in range(5)]
        state = None
        for token in tokens:
            out, state = network.lstm(token[:, None], state)
        torch.testing.assert_close(network(x), network.classify(out[:, 0]))


def test_images_are_normalised_as_imagenets() -> None:
    network, seen = small(), []
    network.encoder.register_forward_pre_hook(lambda _m, args: seen.append(args[0]))
    grey = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1).expand(1, 1, 3, 32, 32)
    network(grey)
    assert seen[0].abs().max() < 1e-6


def test_patches_know_their_place_only_by_the_position_embedding() -> None:
    torch.manual_seed(0)
    encoder, image = VisionTransformer(**TINY).eval(), batch()[0, :1]
    order = torch.randperm(16)
    patches = torch.nn.functional.unfold(image, 8, stride=8)[..., order]
    shuffled = torch.nn.functional.fold(patches, 32, 8, stride=8)
    with torch.inference_mode():
        assert not torch.allclose(encoder(shuffled), encoder(image), atol=1e-4)
        encoder.positions.zero_()
        torch.testing.assert_close(encoder(shuffled), encoder(image), atol=1e-5, rtol=1e-4)


def test_layers_start_from_different_weights() -> None:
    first, second = small().encoder.layers
    assert not torch.equal(first.linear1.weight, second.linear1.weight)
    assert not torch.equal(first.self_attn.in_proj_weight, second.self_attn.in_proj_weight)


def test_dropout_acts_in_training_only() -> None:
    network, x = small(), batch()
    torch.testing.assert_close(network(x), network(x))
    assert not torch.allclose(network.train()(x), network(x))


def test_any_number_of_images_is_read() -> None:
    assert small()(batch(images=11)).shape == small()(batch(images=1)).shape == (2, 3)


@pytest.mark.parametrize("settings", [{}, {"aggregate": "mean"}, {"frozen": True}])
def test_onnx_answers_as_torch_does(settings: dict[str, object], tmp_path: Path) -> None:
    network, x = small(**settings), batch()
    path = tmp_path / "network.onnx"
    _export(network, x.numpy(), path)
    exported = OnnxNetwork.open(np.asarray, path, None)
    for rows in (slice(0, 2), slice(1, 2)):
        with torch.inference_mode():
            expected = network(x[rows]).numpy()
        np.testing.assert_allclose(exported.logits(x[rows].numpy()), expected, atol=1e-4)


@pytest.mark.slow
def test_at_full_size_an_image_is_577_tokens() -> None:
    network, seen = SLSTT(3).eval(), []
    network.encoder.layers.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape)))
    with torch.inference_mode():
        assert network(torch.rand(1, 2, 3, 384, 384)).shape == (1, 3)
    assert seen == [(2, 577, 768)]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(MienError, match="aggregate = 'max'; expected one of lstm, mean"):
        SLSTT(3, aggregate="max")
    with pytest.raises(MienError, match="size = 100; expected a multiple of 16"):
        SLSTT(3, size=100)
    with pytest.raises(MienError, match="width = 100; expected a multiple of 12"):
        SLSTT(3, width=100)
    with pytest.raises(MienError, match=r"expected \(N, T, 3, 32, 32\)"):
        small()(batch()[:, :, :2])
    with pytest.raises(MienError, match=r"expected \(N, T, 3, 32, 32\)"):
        small()(batch()[:, :0])
