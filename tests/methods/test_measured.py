"""Our own numbers stand beside the published ones, with the command that makes them."""

from __future__ import annotations

from mien.cli import main
from mien.methods import METHODS, measured


def test_every_number_is_of_a_method_here_with_its_interval_and_command() -> None:
    rows = measured()
    assert rows
    for row in rows:
        assert row.method in METHODS
        assert 0 < row.low <= row.value <= row.high <= 1
        assert row.command.startswith(f"mien evaluate {row.method} ")
        assert set(row.corpus.split("+")) <= set(row.trained_on.split("+"))


def test_a_method_is_shown_with_ours_and_what_it_was_trained_on(capsys) -> None:  # type: ignore[no-untyped-def]
    assert main(["methods", "show", "ststnet"], standalone=False) == 0
    out = capsys.readouterr().out
    assert "published: megc2019, 3 classes" in out
    assert "ours: casme2+smic, 3 classes (megc2019), loso, trained on casme2+smic, preset small" in out
