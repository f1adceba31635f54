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
from functools import partial
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
    """Frames per second of a whole analysis, beside the least that any analysis does."""
    return analysis_speed("640x480")


@benchmark
def analyze_fps_1920x1080() -> Measured:
    """The same on large pictures, where decoding takes longest."""
    return analysis_speed("1920x1080")


@benchmark
def analyze_memory_30000_frames() -> Measured:
    """Peak memory of `mien analyze` on 30,000 frames, beside 1,000: a long recording is streamed, not held."""
    short, long = (peak_mb("analyze", str(portrait(frames, "320x240"))) for frames in (1000, 30000))
    return Measured(long, "MB", short, long / short, "at most 1.1")


@benchmark
def analyze_time_8000_frames() -> Measured:
    """Seconds per 1,000 frames of a recording eight times as long: time grows with the frames and no faster."""
    import mien

    short, long = portrait(1000, "320x240"), portrait(8000, "320x240")
    one, eight = timed(lambda: mien.analyze(short)), timed(lambda: mien.analyze(long))
    return Measured(eight / 8, "s/1000", one, eight / 8 / one, "at most 1.1")


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


@benchmark
def flow_tvl1_pairs() -> Measured:
    """TV-L1 flow fields per second on 128-px faces through mien, beside OpenCV called bare; one thread."""
    import cv2

    from mien.motion import optical_flow

    frames = moving_face(20)
    bare = cv2.optflow.DualTVL1OpticalFlow.create()
    return beside(
        lambda: [optical_flow(frames[0], frame) for frame in frames[1:]],
        lambda: [bare.calc(frames[0], frame, None) for frame in frames[1:]],
        count=len(frames) - 1,
        unit="fields/s",
        needs="at least 0.9",
    )


@benchmark
def lbp_top_speed() -> Measured:
    """LBP-TOP of a 10 x 48 x 48 clip beside a direct loop over pixels that gives the same histograms; one thread."""
    from mien.motion.descriptors import lbp_top

    clip = moving_face(10)[:, 40:88, 40:88].copy()
    options: dict[str, Any] = {"radii": (1, 1, 1), "blocks": (1, 1, 1)}
    ours = timed(lambda: [lbp_top(clip, **options) for _ in range(20)]) / 20
    reference = timed(lambda: plain_lbp_top(clip))
    return Measured(1 / ours, "clips/s", 1 / reference, reference / ours, "at least 20")


@benchmark
def evm_memory_3000_frames() -> Measured:
    """Peak memory of streamed EVM on 3,000 frames of 640x480, beside 300 frames."""
    short, long = (evm_peak_mb(frames) for frames in (300, 3000))
    return Measured(long, "MB", short, long / short, "at most 1.1, and under 600 MB")


@benchmark
def evm_fps_640x480() -> Measured:
    """Colour frames per second of streamed EVM, one thread."""
    import cv2
    import numpy as np

    from mien.motion.magnify import magnify_stream

    cv2.setNumThreads(1)
    frames = np.random.default_rng(0).integers(0, 256, (60, 480, 640, 3), np.uint8)
    took = timed(lambda: sum(1 for _ in magnify_stream(iter(frames), 200.0)))
    cv2.setNumThreads(-1)
    return Measured(len(frames) / took, "frames/s")


@benchmark
def prepare_parallel_efficiency() -> Measured:
    """Clips per second and core of `mien prepare` with two processes, beside one: what the second core gains."""
    from mien.evaluation import prepare

    root = corpus()
    prepare("casme2", root, recipe="mdmo", jobs=2, cache=scratch(), progress=False)  # starts the processes
    rates = []
    for jobs in (1, 2):
        folder = scratch()
        took = min(
            timed(
                lambda jobs=jobs, cache=folder / str(turn): prepare(
                    "casme2", root, recipe="mdmo", jobs=jobs, cache=cache, progress=False
                )
            )
            for turn in range(2)
        )
        rates.append(CLIPS / took / jobs)
    return Measured(rates[1], "clips/s", rates[0], rates[1] / rates[0], "at least 0.85")


@benchmark
def prepare_second_time() -> Measured:
    """Clips per second of `mien prepare` when all is in the cache, beside the first time; recipe bi-woof."""
    from mien.evaluation import prepare

    root, folder = corpus(), scratch()
    first = timed(lambda: prepare("casme2", root, recipe="mdmo", jobs=1, cache=folder, progress=False))
    again = min(
        timed(lambda: prepare("casme2", root, recipe="mdmo", jobs=1, cache=folder, progress=False)) for _ in range(3)
    )
    return Measured(CLIPS / again, "clips/s", CLIPS / first, first / again, "at least 50")


