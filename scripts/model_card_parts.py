"""What the model card measures of the default recogniser: each part is a function that returns plain numbers."""

from __future__ import annotations

import csv
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
from model_card_clips import BUILD, FACE_PX, FPS, answers, drawn_maps, pictures, rendered, slower

from mien import generate_motion, predict, score
from mien.core import MienWarning, Prediction, UInt8Array
from mien.datasets import casme2
from mien.methods import TrainedModel
from mien.methods.motion_svm.features import levelled
from mien.protocols import measure_calibration, measure_rejection, risk_coverage
from mien.protocols.metrics import measures
from mien.protocols.scores import subject_confusions
from mien.synthesis import MapSettings
from mien.synthesis.emotions import CLASSES

NAMES = {"smic": "SMIC-HS", "casme2": "CASME II"}
HEADLINES = ("uf1", "uar", "accuracy")
FEWEST = 8  # clips with an action unit, below which nothing is said of it
RESAMPLES = 2000
GENERATOR_SEED = 77
INTENSITY_PX, WEAK_PX = 1.0, 0.25  # largest displacement at a 128-px face
Document = dict[str, Any]
GENERATORS = {
    "generator": MapSettings(),
    # filmed as render_corpus films: a face of 128 px, one camera, TV-L1
    "filmed": MapSettings(drawn=1.0, estimators=(("tvl1", 1.0),), sizes=(154,), size_shares=(1.0,),
                          sensor=(1.2, 1.2), optics=(0.0, 0.1)),
}  # fmt: skip
# What render_corpus plays: as the maps are played, faces as large as theirs; larger; as it does unless told; weaker
# ones. Of each corpus: how many times the usual number of clips, and how they are made.
LOOP: dict[str, list[tuple[float, Document]]] = {
    "natural_small": [(1.2, {"natural": True, "face_px": 67}),
                      (0.8, {"natural": True, "face_px": 93, "seed": GENERATOR_SEED + 1})],
    "natural": [(2.0, {"natural": True})],
    "usual": [(1.0, {"intensity_px": (1.0, 1.5)})],
    "wide": [(1.0, {"intensity_px": (0.3, 2.0)})],
}  # fmt: skip
PORTRAITS_PX = ((1.0, 1.5), (0.3, 0.6))
INTENSITIES_PX = (0.125, 0.25, 0.5, 1.0, 2.0)
Array = npt.NDArray[np.float64]


def describe(model: TrainedModel, maps: UInt8Array) -> Document:
    """What the model is: size, speed, what it learnt from."""
    took = []
    for row in range(300):
        start = time.process_time()
        model.predict(maps[row % len(maps)][None])
        took.append(1000 * (time.process_time() - start))
    files = sorted(path for path in model.folder.iterdir() if path.is_file()) if model.folder else []
    return {
        "method": model.method.name,
        "kind": model.method.kind,
        "classes": list(model.classes),
        "parameters": model.parameters,
        "megabytes": sum(path.stat().st_size for path in files) / 1e6,
        "files": {path.name: path.stat().st_size / 1e6 for path in files},
        "cpu_ms": {"median": median(took), "p95": float(np.percentile(took, 95))},
        "training": {key: model.card["training_data"].get(key) for key in ("n", "crops", "per_class")},
        "action_units": list(model.method.action_units) if model.action_units(maps[:1]) else [],
        "digest": model.card["files"],
    }


