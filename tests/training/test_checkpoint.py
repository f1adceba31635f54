"""A training that was stopped and went on has the bits of one that was not."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from mien.core import MienError, MienWarning  # noqa: E402
from mien.training import Settings, devices  # noqa: E402
from mien.training.checkpoint import seconds_spent  # noqa: E402
from mien.training.loop import fit_network  # noqa: E402
from mien.training.seeds import reproducible  # noqa: E402

N, EPOCHS = 12, 6
GENERATOR = torch.Generator().manual_seed(5)
IMAGES, LABELS = torch.rand(N, 3, 6, 6, generator=GENERATOR), torch.arange(N) % 3


def network() -> torch.nn.Module:
    """Batch norm has running statistics and dropout draws, so that both must be kept."""
    with reproducible(0):
        return torch.nn.Sequential(
            torch.nn.Conv2d(3, 4, 3),
            torch.nn.BatchNorm2d(4),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.3),
            torch.nn.Flatten(),
            torch.nn.Linear(64, 3),
        )


def noise(batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return (batch + 0.1 * torch.randn(batch.shape, generator=generator)).clamp(0, 1)


def fit(checkpoint: Path | None = None, on_epoch: Any = None, seed: int = 1, **options: Any) -> torch.nn.Module:
    settings = Settings(**{"epochs": EPOCHS, "batch": 5} | options)
    given = {"augment": noise, "checkpoint": checkpoint, "every_s": 0, "on_epoch": on_epoch}
    return fit_network(network(), IMAGES, LABELS, settings, seed, **given)


def stop_at(epoch: int) -> Callable[..., None]:
    def stop(now: int, *_: object) -> None:
        if now == epoch:
            raise KeyboardInterrupt

    return stop


def same(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    weights = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in weights) and torch.equal(first(IMAGES), second(IMAGES))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": "sgd", "momentum": 0.9, "lr": 0.05, "schedule": "step", "step_epochs": 2},
        {"optimizer": "adamw", "weight_decay": 0.1, "schedule": "cosine", "accumulate": 2, "clip_norm": 0.1},
        {"pgd_steps": 2, "pgd_epsilon": 0.1, "pgd_step": 0.05},
        {"precision": "bf16"},
        {"precision": "fp16"},
    ],
    ids=str,
)
def test_a_stopped_training_goes_on_to_the_same_bits(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "check_precision", lambda device, name: None)
    path = tmp_path / "a.checkpoint"
    seen: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        fit(path, stop_at(3), **options)
    torch.rand(7)
    gone_on = fit(path, lambda epoch, *_: seen.append(epoch), **options)
    assert seen == [3, 4, 5, 6]
    assert same(gone_on, fit(**options))


def test_it_tells_how_long_all_its_parts_took(tmp_path: Path) -> None:
    path = tmp_path / "a.checkpoint"
    for until, least in ((3, 0.2), (5, 0.4)):  # an epoch that is stopped at is not in the file
        with pytest.raises(KeyboardInterrupt):
            fit(path, lambda epoch, *_, end=until: time.sleep(0.1) or stop_at(end)(epoch))
        assert least <= seconds_spent(path) < 60
    path.write_bytes(b"")
    assert seconds_spent(path) == 0


def test_a_checkpoint_changes_nothing_and_comes_with_the_asked_delay(tmp_path: Path) -> None:
    assert same(fit(tmp_path / "a.checkpoint"), fit())
    assert [path.name for path in tmp_path.iterdir()] == ["a.checkpoint"]
    late = tmp_path / "late.checkpoint"
    fit_network(network(), IMAGES, LABELS, Settings(epochs=2), 1, checkpoint=late, every_s=3600)
    assert not late.exists()


@pytest.mark.parametrize("change", [{"seed": 2}, {"lr": 0.01}, {"epochs": 7}])
def test_the_checkpoint_of_another_training_is_told_and_not_used(change: dict[str, Any], tmp_path: Path) -> None:
    fit(tmp_path / "a.checkpoint", **change)
    with pytest.warns(MienWarning, match=r"of another training.*it begins anew"):
        trained = fit(tmp_path / "a.checkpoint")
    assert same(trained, fit())


class Evil:
    """What a pickle could do: touch a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"text\n" * 99, "cut", "evil"])
def test_a_checkpoint_that_does_not_open_is_told_and_runs_nothing(content: bytes | str, tmp_path: Path) -> None:
    path, trace = tmp_path / "a.checkpoint", tmp_path / "trace"
    fit(path)
    if content == "evil":
        torch.save({"name": Evil(trace)}, path)
    else:
        path.write_bytes(path.read_bytes()[:-100] if isinstance(content, str) else content)
    with pytest.warns(MienWarning, match="it begins anew") as caught:
        trained = fit(path)
    assert "\n" not in str(caught[0].message)
    assert same(trained, fit())
    assert not trace.exists()


def test_a_checkpoint_that_was_tampered_with_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.checkpoint"
    fit(path)
    state = torch.load(path, weights_only=True)
    state["parts"]["network"]["0.weight"] = torch.zeros(1)
    torch.save(state, path)
    with pytest.raises(MienError, match=r"which does not fit .* delete it"):
        fit(path)
