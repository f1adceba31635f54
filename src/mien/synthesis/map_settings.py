"""Every parameter of the synthetic motion maps, with its reason: one table."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["MapSettings"]


@dataclass(frozen=True, slots=True)
class MapSettings:
    """Parameters of :func:`mien.synthesis.synthetic_flow` and of the crops that maps are made of.

    Lengths are in face units (distances between the eyes; about 51 px on a 128-px face) unless they say otherwise. None
    was fitted to a real map. Spreads are standard deviations of the logarithm.
    """

    # --- what the face does
    amplitude: float = 0.022
    """Median largest displacement: about 1.1 px at a 128-px face, the middle of what the corpora's authors report."""
    amplitude_spread: float = 0.5
    """Of the amplitude between clips."""
    unit_spread: float = 0.45
    """Of the action units of one expression: they are never equally strong."""
    asymmetry: float = 0.25
    """Of the two sides: spontaneous expressions are lopsided."""
    weak_side: float = 0.15
    """What a one-sided action leaks to the other side."""
    identity: float = 1.0
    """Variation between people, 1 as measured on portraits."""
    eye_cover_fold: bool = True
    """Whether the skin between brow and eye follows the brow, as FACS describes."""
    extra_unit: float = 0.25
    """Chance of one more action unit, at less strength, that has nothing to do with the class."""
    emotion_priors: bool = True
    """Whether the classes have their own action units; without, one set of the whole table is drawn for any class."""
    only_units: tuple[int, ...] = ()
    """If given, expressions with other action units are not drawn (for ablations)."""

    # --- head and lids
    head: float = 0.003
    """Median shift of the head from onset to apex, and of roll, zoom, yaw and pitch as displacement one unit away: .15
    px on a 128-px face; people in a laboratory look at a screen, and the time is a fifth of a second."""
    head_spread: float = 0.8
    """Of the head's motion between clips: some nod."""
    blink: float = 0.3
    """Chance that the lids open or close in between: 17 blinks a minute of .3 s, and lids follow every glance down."""
    gaze: float = 0.4
    """Chance that the eyes move: two to three saccades a second."""
    gaze_size: float = 0.03
    """Standard deviation of that movement of the iris."""

    # --- what an estimator makes of it: of drawn frames, or by a formula
    drawn: float = 0.7
    """Share of clips whose two frames are drawn and given to an estimator; the others' motion is blurred, weakened and
    made noisy by a formula. Both are models of estimators; neither is the one that is met."""
    sizes: tuple[int, ...] = (80, 112)
    """Pixels of the drawn frames over three face units: a small face, and a middling one."""
    size_shares: tuple[float, ...] = (0.6, 0.4)
    """How often each."""
    estimators: tuple[tuple[str, float], ...] = (("tvl1", 0.7), ("farneback", 0.1), ("dis", 0.2))
    """How often each estimator: TV-L1 is what most papers use."""
    sensor: tuple[float, float] = (0.3, 2.5)
    """Range of the camera's noise, grey levels: lit laboratory to webcam."""
    optics: tuple[float, float] = (0.0, 0.9)
    """Range of the lens's blur, px."""
    beard: float = 0.25
    """Chance that a drawn person has one: it gives chin and lip a texture that an estimator can follow."""
    glasses: float = 0.12
    """Chance that a drawn person wears them: strong edges around the eyes. Here they move with the skin under them."""
    light: float = 0.004
    """Standard deviation of the change of light between the frames, overall and across: flicker of lamps."""
    noise: float = 0.12
    """By formula: noise of the flow as a share of the amplitude of a median clip."""
    noise_scales: tuple[float, ...] = (1.5, 4.0, 10.0)
    """Its correlation lengths, px of the 72-px flow: texture, features, light."""
    blur: tuple[float, float] = (0.5, 2.5)
    """Range of the smoothing, px of the 72-px flow."""
    gain_spread: float = 0.35
    """Where skin has no texture less motion is seen: of a smooth random gain."""
    formula_head: float = 0.2
    """By formula: head motion as a share of the amplitude."""
    background: float = 0.5
    """Chance that what lies beyond the face's outline stands still when the head moves."""

    # --- crops: every detector and every paper has a box of its own
    crop_width: tuple[float, float] = (1.6, 2.7)
    """Range: from the outer ends of the brows to beyond the ears."""
    crop_height: tuple[float, float] = (2.0, 2.8)
    """Range: brow to chin, to forehead and all of the chin. Published crops are not square before they are resized."""
    crop_eyes: tuple[float, float] = (0.2, 0.35)
    """Range of the height of the eyes in the crop, share of it from the top."""
    crop_shift: float = 0.05
    """Standard deviation of the crop's position."""
    crop_roll: float = 3.0
    """Standard deviation of the head's roll left in the crop, degrees."""
