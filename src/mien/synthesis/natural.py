"""How clips of an expression vary: strength, units and sides unequally strong, one unit more by the way; the eyes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.core import MienError
from mien.synthesis.action_units import Activation
from mien.synthesis.emotions import CLASSES, draw_expression, mixture
from mien.synthesis.events import Blink, Glance
from mien.synthesis.map_settings import MapSettings

__all__ = ["Eyes", "Played", "play_expression", "play_eyes"]

_BLINK_S = 0.3
_STAYS_S = 10.0  # beyond the end of any clip
_EYE = 0.397  # width of an eye, face units
_LIDS_FOLLOW = 4.0  # a lid is closed by a glance down of a quarter of a face unit
_FEATURELESS = (5, 6, 7, 14, 17, 23, 24, 25)  # units that happen by themselves, with any class


@dataclass(frozen=True, slots=True)
class Played:
    """An expression as one person makes it once.

    Attributes
    ----------
    action_units : tuple of int
        What moves by intent.
    side : {"both", "left", "right"}
        Half of the face, as the image shows it.
    strength : float
        About the largest displacement, face units.
    activation : mapping of int to (float, float)
        Intensity of each unit on either half, for :func:`mien.synthesis.displacement`; the unit that happens to move
        as well is among them.
    """

    action_units: tuple[int, ...]
    side: str
    strength: float
    activation: Activation


def play_expression(emotion: str, rng: np.random.Generator, settings: MapSettings = MapSettings()) -> Played:
    """Draw an expression of a class, and how it is made this time.

    Parameters
    ----------
    emotion : str
        ``negative``, ``positive`` or ``surprise``.
    rng : numpy.random.Generator
        Source of all randomness.
    settings : MapSettings
        The part "what the face does".

    Raises
    ------
    MienError
        If no expression of the class consists of ``settings.only_units``.

    Examples
    --------
    >>> played = play_expression("surprise", np.random.default_rng(0))
    >>> set(played.action_units) <= set(played.activation)
    True
    """
    units, side = _draw(emotion, rng, settings)
    strength = settings.amplitude * float(np.exp(rng.normal(0, settings.amplitude_spread)))
    activation: dict[int, tuple[float, float]] = {}
    for unit in units:
        gain = strength * np.exp(rng.normal(0, settings.unit_spread))
        tilt = np.exp(rng.normal(0, settings.asymmetry) / 2)
        weak = settings.weak_side
        left = gain * tilt * (weak if side == "right" else 1.0)
        right = gain / tilt * (weak if side == "left" else 1.0)
        activation[unit] = (left, right)
    if rng.random() < settings.extra_unit:
        other = int(rng.choice(_FEATURELESS))
        activation.setdefault(other, tuple(0.5 * strength * rng.random(2)))
    return Played(units, side, strength, activation)


@dataclass(frozen=True, slots=True)
class Eyes:
    """What lids and gaze do by the way.

    Attributes
    ----------
    blink : Blink or None
        Lids that close and open.
    glance : Glance or None
        Irises that move, and stay there.
    lowered : float
        How far the lids go down with the glance: 0 not at all, 1 closed.
    """

    blink: Blink | None = None
    glance: Glance | None = None
    lowered: float = 0.0

    def closed(self, time_s: float) -> float:
        """How far the lids are down, 0 to 1."""
        blinked = 0.0 if self.blink is None else self.blink.closure(time_s)
        return max(blinked, 0.0 if self.glance is None else self.lowered * self.glance.course(time_s))


def play_eyes(onset_s: float, apex_s: float, rng: np.random.Generator, settings: MapSettings = MapSettings()) -> Eyes:
    """Draw what the eyes do between onset and apex, as often as between the frames of a synthetic map.

    Parameters
    ----------
    onset_s, apex_s : float
        Of the expression, which they have nothing to do with.
    rng : numpy.random.Generator
        Source of all randomness.
    settings : MapSettings
        Chances of a blink and of a glance, and how far that goes.

    Examples
    --------
    >>> eyes = play_eyes(1.0, 1.2, np.random.default_rng(0), MapSettings(blink=1.0, gaze=0.0))
    >>> eyes.glance is None and any(eyes.closed(1.0 + step / 100) > 0 for step in range(21))
    True
    """
    blink, glance, lowered = None, None, 0.0
    if rng.random() < settings.blink:
        start = float(rng.uniform(onset_s - _BLINK_S, apex_s))
        blink = Blink(start, start + _BLINK_S / 3, start + _BLINK_S)
    if rng.random() < settings.gaze:
        right, down = rng.normal(0, settings.gaze_size, 2)
        aside = (float(right / _EYE), float(down / _EYE))
        glance = Glance(float(rng.uniform(onset_s, apex_s)), apex_s + _STAYS_S, aside)
        lowered = float(np.clip(_LIDS_FOLLOW * down, 0, 1))
    return Eyes(blink, glance, lowered)


def _draw(emotion: str, rng: np.random.Generator, settings: MapSettings) -> tuple[tuple[int, ...], str]:
    """The expression and its side."""
    allowed = set(settings.only_units)
    classes = (emotion,) if settings.emotion_priors else CLASSES
    known = sorted({e.action_units for name in classes for e in mixture(name)})
    known = [units for units in known if not allowed or set(units) <= allowed]
    if not known:
        raise MienError(
            f"got only the action units {settings.only_units}, of which no {emotion} expression is made; expected "
            "some of its own; add units"
        )
    if not settings.emotion_priors:
        return known[rng.integers(len(known))], "both"
    while True:
        units, side = draw_expression(emotion, rng)
        if not allowed or set(units) <= allowed:
            return units, side
