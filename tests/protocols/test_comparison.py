"""Paired tests: on the same samples only, and no more sure than the subjects allow."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core import MienError, Prediction
from mien.protocols import score, write_predictions
from mien.protocols.comparison import compare, holm, mcnemar, permutation_test
from mien.protocols.metrics import measures
from mien.protocols.scores import TEST_SELECTION_LEAK, subject_confusions

MEGC = ("negative", "positive", "surprise")
Build = Callable[..., list[Prediction]]


def also_right(rows: list[Prediction], share: float, seed: int = 0) -> list[Prediction]:
    """The same predictions, but for a share of all samples that becomes right."""
    lucky = np.random.default_rng(seed).random(len(rows)) < share
    return [
        replace(row, predicted=row.truth, probabilities={}) if wins else replace(row, probabilities={})
        for row, wins in zip(rows, lucky, strict=True)
    ]


class TestMcNemar:
    @pytest.mark.parametrize(("a", "b", "p"), [(0, 5, 0.0625), (1, 9, 22 / 1024), (5, 5, 1.0), (0, 0, 1.0)])
    def test_it_is_the_binomial_of_a_fair_coin(self, a: int, b: int, p: float) -> None:
        assert mcnemar(a, b) == mcnemar(b, a) == pytest.approx(p)

    def test_it_counts_what_only_one_got_right(self, table: Build) -> None:
        truth = ["negative"] * 12
        subjects = [f"smic/s{i % 3}" for i in range(12)]
        sides = {"a": 2, "b": 9}
        rows = {
            name: table(
                *((s, t, t if i < n else "positive") for i, (s, t) in enumerate(zip(subjects, truth, strict=True)))
            )
            for name, n in sides.items()
        }
        [pair] = compare(rows)["pairs"]
        assert pair["mcnemar"]["seeds"]["0"] == {"only_a": 0, "only_b": 7, "p": mcnemar(0, 7)}
        assert pair["difference"]["accuracy"] == pytest.approx(7 / 12)

    def test_seeds_do_not_make_more_samples(self, noisy: Build) -> None:
        one = {"a": noisy(60, 0), "b": also_right(noisy(60, 0), 0.2)}
        three = {name: [replace(row, seed=seed) for seed in range(3) for row in rows] for name, rows in one.items()}
        single, thrice = (compare(tables)["pairs"][0] for tables in (one, three))
        assert len({part["p"] for part in thrice["mcnemar"]["seeds"].values()}) == 1
        assert thrice["mcnemar"]["p"] == pytest.approx(2 * single["mcnemar"]["p"]), "three times the same is no proof"
        assert thrice["permutation"]["p"] == single["permutation"]["p"]
        assert thrice["ci95"] == single["ci95"]


class TestPermutation:
    def test_it_is_that_of_all_swaps_where_there_are_few(self, noisy: Build) -> None:
        rows = noisy(48, subjects=6)
        a = subject_confusions(rows, MEGC)[1]
        b = subject_confusions(also_right(rows, 0.3), MEGC)[1]
        uf1 = lambda table: measures(table.sum(axis=0))["uf1"].mean()  # noqa: E731
        observed = abs(uf1(a) - uf1(b))
        found = []
        for swap in product((0, 1), repeat=len(a)):
            turn = np.array(swap)[:, None, None, None]
            found.append(abs(uf1(np.where(turn, b, a)) - uf1(np.where(turn, a, b))))
        exact = np.mean(np.array(found) >= observed - 1e-12)
        assert permutation_test(a, b, 20_000) == pytest.approx(exact, abs=0.015)

    def test_it_is_symmetric_repeats_and_is_never_zero(self, noisy: Build) -> None:
        rows = noisy(80, subjects=20)
        a, b = (subject_confusions(part, MEGC)[1] for part in (rows, also_right(rows, 1.0)))
        assert permutation_test(a, b, 999) == permutation_test(b, a, 999) == permutation_test(a, b, 999)
        assert 0 < permutation_test(a, b, 999) <= 0.002
        assert permutation_test(a, a, 99) == 1.0

    def test_two_equally_good_are_rarely_called_different(self, noisy: Build) -> None:
        p = [
            compare(
                {"a": noisy(60, seed), "b": [replace(r, seed=seed) for r in noisy(60, 1000 + seed)]}, permutations=200
            )
            for seed in range(40)
        ]
        below = np.mean([document["pairs"][0]["permutation"]["p"] < 0.1 for document in p])
        assert below <= 0.25

    def test_one_lucky_subject_does_not_convince(self, table: Build) -> None:
        """Twenty clips of one subject are one observation: McNemar is fooled, the swap of subjects is not."""
        rows = [("smic/s0", MEGC[i % 2], "surprise") for i in range(20)]
        rows += [(f"smic/s{s}", MEGC[s % 3], MEGC[(s + i) % 3]) for s in range(1, 9) for i in range(2)]
        poor = table(*rows)
        good = table(*((s, t, t if s == "smic/s0" else p) for s, t, p in rows))
        [pair] = compare({"poor": poor, "good": good})["pairs"]
        assert pair["mcnemar"]["p"] < 0.001
        assert pair["permutation"]["p"] > 0.9


class TestHolm:
    def test_it_is_the_textbook_step_down(self) -> None:
        assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])

    @settings(max_examples=50)
    @given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
    def test_it_only_ever_raises_keeps_the_order_and_spares_a_single_test(self, p: list[float]) -> None:
        corrected = holm(p)
        assert all(0 <= low <= high <= 1 for low, high in zip(p, corrected, strict=True))
        assert min(corrected) == pytest.approx(min(1, len(p) * min(p)))
        assert sorted(range(len(p)), key=lambda i: (corrected[i], p[i])) == sorted(range(len(p)), key=lambda i: p[i])
        assert holm(p[:1]) == p[:1]

    def test_more_than_two_files_are_corrected_over_all_pairs(self, noisy: Build) -> None:
        rows = noisy(60)
        tables = {"a": rows, "b": also_right(rows, 0.2), "c": also_right(rows, 0.5, seed=1)}
        pairs = compare(tables, permutations=500)["pairs"]
        assert [(pair["a"], pair["b"]) for pair in pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
        for test in ("mcnemar", "permutation"):
            assert [pair[test]["p_holm"] for pair in pairs] == holm([pair[test]["p"] for pair in pairs])
        [alone] = compare({"a": rows, "b": tables["b"]}, permutations=500)["pairs"]
        assert alone["permutation"]["p_holm"] == alone["permutation"]["p"]


class TestCompare:
    def test_scores_are_those_of_mien_score_and_rows_are_joined_by_id(self, noisy: Build, tmp_path: Path) -> None:
        rows = noisy(60, 0) + noisy(60, 1)
        better = also_right(rows, 0.3)
        write_predictions(tmp_path / "b.csv", better[::-1])
        document = compare({"a": rows, "b": tmp_path / "b.csv"})
        for file, own in zip(document["files"], (rows, better), strict=True):
            expected = score(own)
            assert all(file[name] == pytest.approx(expected[name]) for name in ("accuracy", "uf1", "uar"))
        assert (document["n"], document["subjects"], document["seeds"]) == (60, 8, [0, 1])
        assert json.loads(json.dumps(document, allow_nan=False)) == document

    def test_the_interval_holds_the_difference_and_narrows_with_subjects(self, noisy: Build) -> None:
        widths = []
        for subjects in (6, 60):
            rows = noisy(8 * subjects, subjects=subjects)
            [pair] = compare({"a": rows, "b": also_right(rows, 0.3)})["pairs"]
            low, high = pair["ci95"]["uf1"]
            assert low < pair["difference"]["uf1"] < high
            widths.append(high - low)
        assert widths[1] < widths[0]

    def test_a_leak_of_one_file_is_said(self, noisy: Build) -> None:
        rows = noisy(30)
        document = compare({"a": rows, "b": [replace(row, selection="test") for row in rows]})
        assert [file["leaks"] for file in document["files"]] == [[], [TEST_SELECTION_LEAK]]

    def test_only_the_same_samples_are_compared(self, noisy: Build) -> None:
        rows = noisy(30)
        with pytest.raises(MienError, match=r"got 7 predictions .* only one of 'a' \(30\) and 'b' \(23\)"):
            compare({"a": rows, "b": rows[7:]})
        with pytest.raises(MienError, match="got 60 predictions"):
            compare({"a": rows, "b": [replace(row, seed=1) for row in rows]})

    def test_truths_subjects_and_corpora_must_agree(self, noisy: Build) -> None:
        rows = noisy(30)
        other = [replace(rows[0], truth=next(name for name in MEGC if name != rows[0].truth)), *rows[1:]]
        with pytest.raises(MienError, match="another truth for 1 predictions"):
            compare({"a": rows, "b": other})
        with pytest.raises(MienError, match="another subject for 1 predictions"):
            compare({"a": rows, "b": [replace(rows[0], subject="smic/s99"), *rows[1:]]})
        with pytest.raises(MienError, match="another dataset for 30 predictions"):
            compare({"a": rows, "b": [replace(row, dataset="samm") for row in rows]})

    def test_one_table_is_nothing_to_compare(self, noisy: Build) -> None:
        with pytest.raises(MienError, match="two or more"):
            compare({"a": noisy(3)})
        with pytest.raises(MienError, match="at least 1"):
            compare({"a": noisy(3), "b": noisy(3)}, permutations=0)
