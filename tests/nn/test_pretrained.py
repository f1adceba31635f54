"""Weights with torchvision's names load into MONAI's backbones; others are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import save_file  # noqa: E402

from mien.core import MienError  # noqa: E402
from mien.methods.adnet.network import ADNet  # noqa: E402
from mien.methods.resnet.network import resnet18  # noqa: E402
from mien.nn.pretrained import ImageNetPixels, load_torchvision  # noqa: E402

Shapes = Iterator[tuple[str, tuple[int, ...]]]


def norm(name: str, channels: int) -> Shapes:
    for part in ("weight", "bias", "running_mean", "running_var"):
        yield f"{name}.{part}", (channels,)
    yield f"{name}.num_batches_tracked", ()


def densenet121() -> Shapes:
    """Names and shapes of torchvision's densenet121, written down independently of MONAI."""
    yield "features.conv0.weight", (64, 3, 7, 7)
    yield from norm("features.norm0", 64)
    channels = 64
    for block, layers in enumerate((6, 12, 24, 16), 1):
        for layer in range(1, layers + 1):
            name = f"features.denseblock{block}.denselayer{layer}"
            yield from norm(f"{name}.norm1", channels)
            yield f"{name}.conv1.weight", (128, channels, 1, 1)
            yield from norm(f"{name}.norm2", 128)
            yield f"{name}.conv2.weight", (32, 128, 3, 3)
            channels += 32
        if block < 4:
            yield from norm(f"features.transition{block}.norm", channels)
            channels //= 2
            yield f"features.transition{block}.conv.weight", (channels, 2 * channels, 1, 1)
    yield from norm("features.norm5", channels)
    yield from (("classifier.weight", (1000, channels)), ("classifier.bias", (1000,)))


def resnet18_of_torchvision() -> Shapes:
    yield "conv1.weight", (64, 3, 7, 7)
    yield from norm("bn1", 64)
    before = 64
    for layer, channels in enumerate((64, 128, 256, 512), 1):
        for block in (0, 1):
            for part in (1, 2):
                inputs = before if (block, part) == (0, 1) else channels
                yield f"layer{layer}.{block}.conv{part}.weight", (channels, inputs, 3, 3)
                yield from norm(f"layer{layer}.{block}.bn{part}", channels)
        if before != channels:
            yield f"layer{layer}.0.downsample.0.weight", (channels, before, 1, 1)
            yield from norm(f"layer{layer}.0.downsample.1", channels)
        before = channels
    yield from (("fc.weight", (1000, 512)), ("fc.bias", (1000,)))


def weights(shapes: Shapes) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.tensor(7) if not shape else 0.1 + torch.rand(shape, generator=generator) for name, shape in shapes
    }


@pytest.fixture(scope="module")
def dense() -> dict[str, torch.Tensor]:
    return weights(densenet121())


def test_a_densenet_of_torchvision_has_727_entries_and_all_are_loaded(
    dense: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    assert len(dense) == 727
    network = ADNet(3)
    head = network.backbone.class_layers.out.weight.clone()
    attention = {name: value.clone() for name, value in network.attention.state_dict().items()}
    save_file(dense, tmp_path / "densenet121.safetensors")
    load_torchvision(network, tmp_path / "densenet121.safetensors")
    loaded = network.backbone.state_dict()
    for name, tensor in dense.items():
        if not name.startswith("classifier"):
            here = re.sub(r"(denselayer\d+)", r"\1.layers", name)
            assert torch.equal(loaded[here], tensor), name
    assert torch.equal(network.backbone.class_layers.out.weight, head)
    for name, value in network.attention.state_dict().items():
        assert torch.equal(value, attention[name])


def test_the_names_of_torchvisions_published_densenet_file_load_too(
    dense: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    old = {}
    for name, tensor in dense.items():
        if not name.endswith("num_batches_tracked"):
            old[re.sub(r"(denselayer\d+\.\w+)([12])", r"\1.\2", name)] = tensor
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    torch.save(old, tmp_path / "densenet121.pth", _use_new_zipfile_serialization=False)
    network = ADNet(3)
    load_torchvision(network, tmp_path / "densenet121.pth")
    assert torch.equal(
        network.backbone.features.denseblock4.denselayer16.layers.conv2.weight,
        dense["features.denseblock4.denselayer16.conv2.weight"],
    )


def test_a_resnet_of_torchvision_has_122_entries_and_all_are_loaded(tmp_path: Path) -> None:
    state = weights(resnet18_of_torchvision())
    assert len(state) == 122
    torch.save(state, tmp_path / "resnet18.pth")
    network = resnet18(3)
    head = network.backbone.fc.weight.clone()
    load_torchvision(network, tmp_path / "resnet18.pth")
    for name, tensor in network.backbone.state_dict().items():
        assert name.startswith("fc.") or torch.equal(tensor, state[name]), name
    assert torch.equal(network.backbone.fc.weight, head)


def test_weights_of_another_network_are_refused_and_change_nothing(
    dense: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    network = resnet18(3)
    before = network.backbone.conv1.weight.clone()
    save_file(dense, tmp_path / "densenet121.safetensors")
    with pytest.raises(MienError, match=r"densenet121.safetensors' without 'bn1.bias'; expected torchvision's weights"):
        load_torchvision(network, tmp_path / "densenet121.safetensors")
    assert torch.equal(network.backbone.conv1.weight, before)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"conv1.weight": torch.zeros(64, 1, 7, 7)}, r"'conv1.weight' of \(64, 1, 7, 7\), not \(64, 3, 7, 7\)"),
        ({"layer1.2.conv1.weight": torch.zeros(64, 64, 3, 3)}, "'layer1.2.conv1.weight', which the backbone lacks"),
        ({"bn1.weight": torch.full((64,), torch.nan)}, "'bn1.weight' that holds NaN"),
    ],
)
def test_weights_that_differ_say_where(change: dict[str, torch.Tensor], said: str, tmp_path: Path) -> None:
    torch.save(weights(resnet18_of_torchvision()) | change, tmp_path / "resnet.pth")
    with pytest.raises(MienError, match=said):
        load_torchvision(resnet18(3), tmp_path / "resnet.pth")


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
@pytest.mark.parametrize("content", [b"", b"not weights\n" * 20, b"PK\x03\x04broken"])
def test_a_file_that_is_none_is_one_clear_line(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(MienError, match=r"does not open \(.+\); expected .safetensors or .pth") as caught:
        load_torchvision(resnet18(3), path)
    assert "\n" not in str(caught.value)
    with pytest.raises(MienError, match="does not open"):
        load_torchvision(resnet18(3), tmp_path / f"missing_{name}")


def test_a_pickle_that_would_run_code_or_holds_no_table_is_refused(tmp_path: Path) -> None:
    torch.save(resnet18(3), tmp_path / "whole.pth")
    with pytest.raises(MienError, match="does not open"):
        load_torchvision(resnet18(3), tmp_path / "whole.pth")
    torch.save({"epoch": 3, "state_dict": {}}, tmp_path / "checkpoint.pth")
    with pytest.raises(MienError, match="no table of weights"):
        load_torchvision(resnet18(3), tmp_path / "checkpoint.pth")


def test_mean_grey_of_imagenet_is_zero_and_its_difference_only_scales() -> None:
    pixels = ImageNetPixels()
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None].expand(3, 2, 2)
    assert not pixels(mean).any()
    first, second = torch.rand(2, 3, 4, 4)
    torch.testing.assert_close(pixels.difference(first, second), pixels(second) - pixels(first))
    assert not pixels.state_dict()
