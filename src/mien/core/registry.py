"""Named plug-ins: one file (or folder) in a room adds one name, with no edit anywhere else."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from mien.core.errors import MienError

__all__ = ["Registry"]

T = TypeVar("T")


class Registry(Generic[T]):
    """Explicit names for the plug-ins of one room.

    On first use every module of ``package`` whose name has no leading underscore is imported, so a
    new plug-in is one new file that calls :meth:`add`. Those files import nothing heavy at the top.

    Parameters
    ----------
    kind : str
        What the entries are, as a person would say it ("dataset", "method").
    package : str
        The package whose plain-named modules register themselves.
    module : str, optional
        For a room of folders: the module inside each folder that registers ("method").

    Examples
    --------
    >>> colours = Registry("colour", package="")
    >>> _ = colours.add("red", "#f00")
    >>> colours["red"]
    '#f00'
    >>> colours["rde"]
    Traceback (most recent call last):
    ...
    mien.core.errors.MienError: got the unknown colour 'rde'; did you mean 'red'? known: red
    """

    def __init__(self, kind: str, package: str, module: str = "") -> None:
        self.kind = kind
        self._package = package
        self._module = module
        self._entries: dict[str, T] = {}
        self._loaded = not package

    def add(self, name: str, entry: T) -> T:
        """Register ``entry`` under ``name``; a name that is taken raises :class:`MienError`."""
        if name in self._entries:
            raise MienError(
                f"got a second {self.kind} named '{name}'; expected names to be unique; rename one of the two"
            )
        self._entries[name] = entry
        return entry

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers what it decorates under ``name``."""
        return lambda entry: self.add(name, entry)

    def __getitem__(self, name: str) -> T:
        self._load()
        if name not in self._entries:
            near = difflib.get_close_matches(name, self._entries, n=3, cutoff=0.4)
            hint = f"did you mean {' or '.join(repr(n) for n in near)}? " if near else ""
            raise MienError(f"got the unknown {self.kind} '{name}'; {hint}known: {', '.join(self)}")
        return self._entries[name]

    def __contains__(self, name: object) -> bool:
        self._load()
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        self._load()
        return len(self._entries)

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        package = importlib.import_module(self._package)
        for found in pkgutil.iter_modules(package.__path__):
            if found.name.startswith("_"):
                continue
            name = f"{self._package}.{found.name}"
            if self._module:
                if not found.ispkg:
                    continue
                name = f"{name}.{self._module}"
            importlib.import_module(name)
