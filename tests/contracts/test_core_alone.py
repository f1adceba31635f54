"""The core install is enough to analyse a video, score predictions and run a classic method: no torch, no extra."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
NEVER = {"torch", "click", "yaml", "einops", "pkg_resources"}  # named here too, should a package list be wrong

# Python runs this at start, also in worker processes: what is listed is as good as not installed.
SITECUSTOMIZE = """
import sys
from importlib.machinery import PathFinder

ABSENT = {absent!r}


class CoreOnly(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in ABSENT else super().find_spec(name, path, target)


sys.meta_path[sys.meta_path.index(PathFinder)] = CoreOnly
"""

Mien = Callable[..., str]


def runner(python: Path | str, folder: Path, **environment: str) -> Mien:
    """Return a function that runs ``mien`` in ``folder`` with this interpreter and returns what it printed."""

    def mien(*arguments: str | Path, module: str = "mien") -> str:
        command = [python, "-m", module, *map(str, arguments)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST"))}
        done = subprocess.run(
            command, cwd=folder, env={**clean, **environment}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stderr}"
        return done.stdout

    return mien


def write_motion(path: Path, subjects: Sequence[str] = ("a", "b", "c", "d", "e", "f"), clips: int = 6) -> None:
    """Write motion maps in which the class is where the face moved, and which way."""
    rng = np.random.default_rng(7)
    y = np.tile(np.arange(clips) % 3, len(subjects))
    maps = rng.normal(128, 12, (len(y), 28, 28, 3))
    for motion, label in zip(maps, y, strict=True):
        motion[4 + 8 * label : 10 + 8 * label, 6:22] += (60, -60, 90)
    subject = np.repeat(subjects, clips)
    np.savez(
        path,
        X=maps.clip(0, 255).astype(np.uint8),
        y=y,
        subject=subject,
        dataset=np.full(len(y), "made"),
        sample_id=np.array([f"{name}_{index}" for index, name in enumerate(subject)]),
    )


def analyse_and_score(mien: Mien, folder: Path) -> None:
    """Go the three ways that the core install promises."""
    mien("render", "--out", "clip.mp4", "--seconds", 2, "--fps", 60, "--size", "320x240", "--seed", 7)
    mien("analyze", "clip.mp4", "--out", "found")
    for name in ("report.html", "intervals.csv", "frames.csv", "analysis.json"):
        assert (folder / "found" / "clip" / name).stat().st_size > 0

    write_motion(folder / "maps.npz")
    mien("evaluate", "flow-svm", "--dataset", "motion-npz", "--root", "maps.npz", "--protocol", "loso", "--out", "run")
    scores = json.loads(mien("score", "run/predictions.csv", "--json"))
    assert scores["n"] == 36
    assert scores["uf1"] > 0.9, "the classes lie apart"


def test_what_the_extras_bring_is_not_needed(
    tmp_path: Path, project: dict, needed_by: Callable[[Iterable[str]], set[str]]
) -> None:
    core = needed_by(project["dependencies"]) | {"mien"}
    modules = metadata.packages_distributions()
    absent = NEVER | {name for name, owners in modules.items() if not {canonicalize_name(o) for o in owners} & core}
    start = tmp_path / "start"
    start.mkdir()
    (start / "sitecustomize.py").write_text(SITECUSTOMIZE.format(absent=absent))
    mien = runner(sys.executable, tmp_path, PYTHONPATH=str(start))

    with pytest.raises(AssertionError, match="No module named torch"):
        mien(module="torch")
    analyse_and_score(mien, tmp_path)


@pytest.mark.slow
def test_the_core_installed_by_itself(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    for name in ("pyproject.toml", "constraints.txt", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-qq", "-c", "constraints.txt", "."], cwd=source, check=True)

    mien = runner(python, tmp_path)
    with pytest.raises(AssertionError, match="No module named torch"):
        mien(module="torch")
    analyse_and_score(mien, tmp_path)
