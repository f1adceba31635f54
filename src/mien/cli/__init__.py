"""The command line: parse, call one public function, print. No logic, and nothing heavy at the top."""

import importlib
import pkgutil

from mien.cli._app import app, main

__all__ = ["app", "main"]

for _found in sorted(pkgutil.iter_modules(__path__), key=lambda found: found.name):
    if not _found.name.startswith("_"):
        importlib.import_module(f"{__name__}.{_found.name}")
