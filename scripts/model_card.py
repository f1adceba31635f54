"""The model card of the default recogniser: measures it, draws docs/images/model-card-*.png, fills docs/model-card.md.

    python scripts/model_card.py [--quick | --page-only] [--maps MAPS.npz] [--units TABLE.xlsx]
                                 [--portraits FOLDER_OR_NPZ] [--groups GROUPS.csv]

Nothing is fitted. Real clips come from MIEN_SHARED_DATA, where they are; without them, or with --quick, the numbers go
to build/model-card-part.json only and the page stays as it is. Rendered clips are kept in build/model-card, so that a
second run is fast. GROUPS.csv has pictures' names in its first column and groups of them (skin tone, age, ...) in the
others.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path
from typing import Any

os.environ.setdefault("MIEN_CACHE", str(Path(__file__).resolve().parents[1] / "build" / "model-card" / "cache"))

import numpy as np
from model_card_clips import BUILD, ROOT
from model_card_figures import choose_failures, draw_behaviour, draw_confusions, draw_failures, draw_risk, draw_spectrum
from model_card_page import fill
from model_card_parts import (
    PORTRAITS_PX,
    action_units,
    behaviour,
    closed_loop,
    confidence,
    describe,
    drawn,
    likeness,
    portraits,
    real,
)

from mien.core import atomic_path
from mien.methods import load_model
from mien.methods._model import versions

SHARED = Path(os.environ.get("MIEN_SHARED_DATA", ROOT.parent / "shared" / "data"))
PAGE = ROOT / "docs" / "model-card.md"
SIZES: dict[bool, dict[str, int]] = {
    False: {"people": 6, "clips": 9, "drawn": 300, "maps": 500, "loop_people": 12, "loop_clips": 24, "of_each": 6,
            "trees": 300},
    True: {"people": 3, "clips": 3, "drawn": 20, "maps": 60, "loop_people": 3, "loop_clips": 6, "of_each": 2,
           "trees": 50},
}  # fmt: skip


def main() -> None:
    """Measure, draw, write."""
    options = parse()
    if options.page_only:
        fill(PAGE, json.loads((ROOT / "build" / "model-card.json").read_text(encoding="utf-8")))
        return
    size = SIZES[options.quick]
    BUILD.mkdir(parents=True, exist_ok=True)
    whole = options.maps.is_file() and not options.quick
    images = ROOT / "docs" / "images" if whole else BUILD
    document = measure(options, size, images)
    written = ROOT / "build" / ("model-card.json" if whole else "model-card-part.json")
    with atomic_path(written) as temporary:
        temporary.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    if whole:
        fill(PAGE, document)
        print(f"{written.relative_to(ROOT)}, {PAGE.relative_to(ROOT)}")
    else:
        print(f"{written.relative_to(ROOT)}; the page is left as it is: that takes the real maps, and all clips")


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few clips, to see that it runs")
    parser.add_argument("--page-only", action="store_true", help="write the page again from build/model-card.json")
    parser.add_argument("--maps", type=Path, default=SHARED / "flow" / "ststnet_flow_smic_casme2.npz",
                        help="real motion maps of SMIC-HS and CASME II, motion-npz format")  # fmt: skip
    parser.add_argument("--units", type=Path, default=SHARED / "annotations" / "CASME2-coding-20140508.xlsx",
                        help="CASME II's table with its action units")  # fmt: skip
    parser.add_argument("--portraits", type=Path, help="folder of pictures, or .npz; the ORL faces where they are")
    parser.add_argument("--groups", type=Path, help="CSV: picture, and groups of the pictures")
    return parser.parse_args()


def measure(options: argparse.Namespace, size: dict[str, int], images: Path) -> dict[str, Any]:
    """All parts for which there are clips."""
    model = load_model("default")
    document: dict[str, Any] = {"quick": options.quick, "versions": versions(), "machine": platform.machine()}
    rows: dict[str, Any] = {}
    if options.maps.is_file():
        with np.load(options.maps) as file:
            document["model"] = describe(model, file["X"])
        document["real"], rows = real(options.maps)
        draw_confusions(images / "model-card-confusion.png", {k: v for k, v in document["real"].items() if k != "both"})
        if options.units.is_file():
            document["action_units"] = action_units(model, options.maps, options.units)
    _say("behaviour")
    document["behaviour"], said = behaviour(size["people"], size["clips"])
    draw_behaviour(images / "model-card-behaviour.png", document["behaviour"])
    document["failures"] = draw_failures(images / "model-card-failures.png", model, choose_failures(said))
    _say("closed loop")
    document["loop"], synthetic, rendered = closed_loop(size["maps"], size["loop_people"], size["loop_clips"])
    document["confidence"] = confidence(rows | {"rendered": rendered})
    draw_risk(images / "model-card-risk.png", document["confidence"])
    if options.maps.is_file():
        _say("likeness")
        document["likeness"] = likeness(options.maps, synthetic, size["trees"])
        draw_spectrum(images / "model-card-spectrum.png", document["likeness"]["spectrum"])
    _say("groups")
    document["drawn"] = drawn(model, size["drawn"])
    document["portraits"] = of_portraits(options, size)
    return document


def of_portraits(options: argparse.Namespace, size: dict[str, int]) -> dict[str, Any]:
    """Results over portraits: the user's, and the ORL faces where they are."""
    sources: dict[str, tuple[Path, int | None, Path | None]] = {}
    if (orl := SHARED / "faces" / "orl_faces.npz").is_file():
        sources["ORL"] = orl, 3 if options.quick else None, None
    if options.portraits is not None:
        sources[options.portraits.name] = options.portraits, None, options.groups
    return {
        f"{name}, {low:g} to {high:g} px": portraits(path, people, size["of_each"], groups, (low, high))
        for name, (path, people, groups) in sources.items()
        for low, high in PORTRAITS_PX
    }


def _say(what: str) -> None:
    print(f"{what} ...", flush=True)


if __name__ == "__main__":
    main()
