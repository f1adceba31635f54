"""Clips with known truth for the model card: rendered corpora, the same at lower frame rates, maps of drawn faces."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from mien import predict
from mien.core import Prediction, UInt8Array, atomic_folder
from mien.motion import motion_map
from mien.synthesis import MapSettings, drawn_face, render_corpus
from mien.synthesis.emotions import CLASSES, draw_expression
from mien.synthesis.face import random_face
from mien.synthesis.filmed import WIDE, estimate_flow, film_pair
from mien.synthesis.motion_maps import crop_flow

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "model-card"
FACE_PX, FPS = 128, 100.0
_FLOW_PX = 72  # of a synthetic flow
_RENDERER = ("action_units.py", "corpus.py", "emotions.py", "events.py", "face.py", "map_settings.py", "mixtures.csv",
             "natural.py", "performance.py", "portraits.py")  # fmt: skip
_CHEEK = 0.12  # half the side of the patch whose grey is the skin's, face units


def rendered(name: str, **settings: Any) -> Path:
    """Render a corpus, or take that of an earlier run: settings and the code of the generator are in its name."""
    face_px = settings.setdefault("face_px", FACE_PX)
    settings.setdefault("size", (max(160, round(1.25 * face_px)),) * 2)
    key = hashlib.sha256(f"{_generator()} {sorted(settings.items())}{_pictures(settings)}".encode()).hexdigest()[:12]
    folder = BUILD / f"{name}-{key}"
    if not folder.exists():
        print(f"rendering {folder.name}", flush=True)
        render_corpus(folder, jobs=1, **settings)
    return folder


def answers(corpus: Path) -> list[Prediction]:
    """What the default recogniser says of a rendered corpus, through the recipe that it was trained for."""
    return predict("default", "synthetic-faces", corpus, out=BUILD / f"{corpus.name}.csv")


def slower(corpus: Path, step: int, seed: int = 0) -> Path:
    """The same clips as a camera ``step`` times slower sees them, which starts at a moment drawn by chance.

    Whoever annotates them sees only the frames that are left: the onset is the last of them that is not after the true
    one, the apex the nearest to the true one.
    """
    if step == 1:
        return corpus
    out = corpus.with_name(f"{corpus.name}-every{step}")
    if out.exists():
        return out
    with (corpus / "annotations.csv").open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    rng = np.random.default_rng(seed)
    with atomic_folder(out) as root:
        rows = [_thinned(corpus, root, row, step, int(rng.integers(step))) for row in table]
        with (root / "annotations.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return out


def _thinned(corpus: Path, root: Path, row: dict[str, str], step: int, phase: int) -> dict[str, str]:
    """Link the frames that are left; return the clip's row of the table."""
    place = Path(f"sub{int(row['Subject']):02d}") / row["Filename"]
    (root / place).mkdir(parents=True)
    numbers = sorted(int(path.stem.removeprefix("img")) for path in (corpus / place).iterdir())
    onset, apex = int(row["OnsetFrame"]), int(row["ApexFrame"])
    start = onset - phase
    first = max(start, numbers[0])  # a clip begins a few frames before its onset
    kept = [first, *(number for number in numbers if number > first and (number - start) % step == 0)]
    for number in kept:
        os.link(corpus / place / f"img{number}.jpg", root / place / f"img{number}.jpg")
    top, end = min(kept[1:-1], key=lambda number: abs(number - apex)), kept[-1]
    told = {"OnsetFrame": first, "ApexFrame": top, "OffsetFrame": end, "fps": float(row["fps"]) / step}
    return row | {name: str(value) for name, value in told.items()}


def pictures(corpus: Path) -> dict[str, str]:
    """Subject -> name of the portrait that plays it."""
    people = json.loads((corpus / "truth.json").read_text(encoding="utf-8"))["people"]
    return {f"synthetic-faces/{one['subject']}": one["picture"] for one in people}


def drawn_maps(
    per_class: int, seed: int, settings: MapSettings
) -> tuple[UInt8Array, npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Maps of drawn faces, each of another person, FACS's prototypes; and how bright the skin of each is.

    Returns
    -------
    uint8 (N, 28, 28, 3), int (N,) classes, float (N,) grey levels of the cheeks in the onset frame.
    """
    labels = np.tile(np.arange(len(CLASSES)), per_class)
    streams = np.random.SeedSequence(seed).spawn(len(labels))
    made = [_drawn(CLASSES[k], np.random.default_rng(s), settings) for k, s in zip(labels, streams, strict=True)]
    return np.stack([one for one, _ in made]), labels, np.array([skin for _, skin in made])


def _drawn(emotion: str, rng: np.random.Generator, settings: MapSettings) -> tuple[UInt8Array, float]:
    units, _ = draw_expression(emotion, rng, prototypes=True)
    strength = settings.amplitude * np.exp(rng.normal(0, settings.amplitude_spread))
    activation = dict.fromkeys(units, (strength, strength))
    face = random_face(rng, settings.identity)
    frames = film_pair(activation, face, rng, settings)
    flow = estimate_flow(frames, rng, settings)
    small = [cv2.resize(part, (_FLOW_PX, _FLOW_PX), interpolation=cv2.INTER_AREA) for part in flow]
    made = motion_map(crop_flow(np.stack(small).astype(np.float32), rng, settings))
    return made, _skin(frames[0], face)


def _skin(frame: UInt8Array, face: npt.NDArray[np.float64]) -> float:
    """Median grey level of both cheeks, between the wing of the nose and the jaw."""
    scale = len(frame) / WIDE[2]
    patches = []
    for wing, jaw in ((31, 2), (35, 14)):
        middle = (face[wing] + face[jaw]) / 2
        left, top = np.floor((middle - _CHEEK - WIDE[:2]) * scale).astype(int)
        side = max(2, round(2 * _CHEEK * scale))
        patches.append(frame[top : top + side, left : left + side].ravel())
    return float(np.median(np.concatenate(patches)))


def _pictures(settings: dict[str, Any]) -> str:
    """Which portraits, if any: names and sizes, so that others in the same folder are others."""
    path = settings.get("portraits")
    if path is None:
        return ""
    files = [path] if path.is_file() else sorted(one for one in path.iterdir() if one.is_file())
    return str([(one.name, one.stat().st_size, one.stat().st_mtime_ns) for one in files])


def _generator() -> str:
    """Digest of the code that renders."""
    folder = Path(drawn_face.__file__).parent
    return hashlib.sha256(b"".join((folder / name).read_bytes() for name in _RENDERER)).hexdigest()
