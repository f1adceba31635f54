"""What a person sees: one line per error, the exit status of the contract, a version."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import mien
from mien.cli import main
from mien.cli._app import app
from mien.core import MienError, MienWarning


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "mien", *arguments], capture_output=True, text=True, check=False)


def test_the_version_is_printed() -> None:
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout.strip() == f"mien {mien.__version__}"


def test_help_lists_the_commands_of_the_contract() -> None:
    text = run("--help").stdout
    for command in (
        "analyze",
        "evaluate",
        "score",
        "train",
        "predict",
        "datasets",
        "methods",
        "render",
        "generate-motion",
    ):
        assert command in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("frobnicate",), "No such command 'frobnicate'"),
        (("score",), "Missing argument"),
        (("score", "--frob", "x.csv"), "No such option"),
        (("score", "missing.csv"), "missing.csv"),
        (("render", "--out", "x.mp4", "--size", "big"), "expected WIDTHxHEIGHT"),
        (("render", "--out", "x.mp4", "--seed", "-1"), "got the seed -1"),
        (("generate-motion", "--out", "x.npz", "--seed", "-1"), "got the seed -1"),
        (("methods", "show", "ststnett"), "did you mean"),
    ],
)
def test_bad_use_gets_one_line_and_status_2(arguments: tuple[str, ...], says: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("mien: ")
    assert says in done.stderr


def test_a_folder_for_a_file_is_bad_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "maps.npz").mkdir()
    assert main(["generate-motion", "--out", str(tmp_path / "maps.npz"), "--per-class", "1"], standalone=False) == 2
    error = capsys.readouterr().err
    assert "which is a folder" in error
    assert error.count("\n") == 1


def fail(error: BaseException) -> int:
    """Run a command that raises; return the status."""

    @app.command("fail-for-the-test", hidden=True)
    def command() -> None:
        raise error

    try:
        return main(["fail-for-the-test"], standalone=False)
    finally:
        app.registered_commands.pop()


def test_a_fault_of_mien_has_status_1_and_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(RuntimeError("boom")) == 1
    error = capsys.readouterr().err
    assert "RuntimeError: boom" in error
    assert error.strip().endswith("please report the lines above")


def test_an_interruption_has_status_1_and_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(KeyboardInterrupt()) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_a_message_of_several_lines_becomes_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert fail(MienError("got\n  this; expected that")) == 2
    assert capsys.readouterr().err == "mien: got this; expected that\n"


def test_notes_go_to_standard_error_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    @app.command("note-for-the-test", hidden=True)
    def command() -> None:
        warnings.warn("the file is cut short", MienWarning, stacklevel=1)

    with warnings.catch_warnings():
        try:
            assert main(["note-for-the-test"], standalone=False) == 0
        finally:
            app.registered_commands.pop()
    assert capsys.readouterr().err == "mien: note: the file is cut short\n"
