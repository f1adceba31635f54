"""Interval files of three sorts read as the same records; what is broken is named by its place."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from pympi.Elan import Eaf

from mien.core import AnnotatedInterval, Interval, LongVideo, MienError, MienWarning, Source
from mien.protocols.intervals import Span, annotated_spans, read_intervals

OURS = "onset_frame,apex_frame,offset_frame,onset_s,apex_s,offset_s,duration_s,emotion,confidence,score,region"


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def elan(path: Path, **tiers: list[tuple[int, int, str]]) -> Path:
    document = Eaf()
    document.remove_tier("default")
    for name, rows in tiers.items():
        tier = name.replace("_", " ").replace("micro expression", "micro-expression")
        document.add_tier(tier)
        for start, stop, text in rows:
            document.add_annotation(tier, start, stop, text)
    document.to_file(path)
    return path


def test_miens_own_file_keeps_frames_seconds_and_emotion(tmp_path: Path) -> None:
    path = write(tmp_path / "i.csv", OURS, "10,20,40,0.05,0.1,0.2,0.15,surprise,0.7,1.2,brow")
    assert read_intervals(path) == {"": [Span(10, 20, 40, 0.05, 0.1, 0.2, "surprise")]}


def test_a_video_column_parts_the_rows_and_no_rows_are_no_intervals(tmp_path: Path) -> None:
    path = write(tmp_path / "i.csv", "video,onset_s,offset_s", "b,1,2", "a,3,4", "b,5,6")
    assert {name: [span.onset_s for span in spans] for name, spans in read_intervals(path).items()} == {
        "b": [1, 5],
        "a": [3],
    }
    assert read_intervals(write(tmp_path / "e.csv", "video,onset_s,offset_s")) == {}
    assert read_intervals(write(tmp_path / "n.csv", "onset_s,offset_s")) == {"": []}


def test_a_megc_submission_reads_with_its_kinds(tmp_path: Path) -> None:
    lines = ("vid,pred_onset,pred_offset,type", "006_1,30,60,me", "006_1,100.0,300,MaE", "007_2,1,9,micro-expression")
    spans = read_intervals(write(tmp_path / "pred.csv", *lines))
    assert spans["006_1"] == [Span(30, None, 60, kind="micro"), Span(100, None, 300, kind="macro")]
    assert [span.kind for span in spans["007_2"]] == ["micro"]


def test_the_table_of_the_public_evaluator_reads_with_its_subjects(tmp_path: Path) -> None:
    path = write(tmp_path / "gt.csv", "subject,video,onset,offset,emotion", "1,EP02,45,85,happiness", "2,EP02,1,9,fear")
    spans = read_intervals(path)
    assert list(spans) == ["1/EP02", "2/EP02"], "the same name may be two people's video"
    assert spans["1/EP02"] == [Span(45, None, 85, emotion="happiness", subject="1")]


def test_a_negative_apex_is_an_unknown_one(tmp_path: Path) -> None:
    path = write(tmp_path / "i.csv", "onset,apex,offset", "10,-1,40")
    assert read_intervals(path) == {"": [Span(10, None, 40)]}


def test_elan_emotions_are_those_that_overlap_most(tmp_path: Path) -> None:
    path = elan(
        tmp_path / "a.eaf",
        micro_expression=[(1000, 1400, "1: 0.6 px"), (3000, 3200, "")],
        emotion=[(900, 1100, "fear"), (1050, 1500, "joy ")],
        region=[(1000, 1400, "brow")],
    )
    assert read_intervals(path) == {
        "": [Span(onset_s=1.0, offset_s=1.4, emotion="joy"), Span(onset_s=3.0, offset_s=3.2)]
    }


def test_the_only_tier_with_anything_in_it_is_taken_whatever_its_name(tmp_path: Path) -> None:
    path = elan(tmp_path / "a.eaf", default=[], what_I_saw=[(500, 800, "disgust")])
    assert read_intervals(path) == {"": [Span(onset_s=0.5, offset_s=0.8, emotion="disgust")]}
    assert read_intervals(elan(tmp_path / "e.eaf", default=[])) == {"": []}
    with pytest.raises(MienError, match=r"got the tiers one, two .*expected 'micro-expression'"):
        read_intervals(elan(tmp_path / "b.eaf", one=[(1, 2, "")], two=[(1, 2, "")]))


def test_what_mien_writes_for_elan_reads_back_for_every_face(tmp_path: Path) -> None:
    from mien.reports import write_elan

    moment = Interval(240, 264, 304, 1.2, 1.32, 1.52, 0.6, "negative", 0.7)
    other = Interval(400, 410, 440, 2.0, 2.05, 2.2, 0.6, "surprise", 0.7, face=2)
    [spans] = read_intervals(write_elan(tmp_path / "a.eaf", [moment, other], "a.mp4")).values()
    assert [(s.onset_s, s.offset_s, s.emotion) for s in spans] == [(1.2, 1.52, "negative"), (2.0, 2.2, "surprise")]


def test_the_long_videos_of_cas_me_2_go_through(shared_data: Path, tmp_path: Path) -> None:
    import pandas as pd

    table = pd.read_excel(shared_data / "annotations" / "CASME_sq_gt.xlsx", header=None)
    rows = table[table[4] > 0]
    with (tmp_path / "gt.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["subject", "video", "onset", "apex", "offset", "type", "emotion"])
        out.writerows(rows[[0, 1, 2, 3, 4, 7, 8]].to_numpy().tolist())
    spans = [span for video in read_intervals(tmp_path / "gt.csv").values() for span in video]
    assert len(spans) == len(rows)
    assert sum(span.apex_frame is not None and span.apex_frame > span.offset_frame for span in spans) == 3
    assert {span.kind for span in spans} == {"micro", "macro"}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([""], "expected the columns onset_s,offset_s or"),
        (["onset_s,apex_s", "1,2"], "expected the columns"),
        (["onset_s,offset_s", "1"], "got 1 cells at line 2"),
        (["onset_s,offset_s", "1,x"], "got offset_s 'x' at line 2"),
        (["onset_s,offset_s", "1,inf"], "got offset_s 'inf' at line 2"),
        (["onset_s,offset_s", "2,1"], r"got onset, apex, offset 2, –, 1 \(seconds\).*line 2"),
        (["onset,apex,offset", "10,x,20"], "got apex_frame 'x' at line 2"),
        (["onset_s,offset_s", "-1,1"], "from 0, the onset first .at line 2"),
        (["onset_s,offset_s", "1,2", ",2"], "without onset or offset.*line 3"),
        (["onset,offset", "1.5,2"], "got onset_frame '1.5' at line 2.*whole frame"),
        (["vid,pred_onset,pred_offset,type", "a,1,2,happy"], "got the type 'happy' at line 2"),
        (["vid,onset,offset", ",1,2"], "empty video at line 2"),
        (["onset_s,offset_s", '"1,2'], "not CSV"),
    ],
)
def test_a_broken_table_is_named_by_its_line(tmp_path: Path, lines: list[str], message: str) -> None:
    with pytest.raises(MienError, match=message) as caught:
        read_intervals(write(tmp_path / "i.csv", *lines))
    assert "\n" not in str(caught.value)


def test_broken_elan_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MienError, match="does not read as ELAN"):
        read_intervals(write(tmp_path / "a.eaf", "<ANNOTATION_DOCUMENT"))
    with pytest.raises(MienError, match="does not read as ELAN"):
        read_intervals(write(tmp_path / "b.eaf", "<html></html>"))
    path = elan(tmp_path / "c.eaf", micro_expression=[(1000, 1400, "x")])
    path.write_text(path.read_text().replace('TIME_VALUE="1400"', ""))
    with pytest.raises(MienError, match=r"onset, apex, offset 1, –, nan .*c\.eaf"):
        read_intervals(path)
    with pytest.raises(MienError, match="which is no file"):
        read_intervals(tmp_path / "none.csv")


def test_a_span_needs_two_ends_and_a_known_kind() -> None:
    with pytest.raises(MienError, match="without onset or offset"):
        Span(onset_frame=3, offset_s=2.0)
    with pytest.raises(MienError, match="got the kind 'me'"):
        Span(1, 2, 3, kind="me")


def test_the_truth_of_a_corpus_keeps_its_empty_videos_and_says_what_it_cannot_score() -> None:
    source = Source("frames", Path("."))
    known, unknown = AnnotatedInterval("a", "macro", 30, None, 60, "joy"), AnnotatedInterval("b", "micro", 90, 95)
    videos = [
        LongVideo("casme-sq", "casme-sq/s15", "casme-sq/s15/v1", source, 30.0, (known, unknown)),
        LongVideo("casme-sq", "casme-sq/s15", "casme-sq/s15/v2", source, 30.0),
    ]
    with pytest.warns(MienWarning, match="1 annotated intervals have no offset"):
        spans = annotated_spans(videos)
    assert spans == {
        "casme-sq/s15/v1": [Span(30, None, 60, 1.0, None, 2.0, "joy", "macro", "casme-sq/s15")],
        "casme-sq/s15/v2": [],
    }
