"""Make the pictures and tables of docs/action-units.md and docs/generator.md from the code that they describe.

    python scripts/pictures_of_motion.py

writes docs/images/action-units.png, generator.png and generator-people.png, and the tables between the marks of the two
pages; tests/synthesis/test_motion_pages.py fails where a page no longer says what the code does.
"""

from __future__ import annotations

import ast
import csv
import inspect
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.core import atomic_path
from mien.motion import motion_map
from mien.pictures._colour import flow_colours, wheel
from mien.synthesis import ACTION_UNITS, MEAN_FACE, MapSettings, displacement, map_settings, synthetic_flow
from mien.synthesis.action_units import EYE_COVER_FOLD
from mien.synthesis.drawn_face import BOX, draw_face
from mien.synthesis.emotions import CLASSES, CORPORA, PROTOTYPES, class_shares, mixture
from mien.synthesis.face import IDENTITY_SD, random_face
from mien.synthesis.filmed import WIDE, estimate_flow, film_pair
from mien.synthesis.motion_maps import crop_flow

DOCS = Path(__file__).parents[1] / "docs"
COMMAND = "made by scripts/pictures_of_motion.py"
CONTOURS = [(range(17), False), (range(17, 22), False), (range(22, 27), False), (range(27, 31), False),
            (range(31, 36), False), (range(36, 42), True), (range(42, 48), True), (range(48, 60), True),
            (range(60, 68), True)]  # fmt: skip
VIEW = (-1.3, -1.02, 1.3, 1.86)  # of the action units: left, top, right, bottom, face units
INK, GREY, LINE = "#1d2229", "#5c646e", "#8b939c"
MARGINS = {"left": 0.012, "right": 0.988, "bottom": 0.052, "top": 0.971, "wspace": 0.05, "hspace": 0.17}
FONT: Any = {"font.family": "DejaVu Sans", "font.size": 10}
NAMES = {"dfme": "DFME", "mmew": "MMEW", "casme3": "CAS(ME)^3"}
SHOWN = {"negative": (4, 7), "positive": (6, 12), "surprise": (1, 2, 5)}
CLIP_SEEDS = {"negative": 16, "positive": 3, "surprise": 8}
PEOPLE_SEED = 7
FULL = 0.03  # face units: the length that has the full colour


def main() -> None:
    """Write three pictures and two pages' tables."""
    draw_action_units(DOCS / "images/action-units.png")
    draw_people(DOCS / "images/generator-people.png")
    draw_clips(DOCS / "images/generator.png")
    for page, tables in (("action-units.md", {"units": unit_table()}), ("generator.md", generator_tables())):
        path = DOCS / page
        text = path.read_text(encoding="utf-8")
        for name, table in tables.items():
            text = with_table(text, name, table)
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


# --- tables


def generator_tables() -> dict[str, str]:
    """The tables of docs/generator.md by the names of their marks."""
    return {"settings": settings_table(), "identity": identity_table(), "classes": class_table()}


def with_table(page: str, name: str, table: str) -> str:
    """Return the page with a table between its two marks."""
    start, end = f"<!-- {name}: {COMMAND} -->", f"<!-- end of {name} -->"
    before, _, rest = page.partition(start)
    if end not in rest:
        raise SystemExit(f"pictures_of_motion: got a page without '{start}' and '{end}'; write both where it belongs")
    return f"{before}{start}\n\n{table}\n\n{end}{rest.partition(end)[2]}"


def settings_table() -> str:
    """Every parameter of the synthetic maps with its value and its reason, as map_settings.py has them."""
    rows = []
    reasons, sections = _reasons(), dict(_sections())
    for field in fields(MapSettings):
        if field.name in sections:
            rows.append(f"| **{sections[field.name]}** | | |")
        rows.append(f"| `{field.name}` | {_value(field.default)} | {reasons[field.name]} |")
    return "\n".join(["| parameter | value | what it is, and why |", "|---|---|---|", *rows])


def identity_table() -> str:
    """How people differ."""
    rows = [f"| {name} | {sd:.3f} | {points[0]} to {points[-1]} |" for name, (sd, points) in IDENTITY_SD.items()]
    head = ["| what varies, up and down | standard deviation, face units | points (of 0 to 67) |", "|---|---|---|"]
    return "\n".join([*head, *rows])


