"""``mien datasets``: what can be read."""

from __future__ import annotations

from mien.cli._app import app


@app.command("datasets")
def datasets_command() -> None:
    """List the datasets."""
    from mien.datasets import DATASETS

    for name in DATASETS:
        entry = DATASETS[name]
        print(f"{name}: {entry.title}\n  classes: {', '.join(entry.classes)}\n  obtain: {entry.obtain}")
