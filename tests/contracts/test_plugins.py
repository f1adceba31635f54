"""What every dataset and every method keeps to, those of the future included."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mien.core import MienError
from mien.datasets import DATASETS
from mien.methods import METHODS, load_model, published, save_model
from mien.methods._method import load_entry
from mien.protocols import label_map
from mien.recipes import RECIPES

CLASSES = ("negative", "positive", "surprise")


def maps(n: int = 24) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Motion maps in which each class moves another third of the face, by four subjects."""
    targets = np.arange(n) % 3
    images = np.random.default_rng(0).integers(0, 80, (n, 28, 28, 3), np.uint8)
    for image, target in zip(images, targets, strict=True):
        image[9 * target : 9 * target + 9] += 120
    return images, targets, [f"smic/s{row // 6}" for row in range(n)]


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

    def test_learns_and_comes_back_from_disk_the_same(self, name: str, tmp_path: Path) -> None:
        entry = METHODS[name]
        if entry.kind == "network":
            pytest.importorskip("torch")
        images, targets, subjects = maps()
        preset = "small" if "small" in entry.presets else None
        trained = entry.fit(images, targets, subjects, CLASSES, settings=entry.settings(preset), seed=0)
        folder = save_model(tmp_path / "m", entry, trained, classes=CLASSES, example=images[0], details={})
        loaded = load_model(folder)
        predicted, probabilities = trained.predict(images)
        again, probabilities_again = loaded.predict(images)
        assert (predicted == targets).mean() > 0.6
        np.testing.assert_array_equal(again, predicted)
        np.testing.assert_allclose(probabilities_again, probabilities, atol=1e-4)
        np.testing.assert_allclose(probabilities.sum(axis=1), 1)
        assert (loaded.classes, loaded.recipe, loaded.method) == (CLASSES, RECIPES[entry.recipe], entry)
        assert loaded.parameters == entry.parameters == loaded.card["parameters"]

    def test_an_unknown_preset_lists_those_there_are(self, name: str) -> None:
        with pytest.raises(MienError, match="expected one of paper"):
            METHODS[name].settings("papr")

    def test_one_class_is_nothing_to_learn(self, name: str) -> None:
        images, _, subjects = maps()
        with pytest.raises(MienError, match="got only 'negative'"):
            METHODS[name].fit(images, np.zeros(len(images), int), subjects, CLASSES)

    def test_bad_input_is_refused(self, name: str) -> None:
        images, targets, subjects = maps()
        for bad in (images[:0], images[..., :2], images.astype(float), images[0]):
            with pytest.raises(MienError, match="expected"):
                METHODS[name].fit(bad, targets, subjects, CLASSES)
        with pytest.raises(MienError, match="equal numbers"):
            METHODS[name].fit(images, targets[:-1], subjects, CLASSES)
        with pytest.raises(MienError, match="got labels"):
            METHODS[name].fit(images, targets + 1, subjects, CLASSES)


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
