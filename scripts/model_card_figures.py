"""The pictures of the model card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mien.core import Prediction, atomic_path
from mien.datasets import DATASETS
from mien.methods import TrainedModel
from mien.recipes import open_take, run

INK, QUIET, LINES = "#1f2328", "#6a727c", ("#0b6e99", "#c4501a", "#3a7d44", "#7a5195")
_ARROWS = 12  # along a side
_BORDER = 16  # px of a crop, where flow is least sure
_LEAST = 0.5  # an action unit of this probability is named


@contextmanager
def sheet(path: Path, rows: int, columns: int, size: tuple[float, float], dpi: int = 110, **more: Any) -> Iterator[Any]:
    """Panels in the quiet style of the other pictures; written when all is drawn."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context({"font.family": "DejaVu Sans", "font.size": 10, "axes.edgecolor": QUIET, "text.color": INK}):
        figure = Figure(figsize=size, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(rows, columns, squeeze=False, **more)
        yield panels
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=dpi, format="png", pil_kwargs={"optimize": True})


def quiet(panel: Any) -> None:
    panel.grid(color="#d0d7de", linewidth=0.6)
    panel.set_axisbelow(True)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)


def draw_risk(path: Path, parts: dict[str, Any]) -> None:
    """Share of wrong answers over the share that is answered."""
    names = [name for name in parts if name != "real maps"]
    with sheet(path, 1, len(names), (3.6 * len(names), 3.5), sharey=True) as panels:
        for panel, name in zip(panels[0], names, strict=True):
            coverage, risk = np.array(parts[name]["curve"]).T
            rejection = parts[name]["rejection"]
            oracle = np.linspace(0.01, 1, 100)
            best = np.clip(oracle - (1 - rejection["random"]), 0, None) / oracle
            panel.axhline(rejection["random"], color=QUIET, linestyle="--", linewidth=1, label="rejected by chance")
            panel.plot(oracle, best, color=QUIET, linestyle=":", linewidth=1.2, label="best possible")
            panel.plot(coverage, risk, color=LINES[0], linewidth=1.6, label="by its probability")
            panel.set_title(f"{name}\narea {rejection['aurc']:.3f}, chance {rejection['random']:.3f}, "
                            f"best {rejection['best']:.3f}", loc="left", fontsize=9.5)  # fmt: skip
            panel.set_xlabel("share of clips that is answered")
            panel.set_xlim(0, 1)
            panel.set_ylim(bottom=0)
            quiet(panel)
        panels[0, 0].set_ylabel("share of the answers that is wrong")
        panels[0, -1].legend(frameon=False, fontsize=8.5, loc="upper left")


def draw_behaviour(path: Path, document: dict[str, Any]) -> None:
    """UF1 of rendered clips over frame rate, intensity and size of the face."""
    titles = {"fps": "frames a second", "intensity_px": "largest displacement, px at a 128-px face",
              "face_px": "side of the face, px"}  # fmt: skip
    with sheet(path, 1, 3, (10.5, 3.2), sharey=True) as panels:
        for panel, (by, title) in zip(panels[0], titles.items(), strict=True):
            lines = {name: cells for name, cells in document.items() if name.split(" at ")[0] == by}
            for colour, (name, cells) in zip(LINES, lines.items(), strict=False):
                uf1 = np.array([one["uf1"] for one in cells.values()])
                spread = np.clip([[one["uf1"] - one["ci95"]["uf1"][0], one["ci95"]["uf1"][1] - one["uf1"]]
                                  for one in cells.values()], 0, None).T  # fmt: skip
                label = name.split(" at ")[1] if " at " in name else None
                panel.errorbar(range(len(cells)), uf1, yerr=spread, fmt="o-", color=colour, linewidth=1.4, capsize=3,
                               label=label)  # fmt: skip
                panel.set_xticks(range(len(cells)), list(cells))
            panel.axhline(1 / 3, color=QUIET, linestyle="--", linewidth=1)
            panel.set_xlabel(title)
            panel.set_ylim(0, 1.04)
            quiet(panel)
            if len(lines) > 1:
                panel.legend(frameon=False, fontsize=9, loc="lower right")
        panels[0, 0].set_ylabel("UF1, 95 % interval by person")
        panels[0, 0].text(0, 0.345, "guessing", fontsize=8.5, color=QUIET, va="bottom")


def draw_confusions(path: Path, parts: dict[str, Any]) -> None:
    """Confusion matrices, rows the truth: shares of the row, and counts."""
    with sheet(path, 1, len(parts), (3.5 * len(parts), 3.4)) as panels:
        for panel, (name, part) in zip(panels[0], parts.items(), strict=True):
            counts = np.array(part["confusion"])
            shares = counts / counts.sum(axis=1, keepdims=True)
            panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
            for row, column in np.ndindex(*counts.shape):
                colour = "white" if shares[row, column] > 0.55 else INK
                text = f"{shares[row, column]:.2f}\n{counts[row, column]}"
                panel.text(column, row, text, ha="center", va="center", color=colour, fontsize=9.5)
            panel.set_xticks(range(len(counts)), part["classes"])
            panel.set_yticks(range(len(counts)), part["classes"], rotation=90, va="center")
            panel.set_title(f"{name}, {part['n']} clips", loc="left", fontsize=10.5)
            panel.set_xlabel("named")
        panels[0, 0].set_ylabel("annotated")


