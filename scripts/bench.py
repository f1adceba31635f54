"""How fast mien is, and how much memory it takes, beside a bare loop measured in the same run.

    python scripts/bench.py [--out build/bench.json] [--only NAME ...]

The file holds, per benchmark: value, unit and, where there is something to compare with, reference, ratio, needs.
A new benchmark is one more function under `@benchmark`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "bench"
SHARED = Path(os.environ.get("MIEN_SHARED_DATA", ROOT.parent / "shared" / "data"))


class AbsentError(Exception):
    """What this benchmark measures on is not on this machine."""


@dataclass(frozen=True)
class Measured:
    """One number; `ratio` is value / reference, `needs` what it is held to."""

    value: float
    unit: str
    reference: float | None = None
    ratio: float | None = None
    needs: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Round, and leave out what there is not."""
        rounded = {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in asdict(self).items()}
        return {k: v for k, v in rounded.items() if v is not None}


BENCHMARKS: dict[str, Callable[[], Measured]] = {}


def benchmark(function: Callable[[], Measured]) -> Callable[[], Measured]:
    """Register a function under its own name."""
    BENCHMARKS[function.__name__] = function
    return function


@benchmark
def analyze_fps_640x480() -> Measured:
    """Frames per second of a whole analysis, beside the least that any analysis does, interleaved three times."""
    import mien

    video, frames = portrait(600)
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as out:
        for _ in range(3):
            bare.append(frames / timed(lambda: bare_loop(video)))
            ours.append(frames / timed(lambda: mien.analyze(video, out=Path(out))))
    value, reference = statistics.median(ours), statistics.median(bare)
    return Measured(value, "frames/s", reference, value / reference, "at least 0.6")


@benchmark
def analyze_memory_5000_frames() -> Measured:
    """Peak memory of `mien analyze` on 5,000 frames, beside 500: a long recording is streamed, not held."""
    short, long = (peak_mb("analyze", str(portrait(frames)[0])) for frames in (500, 5000))
    return Measured(long, "MB", short, long / short, "at most 1.1")


@benchmark
def flow_svm_loso_309_clips() -> Measured:
    """Wall time of one leave-one-subject-out run on real motion maps, start of the program included."""
    maps = SHARED / "flow" / "ststnet_flow_smic_casme2.npz"
    if not maps.exists():
        raise AbsentError(f"no {maps}; name the folder in MIEN_SHARED_DATA")
    with tempfile.TemporaryDirectory() as out:
        command = f"evaluate flow-svm --dataset motion-npz --root {maps} --protocol loso --out {out}/run".split()
        took = timed(lambda: subprocess.run(mien_command(*command), check=True, capture_output=True))
    return Measured(took, "s")


def portrait(frames: int) -> tuple[Path, int]:
    """Render a 640x480 portrait at 100 frames/s once, in another process; return the file and its frame count."""
    video = BUILD / f"portrait_{frames}.mp4"
    if not video.exists():
        options = f"--fps 100 --seconds {frames / 100} --size 640x480 --seed 7".split()
        subprocess.run(mien_command("render", "--out", str(video), *options), check=True, capture_output=True)
    return video, frames


def bare_loop(video: Path) -> None:
    """Decode, 68 points in a fixed box, similarity warp to 128x128, DIS flow to the frame before: one thread."""
    import av
    import cv2
    import dlib
    import numpy as np

    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    predictor = dlib.shape_predictor(landmark_model())
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    box, before = None, None
    with av.open(video) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for frame in container.decode(video=0):
            grey = frame.to_ndarray(format="gray")
            box = box or dlib.get_frontal_face_detector()(grey)[0]
            points = np.array([(p.x, p.y) for p in predictor(grey, box).parts()], float)
            crop = cv2.warpAffine(grey, similarity(points[36:42].mean(0), points[42:48].mean(0)), (128, 128))
            if before is not None:
                flow.calc(before, crop, None)
            before = crop
    cv2.setNumThreads(threads)


def similarity(left: Any, right: Any) -> Any:
    """Return the (2, 3) map that puts the eyes' centres at (40, 48) and (88, 48)."""
    import numpy as np

    along = complex(*(right - left))
    turn = 48 / along
    shift = complex(40, 48) - turn * complex(*left)
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def landmark_model() -> str:
    """Path of dlib's 68-point model, without importing the package that carries it."""
    found = importlib.util.find_spec("face_recognition_models")
    assert found is not None
    assert found.submodule_search_locations is not None
    return str(Path(found.submodule_search_locations[0], "models", "shape_predictor_68_face_landmarks.dat"))


def peak_mb(*arguments: str) -> float:
    """Peak resident memory of one `mien` command, in MB.

    A small process stands between, because a process started by a large one begins with that one's peak.
    """
    between = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, capture_output=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-c", between, *mien_command(*arguments, "--out", out)]
        kilobytes = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return kilobytes / (1e6 if sys.platform == "darwin" else 1e3)


def mien_command(*arguments: str) -> list[str]:
    """Return the command line of mien in this environment."""
    return [sys.executable, "-m", "mien", *arguments]


def timed(work: Callable[[], object]) -> float:
    """Seconds that a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Run the benchmarks, print a line for each, write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench.json")
    parser.add_argument("--only", nargs="+", choices=sorted(BENCHMARKS), default=list(BENCHMARKS))
    options = parser.parse_args()
    results = {}
    for name in options.only:
        try:
            results[name] = BENCHMARKS[name]().as_json()
        except AbsentError as reason:
            print(f"{name:28} skipped: {reason}")
            continue
        print(line(name, results[name]))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=2) + "\n")


def line(name: str, result: dict[str, Any]) -> str:
    """Lay out one result for a person."""
    text = f"{name:28} {result['value']:8g} {result['unit']:9}"
    if "ratio" not in result:
        return text
    return f"{text} beside {result['reference']:8g}: ratio {result['ratio']:g}, needs {result['needs']}"


if __name__ == "__main__":
    main()
