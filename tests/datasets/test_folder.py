"""Clips of one's own: what the CSV file may look like, and how it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from mien.core import MienError
from mien.datasets.folder import read

HEADER = "subject,clip,path,onset,apex,offset,emotion,action_units,fps,dataset"
FRAMES = "s1,a,s1/a,10,15,20,positive,6+12,200,"
VIDEO = "s2,b,b.mp4,0,,31,surprise,,,"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with one clip of frames, one video and one empty folder."""
    (tmp_path / "s1" / "a").mkdir(parents=True)
    (tmp_path / "s1" / "a" / "img10.PNG").touch()
    (tmp_path / "b.mp4").touch()
    (tmp_path / "empty").mkdir()
    return tmp_path


def write(root: Path, *lines: str, encoding: str = "utf-8") -> Path:
    (root / "annotations.csv").write_text("\n".join(lines), encoding=encoding)
    return root


def test_frames_and_videos(root: Path) -> None:
    frames, video = read(write(root, HEADER, FRAMES, VIDEO))
    assert (frames.dataset, frames.subject, frames.sample_id) == ("folder", "folder/s1", "folder/s1/a")
    assert (frames.onset, frames.apex, frames.offset, frames.fps) == (10, 15, 20, 200.0)
    assert (frames.source.kind, frames.source.path) == ("frames", root / "s1/a")
    assert (frames.emotion, frames.action_units) == ("positive", {6, 12})
    assert (video.source.kind, video.source.path) == ("video", root / "b.mp4")
    assert (video.apex, video.fps, video.action_units) == (None, None, frozenset())


def test_optional_columns_may_be_missing_and_columns_stand_in_any_order(root: Path) -> None:
    (sample,) = read(write(root, "emotion,offset,onset,path,clip,subject", "fear,9,2,b.mp4,x,ada"))
    assert (sample.sample_id, sample.onset, sample.offset) == ("folder/ada/x", 2, 9)


def test_a_csv_file_from_excel_with_semicolons_bom_and_decimal_comma(root: Path) -> None:
    write(root, HEADER.replace(",", ";"), "Zoë;a;s1\\a;10;;20;positive;;29,97;", encoding="utf-8-sig")
    (sample,) = read(root)
    assert (sample.subject, sample.fps) == ("folder/Zoë", 29.97)
    assert sample.source.path == root / "s1/a"


def test_names_that_are_namespaced_already_stay(root: Path) -> None:
    (sample,) = read(write(root, HEADER, "mine/s1,mine/s1/a,b.mp4,0,,3,fear,,,mine"))
    assert (sample.dataset, sample.subject, sample.sample_id) == ("mine", "mine/s1", "mine/s1/a")


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (",a,b.mp4,0,,31,fear,,,", "subject"),
        ("lab/s1,a,b.mp4,0,,31,fear,,,", "subject"),
        ("s1,a/b,b.mp4,0,,31,fear,,,", "clip"),
        ("s1,a\\b,b.mp4,0,,31,fear,,,", "clip"),
        ("s1,a,,0,,31,fear,,,", "path"),
        ("s1,a,absent.mp4,0,,31,fear,,,", "path"),
        ("s1,a,empty,0,,31,fear,,200,", "path"),
        ("s1,a,s1/a/img10.PNG,0,,31,fear,,200,", "path"),
        ("s1,a,b.mp4,,,31,fear,,,", "onset"),
        ("s1,a,b.mp4,first,,31,fear,,,", "onset"),
        ("s1,a,b.mp4,40,,31,fear,,,", "offset"),
        ("s1,a,b.mp4,0,,,fear,,,", "offset"),
        ("s1,a,b.mp4,0,32,31,fear,,,", "apex"),
        ("s1,a,b.mp4,0,,31,,,,", "emotion"),
        ("s1,a,s1/a,10,,20,fear,,,", "fps"),
        ("s1,a,s1/a,10,,20,fear,,0,", "fps"),
        ("s1,a,s1/a,10,,20,fear,,nan,", "fps"),
        ("s1,a,b.mp4,0,,31,fear,,,my/lab", "dataset"),
    ],
)
def test_a_broken_row_is_named(root: Path, row: str, column: str) -> None:
    with pytest.raises(MienError, match=rf"in row 3, column '{column}' of .*expected"):
        read(write(root, HEADER, VIDEO, row))


@pytest.mark.parametrize("ending", [".pgm", ".ppm", ".gif"])
def test_what_no_recipe_reads_is_no_frame(root: Path, ending: str) -> None:
    (root / "empty" / f"img10{ending}").touch()
    with pytest.raises(MienError, match=r"column 'path' of .*expected a folder that holds images"):
        read(write(root, HEADER, "s1,a,empty,10,,20,fear,,200,"))


def test_a_clip_stands_once(root: Path) -> None:
    with pytest.raises(MienError, match=r"row 3, column 'clip'.*'folder/s2/b' stands in a row above"):
        read(write(root, HEADER, VIDEO, VIDEO))


def test_a_missing_column_or_table_or_row_is_said(root: Path) -> None:
    with pytest.raises(MienError, match=r"without 'annotations.csv'; expected"):
        read(root)
    with pytest.raises(MienError, match="without the column path"):
        read(write(root, "subject,clip,onset,offset,emotion", "s1,a,0,31,fear"))
    with pytest.raises(MienError, match="without rows; expected"):
        read(write(root, HEADER))


def test_another_encoding_is_said(root: Path) -> None:
    with pytest.raises(MienError, match="expected UTF-8"):
        read(write(root, HEADER, VIDEO.replace("s2", "Zoë"), encoding="utf-16"))
