"""Moments in ELAN: the times a person sees there are those that were found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pympi.Elan import Eaf

from mien.core import Interval, MienError, Movement
from mien.reports import write_elan

MOMENT = Interval(240, 264, 304, 1.2, 1.32, 1.5204, 0.618, "negative", 0.7, region="left inner brow")


def read(path: Path, tier: str) -> list[tuple[int, int, str]]:
    return Eaf(path).get_annotation_data_for_tier(tier)


def test_times_emotions_and_regions_come_back(tmp_path: Path) -> None:
    second = replace(MOMENT, onset_s=3.4, apex_s=3.5, offset_s=3.7, emotion="surprise", region="chin", score=1.4)
    path = write_elan(tmp_path / "a.eaf", [MOMENT, second], "interview.mp4")
    assert read(path, "micro-expression") == [
        (1200, 1520, "1: 0.6 left inner brow"),
        (3400, 3700, "2: 1.4 chin"),
    ]
    assert read(path, "emotion") == [(1200, 1520, "negative"), (3400, 3700, "surprise")]
    assert read(path, "region") == [(1200, 1520, "left inner brow"), (3400, 3700, "chin")]


@given(st.floats(0, 1e5), st.floats(0, 0.5))
@settings(max_examples=25, deadline=None)
def test_an_onset_is_right_to_half_a_millisecond(
    tmp_path_factory: pytest.TempPathFactory, onset: float, length: float
) -> None:
    moment = replace(MOMENT, onset_s=onset, offset_s=onset + length)
    path = write_elan(tmp_path_factory.mktemp("elan") / "a.eaf", [moment], "a.mp4")
    ((start, stop, _),) = read(path, "emotion")
    assert start == pytest.approx(1000 * onset, abs=0.501)
    assert stop == pytest.approx(1000 * (onset + length), abs=1.501)
    assert stop > start


def test_a_moment_of_one_frame_lasts_a_millisecond(tmp_path: Path) -> None:
    path = write_elan(tmp_path / "a.eaf", [replace(MOMENT, offset_s=1.2)], "a.mp4")
    assert read(path, "emotion") == [(1200, 1201, "negative")]


def test_the_video_is_linked_by_where_it_is_and_by_where_it_lies_from_the_file(tmp_path: Path) -> None:
    path = write_elan(tmp_path / "results/a/a.eaf", [], tmp_path / "videos" / "a & <b>.mov")
    (media,) = Eaf(path).media_descriptors
    assert media["MEDIA_URL"] == f"file://{tmp_path.as_posix()}/videos/a & <b>.mov"
    assert media["RELATIVE_MEDIA_URL"] == "./../../videos/a & <b>.mov"
    assert media["MIME_TYPE"] == "video/quicktime"


@pytest.mark.parametrize(("name", "kind"), [("a.MP4", "video/mp4"), ("a.mpg", "video/mpeg"), ("a.xyz", "unknown")])
def test_the_kind_of_medium_is_the_one_elan_knows(tmp_path: Path, name: str, kind: str) -> None:
    assert Eaf(write_elan(tmp_path / "a.eaf", [], name)).media_descriptors[0]["MIME_TYPE"] == kind


def test_without_a_medium_none_is_linked(tmp_path: Path) -> None:
    path = write_elan(tmp_path / "a.eaf", [MOMENT], None)
    assert Eaf(path).media_descriptors == []
    assert "MEDIA" not in path.read_text()


def test_a_folder_of_images_is_no_medium(tmp_path: Path) -> None:
    assert Eaf(write_elan(tmp_path / "a.eaf", [], tmp_path)).media_descriptors == []


def test_nothing_found_still_has_its_tiers_and_no_other(tmp_path: Path) -> None:
    document = Eaf(write_elan(tmp_path / "a.eaf", [], "a.mp4"))
    assert sorted(document.get_tier_names()) == [
        "action units", "emotion", "macro-expression", "micro-expression", "region",
    ]  # fmt: skip


def test_what_was_not_read_is_not_written(tmp_path: Path) -> None:
    path = write_elan(tmp_path / "a.eaf", [replace(MOMENT, emotion="", region="")], "a.mp4")
    assert read(path, "micro-expression") == [(1200, 1520, "1: 0.6")]
    assert read(path, "emotion") == read(path, "region") == []


def test_faces_that_move_at_once_have_tiers_of_their_own(tmp_path: Path) -> None:
    path = write_elan(tmp_path / "a.eaf", [MOMENT, replace(MOMENT, face=2, emotion="surprise")], "a.mp4")
    assert read(path, "emotion") == [(1200, 1520, "negative")]
    assert read(path, "emotion (face 2)") == [(1200, 1520, "surprise")]


def test_every_region_that_moved_and_every_action_unit_is_said_once(tmp_path: Path) -> None:
    moved = (Movement("left inner brow", 0.1, -0.6), Movement("right inner brow", 0.0, -0.5))
    path = write_elan(tmp_path / "a.eaf", [replace(MOMENT, movements=moved, action_units={1: 0.7, 2: 0.2})], "a.mp4")
    assert read(path, "region") == [(1200, 1520, "left inner brow, right inner brow")]
    assert read(path, "action units") == [(1200, 1520, "1+2")]


def test_longer_expressions_have_a_tier_of_their_own(tmp_path: Path) -> None:
    longer = replace(MOMENT, onset_s=5.0, offset_s=7.25, kind="macro", face=2, region="")
    path = write_elan(tmp_path / "a.eaf", [MOMENT], "a.mp4", macro=[longer])
    assert read(path, "macro-expression (face 2)") == [(5000, 7250, "0.6")]
    assert read(path, "macro-expression") == []


def test_the_file_is_built_as_its_schema_says(tmp_path: Path) -> None:
    """The rules of EAFv2.8.xsd that a schema checker would apply, as it cannot be fetched here."""
    late = replace(MOMENT, onset_s=9.0, apex_s=9.1, offset_s=9.3, face=2)
    path = write_elan(tmp_path / "a.eaf", [MOMENT, late], "a.mp4", macro=[replace(MOMENT, onset_s=0.2, kind="macro")])
    root = ElementTree.parse(path).getroot()
    kinds = [child.tag for child in root]
    order = ["HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "CONSTRAINT"]
    assert kinds == sorted(kinds, key=order.index)
    assert {"AUTHOR", "DATE", "VERSION", "FORMAT"} <= set(root.attrib)
    slots = {slot.attrib["TIME_SLOT_ID"]: int(slot.attrib["TIME_VALUE"]) for slot in root.iter("TIME_SLOT")}
    assert list(slots.values()) == sorted(slots.values())
    annotations = list(root.iter("ALIGNABLE_ANNOTATION"))
    names = [annotation.attrib["ANNOTATION_ID"] for annotation in annotations]
    assert len(names) == len(set(names)) == 7
    assert not set(names) & set(slots)
    used = [annotation.attrib[f"TIME_SLOT_REF{end}"] for annotation in annotations for end in (1, 2)]
    assert sorted(used) == sorted(slots)
    for annotation in annotations:
        assert slots[annotation.attrib["TIME_SLOT_REF1"]] < slots[annotation.attrib["TIME_SLOT_REF2"]]
    types = {kind.attrib["LINGUISTIC_TYPE_ID"] for kind in root.iter("LINGUISTIC_TYPE")}
    assert {tier.attrib["LINGUISTIC_TYPE_REF"] for tier in root.iter("TIER")} <= types


def test_writing_again_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    for _ in range(2):
        write_elan(tmp_path / "a.eaf", [MOMENT], "a.mp4")
    assert [file.name for file in tmp_path.iterdir()] == ["a.eaf"]


@pytest.mark.parametrize("times", [(1.0, 0.5), (float("nan"), 1.0), (0.0, float("inf"))])
def test_an_interval_without_a_length_of_time_is_refused(tmp_path: Path, times: tuple[float, float]) -> None:
    with pytest.raises(MienError, match="onset before offset"):
        write_elan(tmp_path / "a.eaf", [replace(MOMENT, onset_s=times[0], offset_s=times[1])], "a.mp4")
    assert not list(tmp_path.iterdir())
