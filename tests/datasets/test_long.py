"""CAS(ME)^2 and SAMM Long Videos: intervals of both kinds in long videos, micro-expressions as samples."""

from __future__ import annotations

import shutil
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook, load_workbook

from mien.core import LongVideo, MienError, MienWarning, Source
from mien.datasets import DATASETS, casme_sq, samm_lv

SQ = [
    (1, "anger1_1", 557, 572, 608, "4+10+14", "negative", "macro-expression", "anger"),
    (1, "anger1_2", 300, 305, 0, 38, "others", "Macro-expression", "sadness"),
    (2, "happy5_1", 138, 0, 148, 43, "positive", "micro-expression", "happiness"),
]
LV_HEADER = ("Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration", "Type", "Action Units")
LV = [
    ("006", "006_1_1", 1, 566.4000000000001, 647.6, 743.2, 177.8, "Macro", "4(B/C)+7B"),
    ("006", "006_1_2", 1, 62, -1, 132, 71, "Micro - 1/2", "4+7"),
    ("037", "037_12_1", 12, 1488, 1529, 1577, 90, "Micro - 1/2", "A14C"),
]


def workbook(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def sq(folder: Path, *rows: Sequence[object]) -> Path:
    return workbook(folder / "CAS(ME)^2code_final.xlsx", rows or SQ)


def lv(folder: Path, *rows: Sequence[object]) -> Path:
    preamble = [("SAMM Long Videos",), (), ('"/" = or',)]
    return workbook(folder / "SAMM_LongVideos_V2_Release.xlsx", [*preamble, LV_HEADER, *(rows or LV)])


def codes(folder: Path) -> None:
    rows = [("Filename", "Estimated Emotion"), ("006_1_2", "Anger"), ("037_12_1", "Other")]
    workbook(folder / "SAMM_Micro_FACS_Codes_v2.xlsx", rows)


def plant(root: Path, *folders: str) -> None:
    for folder in folders:
        (root / folder).mkdir(parents=True)


class TestCasmeSquared:
    def test_table_and_folders_meet_by_subject_and_stimulus(self, tmp_path: Path) -> None:
        sq(tmp_path)
        plant(tmp_path, "rawpic/s15/15_0401girlcrashing", "rawpic/s16/16_0508funny", "rawpic/s15/15_0101teeth")
        nothing, anger, happy = casme_sq.read_long(tmp_path)
        assert (anger.video_id, anger.subject, anger.fps) == ("casme-sq/s15/15_0401", "casme-sq/s15", 30.0)
        assert anger.source == Source("frames", tmp_path / "rawpic/s15/15_0401girlcrashing")
        assert [i.name for i in happy.intervals] == ["happy5_1"]
        assert (nothing.video_id, nothing.intervals) == ("casme-sq/s15/15_0101", ())

    def test_intervals_stand_by_onset_and_zero_is_unknown(self, tmp_path: Path) -> None:
        sq(tmp_path)
        plant(tmp_path, "rawpic/s15/15_0401girlcrashing", "rawpic/s16/16_0508funny")
        anger, happy = casme_sq.read_long(tmp_path)
        assert [(i.name, i.kind, i.onset, i.offset) for i in anger.intervals] == [
            ("anger1_2", "macro", 300, None),
            ("anger1_1", "macro", 557, 608),
        ]
        (micro,) = happy.intervals
        assert (micro.kind, micro.onset, micro.apex, micro.offset) == ("micro", 138, None, 148)
        assert (micro.emotion, micro.reported, micro.action_units) == ("positive", "happiness", {43})

    def test_only_micro_expressions_are_samples(self, tmp_path: Path) -> None:
        sq(tmp_path)
        plant(tmp_path, "rawpic/rawpic/s16/16_0508funny", "rawpic/rawpic/s15/15_0401girlcrashing")
        (sample,) = casme_sq.read(tmp_path)
        assert (sample.sample_id, sample.emotion) == ("casme-sq/s16/happy5_1", "positive")
        assert sample.source.path == tmp_path / "rawpic/rawpic/s16/16_0508funny"

    def test_a_video_in_another_subjects_folder_keeps_its_own_number(self, tmp_path: Path) -> None:
        sq(tmp_path, SQ[2])
        plant(tmp_path, "rawpic/s19/16_0508funny")
        assert casme_sq.read_long(tmp_path)[0].video_id == "casme-sq/s16/16_0508"

    def test_videos_without_frames_are_said_and_left_out(self, tmp_path: Path) -> None:
        sq(tmp_path)
        plant(tmp_path, "rawpic/s16/16_0508funny")
        with pytest.warns(MienWarning, match=r"no frames of 1 annotated videos.*casme-sq/s15/15_0401"):
            assert len(casme_sq.read_long(tmp_path)) == 1

    def test_a_copy_without_any_frames_is_refused(self, tmp_path: Path) -> None:
        sq(tmp_path)
        with pytest.raises(MienError, match=r"expected 'rawpic/s15/15_0101disgustingteeth/img001.jpg'"):
            casme_sq.read_long(tmp_path)

    def test_a_video_lies_in_one_folder(self, tmp_path: Path) -> None:
        sq(tmp_path)
        plant(tmp_path, "rawpic/s16/16_0508funny", "rawpic/s16/16_0508again")
        with pytest.raises(MienError, match="expected one folder of 'casme-sq/s16/16_0508'"):
            casme_sq.read_long(tmp_path)

    @pytest.mark.parametrize(
        ("column", "value", "name"),
        [
            (0, 23, "subject"),
            (1, "calm1_1", "expression"),
            (2, "early", "onset"),
            (6, None, "polarity"),
            (7, "micro?", "kind"),
        ],
    )
    def test_a_broken_cell_is_named(self, tmp_path: Path, column: int, value: object, name: str) -> None:
        row = [*SQ[2]]
        row[column] = value
        with pytest.raises(MienError, match=rf"row 2, column '{name}'.*expected"):
            casme_sq.parse(sq(tmp_path, SQ[0], row))

    def test_another_table_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(MienError, match="with 2 columns; expected"):
            casme_sq.parse(workbook(tmp_path / "code_final.xlsx", [(1, 2)]))
        (tmp_path / "broken.xlsx").write_text("no workbook")
        with pytest.raises(MienError, match="does not read"):
            casme_sq.parse(tmp_path / "broken.xlsx")

    def test_the_real_table(self, shared_data: Path, tmp_path: Path) -> None:
        path = shared_data / "annotations" / "CASME_sq_gt.xlsx"
        shutil.copy(path, tmp_path)
        for subject in casme_sq.SUBJECTS:
            plant(tmp_path, *(f"rawpic/s{subject}/{subject}_{code}" for code in casme_sq.STIMULI.values()))
        with pytest.warns(MienWarning, match="apex is taken as unknown") as said:
            videos = casme_sq.read_long(tmp_path)
        assert len(said) == 3
        assert len(videos) == 22 * 9
        assert sum(bool(video.intervals) for video in videos) == 95
        intervals = [interval for video in videos for interval in video.intervals]
        assert Counter(interval.kind for interval in intervals) == {"macro": 300, "micro": 57}
        assert Counter(i.kind for i in intervals if i.offset is None) == {"macro": 44}
        assert len({video.subject for video in videos if video.intervals}) == 22

    def test_the_real_micro_expressions(self, shared_data: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            samples = casme_sq.parse(shared_data / "annotations" / "CASME_sq_gt.xlsx")
        counts = {"samples": 57, "subjects": 14, **Counter(sample.emotion for sample in samples)}
        assert counts == dict(casme_sq.CASME_SQ.published)
        assert len({sample.sample_id for sample in samples}) == 57

    def test_our_names_are_those_of_the_tables_other_sheets(self, shared_data: Path) -> None:
        book = load_workbook(shared_data / "annotations" / "CASME_sq_gt.xlsx", read_only=True)
        subjects = {int(row[2]): int(row[0]) for row in book.worksheets[1].values if row[0]}
        stimuli = {str(row[1]): str(row[0]) for row in book.worksheets[2].values if row[0]}
        assert subjects == dict(enumerate(casme_sq.SUBJECTS, 1))
        assert stimuli == casme_sq.STIMULI


class TestSammLongVideos:
    def test_intervals_of_both_kinds(self, tmp_path: Path) -> None:
        lv(tmp_path)
        codes(tmp_path)
        plant(tmp_path, "SAMM_longvideos/006_1", "SAMM_longvideos/037_12", "SAMM_longvideos/008_3")
        first, nothing, last = samm_lv.read_long(tmp_path)
        assert (first.video_id, first.subject, first.fps) == ("samm-lv/006/006_1", "samm-lv/006", 200.0)
        micro, macro = first.intervals
        assert (micro.kind, micro.onset, micro.apex, micro.offset) == ("micro", 62, None, 132)
        assert (micro.emotion, micro.action_units) == ("Anger", {4, 7})
        assert (macro.kind, macro.onset, macro.apex, macro.offset) == ("macro", 566, 648, 743)
        assert (macro.emotion, macro.action_units) == ("", {4, 7})
        assert nothing.intervals == ()
        assert last.source.path == tmp_path / "SAMM_longvideos/037_12"

    def test_samples_take_their_emotion_from_samms_own_table(self, tmp_path: Path) -> None:
        lv(tmp_path)
        codes(tmp_path)
        plant(tmp_path, "SAMM_longvideos/006_1", "SAMM_longvideos/037_12")
        samples = samm_lv.read(tmp_path)
        assert [(s.sample_id, s.emotion) for s in samples] == [
            ("samm-lv/006/006_1_2", "Anger"),
            ("samm-lv/037/037_12_1", "Other"),
        ]

    def test_without_it_there_are_no_emotions_which_is_said(self, tmp_path: Path) -> None:
        path = lv(tmp_path)
        plant(tmp_path, "SAMM_longvideos/006_1", "SAMM_longvideos/037_12")
        with pytest.warns(MienWarning, match="SAMM_Micro_FACS_Codes_v2.xlsx"):
            assert {sample.emotion for sample in samm_lv.parse(path)} == {""}
        assert len(samm_lv.read_long(tmp_path)) == 2  # spotting needs none

    @pytest.mark.parametrize(
        ("column", "value", "name"),
        [
            (0, "007", "Subject"),
            (1, "006-1-1", "Filename"),
            (3, -1, "Onset"),
            (4, "?", "Apex"),
            (5, None, "Offset"),
            (7, "Tiny", "Type"),
        ],
    )
    def test_a_broken_cell_is_named(self, tmp_path: Path, column: int, value: object, name: str) -> None:
        row = [*LV[0]]
        row[column] = value
        codes(tmp_path)
        with pytest.raises(MienError, match=rf"row 6, column '{name}'.*expected"):
            samm_lv.parse(lv(tmp_path, LV[1], row))

    def test_the_real_table(self, shared_data: Path, tmp_path: Path) -> None:
        for name in ("SAMMLV_gt.xlsx", "SAMM_Micro_FACS_Codes_v2.xlsx"):
            shutil.copy(shared_data / "annotations" / name, tmp_path)
        samples = samm_lv.parse(tmp_path / "SAMMLV_gt.xlsx")
        names = {tuple(sample.sample_id.split("_")[:2]) for sample in samples}
        assert len(names) == 79
        plant(tmp_path, *(f"SAMM_longvideos/{n:03d}_{v}" for n in range(6, 38) for v in range(1, 8)))
        videos = samm_lv.read_long(tmp_path)
        intervals = [interval for video in videos for interval in video.intervals]
        assert Counter(interval.kind for interval in intervals) == {"macro": 343, "micro": 159}
        assert sum(bool(video.intervals) for video in videos) == 147
        assert len({video.subject for video in videos if video.intervals}) == 30
        assert Counter(i.kind for i in intervals if i.apex is None) == {"macro": 4, "micro": 2}
        counts = {"samples": 159, "subjects": 29, **Counter(sample.emotion for sample in samples)}
        assert counts == dict(samm_lv.SAMM_LV.published)

    def test_its_micro_expressions_are_those_of_samm(self, shared_data: Path) -> None:
        folder = shared_data / "annotations"
        short = DATASETS["samm"].parse(folder / "SAMM_Micro_FACS_Codes_v2.xlsx")  # type: ignore[attr-defined]
        lengths = {s.sample_id.removeprefix("samm/"): (s.offset - s.onset, s.emotion) for s in short}
        long = samm_lv.parse(folder / "SAMMLV_gt.xlsx")
        assert {s.sample_id.removeprefix("samm-lv/"): (s.offset - s.onset, s.emotion) for s in long} == lengths


def test_a_long_video_is_namespaced() -> None:
    with pytest.raises(MienError, match="got '006'; expected 'samm-lv/…'"):
        LongVideo("samm-lv", "006", "006/006_1", Source("frames", Path()), 200.0)


def test_the_corpora_of_long_videos_say_so() -> None:
    assert [name for name in DATASETS if DATASETS[name].read_long] == ["casme-sq", "samm-lv"]
