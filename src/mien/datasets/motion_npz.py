"""Ready motion maps in one NumPy file: the format that `mien generate-motion` writes.

Arrays: ``X`` (N, H, W, 3) uint8, RGB = u, v, strain, each channel min-max stretched per map; ``y`` (N,) int;
``subject``, ``dataset``, ``sample_id`` (N,) strings. Optional: ``classes`` (K,) names of the codes in ``y``
(default negative, positive, surprise); ``action_units`` (N,) strings such as ``4+7``.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mien.core import MienError, Sample, Source
from mien.datasets._dataset import DATASETS, MEGC_CLASSES, Dataset, check_unique

__all__ = ["read"]

REQUIRED = ("X", "y", "subject", "dataset", "sample_id")
OPTIONAL = ("classes", "action_units")

Arrays = dict[str, npt.NDArray[np.generic]]
Row = tuple[str, str, str, int, str]


def read(root: Path | str) -> list[Sample]:
    """Read the records of a ``motion-npz`` file; the maps themselves are read by the recipe.

    Parameters
    ----------
    root : Path
        The ``.npz`` file.

    Returns
    -------
    list of Sample
        In the order of the rows. Bare ids are namespaced by the row's corpus: ``casme2/sub01/EP02_01f``.

    Raises
    ------
    MienError
        If the file is no such file, an array is missing or has another shape or type, a label is out of range,
        or an id stands twice.
    """
    root = Path(root)
    arrays = _open(root)
    classes = _check(arrays, root)
    units = arrays.get("action_units", np.full(len(arrays["y"]), ""))
    rows = zip(
        *(arrays[name].tolist() for name in ("dataset", "subject", "sample_id", "y")), units.tolist(), strict=True
    )
    samples = [_sample(root, index, row, classes) for index, row in enumerate(rows)]
    check_unique(samples, root)
    return samples


def _open(root: Path) -> Arrays:
    if not root.is_file():
        raise MienError(f"got '{root}', which is no file; expected a motion-npz file; give --root FILE.npz")
    try:
        with np.load(root, allow_pickle=False) as file:
            return {name: file[name] for name in (*REQUIRED, *OPTIONAL) if name in file}
    except (OSError, ValueError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise MienError(
            f"got '{root}', which does not read as motion-npz ({error}); "
            "expected arrays of numbers and strings, saved without pickle by np.savez; write it again"
        ) from error


def _check(arrays: Arrays, root: Path) -> tuple[str, ...]:
    """Raise for whatever is wrong with the arrays; return the class names."""
    missing = [name for name in REQUIRED if name not in arrays]
    if missing:
        raise MienError(
            f"got '{root}' without {', '.join(missing)}; expected the arrays {', '.join(REQUIRED)}; add them"
        )
    maps = arrays["X"]
    if maps.ndim != 4 or maps.shape[-1] != 3 or maps.dtype != np.uint8 or 0 in maps.shape:
        raise MienError(f"got X {maps.shape} {maps.dtype} in '{root}'; expected (N, H, W, 3) uint8, N > 0; convert it")
    for name in ("y", "subject", "dataset", "sample_id", "action_units"):
        kinds, what = ("iu", "integers") if name == "y" else ("U", "strings")
        array = arrays.get(name)
        if array is not None and (array.shape != (len(maps),) or array.dtype.kind not in kinds):
            raise MienError(
                f"got {name} {array.shape} {array.dtype} in '{root}'; expected ({len(maps)},) {what}, one per map"
            )
    return _classes(arrays, root)


def _classes(arrays: Arrays, root: Path) -> tuple[str, ...]:
    names = arrays.get("classes", np.array(MEGC_CLASSES))
    classes = tuple(str(name) for name in names.ravel())
    if names.ndim != 1 or names.dtype.kind != "U" or "" in classes or len(set(classes)) < len(classes):
        raise MienError(
            f"got classes {list(classes)} in '{root}'; expected distinct names, one per code of y; fix them"
        )
    codes = arrays["y"].astype(np.int64)
    outside = np.flatnonzero((codes < 0) | (codes >= len(classes)))
    if len(outside):
        raise MienError(
            f"got the label {codes[outside[0]]} in row {outside[0]} of '{root}'; "
            f"expected 0 to {len(classes) - 1} ({', '.join(classes)}); fix y, or add the array 'classes'"
        )
    return classes


def _sample(root: Path, index: int, row: Row, classes: tuple[str, ...]) -> Sample:
    corpus, subject, clip, code, units = row
    if not (corpus and subject and clip):
        raise MienError(
            f"got an empty dataset, subject or sample_id in row {index} of '{root}'; expected names; fill them"
        )
    subject = _namespaced(subject, corpus)
    bare = subject.removeprefix(f"{corpus}/")
    if clip.startswith(f"{bare}/"):
        clip = f"{corpus}/{clip}"
    return Sample(
        dataset=corpus,
        subject=subject,
        sample_id=_namespaced(clip, subject),
        emotion=classes[code],
        source=Source("motion", root, index),
        action_units=frozenset(int(number) for number in re.findall(r"\d+", units)),
        action_units_text=units,
    )


def _namespaced(name: str, space: str) -> str:
    return name if name.startswith(f"{space}/") else f"{space}/{name}"


DATASETS.add(
    "motion-npz",
    Dataset(
        name="motion-npz",
        title="ready motion maps (u, v, strain) in one .npz file",
        citation="Liong, Gan, See, Khor, Huang: Shallow triple stream three-dimensional CNN (STSTNet) for "
        "micro-expression recognition. FG 2019",
        obtain="written by `mien generate-motion`, or from maps of your own (docs: the contract's motion-npz format)",
        classes=MEGC_CLASSES,
        labels="megc2019",
        read=read,
    ),
)
