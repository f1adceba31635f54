"""Where a network is trained: the names of devices, mixed precision; GPUs are pretended."""

from __future__ import annotations

import os

import pytest

torch = pytest.importorskip("torch")

from mien.core import MienError  # noqa: E402
from mien.training import Settings, loop  # noqa: E402
from mien.training.devices import (  # noqa: E402
    Precision,
    choose_device,
    cuda_devices,
    device_name,
    peak_gpu_mb,
    to_device,
)
from mien.training.loop import fit_network  # noqa: E402
from mien.training.seeds import deterministic  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two GPUs."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: f"GPU {device.index}")


@pytest.fixture
def none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.usefixtures("gpus")
def test_with_gpus_auto_takes_the_first_and_folds_may_use_all() -> None:
    assert [str(choose_device(name)) for name in ("auto", "cuda", "cuda:1", "cpu")] == [
        *("cuda:0", "cuda:0", "cuda:1", "cpu")
    ]
    assert cuda_devices("auto") == cuda_devices("cuda") == ["cuda:0", "cuda:1"]
    assert cuda_devices("cuda:1") == ["cuda:1"]
    assert cuda_devices("cpu") == []
    assert [device_name(choose_device(name)) for name in ("cuda:1", "cpu")] == ["GPU 1", "cpu"]
    with pytest.raises(MienError, match=r"got the device 'cuda:2', but torch .* sees 2 GPUs"):
        choose_device("cuda:2")


@pytest.mark.usefixtures("none")
def test_without_a_gpu_auto_is_the_processor_and_cuda_is_refused() -> None:
    assert choose_device("auto") == CPU
    assert cuda_devices("auto") == []
    assert peak_gpu_mb(CPU) is None
    with pytest.raises(MienError, match=r"sees 0 GPUs.*use --device cpu"):
        choose_device("cuda")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "cuda:-1", "mps", ""])
def test_an_unknown_device_is_refused(name: str) -> None:
    with pytest.raises(MienError, match="expected auto, cpu, cuda or cuda:NUMBER"):
        choose_device(name)


def test_a_batch_goes_to_a_gpu_from_pinned_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[object] = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda self: steps.append("pinned") or self)
    monkeypatch.setattr(torch.Tensor, "to", lambda self, device, **how: steps.append((str(device), how)) or self)
    to_device(torch.zeros(1), torch.device("cuda", 1))
    to_device(torch.zeros(1), CPU)
    assert steps == ["pinned", ("cuda:1", {"non_blocking": True}), ("cpu", {})]


def test_algorithms_are_deterministic_and_strict_only_on_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with deterministic(CPU):
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
        assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    with deterministic(torch.device("cuda")):
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert not torch.are_deterministic_algorithms_enabled()


def trained(precision: str, **options: object) -> tuple[torch.nn.Module, set[torch.dtype]]:
    """A network, and the types of its outputs while it was trained."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(24) % 3
    images = (torch.rand(24, 3, 4, 4, generator=generator) + torch.eye(3)[labels][..., None, None]) / 2
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(48, 3))
    types = set()
    network.register_forward_hook(lambda net, _, output: types.add(output.dtype) if net.training else None)
    settings = Settings(**{"epochs": 15, "batch": 8, "lr": 0.02, "precision": precision} | options)
    fit_network(network, images, labels, settings, 0)
    assert (network(images).argmax(1) == labels).float().mean() > 0.9
    return network, types


@pytest.mark.parametrize("attack", [{}, {"pgd_steps": 2}])
def test_mixed_precision_computes_in_it_and_keeps_weights_in_float32(attack: dict[str, int]) -> None:
    full, full_types = trained("float32", **attack)
    mixed, mixed_types = trained("bf16", **attack)
    assert (full_types, mixed_types) == ({torch.float32}, {torch.bfloat16})
    assert {weights.dtype for weights in mixed.parameters()} == {torch.float32}
    assert not torch.equal(full[1].weight, mixed[1].weight)
    assert mixed(torch.zeros(1, 3, 4, 4)).dtype == torch.float32


def test_fp16_is_for_gpus() -> None:
    with pytest.raises(MienError, match="fp16' on the processor"):
        Precision(CPU, "fp16")
    with pytest.raises(MienError, match="precision = 'fp8'; expected one of float32, bf16, fp16"):
        Settings(epochs=1, precision="fp8")


@pytest.mark.parametrize("attack", [{}, {"pgd_steps": 1}])
def test_fp16_scales_the_loss_and_leaves_out_a_step_that_overflows(
    attack: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.training.devices.check_precision", lambda device, name: None)
    made: list[Precision] = []
    monkeypatch.setattr(loop, "Precision", lambda *given: made.append(Precision(*given)) or made[0])
    _, types = trained("fp16", **attack)
    assert types == {torch.float16}
    assert made[0].scaler.is_enabled()
    inputs, before = torch.full((2, 1), 6e4), torch.zeros(1, 1)
    line = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(line.weight)
    line.loss = lambda output, targets, weights: output.float().sum()
    fit_network(line, inputs, torch.tensor([0, 0]), Settings(epochs=1, precision="fp16"), 0)
    assert torch.equal(line.weight, before)  # 65536 x 6e4 is beyond float16


def test_attacked_batches_of_one_step_are_averaged_too() -> None:
    """With every batch the same, two accumulated halves make the step of one."""
    images, labels = torch.full((4, 3, 2, 2), 0.5), torch.zeros(4, dtype=torch.int64)
    found = []
    for batch, accumulate in ((4, 1), (2, 2)):
        torch.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 1))
        network.loss = lambda output, targets, weights: output.square().mean()
        settings = Settings(
            epochs=1, batch=batch, accumulate=accumulate, lr=0.5, optimizer="sgd", momentum=0.0, pgd_steps=1
        )
        found.append(fit_network(network, images, labels, settings, 0)[1].weight)
    torch.testing.assert_close(found[0], found[1])
