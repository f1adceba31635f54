"""A plug-in is one new file: found by its name, loaded on first use."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError, Registry


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], str]:
    """Write a throw-away package with these files; return its name."""
    package = f"room_{tmp_path.name}"

    def write(files: dict[str, str]) -> str:
        for name, text in {"__init__.py": "", **files}.items():
            path = tmp_path / package / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return package

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    return write


@given(st.lists(st.text(min_size=1), unique=True))
def test_names_come_sorted_and_each_gives_its_entry(names: list[str]) -> None:
    registry: Registry[str] = Registry("thing", package="")
    for name in names:
        registry.add(name, name.upper())
    assert list(registry) == sorted(names)
    assert len(registry) == len(names)
    assert all(name in registry and registry[name] == name.upper() for name in names)


def test_a_name_is_taken_once() -> None:
    registry: Registry[int] = Registry("dataset", package="")
    registry.add("samm", 1)
    with pytest.raises(MienError, match="got a second dataset named 'samm'"):
        registry.add("samm", 2)
    assert registry["samm"] == 1


def test_a_misspelt_name_is_answered_with_the_near_ones() -> None:
    registry: Registry[int] = Registry("dataset", package="")
    for name in ("casme2", "samm", "smic"):
        registry.add(name, 0)
    with pytest.raises(MienError, match=r"unknown dataset 'casme'; did you mean 'casme2'.*known: casme2, samm, smic"):
        registry["casme"]
    with pytest.raises(MienError, match=r"unknown dataset '@@'; known: casme2, samm, smic"):
        registry["@@"]


def test_the_decorator_leaves_what_it_decorates() -> None:
    registry: Registry[Callable[[], int]] = Registry("feature", package="")

    @registry.register("three")
    def three() -> int:
        return 3

    assert three() == registry["three"]() == 3


def test_a_file_is_a_plug_in_unless_its_name_starts_with_an_underscore(room: Callable[[dict[str, str]], str]) -> None:
    add = "from {room} import registry; registry.add('{name}', 1)"
    package = room({})
    room(
        {
            "__init__.py": f"from mien.core import Registry\nregistry = Registry('thing', '{package}')",
            "plain.py": add.format(room=package, name="plain"),
            "_machinery.py": "raise AssertionError('machinery is not a plug-in')",
        }
    )
    registry = __import__(package).registry
    assert f"{package}.plain" not in sys.modules, "nothing is imported before it is asked for"
    assert list(registry) == ["plain"]


def test_in_a_room_of_folders_one_module_of_each_registers(room: Callable[[dict[str, str]], str]) -> None:
    package = room({})
    room(
        {
            "__init__.py": f"from mien.core import Registry\nregistry = Registry('method', '{package}', 'method')",
            "net/__init__.py": "",
            "net/method.py": f"from {package} import registry; registry.add('net', 1)",
            "net/network.py": "raise AssertionError('listing methods loads no network')",
            "beside.py": "raise AssertionError('a file beside the folders is not a method')",
        }
    )
    assert list(__import__(package).registry) == ["net"]
