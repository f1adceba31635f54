"""Spotting: matched one to one, counted over all videos; and the public evaluator's faults, one by one."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core import Interval, MienError, MienWarning
from mien.protocols.agreement import agree
from mien.protocols.intervals import Span
from mien.protocols.spotting import interval_iou, match_intervals, spotting_scores
from mien.protocols.spotting_legacy import legacy_spotting_scores

intervals = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 20)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=9
)


def frames(*ends: tuple[int, int], emotion: str = "", kind: str = "", subject: str = "") -> list[Span]:
    return [Span(on, None, off, emotion=emotion, kind=kind, subject=subject) for on, off in ends]


def in_turn(*emotions: str) -> dict[str, list[Span]]:
    """One video with an expression every 20 frames."""
    return {"a": [span for i, name in enumerate(emotions) for span in frames((20 * i, 20 * i + 9), emotion=name)]}


def seconds(on: float, off: float, apex: float | None = None, emotion: str = "") -> Span:
    return Span(onset_s=on, apex_s=apex, offset_s=off, emotion=emotion)


class TestMatching:
    @given(intervals, intervals)
    def test_the_iou_of_frames_is_that_of_sets_of_frames(self, a: list, b: list) -> None:
        table = interval_iou(a, b, inclusive=True)
        assert table.shape == (len(a), len(b))
        for i, (on, off) in enumerate(a):
            for j, (start, stop) in enumerate(b):
                one, two = set(range(on, off + 1)), set(range(start, stop + 1))
                assert table[i, j] == pytest.approx(len(one & two) / len(one | two))

    def test_seconds_have_no_last_frame_inside(self) -> None:
        assert interval_iou([[10, 19]], [[10, 14]], inclusive=True).item() == 0.5
        assert interval_iou([[10, 19]], [[10, 14]]).item() == pytest.approx(4 / 9)
        assert interval_iou([[1, 1], [2, 2]], [[1, 1]]).tolist() == [[1.0], [0.0]]

    @settings(max_examples=60)
    @given(intervals, intervals, st.randoms(use_true_random=False))
    def test_each_is_matched_once_whatever_the_order(self, a: list, b: list, random) -> None:
        pairs = match_intervals(a, b, inclusive=True)
        assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
        assert all(interval_iou([a[i]], [b[j]], inclusive=True).item() >= 0.5 for i, j in pairs)
        turned_a, turned_b = random.sample(a, len(a)), random.sample(b, len(b))
        again = match_intervals(turned_a, turned_b, inclusive=True)
        assert sorted((a[i], b[j]) for i, j in pairs) == sorted((turned_a[i], turned_b[j]) for i, j in again)

    def test_the_best_overlap_goes_first(self) -> None:
        assert match_intervals([[0, 10]], [[0, 6], [0, 9]]) == [(0, 1)]
        assert match_intervals([[0, 10], [4, 14]], [[3, 13]]) == [(1, 0)]

    def test_half_is_enough_also_when_the_last_bit_is_missing(self) -> None:
        assert match_intervals([[0.1, 0.3]], [[0.1, 0.2]]) == [(0, 0)]
        assert match_intervals([[0.7, 0.9]], [[0.8, 0.9]]) == [(0, 0)]

    @pytest.mark.parametrize("iou", [0, -0.1, 1.1, math.nan])
    def test_a_threshold_out_of_range_is_refused(self, iou: float) -> None:
        with pytest.raises(MienError, match="IoU threshold"):
            match_intervals([[0, 1]], [[0, 1]], iou)


class TestScores:
    def test_all_videos_count(self) -> None:
        truth = {"both": frames((0, 9)), "unsearched": frames((0, 9), (20, 29)), "empty": []}
        found = {"both": frames((0, 9)), "empty": frames((5, 9)), "never annotated": frames((1, 2), (3, 4))}
        scores = spotting_scores(truth, found)
        assert (scores["tp"], scores["fp"], scores["fn"], scores["videos"]) == (1, 3, 2, 4)
        assert scores["precision"] == 1 / 4
        assert scores["recall"] == 1 / 3
        assert scores["f1"] == 2 / 7
        assert scores["by_video"]["empty"] == {"tp": 0, "fp": 1, "fn": 0}

    def test_nothing_anywhere_is_zero_not_nan(self) -> None:
        scores = spotting_scores({"a": []}, {})
        assert (scores["precision"], scores["recall"], scores["f1"]) == (0, 0, 0)
        assert scores["onset_error_ms"] is None

    def test_errors_are_mean_absolute_milliseconds_over_matches(self) -> None:
        truth = {"a": [seconds(1, 1.4, apex=1.2), seconds(5, 5.4, apex=5.2), seconds(9, 9.2)]}
        found = {"a": [seconds(1.1, 1.4, apex=1.3), seconds(4.9, 5.4)]}
        scores = spotting_scores(truth, found)
        assert scores["onset_error_ms"] == pytest.approx(100)
        assert scores["apex_error_ms"] == pytest.approx(100)
        assert scores["offset_error_ms"] == pytest.approx(0)

    def test_frames_need_a_rate_to_be_times(self) -> None:
        truth, found = {"a": frames((100, 200))}, {"a": frames((110, 200))}
        assert spotting_scores(truth, found)["onset_error_ms"] is None
        scores = spotting_scores(truth, found, fps=200)
        assert scores["unit"] == "frames"
        assert scores["onset_error_ms"] == pytest.approx(50)
        assert scores["recall_by_duration"] == {
            "up_to_0.5_s": {"n": 1, "tp": 1, "recall": 1.0},
            "longer": {"n": 0, "tp": 0, "recall": None},
        }

    def test_frames_and_seconds_meet_through_the_rate(self) -> None:
        truth, found = {"a": frames((200, 300))}, {"a": [seconds(1, 1.5)]}
        with pytest.raises(MienError, match="give --fps"):
            spotting_scores(truth, found)
        scores = spotting_scores(truth, found, fps=200)
        assert (scores["tp"], scores["unit"]) == (1, "seconds")

    def test_long_ones_are_told_apart_in_recall(self) -> None:
        truth = {"a": [seconds(1, 1.5), seconds(3, 4), seconds(6, 7)]}
        recall = spotting_scores(truth, {"a": [seconds(3, 4)]})["recall_by_duration"]
        assert (recall["up_to_0.5_s"]["recall"], recall["longer"]["recall"]) == (0.0, 0.5)

    def test_kinds_match_their_own_where_both_sides_tell_them(self) -> None:
        truth = {"a": frames((0, 9), kind="micro") + frames((50, 99), kind="macro")}
        found = {"a": frames((0, 9), kind="macro") + frames((50, 99), kind="macro")}
        scores = spotting_scores(truth, found)
        assert (scores["tp"], scores["fp"], scores["fn"]) == (1, 1, 1)
        assert scores["by_kind"]["micro"]["recall"] == 0
        assert scores["by_kind"]["macro"]["recall"] == 1
        untold = {"a": frames((0, 9), (50, 99))}
        assert spotting_scores(truth, untold)["tp"] == 2
        assert spotting_scores(truth, untold)["by_kind"] is None

    def test_strs_is_spotting_times_reading(self) -> None:
        truth = {
            "a": frames((0, 9), emotion="joy") + frames((20, 29), emotion="fear") + frames((40, 49), emotion="joy")
        }
        found = {"a": frames((0, 9), (20, 29), emotion="joy")}
        scores = spotting_scores(truth, found)
        assert scores["f1"] == pytest.approx(0.8)
        assert scores["f1_recognition"] == pytest.approx((2 / 3 + 0) / 2)
        assert scores["strs"] == pytest.approx(0.8 / 3)
        assert spotting_scores(truth, found, classes=["joy"])["f1_recognition"] == pytest.approx(2 / 3)

    def test_without_a_true_positive_reading_is_zero_never_nan(self) -> None:
        truth = {"a": frames((0, 9), emotion="joy")}
        for found in ({}, {"a": frames((30, 39), emotion="joy")}):
            scores = spotting_scores(truth, found)
            assert (scores["f1_recognition"], scores["strs"], scores["kappa"]) == (0.0, 0.0, None)

    def test_emotions_that_no_one_named_are_not_scored(self) -> None:
        scores = spotting_scores({"a": frames((0, 9), emotion="joy")}, {"a": frames((0, 9))})
        assert (scores["f1_recognition"], scores["strs"], scores["kappa"]) == (None, None, None)

    def test_kappa_is_agreement_beyond_chance(self) -> None:
        truth = in_turn("joy", "joy", "fear", "fear")
        same = spotting_scores(truth, truth)
        assert (same["kappa"], same["f1"], same["strs"]) == (1.0, 1.0, 1.0)
        assert spotting_scores(truth, in_turn("joy", "fear", "fear", "fear"))["kappa"] == pytest.approx(0.5)

    def test_what_mien_spots_is_scored_as_it_is(self) -> None:
        interval = Interval(10, 20, 40, 0.05, 0.1, 0.2, score=1.0, emotion="surprise")
        scores = spotting_scores({"a": [Span.of(interval, kind="micro")]}, {"a": [Span.of(interval)]})
        assert (scores["tp"], scores["apex_error_ms"], scores["unit"]) == (1, 0, "seconds")

    @settings(max_examples=40)
    @given(intervals, intervals)
    def test_counts_add_up(self, a: list, b: list) -> None:
        scores = spotting_scores({"v": frames(*a)}, {"v": frames(*b)})
        assert scores["tp"] + scores["fn"] == len(a)
        assert scores["tp"] + scores["fp"] == len(b)


class TestLegacy:
    """One test per difference between the public evaluator and ours."""

    def test_its_own_example_scores_as_it_prints(self) -> None:
        def table(*rows: tuple[int, str, int, int, str]) -> dict[str, list[Span]]:
            return {f"{s}/{v}": frames((on, off), emotion=e, subject=str(s)) for s, v, on, off, e in rows}

        found = table(
            (1, "EP02_01f", 10, 70, "happiness"), (1, "EP03_02", 100, 170, "others"), (1, "EP04_02", 0, 70, "others"),
            (2, "EP01_11f", 20, 90, "happiness"), (2, "EP02_04f", 70, 140, "happiness"),
        )  # fmt: skip
        truth = table(
            (1, "EP02_01f", 45, 85, "happiness"), (1, "EP03_02", 130, 160, "others"), (1, "EP04_02", 20, 75, "others"),
            (2, "EP01_11f", 45, 95, "repression"), (2, "EP02_04f", 30, 140, "repression"),
        )  # fmt: skip
        assert legacy_spotting_scores(truth, found)["strs"] == pytest.approx(0.2)

    def test_it_skips_subjects_without_finds(self) -> None:
        truth = {"a": frames((0, 9), subject="1"), "b": frames((0, 9), (20, 29), subject="2")}
        found = {"a": frames((0, 9))}
        assert legacy_spotting_scores(truth, found)["f1"] == 1.0
        assert spotting_scores(truth, found)["recall"] == pytest.approx(1 / 3)

    def test_it_counts_what_is_missed_in_other_videos_of_a_subject_with_finds(self) -> None:
        truth = {"a": frames((0, 9), subject="1"), "b": frames((0, 9), subject="1")}
        assert legacy_spotting_scores(truth, {"a": frames((0, 9), subject="1")})["fn"] == 1

    def test_it_ignores_false_positives_in_videos_without_truth(self) -> None:
        truth = {"a": frames((0, 9), subject="1"), "b": []}
        found = {"a": frames((0, 9), subject="1"), "b": frames((0, 9), (20, 29), subject="1")}
        assert legacy_spotting_scores(truth, found)["fp"] == 0
        assert spotting_scores(truth, found)["fp"] == 2

    def test_it_lets_one_find_match_two_truths(self) -> None:
        truth, found = {"a": frames((0, 9), (10, 19))}, {"a": frames((0, 19))}
        legacy, ours = legacy_spotting_scores(truth, found), spotting_scores(truth, found)
        assert (legacy["tp"], legacy["f1"]) == (2, 1.0)
        assert (ours["tp"], ours["fn"]) == (1, 1)

    def test_it_takes_finds_in_the_order_of_the_file(self) -> None:
        truth = {"a": frames((0, 9), emotion="joy") + frames((40, 49), emotion="fear")}
        poor, good = frames((0, 5), emotion="fear"), frames((0, 9), emotion="joy")
        first = legacy_spotting_scores(truth, {"a": poor + good})
        second = legacy_spotting_scores(truth, {"a": good + poor})
        assert first["tp"] == second["tp"] == first["fp"] == 1
        assert math.isnan(first["f1_recognition"])
        assert spotting_scores(truth, {"a": poor + good})["f1_recognition"] == 1.0

    @pytest.fixture
    def confused(self) -> tuple[dict, dict]:
        """Three joys and a fear; a joy is read as fear."""
        return in_turn("joy", "joy", "joy", "fear"), in_turn("joy", "joy", "fear", "fear")

    def test_its_uar_is_macro_precision(self, confused: tuple[dict, dict]) -> None:
        legacy = legacy_spotting_scores(*confused)
        assert legacy["uar"] == legacy["precision_recognition"] == pytest.approx((1 + 1 / 2) / 2)
        assert legacy["recall_recognition"] == pytest.approx((2 / 3 + 1) / 2)

    def test_its_f1_of_reading_is_a_harmonic_mean_of_means(self, confused: tuple[dict, dict]) -> None:
        legacy, ours = legacy_spotting_scores(*confused), spotting_scores(*confused)
        precision, recall = 3 / 4, 5 / 6
        assert legacy["f1_recognition"] == pytest.approx(2 * precision * recall / (precision + recall))
        assert legacy["uf1"] == ours["f1_recognition"] == pytest.approx((0.8 + 2 / 3) / 2)
        assert legacy["strs"] > ours["strs"]

    def test_it_averages_over_emotions_that_were_never_spotted(self) -> None:
        truth, found = in_turn("joy", "fear", "rage"), in_turn("joy", "fear")
        assert legacy_spotting_scores(truth, found)["uf1"] == pytest.approx(2 / 3)
        assert spotting_scores(truth, found)["f1_recognition"] == 1.0

    def test_a_single_emotion_read_rightly_counts_as_nothing(self) -> None:
        truth = {"a": frames((0, 9), (20, 29), emotion="joy")}
        legacy = legacy_spotting_scores(truth, truth)
        assert legacy["uf1"] == 0
        assert math.isnan(legacy["strs"])
        assert spotting_scores(truth, truth)["strs"] == 1.0

    def test_it_does_not_tell_kinds_apart(self) -> None:
        truth, found = {"a": frames((0, 9), kind="micro")}, {"a": frames((0, 9), kind="macro")}
        assert legacy_spotting_scores(truth, found)["tp"] == 1
        assert spotting_scores(truth, found)["tp"] == 0

    @settings(max_examples=60)
    @given(intervals, intervals)
    def test_where_nothing_overlaps_twice_both_count_the_same(self, a: list, b: list) -> None:
        table = interval_iou(a, b, inclusive=True) >= 0.5
        truth, found = {"v": frames(*a)}, {"v": frames(*b)}
        if a and b and table.sum(axis=0).max() <= 1 and table.sum(axis=1).max() <= 1:
            legacy, ours = legacy_spotting_scores(truth, found), spotting_scores(truth, found)
            assert [legacy[name] for name in ("tp", "fp", "fn")] == [ours[name] for name in ("tp", "fp", "fn")]


class TestAgree:
    def write(self, folder: Path, name: str, *lines: str) -> Path:
        (folder / name).write_text("\n".join(lines) + "\n")
        return folder / name

    def test_a_file_without_videos_is_about_the_only_one_of_the_other(self, tmp_path: Path) -> None:
        named = self.write(tmp_path, "a.csv", "video,onset_s,offset_s", "interview,1,2")
        bare = self.write(tmp_path, "b.csv", "onset_s,offset_s", "1,2")
        assert agree(named, bare)["f1"] == agree(bare, named)["f1"] == 1.0
        assert list(agree(bare, named)["by_video"]) == ["interview"]
        two = self.write(tmp_path, "c.csv", "video,onset_s,offset_s", "a,1,2", "b,1,2")
        for pair in ((two, bare), (bare, two)):
            with pytest.raises(MienError, match="got 2 videos in one file"):
                agree(*pair)

    def test_files_about_other_videos_are_said_to_share_nothing(self, tmp_path: Path) -> None:
        one = self.write(tmp_path, "a.csv", "video,onset_s,offset_s", "a,1,2")
        other = self.write(tmp_path, "b.csv", "video,onset_s,offset_s", "a.mp4,1,2")
        with pytest.warns(MienWarning, match=r"share no video \(as 'a' and 'a.mp4'\)"):
            assert agree(one, other)["fp"] == 1

    def test_emotions_meet_in_a_label_map(self, tmp_path: Path) -> None:
        person = self.write(tmp_path, "a.csv", "onset_s,offset_s,emotion", "1,2,Happiness", "5,6,disgust")
        ours = self.write(tmp_path, "b.csv", "onset_s,offset_s,emotion", "1,2,positive", "5,6,negative")
        assert agree(person, ours)["f1_recognition"] == 0
        assert agree(person, ours, labels="samm3")["kappa"] == 1.0
        with pytest.raises(MienError, match="unknown label map"):
            agree(person, ours, labels="samm33")

    def test_the_public_evaluators_numbers_come_beside_ours_without_nan(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, "a.csv", "onset,offset,emotion", "1,20,joy")
        legacy = agree(path, path, legacy=True)["legacy"]
        assert (legacy["f1"], legacy["strs"]) == (1.0, None)
        assert "legacy" not in agree(path, path)

    @pytest.mark.parametrize("fps", [0, -25, math.nan])
    def test_a_rate_must_be_one(self, tmp_path: Path, fps: float) -> None:
        path = self.write(tmp_path, "a.csv", "onset,offset", "1,2")
        with pytest.raises(MienError, match="frames per second"):
            agree(path, path, fps=fps)


def test_a_thousand_intervals_are_matched_at_once() -> None:
    ends = np.arange(1000)[:, None] * 50 + [0, 30]
    assert match_intervals(ends, ends + 3) == [(i, i) for i in range(1000)]
