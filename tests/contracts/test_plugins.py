"""What every dataset and every method keeps to, those of the future included."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from mien.core import MienError
from mien.datasets import DATASETS
from mien.faces import Box, canonical_points
from mien.methods import METHODS, load_model, published, save_model
from mien.methods._method import load_entry
from mien.protocols import label_map
from mien.recipes import RECIPES, Face, Take, run

CLASSES = ("negative", "positive", "surprise")


def is_large(name: str) -> bool:
    """Whether a network sees frames: one epoch on six clips must do, which proves that it runs, not that it learns."""
    return METHODS[name].kind == "network" and METHODS[name].recipe != "motion-map"


def made(name: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """What the method's recipe makes of clips by subjects, in which each class differs in another third."""
    n = 6 if is_large(name) else 24
    targets = np.arange(n) % 3
    inputs = example(METHODS[name].recipe, n)
    flat = inputs.reshape(n, -1)
    third = flat.shape[1] // 3
    for one, target in zip(flat, targets, strict=True):
        one[third * target : third * (target + 1)] += inputs.dtype.type(120)
    return inputs, targets, [f"smic/s{row // 3}" for row in range(n)]


def example(recipe: str, n: int) -> np.ndarray:
    """Noise of the shape and type that a recipe makes."""
    rng = np.random.default_rng(0)
    shape, kind = shape_of(recipe)
    return rng.integers(0, 80, (n, *shape)).astype(kind)


@lru_cache
def shape_of(name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of what a recipe makes, found by making it of a clip of noise."""
    texture = np.random.default_rng(0).integers(0, 256, (140, 120), np.uint8)

    def read(numbers: Sequence[int]) -> Iterator[np.ndarray]:
        return (np.roll(texture, number, axis=1) for number in numbers)

    def locate(image: np.ndarray, number: int, faces: str, near: Box | None) -> Face:
        return Face(canonical_points(100) + 10)

    def read_depth(numbers: Sequence[int]) -> Iterator[np.ndarray]:
        return (frame.astype(np.uint16) for frame in read(numbers))

    array = run(RECIPES[name], Take("noise", 0, 6, 12, 100.0, read, locate, read_depth)).array
    assert array is not None
    return array.shape, array.dtype


@pytest.mark.parametrize("name", list(DATASETS))
class TestDataset:
    def test_says_what_it_is_and_how_to_get_it(self, name: str) -> None:
        entry = DATASETS[name]
        assert entry.name == name
        assert all((entry.title, entry.citation, entry.obtain, entry.classes))

    def test_has_a_label_map(self, name: str) -> None:
        assert label_map(DATASETS[name].labels).classes

    def test_an_absent_copy_is_one_clear_line(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(MienError, match="expected"):
            DATASETS[name].read(tmp_path / "absent")


# Networks that see frames are trained here in the slow run only; two of them stand for all in the quick one.
SLOW = {name for name in METHODS if is_large(name)} - {"mmnet", "ast-svm"}
MARKED = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in METHODS]


@pytest.mark.parametrize("name", list(METHODS))
class TestMethod:
    def test_says_what_it_is(self, name: str) -> None:
        entry = METHODS[name]
        assert entry.name == name
        assert all((entry.title, entry.paper, entry.deviations))
        assert entry.recipe in RECIPES
        assert "paper" in entry.presets
        assert (entry.kind == "network") == bool(entry.network) == (entry.parameters is not None)

    def test_has_the_parameters_it_says(self, name: str) -> None:
        entry = METHODS[name]
        if entry.kind == "network":
            pytest.importorskip("torch")
            network = load_entry(entry.network)(3)
            assert sum(p.numel() for p in network.parameters() if p.requires_grad) == entry.parameters

    def test_an_unknown_preset_lists_those_there_are(self, name: str) -> None:
        with pytest.raises(MienError, match="expected one of paper"):
            METHODS[name].settings("papr")

    def test_one_class_is_nothing_to_learn(self, name: str) -> None:
        images, _, subjects = made(name)
        with pytest.raises(MienError, match="got only 'negative'"):
            METHODS[name].fit(images, np.zeros(len(images), int), subjects, CLASSES)

    def test_bad_input_is_refused(self, name: str) -> None:
        images, targets, subjects = made(name)
        broken = [images[:0], targets]
        if METHODS[name].recipe == "motion-map":
            broken += [images[..., :2], images.astype(float), images[0]]
        elif images.dtype.kind == "f":
            broken.append(np.where(images == images.max(), np.nan, images))
        for bad in broken:
            with pytest.raises(MienError, match="expected"):
                METHODS[name].fit(bad, targets, subjects, CLASSES)
        with pytest.raises(MienError, match="equal numbers"):
            METHODS[name].fit(images, targets[:-1], subjects, CLASSES)
        with pytest.raises(MienError, match="got labels"):
            METHODS[name].fit(images, targets + 1, subjects, CLASSES)


@pytest.mark.parametrize("name", MARKED)
def test_a_method_learns_and_comes_back_from_disk_the_same(name: str, tmp_path: Path) -> None:
    entry = METHODS[name]
    if entry.kind == "network":
        pytest.importorskip("torch")
    images, targets, subjects = made(name)
    preset = "small" if "small" in entry.presets else None
    settings = dict(entry.settings(preset)) | ({"epochs": 1} if is_large(name) else {})
    trained = entry.fit(images, targets, subjects, CLASSES, settings=settings, seed=0)
    folder = save_model(tmp_path / "m", entry, trained, classes=CLASSES, example=images[0], details={})
    loaded = load_model(folder)
    predicted, probabilities = trained.predict(images)
    again, probabilities_again = loaded.predict(images)
    assert is_large(name) or (predicted == targets).mean() > 0.6
    np.testing.assert_array_equal(again, predicted)
    np.testing.assert_allclose(probabilities_again, probabilities, atol=1e-4)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (loaded.classes, loaded.recipe, loaded.method) == (CLASSES, RECIPES[entry.recipe], entry)
    assert loaded.parameters == trained.parameters == loaded.card["parameters"]
    if entry.kind == "network":
        maps = trained.where(images, targets.tolist()).maps  # type: ignore[attr-defined]
        assert (len(maps), maps.ndim, maps.dtype) == (len(images), 3, np.float32)
        assert min(maps.shape[1:]) > 1
        assert maps.min() == 0
        assert maps.max() == 1  # one where nothing speaks for the class is 0 everywhere


@pytest.mark.parametrize(
    ("registry", "wrong", "near"), [(DATASETS, "motion_npz", "motion-npz"), (METHODS, "flowsvm", "flow-svm")]
)
def test_an_unknown_name_lists_the_nearest(registry: object, wrong: str, near: str) -> None:
    with pytest.raises(MienError, match=f"did you mean '{near}'"):
        registry[wrong]  # type: ignore[index]


def test_listing_plugins_loads_nothing_heavy() -> None:
    code = (
        "import sys; from mien.methods import METHODS; from mien.datasets import DATASETS\n"
        "list(METHODS), list(DATASETS)\n"
        "print([m for m in ('torch', 'sklearn', 'cv2', 'onnxruntime', 'skops', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_published_uar_of_ststnet_is_marked_suspect() -> None:
    rows = [row for row in published("ststnet") if (row.corpus, row.metric) == ("megc2019", "uar")]
    assert {(row.value, row.suspect) for row in rows} == {(0.7605, True), (0.7186, False)}
