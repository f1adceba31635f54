"""STCLQP learns its codebooks from the training clips, and from nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.core import MienError, Sample, Source
from mien.evaluation._data import Labelled
from mien.evaluation._folds import Plan, run_fold
from mien.methods import METHODS, load_model, save_model
from mien.methods.stclqp import train
from mien.methods.stclqp.features import quantised
from mien.motion.descriptors import completed_counts, lbp_top, learn_codebook
from mien.protocols.splits import splits

STCLQP = METHODS["stclqp"]
CLASSES = ("negative", "positive", "surprise")
PAPER = dict(STCLQP.settings())


def clips(n: int = 18, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Counts of clips of noise, which each class blurs along another axis; three clips per subject."""
    rng = np.random.default_rng(seed)
    targets = np.arange(n) % 3
    made = []
    for target in targets:
        frames = rng.uniform(0, 255, (6, 12, 12)).astype(np.float32)
        made.append(completed_counts((frames + np.roll(frames, 1, axis=target)) / 2, blocks=(1, 1, 1)))
    return np.stack(made), targets, [f"smic/s{row // 3}" for row in range(n)]


def fitted(counts: np.ndarray, targets: np.ndarray, subjects: list[str], **settings: object) -> train.TrainedSTCLQP:
    trained = STCLQP.fit(counts, targets, subjects, CLASSES, settings=PAPER | settings)
    assert isinstance(trained, train.TrainedSTCLQP)
    return trained


def test_with_all_patterns_as_entries_the_signs_histograms_are_those_of_lbp_top() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (8, 20, 20), np.uint8)
    counts = completed_counts(frames, blocks=(2, 2, 1))[None]
    found = quantised(counts, codebooks=np.tile(np.arange(256), (9, 1))).reshape(4, 3, 3 * 256)
    expected = lbp_top(frames, radii=(1, 1, 2), blocks=(2, 2, 1), uniform=False).reshape(4, 3 * 256)
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-6)


def test_an_entry_has_the_share_of_the_patterns_that_are_nearest_to_it() -> None:
    counts = np.zeros((1, 9, 256), np.int32)
    counts[..., [0b0, 0b1, 0b11, 0b11111111]] = 1, 2, 3, 4
    shares = quantised(counts, codebooks=np.tile([0, 255], (9, 1))).reshape(9, 2)
    np.testing.assert_allclose(shares, np.tile([0.6, 0.4], (9, 1)))


def test_no_clip_of_the_test_fold_reaches_a_codebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts, targets, subjects = clips()
    ids = [f"{subject}/{row}" for row, subject in enumerate(subjects)]
    samples = tuple(
        Sample("smic", subject, name, "x", Source("frames", Path(name)))
        for subject, name in zip(subjects, ids, strict=True)
    )
    data = Labelled(samples, counts, targets, CLASSES, "smic3", 0)
    seen: list[np.ndarray] = []
    monkeypatch.setattr(train, "learn_codebook", lambda c, size: (seen.append(c), learn_codebook(c, size))[1])
    for fold in splits("loso", subjects, ["smic"] * len(ids), ids)[:2]:
        seen.clear()
        run_fold(Plan("stclqp", PAPER, "last", False, tmp_path, "key"), data, fold, seed=0)
        np.testing.assert_array_equal(np.stack(seen), counts[fold.train].sum(axis=0).reshape(9, 256))


def test_the_codebooks_do_not_know_the_labels() -> None:
    counts, targets, subjects = clips()
    books = [fitted(counts, labels, subjects).codebooks for labels in (targets, (targets + 1) % 3)]
    np.testing.assert_array_equal(*books)


def test_the_setting_says_how_many_entries() -> None:
    counts, targets, subjects = clips()
    few, many = (fitted(counts, targets, subjects, codebook=size) for size in (2, 64))
    assert (few.codebooks.shape, many.codebooks.shape) == ((9, 2), (9, 64))
    assert few.svm.svm[-1].n_features_in_ == 9 * 2
    assert not np.allclose(few.predict(counts)[1], many.predict(counts)[1])


def test_it_learns_and_says_the_same_again_and_from_disk(tmp_path: Path) -> None:
    counts, targets, subjects = clips()
    trained, again = (fitted(counts, targets, subjects) for _ in range(2))
    new, truth, _ = clips(seed=1)
    predicted, probabilities = trained.predict(new)
    assert (predicted == truth).all()
    np.testing.assert_array_equal(again.predict(new)[1], probabilities)
    loaded = load_model(save_model(tmp_path / "m", STCLQP, trained, classes=CLASSES, example=counts[0], details={}))
    np.testing.assert_array_equal(loaded.predict(new)[0], predicted)
    np.testing.assert_array_equal(loaded.predict(new)[1], probabilities)


@pytest.mark.parametrize("content", [None, np.zeros((2, 8), np.uint16), np.zeros((9, 8)), np.array([{}])])
def test_a_broken_codebook_is_refused(content: np.ndarray | None, tmp_path: Path) -> None:
    if content is None:
        (tmp_path / "codebook.npy").write_bytes(b"no")
    else:
        np.save(tmp_path / "codebook.npy", content)
    with pytest.raises(MienError, match="take a fresh copy"):
        train.load(STCLQP, tmp_path, 3, None)


def test_bad_use_is_refused() -> None:
    counts, targets, subjects = clips()
    with pytest.raises(MienError, match="blocks of 9 x 256"):
        fitted(counts[:, :100], targets, subjects)
    with pytest.raises(MienError, match="without 'codebook'"):
        STCLQP.fit(counts, targets, subjects, CLASSES, settings={"C": 1.0})
    with pytest.raises(MienError, match="from 1 to 256"):
        fitted(counts, targets, subjects, codebook=300)
