"""The repository's habits, proved: pinned versions, one OpenCV, one version number, the licence, no private data."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import mien

ROOT = Path(__file__).resolve().parents[2]
SECOND_OPENCV = {"opencv-python", "opencv-python-headless", "opencv-contrib-python"}
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"  # sha256 of LICENSE-2.0.txt


@pytest.fixture(scope="module")
def declared(project: dict) -> list[str]:
    """Every requirement of the core and of all extras."""
    extras = project["optional-dependencies"].values()
    return project["dependencies"] + [text for extra in extras for text in extra]


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    """Name to version, as constraints.txt has them."""
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[^+ ;]+", line) for line in lines), "one exact public version each"
    names = [line.split("==")[0] for line in lines]
    assert names == sorted(set(names)), "in order, each once"
    return dict(line.split("==") for line in lines)


def test_every_dependency_is_pinned_inside_its_range(declared: list[str], pins: dict[str, str]) -> None:
    for requirement in map(Requirement, declared):
        name = canonicalize_name(requirement.name)
        assert name in pins, f"{name}: not in constraints.txt"
        assert requirement.specifier.contains(pins[name]), f"{requirement}: constraints.txt pins {pins[name]}"
    assert pins["torch"] == "2.13.0"


def test_what_the_dependencies_bring_is_pinned_too(
    declared: list[str], pins: dict[str, str], needed_by: Callable[[Iterable[str]], set[str]]
) -> None:
    assert needed_by(declared) <= set(pins)


def test_nothing_brings_a_second_opencv(
    declared: list[str], pins: dict[str, str], needed_by: Callable[[Iterable[str]], set[str]]
) -> None:
    installed = {canonicalize_name(found.metadata["Name"]) for found in metadata.distributions()}
    assert not SECOND_OPENCV & (installed | set(pins) | needed_by(declared))
    assert set(metadata.packages_distributions()["cv2"]) == {"opencv-contrib-python-headless"}


def test_changelog_package_and_metadata_name_one_version(project: dict) -> None:
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == mien.__version__ == project["version"]


def test_the_licence_is_apache_2_unmodified(project: dict) -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2
    assert project["license"] == "Apache-2.0"


def test_ci_runs_what_a_person_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert re.findall(r"^make .*?(\S+)$", script.read_text(), re.MULTILINE) == ["lint", "test"]


def test_every_make_target_says_what_it_does() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    assert re.findall(r"^([a-z-]+):.*  ## ", makefile, re.MULTILINE) == phony[1].split()


def test_no_private_data_is_in_the_repository(shared_data: Path) -> None:
    listing = ["git", "ls-files", "-coz", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    private = digests(p for p in shared_data.rglob("*") if p.name != "README.md")
    assert not private & digests(ROOT / name for name in listed.stdout.split("\0"))


def digests(paths: Iterable[Path]) -> set[str]:
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.is_file()}
