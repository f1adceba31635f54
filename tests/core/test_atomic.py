"""A file is there whole or not at all."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from mien.core import MienError, atomic_folder, atomic_path


def write_half(opened: AbstractContextManager[Path], name: str) -> None:
    """Start to write, and be interrupted."""
    with opened as part:
        (part / name).write_text("half")
        raise KeyboardInterrupt


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    goal = tmp_path / "run" / "scores.json"
    with atomic_path(goal) as part:
        part.write_text("{}")
        assert not goal.exists()
        assert part.suffix == ".json", "writers that look at the ending still work"
    assert goal.read_text() == "{}"
    assert list(goal.parent.iterdir()) == [goal]


def test_a_failure_leaves_the_old_file_and_no_rest(tmp_path: Path) -> None:
    goal = tmp_path / "scores.json"
    goal.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_half(atomic_path(goal), "")
    assert goal.read_text() == "old"
    assert list(tmp_path.iterdir()) == [goal]


def test_a_folder_replaces_the_old_one_whole(tmp_path: Path) -> None:
    goal = tmp_path / "model"
    goal.mkdir()
    (goal / "stale.json").write_text("{}")
    with atomic_folder(goal) as part:
        (part / "model.json").write_text("{}")
    assert [p.name for p in goal.iterdir()] == ["model.json"]
    assert list(tmp_path.iterdir()) == [goal]


def test_a_failure_leaves_the_old_folder(tmp_path: Path) -> None:
    goal = tmp_path / "model"
    goal.mkdir()
    (goal / "model.json").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_half(atomic_folder(goal), "model.json")
    assert (goal / "model.json").read_text() == "old"
    assert list(tmp_path.iterdir()) == [goal]


@pytest.mark.parametrize("writer", [atomic_path, atomic_folder])
def test_a_place_that_cannot_be_written_is_said_in_one_line(writer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MienError, match=r"expected a writable folder; choose another"), writer(tmp_path / "file" / "a"):
        pass


def test_a_file_cannot_replace_a_folder(tmp_path: Path) -> None:
    (tmp_path / "scores").mkdir()
    with (
        pytest.raises(MienError, match="which is a folder; expected the name of a file"),
        atomic_path(tmp_path / "scores"),
    ):
        pass
    assert list(tmp_path.iterdir()) == [tmp_path / "scores"]


def test_what_is_written_is_readable_by_whom_the_umask_allows(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        with atomic_path(tmp_path / "a.csv") as part:
            part.write_text("")
        with atomic_folder(tmp_path / "b"):
            pass
    finally:
        os.umask(old)
    assert (tmp_path / "a.csv").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o755
