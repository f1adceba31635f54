"""From what a person names to the clip that is meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mien.core import MienError, Sample, Source
from mien.core.frames import numbered_frames
from mien.datasets import DATASETS
from mien.pictures._footage import Footage
from mien.recipes import RECIPES, Take, load, open_take
from mien.video import open_video

__all__ = ["find_sample", "open_footage"]


def open_footage(
    source: str | Path | Sample,
    *,
    onset: int | None = None,
    apex: int | None = None,
    offset: int | None = None,
    fps: float | None = None,
    faces: str = "dlib",
) -> Footage:
    """Open a video, a folder of images, a sample, or ``DATASET:ROOT:SAMPLE_ID``; numbers given replace annotated ones.

    Raises
    ------
    MienError
        If there is no such file, dataset or sample, or the numbers are out of order.
    """
    named = source if isinstance(source, Sample) else _named_sample(str(source))
    sample = named or _unannotated(Path(str(source)))
    name = sample.sample_id if named else Path(str(source)).stem
    if sample.source.kind == "motion":
        return Footage(name, ready=load([sample], RECIPES["motion-map"])[0])
    if sample.source.kind == "video" and sample.fps is None:
        with open_video(sample.source.path) as video:
            sample = replace(sample, fps=video.fps)
    take = replace(open_take(replace(sample, fps=fps or sample.fps)), name=name)
    return Footage(name, _settled(take, onset, apex, offset), faces)


def find_sample(dataset: str, root: str, wanted: str) -> Sample:
    """Return a sample of a corpus by its id, or by the end of it where only one has that.

    Raises
    ------
    MienError
        If there is none or more than one; the message names the nearest.
    """
    samples = {sample.sample_id: sample for sample in DATASETS[dataset].read(Path(root))}
    if wanted in samples:
        return samples[wanted]
    ending = [name for name in samples if name.endswith(f"/{wanted}")]
    if len(ending) == 1:
        return samples[ending[0]]
    near = ending[:3] or _nearest(wanted, list(samples))
    raise MienError(
        f"got the sample '{wanted}', which {'several' if ending else 'none'} of the {len(samples)} of {dataset} match; "
        f"expected one, such as {' or '.join(near)}; correct the id"
    )


def _nearest(wanted: str, names: Sequence[str]) -> list[str]:
    """At most three ids, the most alike first; ends count, for a person leaves out what comes before."""
    tails = {name: "/".join(name.split("/")[-1 - wanted.count("/") :]) for name in names}
    alike = {name: difflib.SequenceMatcher(None, tail.lower(), wanted.lower()).ratio() for name, tail in tails.items()}
    return sorted(names, key=lambda name: (-alike[name], name))[:3]


def _named_sample(source: str) -> Sample | None:
    """The sample that ``DATASET:ROOT:SAMPLE_ID`` names; None for a path."""
    dataset, colon, rest = source.partition(":")
    if not colon or Path(source).exists() or (len(dataset) == 1 and rest[:1] in ("\\", "/")):
        return None  # one letter and a slash: a drive of Windows
    if dataset not in DATASETS:
        DATASETS[dataset]  # raises, and names those there are
    colons = [place for place, letter in enumerate(rest) if letter == ":"]
    split = next((place for place in reversed(colons) if Path(rest[:place]).exists()), None)
    if split is None:
        raise MienError(
            f"got '{source}'; expected DATASET:ROOT:SAMPLE_ID with a ROOT that exists, such as "
            f"{dataset}:path/to/copy:SAMPLE_ID; check the path"
        )
    return find_sample(dataset, rest[:split], rest[split + 1 :])


def _unannotated(path: Path) -> Sample:
    """A whole video or folder as a sample, so that it opens as one."""
    if not path.exists():
        raise MienError(
            f"got '{path}', which does not exist; expected a video, a folder of images, or DATASET:ROOT:SAMPLE_ID; "
            "check the path"
        )
    if path.is_dir():
        numbered_frames(path)  # says what is missing
    kind = Source("frames" if path.is_dir() else "video", path)
    return Sample("clip", f"clip/{path.stem}", f"clip/{path.stem}/{path.stem}", "", kind)


def _settled(take: Take, onset: int | None, apex: int | None, offset: int | None) -> Take:
    """The take with the frame numbers a person gave."""
    first = take.onset if onset is None else onset
    last = take.offset if offset is None else offset
    middle = take.apex if apex is None else apex
    if first > last or (apex is not None and not first <= apex <= last):
        raise MienError(
            f"got onset {first}, apex {apex}, offset {last} of '{take.name}'; expected them in this order; correct them"
        )
    kept = middle if middle is not None and first <= middle <= last else None
    return replace(take, onset=first, apex=kept, offset=last)
