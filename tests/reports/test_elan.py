"""Moments in ELAN: the times a person sees there are those that were found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pympi.Elan import Eaf

from mien.core import Interval, MienError
from mien.reports import write_elan

MOMENT = Interval(240, 264, 304, 1.2, 1.32, 1.5204, 0.618, "negative", 0.7, region="left inner brow")


def read(path: Path, tier: str) -> list[tuple[int, int, str]]:
    return Eaf(path).get_annotation_data_for_tier(tier)


def test_times_emotions_and_regions_come_back(tmp_path: Path) -> None:
    second = replace(MOMENT, onset_s=3.4, apex_s=3.5, offset_s=3.7, emotion="surprise", region="chin", score=1.4)
    path = write_elan(tmp_path / "a.eaf", [MOMENT, second], "interview.mp4")
    assert read(path, "micro-expression") == [
        (1200, 1520, "1: 0.62 px left inner brow"),
        (3400, 3700, "2: 1.40 px chin"),
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


def test_the_video_is_linked_by_its_name_alone(tmp_path: Path) -> None:
    path = write_elan(tmp_path / "a.eaf", [], tmp_path / "secret patient folder" / "a & <b>.mkv")
    (media,) = Eaf(path).media_descriptors
    assert media["MEDIA_URL"] == media["RELATIVE_MEDIA_URL"] == "./a & <b>.mkv"
    assert "secret" not in path.read_text()


def test_a_folder_of_images_is_no_medium(tmp_path: Path) -> None:
    assert Eaf(write_elan(tmp_path / "a.eaf", [], tmp_path)).media_descriptors == []


def test_nothing_found_still_has_its_tiers_and_no_other(tmp_path: Path) -> None:
    document = Eaf(write_elan(tmp_path / "a.eaf", [], "a.mp4"))
    assert sorted(document.get_tier_names()) == ["emotion", "micro-expression", "region"]


def test_what_was_not_read_is_not_written(tmp_path: Path) -> None:
    path = write_elan(tmp_path / "a.eaf", [replace(MOMENT, emotion="", region="")], "a.mp4")
    assert read(path, "micro-expression") == [(1200, 1520, "1: 0.62 px")]
    assert read(path, "emotion") == read(path, "region") == []


def test_faces_that_move_at_once_have_tiers_of_their_own(tmp_path: Path) -> None:
    path = write_elan(tmp_path / "a.eaf", [MOMENT, replace(MOMENT, face=2, emotion="surprise")], "a.mp4")
    assert read(path, "emotion") == [(1200, 1520, "negative")]
    assert read(path, "emotion (face 2)") == [(1200, 1520, "surprise")]


def test_writing_again_replaces_the_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    for _ in range(2):
        write_elan(tmp_path / "a.eaf", [MOMENT], "a.mp4")
    assert [file.name for file in tmp_path.iterdir()] == ["a.eaf"]


@pytest.mark.parametrize("times", [(1.0, 0.5), (float("nan"), 1.0), (0.0, float("inf"))])
def test_an_interval_without_a_length_of_time_is_refused(tmp_path: Path, times: tuple[float, float]) -> None:
    with pytest.raises(MienError, match="onset before offset"):
        write_elan(tmp_path / "a.eaf", [replace(MOMENT, onset_s=times[0], offset_s=times[1])], "a.mp4")
    assert not list(tmp_path.iterdir())
