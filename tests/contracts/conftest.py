"""What the repository declares, as fixtures for the contracts."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def project() -> dict:
    """The [project] table of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="session")
def needed_by() -> Callable[[Iterable[str]], set[str]]:
    """A function from requirements to the names of all distributions they need, directly or not."""
    return closure


def closure(requirements: Iterable[str]) -> set[str]:
    queue = [Requirement(text) for text in requirements]
    seen: set[tuple[str, str]] = set()
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                queue += [r for r in requires(name) if not r.marker or r.marker.evaluate({"extra": extra})]
    return {name for name, _ in seen}


def requires(name: str) -> list[Requirement]:
    """What an installed distribution requires; nothing is known of one that is not installed."""
    try:
        return [Requirement(text) for text in metadata.distribution(name).requires or []]
    except metadata.PackageNotFoundError:
        return []
