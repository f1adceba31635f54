"""Folds on GPUs: as many as fit, dealt out in turn, with the same predictions; GPUs are pretended."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.core import MienError, MienWarning  # noqa: E402
from mien.evaluation import _folds, _gpus, evaluate  # noqa: E402
from mien.evaluation import run as run_module  # noqa: E402
from mien.evaluation._gpus import fitting, spread, take_place  # noqa: E402

TWO = ["cuda:0", "cuda:1"]


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    path = tmp_path / "maps.npz"
    images = np.random.default_rng(0).integers(0, 256, (24, 28, 28, 3), np.uint8)
    subjects, ids = [f"s{row // 6}" for row in range(24)], [f"clip{row}" for row in range(24)]
    np.savez(path, X=images, y=np.arange(24) % 3, subject=subjects, dataset=["smic"] * 24, sample_id=ids)
    return path


def run(maps: Path, out: Path, **options: Any) -> dict[str, Any]:
    given = {"out": out, "preset": "small", "progress": False} | options
    return evaluate("ststnet", "motion-npz", maps, **given)


@pytest.mark.parametrize(
    ("peak_mb", "most", "places"),
    [
        (5400, 9, ["cuda:0", "cuda:1", "cuda:0", "cuda:0"]),  # .9 of 24 and of 12 GB, by 6 GB a fold: 3 and 1
        (5400, 2, ["cuda:0", "cuda:1"]),
        (9400, 9, ["cuda:0", "cuda:1", "cuda:0"]),  # by 10 GB: 2 and 1
        (90000, 9, ["cuda:0"]),  # what ran once is tried again
    ],
)
def test_as_many_folds_as_fit_are_dealt_to_gpus_in_turn(
    peak_mb: float, most: int, places: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    free = {"cuda:0": 24e9, "cuda:1": 12e9}
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free[device], 99e9))
    assert fitting(TWO, peak_mb, most) == places


def test_jobs_are_spread_over_all_gpus() -> None:
    assert spread(TWO, 5) == ["cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:0"]


def hold(folder: Path, places: list[str], taken: Any, end: Any) -> None:
    taken.put([take_place(folder, places), take_place(folder, places)])
    end.wait()


def test_every_process_keeps_a_place_of_its_own_until_it_ends(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    context = multiprocessing.get_context("spawn")
    places, taken, end = ["a", "b", "a"], context.Queue(), context.Event()
    workers = [context.Process(target=hold, args=(tmp_path, places, taken, end)) for _ in places]
    for worker in workers:
        worker.start()
    found = [taken.get(timeout=60) for _ in workers]
    assert sorted(found) == [["a", "a"], ["a", "a"], ["b", "b"]]
    end.set()
    for worker in workers:
        worker.join()
    assert take_place(tmp_path, places) == "a"
    _gpus._held.pop(tmp_path)[1].close()


@pytest.mark.parametrize("jobs", [None, 1])
def test_the_first_fold_is_measured_then_all_run_where_they_have_a_place(
    jobs: int | None, maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[str] = []
    real = _folds.run_fold

    def on_processor(plan: Any, *given: Any) -> None:
        used.append(plan.device)
        real(_folds.replace(plan, device="cpu"), *given)

    asked: list[Any] = []
    monkeypatch.setattr(run_module, "run_fold", on_processor)
    monkeypatch.setattr(run_module, "devices_for", lambda method, name: TWO)
    monkeypatch.setattr(run_module, "fitting", lambda *given: asked.append(given) or ["cuda:1"])
    run(maps, tmp_path / "gpus", jobs=jobs)
    assert used == (["cuda:0", "cuda:1", "cuda:1", "cuda:1"] if jobs is None else ["cuda:0"] * 4)
    assert [given[0] for given in asked] == ([TWO] if jobs is None else [])
    run(maps, tmp_path / "here", jobs=1, device="cpu")
    assert (tmp_path / "gpus" / "predictions.csv").read_bytes() == (tmp_path / "here" / "predictions.csv").read_bytes()
    for path in list(_gpus._held):
        _gpus._held.pop(path)[1].close()


def test_what_a_gpu_took_is_in_the_scores(maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = run(maps, tmp_path / "here", jobs=1)
    assert not {"gpu_memory_mb", "samples_per_s"} & set(plain)
    peaks, seen = iter((100.0, 300.0, 200.0, 250.0)), []

    class Pretended:
        of = classmethod(lambda cls, method, name: cls())
        rate = staticmethod(lambda samples: seen.append(samples) or 50.0)
        peak_mb = staticmethod(lambda: next(peaks))

    monkeypatch.setattr(_folds, "Gpu", Pretended)
    scores = run(maps, tmp_path / "gpu", jobs=1)
    assert (scores["gpu_memory_mb"], scores["samples_per_s"]) == (300.0, 50.0)
    assert set(seen) == {18 * _folds.METHODS["ststnet"].settings("small")["epochs"]}


def test_the_device_is_told_and_another_one_warns(maps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "run"
    run(maps, out, jobs=1, device="cpu")
    assert json.loads((out / "run.json").read_text())["device"] == "cpu"
    monkeypatch.setattr(run_module, "chosen_device", lambda *given: "NVIDIA H200")
    with pytest.warns(MienWarning, match=r"begun on another device \(cpu, now NVIDIA H200\)"):
        run(maps, out, jobs=1, resume=True)


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        ("ststnet", {"device": "gpu"}, "expected auto, cpu, cuda or cuda:NUMBER"),
        ("ststnet", {"device": "cuda:99"}, "torch .* sees"),
        ("ststnet", {"precision": "fp16", "device": "cpu"}, "fp16' on the processor"),
        ("ststnet", {"precision": "fp8"}, "expected one of float32, bf16, fp16"),
        ("ststnet", {"device": "cuda:0", "backend": "ray"}, "which deals GPUs out"),
        ("flow-svm", {"device": "cuda"}, "no network"),
        ("flow-svm", {"precision": "bf16"}, "got a precision for 'flow-svm'"),
        ("flow-svm", {"pretrained": "x.pth"}, "got pretrained weights for 'flow-svm'"),
        ("ststnet", {"pretrained": "x.pth"}, "no backbone of torchvision's"),
        ("resnet18", {"pretrained": "x.pth"}, "does not open"),
    ],
)
def test_what_cannot_be_is_one_line_before_anything_is_read(
    method: str, options: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(MienError, match=said) as caught:
        evaluate(method, "motion-npz", tmp_path / "absent.npz", out=tmp_path / "run", **options)
    assert "\n" not in str(caught.value)


def test_precision_changes_the_run_and_is_part_of_it(maps: Path, tmp_path: Path) -> None:
    run(maps, tmp_path / "full", jobs=1)
    run(maps, tmp_path / "mixed", jobs=1, precision="bf16")
    files = [tmp_path / name / "predictions.csv" for name in ("full", "mixed")]
    assert files[0].read_bytes() != files[1].read_bytes()
    with pytest.raises(MienError, match="got settings"):
        run(maps, tmp_path / "full", jobs=1, precision="bf16", resume=True)
