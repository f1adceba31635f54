"""Every example runs as it stands, without data, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))

SAID = {
    "add_a_method": "block-mean  UF1 ",
    "analyse_a_file": "report: build/examples/interview/report.html",
    "evaluate": "leaks: none",
    "score_predictions": "good - fair: UF1 +",
    "stream": "closed: ",
}


def test_every_example_is_held_to_what_it_says() -> None:
    assert {path.stem for path in EXAMPLES} == set(SAID)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(path: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, str(path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert SAID[path.stem] in done.stdout
    if path.stem == "stream":  # it does not wait for the end
        lines = done.stdout.splitlines()
        closed = next(place for place, line in enumerate(lines) if line.startswith("closed"))
        assert lines.index("2 s") < closed < lines.index("5 s")
    assert {entry.name for entry in tmp_path.iterdir()} <= {"build"}
