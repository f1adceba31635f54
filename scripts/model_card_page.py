"""The tables of docs/model-card.md, written between its markers: no figure of the page is typed by hand."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from mien.core import MienError, atomic_path
from mien.synthesis.emotions import CLASSES, class_shares, mixture

Document = dict[str, Any]
HEADLINES = {"uf1": "UF1", "uar": "UAR", "accuracy": "accuracy"}
AXES = {"fps": "frames a second", "intensity_px": "px at a 128-px face", "face_px": "side of the face, px"}


def fill(page: Path, document: Document) -> None:
    """Write every table between its markers ``<!-- begin NAME -->`` and ``<!-- end NAME -->``."""
    text = page.read_text(encoding="utf-8")
    for name, made in TABLES.items():
        mark = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if len(mark.findall(text)) != 1:
            raise MienError(f"got '{page}' without one pair of markers '{name}'; expected them; put them back")
        body = made(document)
        text = mark.sub(lambda found, body=body: f"{found[1]}{body}\n{found[2]}", text)  # type: ignore[misc]
    with atomic_path(page) as temporary:
        temporary.write_text(text, encoding="utf-8")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def num(value: float, places: int = 3) -> str:
    """A score as the other pages write it: .584, -.03, 1.000."""
    text = f"{value:.{places}f}"
    return text if abs(value) >= 1 else re.sub(r"^(-?)0\.", r"\1.", text)


def within(value: float, bounds: Sequence[float]) -> str:
    """A score with its interval."""
    return f"{num(value)} ({num(bounds[0])} to {num(bounds[1])})"


def sentence(document: Document) -> str:
    """The error, in plain words."""
    parts = {name: part for name, part in document["real"].items() if name != "both"}
    words = " and ".join(f"{(1 - part['accuracy']) * 10:.1f} of 10 clips of {name}" for name, part in parts.items())
    worst = [
        f"{one} on {name} (recall {num(part['per_class'][one]['recall'], 2)})"
        for name, part in parts.items()
        for one in [min(part["classes"], key=lambda each: part["per_class"][each]["recall"])]
    ]
    said = (
        "**On real clips that it has never seen, with onset and apex given, it names the wrong one of three "
        f"classes in {words}.** The class it misses most often: {' and '.join(worst)}. Expect worse "
        "of your recordings, in which mien has to find onset and apex itself."
    )
    return textwrap.fill(said, 150)


def model(document: Document) -> str:
    one = document["model"]
    classes = ", ".join(one["classes"])
    training = one["training"]
    each = ", ".join(f"{name} {count:,}" for name, count in training["per_class"].items())
    crops = f", {training['crops']} crops of each" if training.get("crops") else ""
    rows = [
        ["method", f"`{one['method']}` ({one['kind']})"],
        ["answers", classes + (f"; {len(one['action_units'])} action units" if one["action_units"] else "")],
        ["learnt from", f"{training['n']:,} synthetic clips{crops} ({each})"],
        ["expects", ", ".join(f"{name} {num(share, 2)}" for name, share in class_shares().items())],
        ["parameters", f"{one['parameters']:,}" if one["parameters"] else "none trainable (no network)"],
        ["size", f"{one['megabytes']:.1f} MB: " + ", ".join(f"`{n}` {mb:.2f}" for n, mb in one["files"].items())],
        ["speed", f"{one['cpu_ms']['median']:.1f} ms of one core for a motion map (95 % below "
                  f"{one['cpu_ms']['p95']:.1f}); the map itself, by TV-L1, takes more"],
    ]  # fmt: skip
    return table(["", ""], rows)


def scores(document: Document) -> str:
    parts = document["real"]
    rows = [["clips (people)", *(f"{part['n']} ({part['subjects']})" for part in parts.values())]]
    rows += [[name, *(within(p[key], p["ci95"][key]) for p in parts.values())] for key, name in HEADLINES.items()]
    for one in parts["both"]["classes"]:
        cells = [part["per_class"][one] for part in parts.values()]
        rows.append([f"{one}: recall, F1 (n)", *(f"{num(c['recall'])}, {num(c['f1'])} ({c['n']})" for c in cells)])
    people = [_of_people(part["people"]) if "people" in part else ("", "") for part in parts.values()]
    rows.append(["right, by person: lowest, median, highest", *(spread for spread, _ in people)])
    rows.append(["standard deviation of that (by chance alone: mean, 95 % below)", *(by for _, by in people)])
    return table(["", *parts], rows)


def _of_people(spread: Document) -> tuple[str, str]:
    quantiles = ", ".join(num(spread["quantiles"][at], 2) for at in (0, 2, 4))
    return quantiles, f"{num(spread['sd'], 2)} ({', '.join(num(value, 2) for value in spread['sd_by_chance'])})"


def confusions(document: Document) -> str:
    rows = []
    for name, part in document["real"].items():
        if name == "both":
            continue
        for truth, counts in zip(part["classes"], part["confusion"], strict=True):
            rows.append([f"{name}: {truth}", *map(str, counts)])
    return table(["annotated", *(f"called {one}" for one in document["real"]["both"]["classes"])], rows)


def calibration(document: Document) -> str:
    parts = {name: part["calibration"] for name, part in document["confidence"].items()}
    rows = [["clips", *(str(part["n"]) for part in parts.values())]]
    for key, name in {
        "accuracy": "right",
        "confidence": "mean probability of the emotion named",
        "ece_width": "expected calibration error, 15 bins of equal width",
    }.items():
        rows.append([name, *(within(part[key], part["ci95"][key]) for part in parts.values())])
    rows.append(["the same error by chance alone: mean (95 % below)",
                 *("{} ({})".format(*(num(p["ece_if_calibrated"]["width"][k]) for k in ("mean", "p95")))
                   for p in parts.values())])  # fmt: skip
    return table(["", *parts], rows)


def rejection(document: Document) -> str:
    parts = {name: part["rejection"] for name, part in document["confidence"].items()}
    rows = [
        ["area under risk and coverage", *(within(p["aurc"], p["ci95"]["aurc"]) for p in parts.values())],
        ["if rejected by chance: the share that is wrong of all", *(num(p["random"]) for p in parts.values())],
        ["best possible", *(num(p["best"]) for p in parts.values())],
        ["excess over the best", *(num(p["excess"]) for p in parts.values())],
        ["gained over chance", *(within(p["gain"], p["ci95"]["gain"]) for p in parts.values())],
        ["share that is wrong of the surer half", *(num(p["half"]["risk"]) for p in parts.values())],
        ["the surer half begins at a probability of", *(num(p["half"]["threshold"]) for p in parts.values())],
    ]
    return table(["", *parts], rows)


def coverage(document: Document) -> str:
    parts = {name: part["rejection"]["half"]["by_class"] for name, part in document["confidence"].items()}
    rows = []
    for one in document["real"]["both"]["classes"]:
        cells = [part[one] for part in parts.values()]
        rows.append([f"truly {one}: answered, right of these",
                     *(f"{num(c['coverage'], 2)}, {num(c['recall'], 2)}" for c in cells)])  # fmt: skip
    for one in document["real"]["both"]["classes"]:
        cells = [part[one] for part in parts.values()]
        rows.append([f"called {one}: answered, wrong of these",
                     *(f"{num(c['named_coverage'], 2)}, {num(c['risk'], 2)}" for c in cells)])  # fmt: skip
    return table(["the surer half", *parts], rows)


def units(document: Document) -> str:
    found = document.get("action_units")
    if not found:
        return "The bundled model was not taught action units."
    rows = [
        [
            unit,
            f"{one['n']}",
            num(one["named_from"]),
            f"{one['named']}",
            num(one["f1"]),
            num(one["f1_at_half"]),
            num(one["f1_always"]),
            within(one["auc"], one["auc_ci95"]),
        ]
        for unit, one in found["units"].items()
    ]
    mean = found["mean"]
    rows.append(["mean", "", "", "", *(num(mean[key]) for key in ("f1", "f1_at_half", "f1_always", "auc"))])
    clips = f"clips with it, of {found['n']}"
    head = ["AU", clips, "named from", "named", "F1", "F1 from .5 on", "F1 of always yes", "AUC"]
    rare = ", ".join(f"AU {unit} ({n})" for unit, n in found["rare"].items())
    return f"{table(head, rows)}\n\nLeft out, being in fewer than 8 clips or not among its outputs: {rare}."


def behaviour(document: Document) -> str:
    blocks = []
    for by, title in AXES.items():
        lines = {name: cells for name, cells in document["behaviour"].items() if name.split(" at ")[0] == by}
        rows = [
            [f"UF1{name.removeprefix(by)}", *(within(one["uf1"], one["ci95"]["uf1"]) for one in cells.values())]
            for name, cells in lines.items()
        ]
        blocks.append(table([title, *next(iter(lines.values()))], rows))
    return "\n\n".join(blocks)


def skin(document: Document) -> str:
    found = document["drawn"]
    grey = found["grey"]
    said = {"dark": f"dark (below {grey[0]:.0f})", "middle": "middle", "light": f"light (above {grey[1]:.0f})"}
    looks = {
        "neither": "neither glasses nor beard",
        "glasses": "such faces with glasses",
        "beard": "such faces with a beard",
    }
    rows = [[said[name], str(p["n"]), within(p["uf1"], p["ci95"]["uf1"])] for name, p in found["skin"].items()]
    rows += [[looks[name], str(p["n"]), within(p["uf1"], p["ci95"]["uf1"])] for name, p in found["looks"].items()]
    return table(["drawn faces: grey of the cheeks, or looks", "clips", "UF1"], rows)


def people(document: Document) -> str:
    rows = []
    for name, part in document["portraits"].items():
        groups = {
            f"{name}, {column}: {group}": one for column, of in part["groups"].items() for group, one in of.items()
        }
        for label, one in ({name: part["all"]} | groups).items():
            spread = _of_people(part["people"]) if label == name else ("", "")
            rows.append([label, f"{one['n']} ({one['subjects']})", within(one["uf1"], one["ci95"]["uf1"]), *spread])
    head = ["portraits", "clips (people)", "UF1", "right, by person: lowest, median, highest",
            "standard deviation of that (by chance alone: mean, 95 % below)"]  # fmt: skip
    return table(head, rows) if rows else "No portraits were there to measure on."


def loop(document: Document) -> str:
    names = {
        "generator": "the generator's maps",
        "filmed": "the same, filmed as clips are rendered: faces of 128 px, one camera, TV-L1",
        "natural_small": "rendered clips, played as those maps are, faces as large as theirs: 67 and 93 px",
        "natural": "the same, faces of 128 px",
        "usual": "rendered clips of 1 to 1.5 px, all units and both sides equally strong",
        "wide": "such clips of 0.3 to 2 px",
    }
    rows = []
    for key, name in names.items():
        one = document["loop"][key]
        gaps = [within(gap[0], gap[1:]) if (gap := one.get(f"less_than_{made}")) else "" for made in list(names)[:2]]
        rows.append([name, str(one["n"]), *(within(one[s], one["ci95"][s]) for s in HEADLINES), *gaps])
    made = table(["", "clips", *HEADLINES.values(), "UF1 of the first row less this", "of the second"], rows)
    told = (
        f"Whoever knew the action units and the side of every clip without error could be right in {num(_ceiling())}."
    )
    return f"{made}\n\n{told}"


def _ceiling() -> float:
    """The best accuracy on even classes of expressions drawn from the mixtures: each named by its likeliest class."""
    most: dict[tuple[frozenset[int], bool], float] = {}
    for one in (expression for name in CLASSES for expression in mixture(name)):
        for aside, share in ((True, one.one_sided), (False, 1 - one.one_sided)):
            key = frozenset(one.action_units), aside
            most[key] = max(most.get(key, 0.0), one.weight * share)
    return sum(most.values()) / len(CLASSES)


def likeness(document: Document) -> str:
    found = document["likeness"]
    areas = [[name, within(one["auc"], one["ci95"])] for name, one in found["two_sample_auc"].items()]
    forest = table(["told apart by a random forest", "AUC (.5: cannot be)"], areas)
    sets = found["correlations"]
    pairs = list(next(iter(sets.values())))
    rows = [[name, *("{1} ({0} to {2})".format(*(num(q, 2) for q in each[pair])) for pair in pairs)]
            for name, each in sets.items()]  # fmt: skip
    alike = table(["correlation over a map: median (quartiles)", *pairs], rows)
    return "\n\n".join([forest, alike, _power(found["spectrum"])])


def _power(spectra: Document) -> str:
    bands = {"1 and 2 cycles per map": slice(0, 2), "3 to 5": slice(2, 5), "6 to 14": slice(5, 14)}
    rows = [[f"{name}, {channel}", *(num(sum(values[band]), 2) for band in bands.values())]
            for name, each in spectra.items() for channel, values in each.items()]  # fmt: skip
    return table(["share of the rings' power", *bands], rows)


def failures(document: Document) -> str:
    rows = []
    for number, one in enumerate(document["failures"], 1):
        said = ", ".join(f"{name} {num(p, 2)}" for name, p in one["probabilities"].items())
        named = ", ".join(f"{unit} ({num(p, 2)})" for unit, p in one["units_named"].items()) or "none"
        moved = f"{one['truth']}: AU {one['action_units']}"
        where, whole = one["where"].replace("_px", ", px"), num(one["whole_picture"], 2)
        rows.append([str(number), where, moved, f"**{one['predicted']}** ({said})", named, whole])
    head = [
        "row",
        "cell above",
        "what moved",
        "what it said",
        "action units it named",
        "share that moves the whole picture",
    ]
    return table(head, rows)


TABLES: dict[str, Callable[[Document], str]] = {
    "sentence": sentence,
    "model": model,
    "scores": scores,
    "confusions": confusions,
    "calibration": calibration,
    "rejection": rejection,
    "coverage": coverage,
    "units": units,
    "behaviour": behaviour,
    "skin": skin,
    "people": people,
    "loop": loop,
    "likeness": likeness,
    "failures": failures,
}
