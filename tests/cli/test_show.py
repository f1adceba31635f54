"""``mien show`` at the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mien.cli import main
from mien.pictures import STAGES
from mien.video import read_image, write_image

Captured = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three images of a face that comes to be a little brighter."""
    from skimage.data import astronaut

    folder = tmp_path_factory.mktemp("frames")
    for number in range(3):
        write_image(folder / f"img{number}.png", np.clip(astronaut() + np.uint8(number), number, 255).astype(np.uint8))
    return folder


def test_the_picture_is_written_and_named(frames: Path, tmp_path: Path, capsys: Captured) -> None:
    out = tmp_path / "new" / "crop.png"
    command = ["show", str(frames), "--stage", "crop", "--onset", "0", "--apex", "1", "--out", str(out)]
    assert main(command, standalone=False) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert read_image(out).ndim == 3


def test_the_stages_are_listed(capsys: Captured) -> None:
    assert main(["show", "--list"], standalone=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(STAGES)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--stage", "flwo", "--out", "a.png"), "got the unknown stage 'flwo'"),
        (("--stage", "flow", "--out", "a.tif"), "expected a name ending in .png"),
        (("--stage", "flow", "--out", "a.png", "--onset", "5", "--offset", "1"), "expected them in this order"),
        (
            (
                "--stage",
                "flow",
            ),
            "Missing option '--out'",
        ),
    ],
)
def test_bad_use_is_one_line_and_status_2(
    arguments: tuple[str, ...], says: str, frames: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: Captured,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["show", str(frames), *arguments], standalone=False) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert says in said.err
    assert said.err.count("\n") == 1
    assert not list(tmp_path.iterdir())
