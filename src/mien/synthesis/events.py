"""What happens in a rendered clip: micro-expressions with onset, apex and offset, and blinks."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mien.core import MienError
from mien.synthesis.action_units import ACTION_UNITS, Activation, displacement
from mien.synthesis.emotions import CLASSES, draw_expression
from mien.synthesis.face import CROP

__all__ = [
    "Blink",
    "Event",
    "Glance",
    "check_seed",
    "check_within",
    "draw_blinks",
    "draw_events",
    "ease",
    "read_events",
]

_UNITS_PER_PX = CROP[2] / 128
_LEAST_GAP_S = 0.9


@dataclass(frozen=True, slots=True)
class Event:
    """One micro-expression of a rendered clip.

    Attributes
    ----------
    onset_s, apex_s, offset_s : float
        When it begins, is strongest and has gone, seconds.
    action_units : tuple of int
        What moves; see :data:`mien.synthesis.ACTION_UNITS`.
    side : {"both", "left", "right"}
        Half of the face, as the image shows it.
    intensity_px : float
        The largest displacement of the whole expression at its apex, in pixels at a 128-px face (the eye-based crop,
        2.5 interocular distances wide, resized to 128 px).
    emotion : str
        The class it was drawn from; empty when it was given by hand.

    Raises
    ------
    MienError
        For times out of order, unknown units or sides, or an intensity that is not positive.
    """

    onset_s: float
    apex_s: float
    offset_s: float
    action_units: tuple[int, ...]
    side: str = "both"
    intensity_px: float = 1.5
    emotion: str = ""

    def __post_init__(self) -> None:
        times = (self.onset_s, self.apex_s, self.offset_s)
        if not all(math.isfinite(t) for t in times) or not 0 <= self.onset_s < self.apex_s < self.offset_s:
            raise MienError(f"got an event at {times} s; expected 0 <= onset < apex < offset; put its times in order")
        unknown = [unit for unit in self.action_units if unit not in ACTION_UNITS]
        if unknown or not self.action_units:
            known = " ".join(map(str, ACTION_UNITS))
            raise MienError(
                f"got the action units {list(self.action_units)}; expected some of {known}; correct the event"
            )
        if self.side not in ("both", "left", "right"):
            raise MienError(
                f"got the side '{self.side}'; expected both, left or right (of the image); correct the event"
            )
        if not (math.isfinite(self.intensity_px) and self.intensity_px > 0):
            raise MienError(f"got the intensity {self.intensity_px} px; expected more than 0; correct the event")

    def activation(self) -> Activation:
        """Intensities per action unit such that the whole expression's largest displacement is ``intensity_px``."""
        sides = (float(self.side != "right"), float(self.side != "left"))
        equal = dict.fromkeys(self.action_units, sides)
        x, y = np.meshgrid(np.linspace(-1.25, 1.25, 76), np.linspace(-0.8, 1.9, 82))
        field = displacement(np.stack([x, y], axis=-1), equal)
        gain = self.intensity_px * _UNITS_PER_PX / np.hypot(field[..., 0], field[..., 1]).max()
        return dict.fromkeys(self.action_units, (sides[0] * gain, sides[1] * gain))

    def course(self, time_s: float) -> float:
        """How far the expression is out at a time, 0 to 1: a smooth rise and a smooth return (raised cosines)."""
        if not self.onset_s < time_s < self.offset_s:
            return 0.0
        if time_s <= self.apex_s:
            part = (time_s - self.onset_s) / (self.apex_s - self.onset_s)
        else:
            part = (self.offset_s - time_s) / (self.offset_s - self.apex_s)
        return 0.5 * (1 - math.cos(math.pi * part))


@dataclass(frozen=True, slots=True)
class Blink:
    """The lids close by ``onset_s`` + 0.1 s or so and open again by ``offset_s``."""

    onset_s: float
    apex_s: float
    offset_s: float

    def closure(self, time_s: float) -> float:
        """How far the lids are closed, 0 to 1."""
        return Event(self.onset_s, self.apex_s, self.offset_s, (45,)).course(time_s)


@dataclass(frozen=True, slots=True)
class Glance:
    """The eyes look aside: a saccade away at ``onset_s``, and one back that ends at ``offset_s``.

    Attributes
    ----------
    onset_s, offset_s : float
        When the eyes begin to move, and are back.
    aside : (float, float)
        How far the iris goes, right and down, widths of the eye.
    saccade_s : float
        How long either movement takes.
    """

    onset_s: float
    offset_s: float
    aside: tuple[float, float]
    saccade_s: float = 0.05

    @property
    def back_s(self) -> float:
        """When the saccade back begins."""
        return self.offset_s - self.saccade_s

    def course(self, time_s: float) -> float:
        """How far the iris is out, 0 to 1."""
        return ease(time_s, self.onset_s, self.offset_s, self.saccade_s)


