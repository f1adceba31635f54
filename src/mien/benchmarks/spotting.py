"""The rendered spotting benchmark: long clips with known truth, every spotting method on the same curves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mien.benchmarks._clips import Job, Recorded, load_clip, record, save_clip
from mien.benchmarks._scoring import IOU, Outcome, rate_by_score, score_cell, spot_clip
from mien.core import MienError
from mien.spotting import SPOTTERS, SpotSettings

__all__ = ["FPS", "INTENSITIES_PX", "benchmark_spotting"]

Advance = Callable[[int, int], None]

FPS = (25.0, 30.0, 60.0, 100.0, 200.0)
"""Frame rates of the cells."""
INTENSITIES_PX = (0.5, 1.0, 1.5, 2.5)
"""Largest displacement of every micro-expression of a cell, pixels at a 128-px face."""

_CLIPS, _SECONDS = 3, 42.0  # of a cell: 24 events, and more than 2 minutes that show the face
_QUICK = ((30.0, 100.0), (1.0, 2.5), 1, 28.0)
_CLEAR_PX = 1.0  # events this strong are pooled
_SCORES = (4.5, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 15.0, 20.0, 30.0)  # thresholds whose false alarms are counted
_NO_STRS = "the benchmark spots and reads no emotions, and STRS needs them"


def benchmark_spotting(
    seed: int = 0,
    quick: bool = False,
    methods: Sequence[str] | None = None,
    settings: SpotSettings | None = None,
    jobs: int | None = None,
    over: Sequence[Path | str] = (),
    keep: Path | str | None = None,
    curves: Path | str | None = None,
    fps: Sequence[float] | None = None,
    intensities_px: Sequence[float] | None = None,
    advance: Advance | None = None,
) -> dict[str, Any]:
    """Measure spotting methods on rendered clips with all distractors.

    A cell is a frame rate and an intensity: three clips of 42 s with 8 micro-expressions each, another face shape and
    light in each. Each clip is rendered and its face is followed once; every method then works on the same curves.

    Parameters
    ----------
    seed : int
        Seed of everything drawn; the same seed gives the same clips, whatever ``jobs``.
    quick : bool
        Four cells of one clip of 28 s: to see that it runs, not to compare methods.
    methods : sequence of str, optional
        Names in :data:`mien.spotting.SPOTTERS`; by default all.
    settings : SpotSettings, optional
        Of the spotting; by default as shipped.
    jobs : int, optional
        Processes; by default one per core.
    over : sequence of path
        Videos of a face; clips take turns between the portrait and these, which are played back and forth. What their
        faces do by themselves is not in the truth.
    keep : path, optional
        Folder in which curves and truth of every clip are kept.
    curves : path, optional
        Such a folder: nothing is rendered, which takes seconds.
    fps, intensities_px : sequence of float, optional
        Only these cells; by default :data:`FPS` and :data:`INTENSITIES_PX`.
    advance : callable, optional
        Called with the number of clips done, and of all.

    Returns
    -------
    dict
        ``seed``, ``quick``, ``iou``, ``methods``, ``settings``; ``results``: of every cell and method ``fps``,
        ``intensity_px``, ``method``, ``f1``, ``strs`` (None, see ``strs_note``), ``onset_error_ms``,
        ``offset_error_ms``, ``false_alarms_per_min``, ``events``, ``minutes``, ``recall``, ``precision``,
        ``alarms_by``; ``pooled``: the same per frame rate and method over all intensities of 1 px and above;
        ``by_score``: of the method ``mien``, over all frame rates and intensities of 1 px and above, what heeding only
        finds of such a score gives: ``least_score``, ``false_alarms_per_min``, ``recall``.

    Raises
    ------
    MienError
        For unknown methods, impossible numbers, footage without a face, or a folder without kept curves.
    """
    names = list(SPOTTERS) if methods is None else list(methods)
    for name in names:
        SPOTTERS[name]  # raises for an unknown one
    chosen = settings or SpotSettings()
    if curves is None:
        plan = _plan(seed, quick, [Path(path) for path in over], fps, intensities_px, jobs)
        outcomes = _render(plan, names, chosen, jobs, None if keep is None else Path(keep), advance)
    else:
        outcomes = _reread(Path(curves), names, chosen, fps, intensities_px, jobs, advance)
    return {
        "seed": seed,
        "quick": quick,
        "iou": IOU,
        "methods": names,
        "settings": asdict(chosen),
        "sources": sorted({outcome.truth.source for outcome in outcomes}),
        "strs_note": _NO_STRS,
        "results": _cells(outcomes, names),
        "pooled": _pooled(outcomes, names),
        "by_score": _by_score(outcomes, chosen.least_score),
    }


def _plan(
    seed: int,
    quick: bool,
    over: Sequence[Path],
    fps: Sequence[float] | None,
    intensities_px: Sequence[float] | None,
    jobs: int | None,
) -> list[Job]:
    """All clips, the longest first, so that no process waits for one at the end."""
    usual, usual_px, clips, seconds = _QUICK if quick else (FPS, INTENSITIES_PX, _CLIPS, _SECONDS)
    rates, strengths = tuple(fps or usual), tuple(intensities_px or usual_px)
    if seed < 0 or (jobs is not None and jobs < 1):
        raise MienError(f"got the seed {seed} and {jobs} jobs; expected a seed from 0 and at least 1 job; change them")
    if not all(5 <= rate <= 1000 for rate in rates) or not all(0 < px <= 12 for px in strengths):
        raise MienError(f"got {rates} fps and {strengths} px; expected 5 to 1000 fps, above 0 to 12 px; change them")
    if missing := [path for path in over if not path.is_file()]:
        raise MienError(f"got '{missing[0]}' to render over, which is no file; expected a video; check the path")
    reels: list[Path | None] = [None, *over]
    count = max(clips, len(reels))
    plan = [
        Job(rate, px, seconds, clip, seed, reels[clip % len(reels)])
        for rate in rates
        for px in strengths
        for clip in range(count)
    ]
    return sorted(plan, key=lambda job: -job.fps)


def _render(
    plan: Sequence[Job],
    methods: Sequence[str],
    settings: SpotSettings,
    jobs: int | None,
    keep: Path | None,
    advance: Advance | None,
) -> list[Outcome]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    work = [(_record_and_spot, (job, methods, settings, keep)) for job in plan]
    return _in_parallel(work, jobs, advance)


def _record_and_spot(job: Job, methods: Sequence[str], settings: SpotSettings, keep: Path | None) -> list[Outcome]:
    clip = record(job)
    if keep is not None:
        save_clip(keep, clip)
    return spot_clip(clip, methods, settings)


def _reread(
    folder: Path,
    methods: Sequence[str],
    settings: SpotSettings,
    fps: Sequence[float] | None,
    intensities_px: Sequence[float] | None,
    jobs: int | None,
    advance: Advance | None,
) -> list[Outcome]:
    paths = sorted(folder.glob("*fps-*px-*.npz"))
    if fps is not None:
        paths = [path for path in paths if path.name.split("fps-")[0] in {f"{rate:g}" for rate in fps}]
    if intensities_px is not None:
        wanted = {f"{px:g}" for px in intensities_px}
        paths = [path for path in paths if path.name.split("fps-")[1].split("px-")[0] in wanted]
    if not paths:
        raise MienError(f"got '{folder}' without the curves asked for; expected a folder that --keep filled; check it")
    return _in_parallel([(_load_and_spot, (path, methods, settings)) for path in paths], jobs, advance)


def _load_and_spot(path: Path, methods: Sequence[str], settings: SpotSettings) -> list[Outcome]:
    clip: Recorded = load_clip(path)
    return spot_clip(clip, methods, settings)


def _in_parallel(
    work: Sequence[tuple[Callable[..., list[Outcome]], tuple[Any, ...]]], jobs: int | None, advance: Advance | None
) -> list[Outcome]:
    """Do the work, a process per core; outcomes come back in the order of the work."""
    import joblib

    count = min(jobs or joblib.cpu_count(), len(work))
    outcomes: list[Outcome] = []
    how: dict[str, Any] = {"backend": "loky", "inner_max_num_threads": 1} if count > 1 else {"backend": "sequential"}
    with joblib.parallel_config(**how):
        tasks: Iterable[Any] = (joblib.delayed(function)(*given) for function, given in work)
        results: Iterator[list[Outcome]] = joblib.Parallel(n_jobs=count, return_as="generator")(tasks)
        for done, result in enumerate(results, 1):
            outcomes += result
            if advance is not None:
                advance(done, len(work))
    return outcomes


def _cells(outcomes: Sequence[Outcome], methods: Sequence[str]) -> list[dict[str, Any]]:
    cells = sorted({(outcome.truth.fps, outcome.truth.intensity_px) for outcome in outcomes})
    return [
        {"fps": fps, "intensity_px": px, "method": method}
        | score_cell([o for o in outcomes if (o.truth.fps, o.truth.intensity_px, o.method) == (fps, px, method)])
        for fps, px in cells
        for method in methods
    ]


def _pooled(outcomes: Sequence[Outcome], methods: Sequence[str]) -> list[dict[str, Any]]:
    clear = [outcome for outcome in outcomes if outcome.truth.intensity_px >= _CLEAR_PX]
    return [
        {"fps": fps, "least_intensity_px": _CLEAR_PX, "method": method}
        | score_cell([o for o in clear if (o.truth.fps, o.method) == (fps, method)])
        for fps in sorted({outcome.truth.fps for outcome in clear})
        for method in methods
    ]


def _by_score(outcomes: Sequence[Outcome], least: float) -> list[dict[str, float]]:
    """Of mien's own method, whose score is the only one that means the same in every recording."""
    own = [o for o in outcomes if o.method == "mien" and o.truth.intensity_px >= _CLEAR_PX]
    return rate_by_score(own, [score for score in _SCORES if score >= least]) if own else []