@benchmark
def recipe_clips() -> Measured:
    """Clips per second and core through whole recipes from raw frames: lbp-top; the others are printed beside."""
    from mien.evaluation import prepare

    rates = {
        recipe: CLIPS
        / timed(
            lambda recipe=recipe: prepare("casme2", corpus(), recipe=recipe, jobs=1, cache=scratch(), progress=False)
        )
        for recipe in ("motion-map", "bi-woof", "lbp-top", "mdmo")
    }
    print("  clips/s and core:", ", ".join(f"{name} {rate:.2f}" for name, rate in rates.items()))
    return Measured(rates["lbp-top"], "clips/s")


def training(system: str, shape: tuple[int, ...], kind: str, clips: int) -> Measured:
    """Clips per second of the training loop, beside a bare loop on the same network; the best of three, interleaved.

    One epoch of the preset `small` on noise, on a GPU where there is one, else on one thread, whose own time counts.
    Left out of both are AD-Net's attack, three more passes, and augmentation; what that costs is printed beside.
    """
    import numpy as np
    import torch

    from mien.methods import METHODS
    from mien.methods._network import build
    from mien.training.devices import choose_device
    from mien.training.loop import fit_network
    from mien.training.settings import Settings

    method, device, rng = METHODS[system], choose_device(), np.random.default_rng(0)
    options = {**method.settings("small"), "epochs": 1, "pgd_steps": 0}
    network = build(method, 3, options.pop("network", {})).to(device)
    settings = Settings.of({name: value for name, value in options.items() if name != "classifier"})
    inputs = torch.from_numpy(method.prepare(rng.integers(0, 256, (clips, *shape)).astype(kind)))
    targets = torch.arange(clips) % 3
    fit = partial(fit_network, network, inputs, targets, settings, 0, device=device)
    ways: list[Callable[[], object]] = [fit, lambda: bare_training(network, inputs, targets, settings)]
    if settings.augment:
        ways.append(partial(fit, augment=network.augment))
    threads, clock = torch.get_num_threads(), time.process_time if device.type == "cpu" else time.perf_counter
    torch.set_num_threads(1)
    times = [[timed(way, clock) for way in ways] for _ in range(4)][1:]  # the first warms up
    torch.set_num_threads(threads)
    value, reference, *augmented = (clips / min(column) for column in zip(*times, strict=True))
    if augmented:
        print(f"  {system} with augmentation: {augmented[0]:.4g} clips/s")
    return Measured(value, "clips/s", reference, value / reference, "at least 0.9")


for _system, _shape, _kind, _clips in (
    ("adnet", (6, 128, 128, 3), "uint8", 8),
    ("mmnet", (2, 224, 224, 3), "uint8", 32),
    ("ms3d", (16, 134, 134, 2), "float32", 16),
    ("ast-svm", (2, 10, 192, 192), "float32", 32),
    ("ststnet", (28, 28, 3), "uint8", 1024),
):
    BENCHMARKS[f"train_{_system}"] = partial(training, _system, _shape, _kind, _clips)


CLIPS = 24


def moving_face(count: int) -> Any:
    """Grey 128-px faces (count, 128, 128) of the portrait during a smile."""
    import numpy as np

    from mien.motion import to_grey
    from mien.synthesis.events import Event
    from mien.synthesis.performance import perform, place_portrait

    scene = place_portrait(None, (128, 128), 110)
    times = np.linspace(0, 0.2, count)
    return np.stack([to_grey(frame) for frame in perform(scene, [Event(0.0, 0.2, 0.4, (12,))], times)])


def beside(
    ours: Callable[[], object], reference: Callable[[], object], *, count: int, unit: str, needs: str
) -> Measured:
    """Rate of one thing beside another, interleaved five times, one OpenCV thread."""
    import cv2

    cv2.setNumThreads(1)
    times = [(timed(ours), timed(reference)) for _ in range(5)]
    cv2.setNumThreads(-1)
    value, other = (count / statistics.median(column) for column in zip(*times, strict=True))
    return Measured(value, unit, other, value / other, needs)


def plain_lbp_top(clip: Any) -> Any:
    """Uniform patterns of eight neighbours at radius 1 on the three planes of a clip, pixel by pixel."""
    import math

    import numpy as np

    bins = {}
    for code in range(256):
        bits = [code >> k & 1 for k in range(8)]
        if sum(bits[k] != bits[k - 1] for k in range(8)) <= 2:
            bins[code] = len(bins)
    circle = [(math.cos(math.tau * k / 8), math.sin(math.tau * k / 8)) for k in range(8)]
    found = np.zeros((3, 59))
    depth, height, width = clip.shape
    volume = clip.tolist()

    def at(t: float, y: float, x: float) -> float:
        total = 0.0
        t0, y0, x0 = math.floor(t), math.floor(y), math.floor(x)
        for dt in (0, 1):
            for dy in (0, 1):
                for dx in (0, 1):
                    weight = (1 - abs(t - t0 - dt)) * (1 - abs(y - y0 - dy)) * (1 - abs(x - x0 - dx))
                    if weight > 1e-9:
                        total += weight * volume[t0 + dt][y0 + dy][x0 + dx]
        return total

    for t in range(1, depth - 1):
        for y in range(1, height - 1):
            for x in range(1, width - 1):
                centre = volume[t][y][x]
                for plane in range(3):
                    code = 0
                    for k, (a, b) in enumerate(circle):
                        shift = ((0, -b, a), (b, 0, a), (b, a, 0))[plane]
                        code |= (at(t + shift[0], y + shift[1], x + shift[2]) >= centre) << k
                    found[plane, bins.get(code, 58)] += 1
    return found / found.sum(axis=1, keepdims=True)


