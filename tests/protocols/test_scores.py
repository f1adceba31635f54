"""The scores document: pooled, by seed, by corpus, by subject, with intervals; published runs re-scored."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mien.core import MienError, MienWarning, Prediction
from mien.protocols import majority, random_baseline, score, write_predictions
from mien.protocols.metrics import confusion, metrics
from mien.protocols.scores import TEST_SELECTION_LEAK
from mien.protocols.splits import SUBJECT_LEAK

MEGC = ("negative", "positive", "surprise")
Build = Callable[..., list[Prediction]]
CONTRACT = {
    "n", "classes", "accuracy", "uf1", "uar", "f1_weighted", "macro_precision", "per_class", "confusion", "by_dataset",
    "by_subject", "fold_mean", "ci95", "seeds", "selection", "leaks",
}  # fmt: skip


def test_the_published_capsulenet_run_scores_as_published(
    shared_data: Path, published_run: Build, tmp_path: Path
) -> None:
    rows = published_run(shared_data / "logs" / "capsulenet_predictions.csv", "gt", "pred")
    write_predictions(tmp_path / "predictions.csv", rows)
    document = score(tmp_path / "predictions.csv")
    assert document["uf1"] == pytest.approx(0.6520, abs=5e-5)
    assert document["uar"] == pytest.approx(0.6506, abs=5e-5)
    published = {"smic": (0.5820, 0.5877), "casme2": (0.7068, 0.7018), "samm": (0.6209, 0.5989)}
    for dataset, (uf1, uar) in published.items():
        assert document["by_dataset"][dataset]["uf1"] == pytest.approx(uf1, abs=1e-4)  # SAMM's UAR is cut, not rounded
        assert document["by_dataset"][dataset]["uar"] == pytest.approx(uar, abs=1e-4)


def test_the_published_ststnet_weights_score_as_they_should(shared_data: Path, published_run: Build) -> None:
    rows = published_run(shared_data / "flow" / "ststnet_expected.csv", "truth", "predicted")
    document = score(rows)
    for dataset, (uf1, uar) in {"smic": (0.6871, 0.6876), "casme2": (0.8304, 0.8304)}.items():
        assert document["by_dataset"][dataset]["uf1"] == pytest.approx(uf1, abs=5e-5)
        assert document["by_dataset"][dataset]["uar"] == pytest.approx(uar, abs=5e-5)


def test_the_document_holds_what_the_contract_lists_and_is_plain_json(noisy: Build) -> None:
    document = score(noisy(60, 0) + noisy(60, 1))
    assert set(document) >= CONTRACT
    assert set(document["by_dataset"]) == {"casme2", "smic"}
    for part in (*document["by_dataset"].values(), *document["seeds"].values()):
        assert set(part) >= {*CONTRACT} - {"seeds", "selection", "leaks", "by_dataset"}
    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_each_seed_is_scored_alone_and_the_values_are_means(noisy: Build) -> None:
    document = score(noisy(60, 0) + noisy(60, 1))
    zero, one = score(noisy(60, 0)), score(noisy(60, 1))
    assert document["uf1"] == pytest.approx((zero["uf1"] + one["uf1"]) / 2)
    assert document["fold_mean"]["uf1"] == pytest.approx((zero["fold_mean"]["uf1"] + one["fold_mean"]["uf1"]) / 2)
    assert document["confusion"] == zero["confusion"] != one["confusion"]
    assert document["n"] == 60
    assert document["seed_sd"]["uf1"] == pytest.approx(abs(zero["uf1"] - one["uf1"]) / np.sqrt(2))
    assert zero["seed_sd"] == {"accuracy": None, "uf1": None, "uar": None}
    assert document["seeds"]["1"] == {key: one[key] for key in document["seeds"]["1"]}


def test_scores_do_not_depend_on_row_order(noisy: Build) -> None:
    rows = noisy(60, 0) + noisy(60, 1)
    assert score(rows[::-1]) == score(rows)


def test_scores_are_pooled_before_they_are_scored(table: Build) -> None:
    rows = table(
        ("smic/s1", "negative", "negative"), ("smic/s1", "negative", "negative"), ("smic/s2", "positive", "negative")
    )
    document = score(rows)
    assert document["accuracy"] == pytest.approx(2 / 3)
    assert document["fold_mean"] == {"accuracy": 0.5, "uf1": 0.5}
    assert document["uf1"] == pytest.approx(0.4)
    assert document["by_subject"] == {"smic/s1": {"n": 2, "accuracy": 1.0}, "smic/s2": {"n": 1, "accuracy": 0.0}}


def test_a_subject_of_the_same_bare_name_in_two_corpora_is_two_subjects(table: Build) -> None:
    rows = [replace(row, subject="s1") for row in table(("smic/s1", "a", "a"), ("samm/s1", "b", "a"))]
    with pytest.warns(MienWarning, match="truly"):
        assert set(score(rows)["by_subject"]) == {"smic/s1", "samm/s1"}


def test_the_interval_is_that_of_a_plain_loop_over_resampled_subjects(noisy: Build) -> None:
    rows = noisy(80, 0) + noisy(80, 1)
    document = score(rows, resamples=400)
    subjects = sorted({row.subject for row in rows})
    rng = np.random.default_rng(5)
    values = []
    for _ in range(400):
        drawn = rng.choice(subjects, len(subjects))
        seeds = []
        for seed in (0, 1):
            part = [row for name in drawn for row in rows if row.subject == name and row.seed == seed]
            counts = confusion([row.truth for row in part], [row.predicted for row in part], MEGC)
            seeds.append(metrics(counts, MEGC)["uf1"])
        values.append(np.mean(seeds))
    assert document["ci95"]["uf1"] == pytest.approx(np.percentile(values, [2.5, 97.5]), abs=0.03)
    low, high = document["ci95"]["uf1"]
    assert low < document["uf1"] < high


def test_intervals_narrow_with_more_subjects(noisy: Build) -> None:
    few, many = (score(noisy(20 * count, subjects=count))["ci95"]["uar"] for count in (4, 64))
    assert many[1] - many[0] < few[1] - few[0]


def test_an_honest_run_has_no_leaks_and_a_chosen_epoch_is_one(noisy: Build) -> None:
    rows = noisy(30)
    assert score(rows)["leaks"] == []
    assert score([replace(row, selection="inner") for row in rows])["leaks"] == []
    leaking = score([replace(row, selection="test") for row in rows])
    assert leaking["leaks"] == [TEST_SELECTION_LEAK]
    assert leaking["selection"] == "test"
    assert "not known (selection 'best'" in score([replace(row, selection="best") for row in rows])["leaks"][0]


def test_leave_one_sample_out_shows_in_the_file_itself(noisy: Build) -> None:
    rows = [replace(row, fold=row.sample_id) for row in noisy(30)]
    assert score(rows)["leaks"] == [SUBJECT_LEAK]


def test_a_model_that_was_not_trained_here_has_no_fold_mean(noisy: Build) -> None:
    document = score([replace(row, fold="") for row in noisy(30)])
    assert document["fold_mean"] == {"accuracy": None, "uf1": None}
    assert document["leaks"] == []


def test_a_class_missing_in_one_corpus_is_said_once_and_counts_as_zero_there(table: Build) -> None:
    rows = table(("smic/s1", "a", "a"), ("smic/s2", "b", "b"), ("samm/s3", "a", "a"))
    with pytest.warns(MienWarning) as said:
        document = score(rows)
    assert [str(warning.message) for warning in said] == [
        "no sample in samm is truly b: recall and F1 of that class count as 0 there"
    ]
    assert document["uf1"] == 1.0
    assert document["by_dataset"]["samm"]["uf1"] == 0.5


def test_baselines_are_those_of_the_samples_they_stand_beside(noisy: Build) -> None:
    rows = noisy(60, 0) + noisy(60, 1)
    document = score(rows)
    for dataset, part in document["by_dataset"].items():
        truth = [row.truth for row in rows if row.dataset == dataset and row.seed == 0]
        assert part["baselines"] == {"majority": majority(truth, MEGC), "guessing": random_baseline(truth, MEGC)}
    assert document["baselines"]["majority"]["accuracy"] == document["seeds"]["1"]["baselines"]["majority"]["accuracy"]


def test_seeds_that_hold_different_samples_are_said(noisy: Build) -> None:
    with pytest.warns(MienWarning, match="different samples"):
        document = score(noisy(60, 0) + noisy(59, 1))
    assert document["n"] == 59.5


def test_nothing_to_score_is_refused(noisy: Build) -> None:
    with pytest.raises(MienError, match="no predictions"):
        score([])
    with pytest.raises(MienError, match="twice"):
        score(noisy(3) + noisy(3))
    with pytest.raises(MienError, match="resamples"):
        score(noisy(3), resamples=0)
