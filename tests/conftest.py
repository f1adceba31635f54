"""Fixtures that several rooms share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the private measuring data; the test skips where it is absent."""
    folder = Path(os.environ.get("MIEN_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"private data not found at {folder} (set MIEN_SHARED_DATA)")
    return folder