def class_table() -> str:
    """What each class is made of."""
    rows = []
    for name in CLASSES:
        expressions = sorted(mixture(name), key=lambda one: -one.weight)
        often = ", ".join(f"{'+'.join(map(str, e.action_units))} ({e.weight:.1%})" for e in expressions[:5])
        cells = [*_counted(name), len(PROTOTYPES[name]), len(expressions), often]
        cells += [f"{sum(e.weight * e.one_sided for e in expressions):.0%}", f"{class_shares()[name]:.2f}"]
        rows.append(f"| {name} | {' | '.join(map(str, cells))} |")
    head = f"| class | {' | '.join(NAMES[corpus] for corpus in CORPORA)} | FACS prototypes | sets in all |"
    return "\n".join([f"{head} the most frequent sets | one-sided | expected share |", "|---" * 9 + "|", *rows])


def _counted(emotion: str) -> list[int]:
    """Clips of a class that are counted in each corpus."""
    text = resources.files("mien.synthesis").joinpath("mixtures.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(text.splitlines()) if row["class"] == emotion]
    return [sum(int(row[corpus]) for row in rows) for corpus in CORPORA]


def unit_table() -> str:
    """Each action unit: its muscle, where the field is longest and which way, and how often each class shows it."""
    rows = []
    for number, unit in ACTION_UNITS.items():
        place, way = _strongest(number)
        shares = [sum(e.weight for e in mixture(name) if number in e.action_units) for name in CLASSES]
        often = [f"{share:.0%}" if share >= 0.005 else "" for share in shares]
        fold = _way(np.array(EYE_COVER_FOLD[number][0].move)) if number in EYE_COVER_FOLD else ""
        rows.append(f"| {number} | {unit.name} | {unit.muscle} | {place} | {way} | {fold} | {' | '.join(often)} |")
    head = [
        f"| AU | name | muscle | moves most | which way | eye cover fold | {' | '.join(CLASSES)} |",
        "|---" * 9 + "|",
    ]
    return "\n".join([*head, *rows])


def _reasons() -> dict[str, str]:
    """The docstring under each field."""
    (record,) = (n for n in ast.parse(inspect.getsource(map_settings)).body if isinstance(n, ast.ClassDef))
    found: dict[str, str] = {}
    for field, text in zip(record.body, record.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            found[ast.unparse(field.target)] = inspect.cleandoc(ast.literal_eval(text.value)).replace("\n", " ")
    return found


def _sections() -> Iterator[tuple[str, str]]:
    """The first field after each heading, and the heading."""
    heading = ""
    for line in inspect.getsource(MapSettings).splitlines():
        if found := re.match(r"\s+# --- (.*)", line):
            heading = found[1]
        elif heading and (found := re.match(r"    (\w+):", line)):
            yield found[1], heading
            heading = ""


def _value(value: Any) -> str:
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return ", ".join(f"{name} {share:g}" for name, share in value)
    if isinstance(value, tuple):
        return ", ".join(f"{one:g}" for one in value) or "none"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value:g}"


PLACES = {
    (22, 23): "inner brow", (24,): "mid-brow", (25, 26): "outer brow", (27,): "root of the nose",
    (42, 43, 44, 45): "upper lid", (46, 47): "lower lid", (28, 29): "bridge of the nose", (35, 34): "wing of the nose",
    (51, 52, 53): "upper lip", (54,): "corner of the mouth", (55, 56, 57): "lower lip", (8, 9): "chin",
    (64,): "corner of the mouth", (12, 13, 14): "cheek",
}  # fmt: skip


def _strongest(number: int) -> tuple[str, str]:
    """Where a unit moves the image-right half most, by the nearest landmark, and which way."""
    points, names = zip(*[(MEAN_FACE[p], name) for ps, name in PLACES.items() for p in ps], strict=True)
    steps = np.stack(np.meshgrid(np.linspace(0, 1.2, 121), np.linspace(-0.8, 1.8, 261)), axis=-1)
    field = displacement(steps, {number: (1.0, 1.0)})
    at = np.unravel_index(np.hypot(field[..., 0], field[..., 1]).argmax(), field.shape[:2])
    return names[int(np.hypot(*(np.array(points) - steps[at]).T).argmin())], _way(field[at])


def _way(move: np.ndarray) -> str:
    """Direction on the image-right half in words; what is less than a quarter of the other is left out."""
    u, v = move
    words = ["up" if v < 0 else "down"] if abs(v) > 0.25 * abs(u) else []
    words += ["outwards" if u > 0 else "inwards"] if abs(u) > 0.25 * abs(v) else []
    return " and ".join(words if abs(v) > abs(u) else words[::-1])


# --- the action units


def draw_action_units(out: Path) -> None:
    """Draw one panel per unit, and a second one with the eye cover fold where there is one."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    panels = [(n, fold) for n in ACTION_UNITS for fold in ((False, True) if n in EYE_COVER_FOLD else (False,))]
    with rc_context(FONT):
        figure = Figure(figsize=(14.6, 18.6), facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.subplots(5, 5, gridspec_kw=MARGINS).ravel()
        for (number, fold), axis in zip(panels, axes, strict=True):
            shades = _draw_field(axis, number, fold)
        bar = figure.colorbar(shades, cax=figure.add_axes((0.3, 0.032, 0.4, 0.007)), orientation="horizontal")
        bar.set_label("length of the displacement, share of the unit's largest without the fold", color=INK)
        bar.outline.set_edgecolor(LINE)
        _save(figure, out, 90, step=5)


def _draw_field(axis: Any, number: int, fold: bool) -> Any:
    unit = ACTION_UNITS[number]
    left, top, right, bottom = VIEW
    fine = _grid(left, top, right, bottom, 0.01)
    field = displacement(fine, {number: (1.0, 1.0)}, eye_cover_fold=fold)
    shades = axis.imshow(
        np.hypot(field[..., 0], field[..., 1]), extent=(left, right, bottom, top), cmap=_shades(), vmin=0, vmax=1
    )
    _draw_outline(axis)
    coarse = _grid(left, top, right, bottom, 0.13)
    moved = displacement(coarse, {number: (1.0, 1.0)}, eye_cover_fold=fold)
    seen = np.hypot(moved[..., 0], moved[..., 1]) > 0.12
    arrows = {"angles": "xy", "scale_units": "xy", "scale": 4.8, "width": 0.0085, "headwidth": 3.4, "headlength": 3.6}
    axis.quiver(*coarse[seen].T, *moved[seen].T, color=INK, minlength=0.1, headaxislength=3.2, zorder=3, **arrows)
    axis.set_xlim(left, right)
    axis.set_ylim(bottom, top)
    axis.set_axis_off()
    name, below = ("with the eye cover fold", unit.name) if fold else (unit.name, unit.muscle.replace(", or", ",\nor"))
    axis.set_title(f"AU {number}  {name}", loc="left", fontsize=11.5, color=INK, fontweight="bold", pad=19)
    axis.text(0, 1.058, below, transform=axis.transAxes, fontsize=9, color=GREY, va="top")
    return shades


def _draw_outline(axis: Any) -> None:
    for points, closed in CONTOURS:
        line = MEAN_FACE[[*points, points[0]] if closed else [*points]]
        axis.plot(*line.T, color=LINE, linewidth=1.1, zorder=2, solid_capstyle="round")


def _grid(left: float, top: float, right: float, bottom: float, step: float) -> np.ndarray:
    columns, rows = round((right - left) / step), round((bottom - top) / step)
    x = left + (np.arange(columns) + 0.5) * (right - left) / columns
    y = top + (np.arange(rows) + 0.5) * (bottom - top) / rows
    return np.stack(np.meshgrid(x, y), axis=-1)


def _shades() -> Any:
    """White to mid-blue: even in lightness, so readable in grey and to any eye, and never as dark as an arrow."""
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap

    blues = colormaps["Blues"](np.linspace(0, 0.68, 64))
    blues += (1 - blues[0]) * np.linspace(1, 0, 64)[:, None]  # its lightest is not quite white
    return LinearSegmentedColormap.from_list("lengths", blues)


# --- the generator


def draw_people(out: Path) -> None:
    """Draw sixteen people, each with a geometry and looks of its own."""
    rng, scale = np.random.default_rng(PEOPLE_SEED), 58.0
    left, right = (round((edge - BOX[0]) * scale) for edge in (-1.4, 1.4))
    heads = []
    for _ in range(16):
        picture, head = draw_face(random_face(rng), rng, scale, gaze=tuple(rng.normal(0, 0.02, 2)))
        heads.append((255 + (picture - 255) * head)[:196, left:right])
    rows = [np.hstack(heads[row : row + 8]) for row in range(0, 16, 8)]
    _write_grey(out, np.vstack(rows))


def draw_clips(out: Path) -> None:
    """Draw one clip of each class: two frames, what truly moved, and what each model of an estimator makes of it."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    titles = ["onset, as filmed", "apex", "what truly moves", "TV-L1 of the two frames", "by the formula",
              "map of TV-L1", "map of the formula"]  # fmt: skip
    with rc_context(FONT):
        figure = Figure(figsize=(15.4, 6.75), facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(3, 7)
        for row, emotion in zip(axes, SHOWN, strict=True):
            _draw_clip(row, emotion)
        for axis, title in zip(axes[0], titles, strict=True):
            axis.set_title(title, loc="left", fontsize=10.5, color=INK)
        disc = axes[0, 2].inset_axes((0.8, 0.79, 0.2, 0.2))
        disc.imshow(wheel(80), interpolation="bilinear")
        disc.set_axis_off()
        _save(figure, out, 100)


def _draw_clip(row: Any, emotion: str) -> None:
    units = SHOWN[emotion]
    settings = replace(MapSettings(), sizes=(112,), size_shares=(1.0,), estimators=(("tvl1", 1.0),))
    rng = np.random.default_rng(CLIP_SEEDS[emotion])
    activation = dict.fromkeys(units, (settings.amplitude, settings.amplitude))
    frames = film_pair(activation, MEAN_FACE, rng, settings)
    filmed = estimate_flow(frames, rng, settings)
    truth = np.moveaxis(displacement(_grid(*WIDE[:2], 1.5, 1.95, 3 / 72), activation, eye_cover_fold=True), -1, 0)
    formula = _by_formula(emotion, units, settings)
    for axis, frame in zip(row[:2], frames, strict=True):
        axis.imshow(frame, cmap="gray", vmin=0, vmax=255, extent=_extent(), interpolation="bilinear")
    for axis, flow in zip(row[2:5], (truth, filmed, formula), strict=True):
        axis.imshow(flow_colours(flow, FULL), extent=_extent(), interpolation="bilinear")
        _draw_outline(axis)
    for axis, flow in zip(row[5:], (filmed, formula), strict=True):
        small = np.stack([cv2.resize(part, (72, 72), interpolation=cv2.INTER_AREA) for part in flow])
        axis.imshow(motion_map(crop_flow(small, np.random.default_rng(3), settings)), interpolation="nearest")
    for axis in row:
        axis.set_xticks([])
        axis.set_yticks([])
        for spine in axis.spines.values():
            spine.set_edgecolor("#d0d7de")
    row[0].set_ylabel(f"{emotion}\nAU {' + '.join(map(str, units))}", fontsize=10.5, color=INK)


def _by_formula(emotion: str, units: tuple[int, ...], settings: MapSettings) -> np.ndarray:
    """The flow of these units on the mean face by the formula; all else as the settings have it."""
    alike: dict[str, Any] = {
        "amplitude_spread": 0.0,
        "unit_spread": 0.0,
        "asymmetry": 0.0,
        "extra_unit": 0.0,
        "weak_side": 1.0,
    }
    chosen = replace(settings, drawn=0.0, only_units=units, identity=0.0, **alike)
    drawn = (synthetic_flow(emotion, np.random.default_rng(seed), chosen) for seed in range(1000))
    return next(flow for flow, active in drawn if active == units)


def _extent() -> tuple[float, float, float, float]:
    left, top, side = WIDE
    return left, left + side, top + side, top


def _save(figure: Any, out: Path, dpi: int, *, step: int = 3) -> None:
    """Write a PNG whose colours go in steps, which no eye sees and which make it smaller; 255 is one of them."""
    from PIL import Image

    with atomic_path(out) as temporary:
        figure.savefig(temporary, dpi=dpi, format="png")
        with Image.open(temporary) as image:
            colours = np.asarray(image.convert("RGB"))
        Image.fromarray((np.rint(colours / step) * step).astype(np.uint8)).save(temporary, format="png", optimize=True)


def _write_grey(out: Path, picture: np.ndarray) -> None:
    from PIL import Image

    levels = (4 * np.rint(np.clip(picture, 0, 255) / 4)).clip(0, 255).astype(np.uint8)
    levels[picture >= 252.5] = 255  # the page stays white
    with atomic_path(out) as temporary:
        Image.fromarray(levels).save(temporary, format="png", optimize=True)


if __name__ == "__main__":
    main()
