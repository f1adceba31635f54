"""Splits: every sample is tested once, and no subject is on both sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError
from mien.protocols.splits import Fold, protocol_leaks, splits

Names = tuple[list[str], list[str], list[str]]


@st.composite
def samples(draw: st.DrawFn) -> Names:
    """Subjects, datasets and ids of clips from two or three corpora, in any order; two subjects each at least."""
    corpora = ["casme2", "samm", "smic"][: draw(st.integers(2, 3))]
    pairs = [(corpus, f"{corpus}/s{number}") for corpus in corpora for number in range(draw(st.integers(2, 5)))]
    pairs += draw(st.lists(st.sampled_from(pairs), max_size=20))
    pairs = draw(st.permutations(pairs))
    return [s for _, s in pairs], [d for d, _ in pairs], [f"{s}/c{i}" for i, (_, s) in enumerate(pairs)]


def rows_tested(folds: list[Fold]) -> list[int]:
    return sorted(np.concatenate([fold.test for fold in folds]).tolist())


@pytest.mark.parametrize("protocol", ["loso", "loo", "kfold:3", "lodo"])
@given(names=samples(), seed=st.integers(0, 9))
def test_every_sample_is_tested_exactly_once(protocol: str, names: Names, seed: int) -> None:
    folds = splits(protocol, *names, seed)
    assert rows_tested(folds) == list(range(len(names[0])))
    for fold in folds:
        assert sorted([*fold.train, *fold.test]) == list(range(len(names[0])))
        assert len(fold.train)
        assert len(fold.test)


@pytest.mark.parametrize("protocol", ["loso", "kfold:3", "lodo", "holdout:samm"])
@given(names=samples())
def test_no_subject_is_on_both_sides(protocol: str, names: Names) -> None:
    subjects = np.array(names[0])
    for fold in splits(protocol, *names) if "samm" in names[1] else []:
        assert not set(subjects[fold.train]) & set(subjects[fold.test])


@pytest.mark.parametrize("protocol", ["loso", "loo", "kfold:3", "lodo"])
@given(names=samples(), data=st.data())
def test_who_is_tested_together_does_not_depend_on_row_order(protocol: str, names: Names, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(len(names[0]))))
    shuffled = tuple([column[i] for i in order] for column in names)

    def content(columns: Names) -> list[tuple[str, set[str]]]:
        return [(fold.name, {columns[2][i] for i in fold.test}) for fold in splits(protocol, *columns, seed=1)]

    assert content(names) == content(shuffled)  # type: ignore[arg-type]


def test_the_composite_has_one_fold_per_corpus_and_subject() -> None:
    subjects = ["casme2/sub01", "samm/006", "smic/s1", "smic/s1"]
    folds = splits("loso", subjects, [s.split("/")[0] for s in subjects], list("abcd"))
    assert [fold.name for fold in folds] == ["casme2/sub01", "samm/006", "smic/s1"]


def test_another_seed_deals_other_subjects_together() -> None:
    subjects = [f"a/{number:02d}" for number in range(20)]
    columns = subjects, ["a"] * 20, subjects
    dealt = [[fold.test.tolist() for fold in splits("kfold:5", *columns, seed=seed)] for seed in (0, 0, 1)]
    assert dealt[0] == dealt[1] != dealt[2]
    assert [fold.name for fold in splits("kfold:10", *columns)] == [f"fold {number:02d}" for number in range(1, 11)]


def test_only_leave_one_sample_out_leaks_identity() -> None:
    assert "face" in protocol_leaks("loo")
    assert {protocol_leaks(name) for name in ("loso", "kfold:5", "lodo", "holdout:samm")} == {""}


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        ("LOSO", "unknown protocol 'LOSO'; expected loso, loo, kfold:N"),
        ("", "unknown protocol"),
        ("loso:3", "unknown protocol"),
        ("kfold", "unknown protocol"),
        ("kfold:x", "unknown protocol"),
        ("kfold:-2", "unknown protocol"),
        ("holdout:", "unknown protocol"),
        ("kfold:1", "kfold:1 for 3 subjects"),
        ("kfold:4", "kfold:4 for 3 subjects"),
        ("holdout:mmew", "expected one of the datasets at hand: samm, smic"),
    ],
)
def test_a_protocol_that_cannot_be_is_refused(protocol: str, message: str) -> None:
    with pytest.raises(MienError, match=message):
        splits(protocol, ["samm/1", "samm/2", "smic/1"], ["samm", "samm", "smic"], ["a", "b", "c"])


def test_one_group_cannot_be_left_out() -> None:
    one = ["smic/s1", "smic/s1"], ["smic", "smic"], ["a", "b"]
    for protocol in ("loso", "lodo", "holdout:smic"):
        with pytest.raises(MienError, match="at least 2"):
            splits(protocol, *one)
    with pytest.raises(MienError, match="sample id twice"):
        splits("loo", *one[:2], ["a", "a"])
    with pytest.raises(MienError, match="one of each"):
        splits("loo", *one[:2], ["a"])
    with pytest.raises(MienError, match="at least 2"):
        splits("loso", [], [], [])