def brief(rows: Sequence[Prediction]) -> Document:
    """Headline scores of predictions with their intervals, resampled by subject."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MienWarning)
        found = score(list(rows))
    kept = {key: found[key] for key in ("n", *HEADLINES, "per_class", "confusion", "classes", "ci95")}
    return kept | {"subjects": len(found["by_subject"])}


def real(maps: Path) -> tuple[Document, dict[str, list[Prediction]]]:
    """Scores on real clips by corpus, and their predictions."""
    rows = predict("default", "motion-npz", maps, out=BUILD / "real.csv")
    parts = {NAMES.get(c, c): [r for r in rows if r.dataset == c] for c in sorted({r.dataset for r in rows})[::-1]}
    document = {"both": brief(rows)} | {name: brief(part) for name, part in parts.items()}
    for name, part in parts.items():
        document[name]["people"] = _people(part)
    return document, {"real maps": rows} | parts


def confidence(parts: dict[str, list[Prediction]]) -> Document:
    """Calibration, and what rejection by confidence gains."""
    return {
        name: {
            "calibration": measure_calibration(rows),
            "rejection": measure_rejection(rows),
            "curve": [[point.coverage, point.risk] for point in risk_coverage(rows)],
        }
        for name, rows in parts.items()
    }


def action_units(model: TrainedModel, maps: Path, table: Path) -> Document | None:
    """Detection of action units on CASME II's clips, zero-shot; None where the model was not taught them."""
    with np.load(maps) as file:
        chosen = file["dataset"] == "casme2"
        inputs = np.ascontiguousarray(file["X"][chosen])
        ids = [f"casme2/{s}/{c}" for s, c in zip(file["subject"][chosen], file["sample_id"][chosen], strict=True)]
    said = model.action_units(inputs)
    if not said:
        return None
    annotated = {sample.sample_id: sample for sample in casme2.parse(table)}
    people = np.unique([annotated[name].subject for name in ids], return_inverse=True)[1]
    found: Document = {"n": len(ids), "units": {}, "rare": {}}
    for unit in sorted(set().union(*(annotated[name].action_units for name in ids))):
        true = np.array([unit in annotated[name].action_units for name in ids])
        if true.sum() < FEWEST or unit not in said:
            found["rare"][str(unit)] = int(true.sum())
        else:
            least = model.card.get("action_units_named_from", {}).get(str(unit), 0.5)
            found["units"][str(unit)] = {"named_from": least} | _detection(true, said[unit], people, least)
    kept = list(found["units"].values())
    return found | {
        "mean": {key: float(np.mean([one[key] for one in kept])) for key in ("f1", "f1_at_half", "f1_always", "auc")}
    }