def evm_peak_mb(frames: int) -> float:
    """Peak memory of a process that magnifies so many colour frames of 640x480, in MB."""
    code = (
        "import resource, numpy as np; from mien.motion.magnify import magnify_stream\n"
        "base = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)\n"
        f"stream = (np.roll(base, k % 3, axis=1) for k in range({frames}))\n"
        "for _ in magnify_stream(stream, 200.0): pass\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return int(done.stdout) / (1e6 if sys.platform == "darwin" else 1e3)


def corpus() -> Path:
    """Return a small CASME II tree with rendered frames of 280x340, made once."""
    import openpyxl

    from mien.datasets import write_fixture

    root = BUILD / "casme2"
    if not root.exists():
        table = BUILD / "CASME2-coding-20140508.xlsx"
        table.parent.mkdir(parents=True, exist_ok=True)
        book = openpyxl.Workbook()
        columns = "Subject,Filename,,OnsetFrame,ApexFrame,OffsetFrame,,Action Units,Estimated Emotion"
        book.active.append([name or None for name in columns.split(",")])
        shown = [("12", "happiness"), ("4", "disgust"), ("1+2", "surprise")]
        for clip in range(CLIPS):
            units, emotion = shown[clip % 3]
            name = f"EP{clip // 6 + 1:02d}_0{clip % 6 + 1}"
            book.active.append([clip % 8 + 1, name, None, 46, 66, 106, None, units, emotion])
        book.save(table)
        write_fixture("casme2", table, root, size=(280, 340))
    return root


def scratch() -> Path:
    """Return a new folder for a cache, deleted when the program ends."""
    import atexit
    import shutil

    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def analysis_speed(size: str, frames: int = 600) -> Measured:
    """A whole analysis with its report and the bare loop, interleaved three times."""
    import mien

    video = portrait(frames, size)
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as out:
        for _ in range(3):
            bare.append(frames / timed(lambda: bare_loop(video)))
            ours.append(frames / timed(lambda: mien.analyze(video, out=Path(out))))
    value, reference = statistics.median(ours), statistics.median(bare)
    return Measured(value, "frames/s", reference, value / reference, "at least 1.3")


def portrait(frames: int, size: str) -> Path:
    """Render a portrait at 100 frames/s once, in another process; a long one is the same thousand frames repeated."""
    video = BUILD / f"portrait_{size}_{frames}.mp4"
    if not video.exists():
        if frames > 1000:
            repeat_video(portrait(1000, size), video, frames // 1000)
        else:
            options = f"--fps 100 --seconds {frames / 100} --size {size} --seed 7".split()
            subprocess.run(mien_command("render", "--out", str(video), *options), check=True, capture_output=True)
    return video


def repeat_video(source: Path, goal: Path, times: int) -> None:
    """Write a video several times after itself, without decoding it."""
    import av

    with av.open(goal, "w") as copy:
        stream, start = None, 0
        for _ in range(times):
            with av.open(source) as container:
                played = container.streams.video[0]
                stream = stream or copy.add_stream_from_template(played)
                packets = [packet for packet in container.demux(played) if packet.dts is not None]
            length = sum(packet.duration for packet in packets)
            for packet in packets:
                packet.pts, packet.dts, packet.stream = packet.pts + start, packet.dts + start, stream
                copy.mux(packet)
            start += length


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


def bare_training(network: Any, inputs: Any, targets: Any, settings: Any) -> None:
    """Forward, cross entropy, backward, step over all batches; a network's own samples and loss where it has them."""
    import torch

    weights = torch.ones(3, device=next(network.parameters()).device)
    optimizer = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}[settings.optimizer](
        network.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
    )
    network.train()
    samples = getattr(network, "samples", lambda *given: given)
    for some, theirs in zip(inputs.split(settings.batch), targets.split(settings.batch), strict=True):
        batch, labels = samples(some.to(weights.device), theirs.to(weights.device))
        optimizer.zero_grad()
        output = network(batch)
        if hasattr(network, "loss"):
            loss = network.loss(output, labels, weights)
        else:
            loss = torch.nn.functional.cross_entropy(output, labels)
        loss.backward()
        optimizer.step()
    loss.item()


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


def timed(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds that a call takes."""
    start = clock()
    work()
    return clock() - start


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