def ease(time_s: float, onset_s: float, offset_s: float, ramp_s: float) -> float:
    """Rise from 0 to 1 within ``ramp_s`` after the onset, stay, and fall within ``ramp_s`` before the offset.

    Both ramps are raised cosines.

    Examples
    --------
    >>> [round(ease(t, 1.0, 3.0, 0.5), 3) for t in (1.0, 1.25, 2.0, 2.75, 3.0)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    part = min(time_s - onset_s, offset_s - time_s) / ramp_s
    return 0.5 * (1 - math.cos(math.pi * min(max(part, 0.0), 1.0)))


def draw_events(
    seconds: float, rng: np.random.Generator, *, intensity_px: float | None = None, every_s: float = 2.5
) -> list[Event]:
    """Draw micro-expressions for a clip: 60-250 ms up, 200-500 ms in all, at least 0.9 s apart, classes in turn."""
    count = int(max(1, (seconds - 0.8) // every_s)) if seconds >= 1.4 else 0
    classes = [CLASSES[i % len(CLASSES)] for i in rng.permutation(count)]
    slot = (seconds - 0.8) / max(count, 1)
    events = []
    for index, emotion in enumerate(classes):
        total = rng.uniform(0.22, 0.48)
        rise = float(np.clip(total * rng.uniform(0.35, 0.55), 0.06, 0.25))
        slack = max(slot - total - min(_LEAST_GAP_S, slot / 2), 0.0)
        onset = 0.5 + index * slot + rng.uniform(0, slack)
        units, side = draw_expression(emotion, rng)
        strength = float(rng.uniform(1.2, 2.2)) if intensity_px is None else intensity_px
        events.append(
            Event(
                round(onset, 4),
                round(onset + rise, 4),
                round(onset + total, 4),
                units,
                side,
                round(strength, 3),
                emotion,
            )
        )
    return events


def draw_blinks(seconds: float, rng: np.random.Generator, every_s: float = 3.5) -> list[Blink]:
    """Draw blinks as people make them: every few seconds, 90 ms to close, 150 to 250 ms to open."""
    blinks, time = [], rng.uniform(0.5, every_s)
    while time + 0.4 < seconds:
        close, opening = rng.uniform(0.07, 0.11), rng.uniform(0.13, 0.22)
        blinks.append(Blink(round(time, 4), round(time + close, 4), round(time + close + opening, 4)))
        time += rng.uniform(0.6, 1.4) * every_s
    return blinks


def read_events(path: Path | str, seconds: float) -> tuple[list[Event], list[Blink]]:
    """Read what is to happen from a JSON file, and check that it fits a clip of ``seconds``.

    The file holds ``{"events": [{"onset_s": …, "apex_s": …, "offset_s": …, "action_units": [12], "side": "both",
    "intensity_px": 1.5}, …]}`` and, if wanted, ``"blinks"`` with the same three times. Without ``"blinks"`` there are
    none: a file says exactly what happens.

    Raises
    ------
    MienError
        If the file cannot be read, is not such a document, or an event lies outside the clip.
    """
    path = Path(path)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        events = [_event(entry) for entry in document["events"]]
        blinks = [Blink(*(float(entry[k]) for k in _TIMES)) for entry in document.get("blinks", [])]
    except OSError as error:
        raise MienError(
            f"got the events file '{path}', but {error.strerror}; expected a JSON file; check it"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, MienError):
            raise MienError(f"{error} (in '{path}')") from error
        raise MienError(
            f"got the events file '{path}' that cannot be read ({type(error).__name__}: {error}); expected "
            '{"events": [{"onset_s", "apex_s", "offset_s", "action_units", "side", "intensity_px"}]}; correct it'
        ) from error
    check_within([*events, *blinks], seconds, f" in '{path}'")
    return events, blinks


_TIMES = ("onset_s", "apex_s", "offset_s")


def _event(entry: dict[str, Any]) -> Event:
    onset, apex, offset = (float(entry[key]) for key in _TIMES)
    units = entry["action_units"]
    if not isinstance(units, list) or not all(type(unit) is int for unit in units):
        raise MienError(f"got the action units {units!r}; expected a list of whole numbers such as [6, 12]; correct it")
    side, strength = str(entry.get("side", "both")), float(entry.get("intensity_px", 1.5))
    return Event(onset, apex, offset, tuple(units), side, strength, str(entry.get("emotion", "")))


def check_seed(seed: int) -> None:
    """Raise :class:`MienError` unless NumPy takes the seed."""
    if seed < 0:
        raise MienError(f"got the seed {seed}; expected a whole number from 0; give another")


def check_within(happenings: Sequence[Event | Blink], seconds: float, where: str = "") -> None:
    """Raise :class:`MienError` if something ends after the clip."""
    late = [h.offset_s for h in happenings if h.offset_s > seconds]
    if late:
        raise MienError(
            f"got an event that ends at {max(late)} s{where}; expected all within the clip's {seconds} s; "
            "move it or ask for a longer clip"
        )