def behaviour(people: int, clips: int) -> tuple[Document, dict[str, tuple[Path, list[Prediction]]]]:
    """UF1 on rendered clips by frame rate, intensity and size of the face; one thing changes at a time."""
    usual = {"people": people, "clips_per_person": clips, "prototypes": True, "seed": GENERATOR_SEED}

    def cell(px: float, face_px: int = FACE_PX) -> Path:
        return rendered("cell", fps=FPS, intensity_px=(px, px), face_px=face_px, **usual)

    cells: dict[str, dict[str, Path]] = {"intensity_px": {str(px): cell(px) for px in INTENSITIES_PX}}
    for px in (INTENSITY_PX, WEAK_PX):
        fast = rendered("fps", fps=200.0, intensity_px=(px, px), **usual)
        cells[f"fps at {px} px"] = {str(200 // step): slower(fast, step) for step in (8, 4, 2, 1)}
        cells[f"face_px at {px} px"] = {str(size): cell(px, size) for size in (48, 64, 96, 128, 192)}
    said = {f"{by}: {value}": (path, answers(path)) for by, row in cells.items() for value, path in row.items()}
    document = {by: {value: brief(said[f"{by}: {value}"][1]) for value in row} for by, row in cells.items()}
    return {"usual": {"people": people, "clips": clips, "face_px": FACE_PX, "fps": FPS}, **document}, said


def portraits(
    source: Path, people: int | None, clips: int, groups: Path | None, range_px: tuple[float, float]
) -> Document:
    """UF1 on rendered clips over somebody's portraits, how far people differ, and by group where groups are given."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MienWarning)  # pictures without a face are left out
        corpus = rendered("portraits", portraits=source, people=people, clips_per_person=clips, prototypes=True,
                          face_px=96, seed=5, intensity_px=range_px)  # fmt: skip
    rows = answers(corpus)
    document: Document = {"all": brief(rows), "people": _people(rows), "groups": {}}
    if groups is not None:
        shown = pictures(corpus)
        for column, names in _groups(groups).items():
            own = {subject: names[picture] for subject, picture in shown.items() if picture in names}
            document["groups"][column] = {
                group: brief([row for row in rows if own.get(row.subject) == group])
                for group in sorted(set(own.values()))
            }
    return document


def drawn(model: TrainedModel, per_class: int) -> Document:
    """UF1 on drawn faces by brightness of the skin, and with and without glasses or a beard."""
    settings = MapSettings()
    maps, labels, skin = drawn_maps(per_class, GENERATOR_SEED, settings)
    rows = _said(model, maps, labels)
    edges = np.quantile(skin, [1 / 3, 2 / 3])
    thirds = np.digitize(skin, edges)
    document: Document = {"n": len(rows), "grey": edges.tolist(), "skin": {}, "looks": {}}
    for place, name in enumerate(("dark", "middle", "light")):
        document["skin"][name] = brief([row for row, third in zip(rows, thirds, strict=True) if third == place])
    for name, looks in {
        "neither": {"glasses": 0.0, "beard": 0.0},
        "glasses": {"glasses": 1.0, "beard": 0.0},
        "beard": {"glasses": 0.0, "beard": 1.0},
    }.items():
        maps, labels, _ = drawn_maps(max(per_class // 2, 1), GENERATOR_SEED + 1, replace(settings, **looks))
        document["looks"][name] = brief(_said(model, maps, labels))
    return document


def closed_loop(per_class: int, people: int, clips: int) -> tuple[Document, Path, list[Prediction]]:
    """UF1 on fresh maps of the generator beside that on rendered clips of the same mixtures through the recipe."""
    said: dict[str, list[Prediction]] = {}
    for name, settings in GENERATORS.items():
        maps = BUILD / f"{name}-{per_class}.npz"
        generate_motion(maps, per_class=per_class, seed=GENERATOR_SEED, settings=settings, jobs=1)
        said[name] = predict("default", "motion-npz", maps, out=BUILD / f"{name}.csv")
    for name, corpora in LOOP.items():
        said[name] = []
        for number, (share, played) in enumerate(corpora):
            cast = {"people": people, "clips_per_person": round(share * clips), "seed": GENERATOR_SEED}
            said[name] += _of(number, answers(rendered("loop", **(cast | played))))
    document = {name: brief(rows) for name, rows in said.items()}
    for name in LOOP:
        for made in GENERATORS:
            gap = _uf1_draws(said[made]) - _uf1_draws(said[name], rng_seed=1)
            difference = document[made]["uf1"] - document[name]["uf1"]
            document[name][f"less_than_{made}"] = [difference, *np.percentile(gap, [2.5, 97.5]).tolist()]
    return document, BUILD / f"generator-{per_class}.npz", said["usual"]


def _of(number: int, rows: Sequence[Prediction]) -> list[Prediction]:
    """The rows of one of several corpora, whose people and clips bear the same names."""
    return [replace(row, **{key: f"{number}:{getattr(row, key)}" for key in ("subject", "sample_id")}) for row in rows]


def likeness(maps: Path, synthetic: Path, trees: int) -> Document:
    """How real synthetic maps look: can a forest tell them from SMIC's, their spectrum, their correlations."""
    with np.load(maps) as file, np.load(synthetic) as other:
        sets = {
            NAMES[name]: (file["X"][file["dataset"] == name], file["subject"][file["dataset"] == name])
            for name in NAMES
        }
        wanted = np.bincount(file["y"][file["dataset"] == "smic"], minlength=len(CLASSES))
        chosen = np.concatenate([np.flatnonzero(other["y"] == k)[:n] for k, n in enumerate(wanted)])
        sets["synthetic"] = other["X"][chosen], other["sample_id"][chosen]
    pairs = (("synthetic", "SMIC-HS"), ("synthetic", "CASME II"), ("CASME II", "SMIC-HS"))
    return {
        "n": {name: len(each) for name, (each, _) in sets.items()},
        "two_sample_auc": {f"{a} / {b}": _told_apart(sets[a], sets[b], trees) for a, b in pairs},
        "spectrum": {name: _spectrum(each) for name, (each, _) in sets.items()},
        "correlations": {name: _correlations(each) for name, (each, _) in sets.items()},
    }


# --- machinery ------------------------------------------------------------------------------------------------------


def _people(rows: Sequence[Prediction]) -> Document:
    """How the share of right answers differs between people, and whether chance alone would differ as much."""
    right = np.array([float(row.truth == row.predicted) for row in rows])
    who = np.unique([row.subject for row in rows], return_inverse=True)[1]
    sizes = np.bincount(who)
    rng = np.random.default_rng(0)

    def spread(values: Array) -> float:
        return float(np.std(np.bincount(who, weights=values) / sizes))

    by_chance = [spread(rng.permutation(right)) for _ in range(RESAMPLES)]
    shares = np.bincount(who, weights=right) / sizes
    return {
        "n": len(sizes),
        "quantiles": np.quantile(shares, [0, 0.25, 0.5, 0.75, 1]).tolist(),
        "sd": spread(right),
        "sd_by_chance": [float(np.mean(by_chance)), float(np.percentile(by_chance, 95))],
    }


def _detection(true: npt.NDArray[np.bool_], said: Array, people: npt.NDArray[np.int64], least: float = 0.5) -> Document:
    """F1 of what is named and at one half, and the area under the ROC curve with an interval resampled by subject."""
    named = said >= least
    rng, areas = np.random.default_rng(0), []
    count = int(people.max()) + 1
    members = [np.flatnonzero(people == person) for person in range(count)]
    for _ in range(RESAMPLES):
        part = np.concatenate([members[person] for person in rng.integers(count, size=count)])
        if 0 < true[part].sum() < len(part):
            areas.append(_auc(true[part], said[part]))
    return {
        "n": int(true.sum()),
        "named": int(named.sum()),
        "f1": _f1(true, named),
        "f1_at_half": _f1(true, said >= 0.5),
        "f1_always": float(2 * true.sum() / (len(true) + true.sum())),
        "auc": _auc(true, said),
        "auc_ci95": np.percentile(areas, [2.5, 97.5]).tolist(),
    }


def _f1(true: npt.NDArray[np.bool_], named: npt.NDArray[np.bool_]) -> float:
    return float(2 * (true & named).sum() / max(true.sum() + named.sum(), 1))


def _auc(true: npt.NDArray[np.bool_], said: Array) -> float:
    """Chance that a positive lies above a negative (Mann & Whitney); ties count a half."""
    from scipy.stats import rankdata

    n = int(true.sum())
    return float((rankdata(said)[true].sum() - n * (n + 1) / 2) / (n * (len(true) - n)))


def _groups(path: Path) -> dict[str, dict[str, str]]:
    """Column -> picture -> group, of a CSV whose first column names the pictures."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        first, *rows = csv.reader(file)
    return {name: {row[0]: row[at] for row in rows if row[at]} for at, name in enumerate(first) if at}


def _said(model: TrainedModel, maps: UInt8Array, labels: npt.NDArray[np.int64]) -> list[Prediction]:
    """Predictions of maps, each of another person."""
    named, shares = model.predict(maps)
    return [
        Prediction("drawn", f"drawn/p{row}", f"drawn/p{row}/a", "", 0, "last", CLASSES[label], model.classes[name],
                   dict(zip(model.classes, share.tolist(), strict=True)))
        for row, (label, name, share) in enumerate(zip(labels, named, shares, strict=True))
    ]  # fmt: skip


def _uf1_draws(rows: Sequence[Prediction], rng_seed: int = 0) -> Array:
    """UF1 in resamples of the subjects."""
    subjects, table = subject_confusions(rows, CLASSES)
    count = len(subjects)
    draws = np.random.default_rng(rng_seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return measures(np.tensordot(draws, table, axes=1))["uf1"].mean(axis=1)


Set = tuple[UInt8Array, npt.NDArray[np.str_]]


def _told_apart(one: Set, other: Set, trees: int) -> Document:
    """AUC of a random forest that tells two sets of levelled maps apart, on people it has not met."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    inputs = np.concatenate([levelled(one[0]), levelled(other[0])])
    whose = np.repeat([True, False], [len(one[0]), len(other[0])])
    people = np.unique(np.concatenate([np.char.add("a", one[1]), np.char.add("b", other[1])]), return_inverse=True)[1]
    forest = RandomForestClassifier(trees, class_weight="balanced", random_state=0, n_jobs=1)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    said = cross_val_predict(forest, inputs, whose, groups=people, cv=folds, method="predict_proba")[:, 1]
    found = _detection(whose, said, people)
    return {"auc": found["auc"], "ci95": found["auc_ci95"]}


def _spectrum(maps: UInt8Array) -> dict[str, list[float]]:
    """Power of levelled u and v by spatial frequency (1 to 14 cycles per map), mean over maps, each summing to 1."""
    flows = levelled(maps).reshape(len(maps), 2, *maps.shape[1:3])
    window = np.outer(np.hanning(maps.shape[1]), np.hanning(maps.shape[2]))
    power = np.abs(np.fft.fft2((flows - flows.mean(axis=(2, 3), keepdims=True)) * window)) ** 2
    steps = np.fft.fftfreq(maps.shape[1], 1 / maps.shape[1])
    radius = np.rint(np.hypot(*np.meshgrid(steps, steps))).astype(int)
    rings = np.stack([power[..., radius == ring].mean(axis=-1) for ring in range(1, maps.shape[1] // 2 + 1)], axis=-1)
    rings /= rings.sum(axis=-1, keepdims=True)
    return dict(zip("uv", rings.mean(axis=0).tolist(), strict=True))


def _correlations(maps: UInt8Array) -> dict[str, list[float]]:
    """Correlation between the channels of a map: quartiles over maps."""
    flat = maps.reshape(len(maps), -1, 3).astype(float).transpose(0, 2, 1)
    speed = np.linalg.norm(levelled(maps).reshape(len(maps), 2, -1), axis=1)
    each: dict[str, Callable[[int], tuple[Array, Array]]] = {
        "u, v": lambda k: (flat[k, 0], flat[k, 1]),
        "u, strain": lambda k: (flat[k, 0], flat[k, 2]),
        "v, strain": lambda k: (flat[k, 1], flat[k, 2]),
        "speed, strain": lambda k: (speed[k], flat[k, 2]),
    }
    return {
        name: np.quantile([np.corrcoef(*pair(k))[0, 1] for k in range(len(maps))], [0.25, 0.5, 0.75]).tolist()
        for name, pair in each.items()
    }
