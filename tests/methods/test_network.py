"""Networks on motion maps: seeds, starting weights, wrong sizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.core import MienError  # noqa: E402
from mien.methods import (  # noqa: E402
    METHODS,
    _network,
)

STSTNET = METHODS["ststnet"]
CLASSES = ("negative", "positive", "surprise")
MAPS = np.random.default_rng(0).integers(0, 256, (12, 28, 28, 3), np.uint8)
TARGETS = np.arange(12) % 3
SUBJECTS = [f"smic/s{row // 3}" for row in range(12)]


def fit(**changes: object):
    return STSTNET.fit(MAPS, TARGETS, SUBJECTS, CLASSES, **({"settings": {"epochs": 2, "batch": 4}} | changes))


def test_a_seed_gives_the_same_network_and_another_seed_another() -> None:
    first, again, other = (fit(seed=seed).predict(MAPS)[1] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_training_starts_from_given_weights(tmp_path: Path) -> None:
    first = fit(settings={"epochs": 3, "lr": 1e-2})
    first.save(tmp_path)
    still = fit(settings={"epochs": 1, "lr": 0.0}, start=tmp_path / "weights.safetensors", seed=9)
    for name, value in first.network.named_parameters():
        np.testing.assert_array_equal(value.detach(), still.network.get_parameter(name).detach())


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    off = METHODS["off-apexnet"].fit(MAPS, TARGETS, SUBJECTS, CLASSES, settings={"epochs": 1})
    off.save(tmp_path)
    with pytest.raises(MienError, match="do not fit"):
        fit(start=tmp_path / "weights.safetensors")


def test_augmentation_that_a_network_lacks_is_refused() -> None:
    with pytest.raises(MienError, match="got augment for 'ststnet', whose network has none"):
        fit(settings={"epochs": 1, "augment": True})


@pytest.mark.parametrize("name", ["ststnet", "off-apexnet"])
def test_maps_of_another_size_are_refused(name: str) -> None:
    maps = np.zeros((12, 40, 40, 3), np.uint8)
    with pytest.raises(MienError, match=r"got inputs of \(\d, 40, 40\)"):
        METHODS[name].fit(maps, TARGETS, SUBJECTS, CLASSES, settings={"epochs": 1})


@pytest.mark.parametrize(("name", "channel", "top"), [("ststnet", 2, 255.0), ("off-apexnet", 0, 1.0)])
def test_the_mirror_finds_u_wherever_a_method_keeps_it(
    name: str, channel: int, top: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, float]] = []
    monkeypatch.setattr(_network, "random_mirror", lambda u, high: asked.append((u, high)) or (lambda batch, _: batch))
    METHODS[name].fit(MAPS, TARGETS, SUBJECTS, CLASSES, settings={"epochs": 1, "mirror": True})
    assert asked == [(channel, top)]


def test_a_gpu_without_room_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nSee the documentation")

    monkeypatch.setattr(_network, "fit_network", full)
    with pytest.raises(MienError, match=r"'ststnet' does not fit in .CUDA out of memory.*or --device cpu$") as caught:
        fit()
    assert "\n" not in str(caught.value)


def test_an_export_that_differs_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = fit()
    monkeypatch.setattr(_network, "_export", lambda network, example, path: _exported_other(example, path))
    with pytest.raises(RuntimeError, match="differs from torch"):
        trained.save(tmp_path)


EXPORT = _network._export


def _exported_other(example: np.ndarray, path: Path) -> None:
    EXPORT(fit(seed=5).network, example, path)