def draw_spectrum(path: Path, spectra: dict[str, Any]) -> None:
    """Radially averaged power of u and v."""
    with sheet(path, 1, 2, (8, 3.4), sharey=True) as panels:
        for panel, channel in zip(panels[0], "uv", strict=True):
            for colour, (name, each) in zip(LINES, spectra.items(), strict=False):
                style = "--" if name == "synthetic" else "-"
                panel.plot(range(1, 1 + len(each[channel])), each[channel], style, color=colour, label=name)
            panel.set_yscale("log")
            panel.set_xscale("log")
            panel.set_xticks([1, 2, 4, 7, 14], ["1", "2", "4", "7", "14"])
            panel.minorticks_off()
            panel.set_title(f"{channel}, levelled", loc="left", fontsize=10.5)
            panel.set_xlabel("cycles per map")
            quiet(panel)
        panels[0, 0].set_ylabel("share of the power")
        panels[0, 0].legend(frameon=False, fontsize=9)


Failure = tuple[str, Path, Prediction]


def choose_failures(said: dict[str, tuple[Path, list[Prediction]]], count: int = 3) -> list[Failure]:
    """The surest wrong answers, of each true class first; of visible movements in large faces where there are any."""
    good = ("intensity_px: 1.0", "intensity_px: 2.0", "face_px at 1.0 px: 192", "fps at 1.0 px: 200")
    wrong = [(place, path, row) for place, (path, rows) in said.items() for row in rows if row.truth != row.predicted]
    wrong.sort(key=lambda one: (one[0] not in good, -one[2].probabilities[one[2].predicted], one[2].sample_id))
    alone = [
        one for at, one in enumerate(wrong) if one[2].sample_id not in {other[2].sample_id for other in wrong[:at]}
    ]
    truths = [row.truth for _, _, row in alone]
    first = [alone[truths.index(truth)] for truth in sorted(set(truths))]
    return [*first, *(one for one in alone if one not in first)][:count]


def draw_failures(path: Path, model: TrainedModel, chosen: Sequence[Failure]) -> list[dict[str, Any]]:
    """Onset, apex, estimated flow and what the network sees of wrongly read clips; returns what is known of each."""
    told: list[dict[str, Any]] = []
    if not chosen:
        return told
    with sheet(path, len(chosen), 5, (12, 2.75 * len(chosen)), dpi=80) as panels:
        for row, (place, corpus, answer) in zip(panels, chosen, strict=True):
            sample = next(s for s in DATASETS["synthetic-faces"].read(corpus) if s.sample_id == answer.sample_id)
            stage = run(model.recipe, open_take(sample))
            assert stage.frames is not None
            assert stage.flows is not None
            assert stage.array is not None
            told.append({"where": place} | _told(model, sample, answer, stage.array, stage.flows[0]))
            _photo(row[0], stage.frames[0], f"onset: {answer.truth}, AU {sample.action_units_text}")
            _photo(row[1], stage.frames[-1], f"apex: called {answer.predicted} ({told[-1]['probability']:.2f})")
            _photo(row[2], stage.frames[0], f"TV-L1, longest {told[-1]['longest_px']:.1f} px")
            _arrows(row[2], stage.flows[0])
            for panel, channel, name in zip(row[3:], (0, 1), ("u, right is red", "v, down is red"), strict=True):
                panel.imshow(stage.array[..., channel], cmap="RdBu_r", vmin=0, vmax=255)
                panel.set_title(f"map: {name}", loc="left", fontsize=9)
                panel.axis("off")
    return told


def _photo(panel: Any, frame: Any, title: str) -> None:
    image = np.asarray(frame).clip(0, 255).astype(np.uint8)
    panel.imshow(image, cmap="gray", vmin=0, vmax=255)
    panel.set_title(title, loc="left", fontsize=9)
    panel.axis("off")


def _arrows(panel: Any, flow: Any) -> None:
    height, width = flow.shape[1:]
    small = np.stack([cv2.resize(part, (_ARROWS, _ARROWS), interpolation=cv2.INTER_AREA) for part in flow])
    small -= np.median(small, axis=(1, 2), keepdims=True)
    x, y = np.meshgrid((np.arange(_ARROWS) + 0.5) * width / _ARROWS, (np.arange(_ARROWS) + 0.5) * height / _ARROWS)
    panel.quiver(x, y, small[0], small[1], angles="xy", color="#ffd400", scale=8 * float(np.abs(small).max()))


def _told(model: TrainedModel, sample: Any, answer: Prediction, made: Any, flow: Any) -> dict[str, Any]:
    units = {unit: float(said[0]) for unit, said in model.action_units(made[None]).items()}
    return {
        "sample": answer.sample_id,
        "truth": answer.truth,
        "predicted": answer.predicted,
        "probability": float(answer.probabilities[answer.predicted]),
        "probabilities": {name: float(p) for name, p in answer.probabilities.items()},
        "action_units": sample.action_units_text,
        "longest_px": float(np.hypot(*(flow - np.median(flow, axis=(1, 2), keepdims=True))).max()),
        "head_px": float(np.hypot(*np.median(flow, axis=(1, 2)))),
        "whole_picture": _whole_picture(flow),
        "units_named": {str(unit): p for unit, p in sorted(units.items(), key=lambda one: -one[1]) if p >= _LEAST},
    }


def _whole_picture(flow: Any) -> float:
    """Share of the flow's variance, off the border, that a shift, turn, zoom and shear of the whole picture explain."""
    inner = flow[:, _BORDER:-_BORDER, _BORDER:-_BORDER].reshape(2, -1).T
    down, right = np.mgrid[: flow.shape[1] - 2 * _BORDER, : flow.shape[2] - 2 * _BORDER].reshape(2, -1)
    places = np.stack([np.ones(len(inner)), right, down], axis=1)
    left = inner - places @ np.linalg.lstsq(places, inner, rcond=None)[0]
    return float(1 - (left**2).sum() / ((inner - inner.mean(axis=0)) ** 2).sum())
