"""One moment as a page shows it: its pictures, and its numbers in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mien.core import FloatArray, Interval, Movement
from mien.reports._loop import draw_loop
from mien.reports._pictures import IntervalPictures, heat_picture, motion_picture, photograph
from mien.reports._timeline import clock

__all__ = ["Mark", "describe_moment", "draw_pictures", "look_of_classes", "say_direction"]

# Okabe & Ito's palette, told apart by colour-blind readers; the shape says the same without colour.
_COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442")
_SHAPES = (
    "M-6 -6H6V6H-6Z",  # square
    "M-6.5 0A6.5 6.5 0 1 1 6.5 0A6.5 6.5 0 1 1 -6.5 0Z",  # circle
    "M0 -7L7 6H-7Z",  # triangle
    "M0 -7.5L7.5 0L0 7.5L-7.5 0Z",  # diamond
    "M0 7L7 -6H-7Z",  # triangle downwards
    "M-2.5 -7H2.5V-2.5H7V2.5H2.5V7H-2.5V2.5H-7V-2.5H-2.5Z",  # cross
    "M0 -7.5L6.5 -3.7V3.7L0 7.5L-6.5 3.7V-3.7Z",  # hexagon
    "M-7 -4H7V4H-7Z",  # bar
)  # eight shapes against seven colours: 56 classes before a pair comes back
_CERTAIN = 0.5  # as in analysis: below this probability a label is named uncertain
_MOST_REGIONS = 6  # what moved less is counted
_SLANT = math.tan(math.radians(22.5))  # a direction this far off an axis is named with two words

# The names of the FACS manual (Ekman, Friesen & Hager 2002).
_UNITS = {
    1: "inner brow raiser", 2: "outer brow raiser", 4: "brow lowerer", 5: "upper lid raiser", 6: "cheek raiser",
    7: "lid tightener", 9: "nose wrinkler", 10: "upper lip raiser", 11: "nasolabial deepener", 12: "lip corner puller",
    13: "sharp lip puller", 14: "dimpler", 15: "lip corner depressor", 16: "lower lip depressor", 17: "chin raiser",
    18: "lip pucker", 20: "lip stretcher", 22: "lip funneler", 23: "lip tightener", 24: "lip pressor", 25: "lips part",
    26: "jaw drop", 27: "mouth stretch", 28: "lip suck", 43: "eyes closed", 45: "blink",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """How a class looks on the page."""

    name: str
    colour: str
    shape: str


_UNREAD = Mark("emotion not read", "#8a8781", _SHAPES[1])


def look_of_classes(classes: Sequence[str]) -> dict[str, Mark]:
    """Return a colour and a shape for each class and, under the empty name, for a moment that was not read."""
    marks = {name: Mark(name, _COLOURS[i % len(_COLOURS)], _SHAPES[i % len(_SHAPES)]) for i, name in enumerate(classes)}
    return {**marks, "": _UNREAD}


def describe_moment(number: int, interval: Interval, marks: Mapping[str, Mark]) -> dict[str, Any]:
    """Return what is said of a moment, beside its pictures."""
    shares = {name: value for name, value in interval.probabilities.items() if not math.isnan(value)}
    points = {
        name: {"frame": getattr(interval, f"{name}_frame"), "time": _time(getattr(interval, f"{name}_s"))}
        for name in ("onset", "apex", "offset")
    }
    return {
        "number": number,
        "mark": marks[interval.emotion],
        "confidence": None if math.isnan(interval.confidence) else interval.confidence,
        "shares": [{"mark": marks.get(name, _UNREAD), "name": name, "value": value} for name, value in shares.items()],
        "flags": _flags(interval, shares),
        "points": points,
        "duration_ms": round(1000 * interval.duration_s),
        "rise_ms": round(1000 * (interval.apex_s - interval.onset_s)),
        "score": interval.score,
        "region": interval.region,
        "face": interval.face,
        "movements": [
            {"region": moved.region, "px": moved.distance_px, "way": say_direction(moved)}
            for moved in interval.movements[:_MOST_REGIONS]
        ],
        "more_movements": max(len(interval.movements) - _MOST_REGIONS, 0),
        "units": [
            {"unit": unit, "name": _UNITS.get(unit, ""), "share": share}
            for unit, share in interval.action_units.items()
        ],
        "named": [
            {"unit": unit, "name": _UNITS.get(unit, ""), "probability": probability}
            for unit, probability in interval.named_units.items()
        ],
    }


def draw_pictures(shown: IntervalPictures | FloatArray | None, *, loop: bool) -> dict[str, Any]:
    """Return what can be seen of a moment: ``onset``, ``apex``, ``motion``, ``heat`` and ``loop``, each None if not.

    A flow alone gives the motion on grey: nothing that shows the person.
    """
    drawn: dict[str, Any] = dict.fromkeys(("onset", "apex", "motion", "heat", "loop"))
    if shown is None:
        return drawn
    if not isinstance(shown, IntervalPictures):
        return drawn | {"motion": motion_picture(shown)}
    return {
        "onset": photograph(shown.onset),
        "apex": photograph(shown.apex),
        "motion": motion_picture(shown.flow, shown.onset),
        "heat": None if shown.heat is None else heat_picture(shown.onset, shown.heat),
        "loop": draw_loop(shown.frames, shown.times_s) if loop else None,
    }


def say_direction(movement: Movement) -> str:
    """Return where a region went, in words; left and right are the picture's.

    Examples
    --------
    >>> say_direction(Movement("left mouth corner", -0.8, -0.9))
    'up and outward (left)'
    >>> say_direction(Movement("chin", 0.1, 1.0)), say_direction(Movement("right inner brow", -0.6, 0.0))
    ('down', 'inward (left)')
    """
    across, along = abs(movement.right_px), abs(movement.down_px)
    words = []
    if along and along >= _SLANT * across:
        words.append("down" if movement.down_px > 0 else "up")
    if across and across >= _SLANT * along:
        side = "right" if movement.right_px > 0 else "left"
        own = movement.region.split(" ")[0]
        words.append(side if own not in ("left", "right") else f"{'outward' if own == side else 'inward'} ({side})")
    return " and ".join(words) or "–"


def _flags(interval: Interval, shares: Mapping[str, float]) -> list[str]:
    """What speaks against trusting a moment."""
    flags = [note.strip() for note in interval.notes.split(";") if note.strip()]
    if interval.confidence < _CERTAIN and "uncertain emotion" not in flags:
        flags.insert(0, "uncertain emotion")
    if shares and max(shares, key=lambda name: shares[name]) != interval.emotion:
        flags.append("another class is more probable: the decision and the probabilities are calibrated apart")
    return flags


def _time(time_s: float) -> str:
    """Seconds, and from a minute on also what a player shows."""
    return f"{time_s:.3f} s" if time_s < 60 else f"{clock(time_s, 3)} ({time_s:.3f} s)"
