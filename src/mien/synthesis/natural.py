"""How expressions vary between clips: strength, units and sides unequally strong, one unit more by the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mien.core import MienError
from mien.synthesis.action_units import Activation
from mien.synthesis.emotions import CLASSES, draw_expression, mixture
from mien.synthesis.map_settings import MapSettings

__all__ = ["Played", "play_expression"]

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
