"""Make the pictures of the README and the docs from the demo's results. Needs Chromium (Debian: chromium).

make demo && .venv/bin/python scripts/pictures.py
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "build/demo/demo/report.html"
OUT = ROOT / "docs/images"


def screenshot(page: Path, width: int, height: int) -> Path:
    """Return a PNG of a page as headless Chromium draws it."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit(
            "pictures: got no Chromium on this machine; expected chromium; install it (Debian: apt install chromium)"
        )
    folder = Path(tempfile.mkdtemp())
    picture = folder / "page.png"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder / 'user'}"]
    command = [browser, *flags, f"--window-size={width},{height}", f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True)
    return picture


def main() -> None:
    """Write docs/images/report.png."""
    OUT.mkdir(parents=True, exist_ok=True)
    picture = cv2.imread(str(screenshot(REPORT, 1100, 1980)))
    small = cv2.resize(picture, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(OUT / "report.png"), small, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
