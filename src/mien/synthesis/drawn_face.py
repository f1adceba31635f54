"""Faces drawn from nothing: what an optical flow estimator needs to see, of any geometry, without anybody's picture.

An estimator follows brightness, so what it makes of a movement depends on where a face has edges and texture (brows,
lids, nostrils, lips, folds, beard, glasses) and where it has none (cheeks, forehead). A drawing has all of these, each
with a contrast of its own, by chance. Units are those of :mod:`mien.synthesis.face`.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from mien.core import FloatArray
from mien.synthesis.face import head_depth
from mien.synthesis.map_settings import MapSettings

__all__ = ["BOX", "draw_background", "draw_face"]

Array = npt.NDArray[np.float64]

BOX = (-1.9, -1.35, 3.8)
"""What a drawing shows, in face units: left, top, side. The head and the space around it."""

_EYES = (tuple(range(36, 42)), tuple(range(42, 48)))
_SIDES = (-1, 1)
_BALD = 0.1  # chance
_USUAL = MapSettings()
_LIGHT, _DARK = 252.0, 3.0  # grey levels that remain, as in a well exposed picture


def draw_face(
    face: Array,
    rng: np.random.Generator,
    px_per_unit: float,
    *,
    gaze: tuple[float, float] = (0.0, 0.0),
    closed: float = 0.0,
    beard: float = _USUAL.beard,
    glasses: float = _USUAL.glasses,
) -> tuple[FloatArray, FloatArray]:
    """Draw a head and where it ends.

    Parameters
    ----------
    face : array, (68, 2)
        Landmarks in face units.
    rng : numpy.random.Generator
        Looks: skin, light, brows, eyes, nose, mouth, folds, beard, glasses, hair. The same state draws the same person.
    px_per_unit : float
        Pixels per face unit; the picture is ``3.8 px_per_unit`` wide and high.
    gaze : (float, float)
        How far the irises are from the middle of the eyes, face units.
    closed : float
        How far the upper lids are down: 0 as the landmarks have them, 1 closed, below 0 wide open.
    beard, glasses : float
        Chances of each; they change nothing before it is drawn.

    Returns
    -------
    picture : float32 array, (S, S)
        Grey levels, 3 to 252.
    head : float32 array, (S, S)
        1 on the head, 0 beyond it.

    Examples
    --------
    >>> from mien.synthesis.face import MEAN_FACE
    >>> picture, head = draw_face(MEAN_FACE, np.random.default_rng(0), 20.0)
    >>> picture.shape, bool(head[38, 38]), bool(head[0, 0])
    ((76, 76), True, False)
    """
    pen = _Pen(px_per_unit)
    skin = rng.uniform(90, 215)
    pen.image = (skin * _shade(pen, rng) * _texture(pen, rng)).astype(np.float32)
    for eye in ((36, 39), (42, 45)):
        pen.darken(
            pen.ellipse(np.add(face[list(eye)].mean(axis=0), (0, -0.06)), (0.24, 0.14)), rng.uniform(0, 0.25), 0.07
        )
    _brows(pen, face, rng)
    _eyes(pen, face, rng, skin, np.asarray(gaze), closed)
    _nose(pen, face, rng)
    _mouth(pen, face, rng)
    _folds(pen, face, rng)
    if rng.random() < beard:
        _beard(pen, face, rng)
    if rng.random() < glasses:
        _glasses(pen, face, rng)
    head = _hair_and_outline(pen, face, rng)
    return np.clip(pen.image, _DARK, _LIGHT), head


def draw_background(rng: np.random.Generator, size: int) -> FloatArray:
    """Draw what is behind a head, float32 (size, size): a level of grey, and large soft shapes."""
    shapes = cv2.resize(rng.normal(size=(6, 6)).astype(np.float32), (size, size), interpolation=cv2.INTER_CUBIC)
    picture = rng.uniform(10, 240) + rng.uniform(0, 40) * shapes
    return np.clip(picture, _DARK, _LIGHT).astype(np.float32)


class _Pen:
    """Draws shapes given in face units into a picture."""

    def __init__(self, px_per_unit: float) -> None:
        self.scale = px_per_unit
        self.size = round(BOX[2] * px_per_unit)
        self.image: FloatArray = np.zeros((self.size, self.size), np.float32)
        steps = (np.arange(self.size) + 0.5) / px_per_unit
        self.x, self.y = np.meshgrid(BOX[0] + steps, BOX[1] + steps)

    def polygon(self, points: Array) -> FloatArray:
        mask = np.zeros((self.size, self.size), np.uint8)
        cv2.fillPoly(mask, [self._pixels(points)], 255, cv2.LINE_AA, 4)
        return mask.astype(np.float32) / np.float32(255)

    def line(self, points: npt.ArrayLike, thick: float, *, closed: bool = False) -> FloatArray:
        mask = np.zeros((self.size, self.size), np.uint8)
        thickness = max(1, round(thick * self.scale))
        cv2.polylines(mask, [self._pixels(points)], closed, 255, thickness, cv2.LINE_AA, 4)
        return mask.astype(np.float32) / np.float32(255)

    def ellipse(self, at: npt.ArrayLike, axes: tuple[float, float], angle: float = 0.0) -> FloatArray:
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        return self.polygon(_ring((0, 0), axes) @ turn + at)

    def soft(self, mask: FloatArray, blur: float) -> FloatArray:
        return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(blur * self.scale, 0.3)), np.float32)

    def darken(self, mask: FloatArray, share: float, blur: float) -> None:
        """Take a share of the light away; a negative share adds it."""
        self.image *= 1 - np.float32(share) * self.soft(mask, blur)

    def _pixels(self, points: npt.ArrayLike) -> npt.NDArray[np.int32]:
        there = (np.asarray(points) - BOX[:2]) * self.scale - 0.5
        return np.rint(16 * there).astype(np.int32).reshape(-1, 1, 2)


def _noise(pen: _Pen, length: float, rng: np.random.Generator) -> FloatArray:
    """Noise of standard deviation about 1 and a correlation length in face units."""
    cells = max(4, int(np.ceil(pen.size / max(length * pen.scale, 1.0))))
    coarse = rng.normal(size=(cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (pen.size, pen.size), interpolation=cv2.INTER_CUBIC))


def _shade(pen: _Pen, rng: np.random.Generator) -> FloatArray:
    """A lamp from above or aside on the relief of the head (Lambert's law), and light from everywhere."""
    relief = cv2.GaussianBlur(head_depth(np.stack([pen.x, pen.y], -1)).astype(np.float32), (0, 0), 3)
    down, right = np.gradient(relief, 1 / pen.scale)
    lamp = np.array([rng.normal(0, 0.45), -abs(rng.normal(0.3, 0.35)), 1.0])
    lamp /= np.linalg.norm(lamp)
    facing = (lamp[2] - right * lamp[0] - down * lamp[1]) / np.sqrt(1 + right**2 + down**2)
    ambient = rng.uniform(0.35, 0.8)
    return np.asarray(ambient + (1 - ambient) * np.clip(facing, 0, None), np.float32)


def _texture(pen: _Pen, rng: np.random.Generator) -> FloatArray:
    """Pores, freckles, blotches: per cent of the light, by length."""
    texture = np.ones((pen.size, pen.size), np.float32)
    for length, most in ((0.015, 0.02), (0.04, 0.02), (0.1, 0.03), (0.3, 0.06)):
        texture += np.float32(rng.uniform(0.1, 1) * most) * _noise(pen, length, rng)
    return texture


def _brows(pen: _Pen, face: Array, rng: np.random.Generator) -> None:
    dark, thick, blur = rng.uniform(0.15, 0.75), rng.uniform(0.05, 0.13), rng.uniform(0.015, 0.05)
    hairs = np.clip(1 + 0.5 * rng.random() * _noise(pen, 0.03, rng), 0, 1.5)
    for brow in (face[17:22], face[22:27]):
        pen.image *= 1 - np.clip(dark * pen.soft(pen.line(brow, thick), blur) * hairs, 0, 0.95)


def _eyes(pen: _Pen, face: Array, rng: np.random.Generator, skin: float, gaze: Array, closed: float) -> None:
    """Eyeballs seen through the opening of the lids, lashes, crease, and the shade below."""
    white, iris, radius = min(rng.uniform(0.85, 1.3) * skin, 245.0), rng.uniform(0.1, 0.45) * skin, 0.1125
    lashes, crease = rng.uniform(0.4, 0.85), rng.uniform(0, 0.4)
    radius *= rng.uniform(0.9, 1.1)
    width, glint, under = rng.uniform(0.02, 0.045), rng.random() < 0.7, rng.uniform(0, 0.3)
    lower_lashes = 0.5 * lashes * rng.random()
    for eye in _EYES:
        rest = face[list(eye)]
        lids = rest.copy()
        lids[[1, 2]] += closed * (rest[[5, 4]] - rest[[1, 2]])
        upper, lower = lids[:4], lids[[3, 4, 5, 0]]
        ball = np.full_like(pen.image, white)
        middle = rest.mean(axis=0) + gaze
        discs = [((0, 0), radius, iris), ((0, 0), 0.45 * radius, 0.3 * iris), ((0.03, -0.03), 0.02, 250)]
        for at, size, level in discs if glint else discs[:2]:
            ball += (np.float32(level) - ball) * pen.soft(pen.ellipse(middle + at, (size, size)), 0.01)
        hole = pen.soft(pen.polygon(lids), 0.008)
        pen.image += (ball - pen.image) * hole
        pen.darken(pen.line(upper, width), lashes, 0.01)
        pen.darken(pen.line(lower, 0.02), lower_lashes, 0.012)
        fold = rest[:4] + 0.35 * (lids - rest)[:4] + (0, -0.07)
        pen.darken(pen.line(fold, 0.02), crease, 0.015)
        pen.darken(pen.line(np.add(lower, (0, 0.12)), 0.04), 0.5 * under, 0.04)


def _nose(pen: _Pen, face: Array, rng: np.random.Generator) -> None:
    nostrils, wings = rng.uniform(0.3, 0.85), rng.uniform(0.05, 0.4)
    for hole, wing, side in ((32, 31, -1), (34, 35, 1)):
        pen.darken(pen.ellipse(face[hole] + (0.02 * side, -0.02), (0.065, 0.035), 0.3 * side), nostrils, 0.015)
        curve = face[wing] + [(0, -0.16), (0.05 * side, -0.08), (0.03 * side, 0.02)]
        pen.darken(pen.line(curve, 0.025), wings, 0.02)
    pen.darken(pen.line(np.add(face[31:36], (0, 0.03)), 0.05), rng.uniform(0, 0.3), 0.03)
    pen.darken(pen.line(np.add(face[27:31], (0.09 * rng.choice(_SIDES), 0)), 0.08), rng.uniform(-0.1, 0.25), 0.05)
    pen.darken(pen.ellipse(face[30], (0.06, 0.05)), -rng.uniform(0, 0.25), 0.03)


def _mouth(pen: _Pen, face: Array, rng: np.random.Generator) -> None:
    pen.darken(pen.polygon(face[48:60]), rng.uniform(0.05, 0.4), 0.015)
    between = np.vstack([face[48], (face[[61, 62, 63]] + face[[67, 66, 65]]) / 2, face[54]])
    pen.darken(pen.line(between, rng.uniform(0.012, 0.035)), rng.uniform(0.3, 0.8), 0.012)
    for corner, side in ((48, -1), (54, 1)):
        pen.darken(pen.ellipse(face[corner] + (0.02 * side, 0), (0.04, 0.03)), rng.uniform(0, 0.5), 0.02)
    pen.darken(pen.ellipse(face[57] + (0, 0.09), (0.2, 0.05)), rng.uniform(0, 0.3), 0.04)
    pen.darken(pen.ellipse((face[33] + face[51]) / 2, (0.04, 0.08)), rng.uniform(0, 0.15), 0.03)
    pen.darken(pen.ellipse(face[57] + (0, -0.05), (0.1, 0.025)), -rng.uniform(0, 0.2), 0.02)


def _folds(pen: _Pen, face: Array, rng: np.random.Generator) -> None:
    """From the nose to the corners of the mouth, across the forehead, between the brows."""
    dark = rng.uniform(0, 0.35) * (rng.random() < 0.8)
    for wing, corner, side in ((31, 48, -1), (35, 54, 1)):
        top, end = face[wing] + (0.07 * side, -0.05), face[corner] + (0.14 * side, -0.02)
        pen.darken(pen.line([top, (top + end) / 2 + (0.05 * side, 0), end], 0.03), dark, 0.025)
    for number in range(rng.integers(0, 4)):
        y = -0.55 - 0.12 * number + rng.normal(0, 0.02)
        wrinkle = [(-0.6, y + 0.04), (-0.3, y), (0.3, y), (0.6, y + 0.04)]
        pen.darken(pen.line(wrinkle, 0.02), rng.uniform(0, 0.2), 0.02)
    if rng.random() < 0.3:
        for side in _SIDES:
            pen.darken(pen.line([(0.08 * side, -0.28), (0.07 * side, -0.15)], 0.02), rng.uniform(0, 0.3), 0.015)


def _beard(pen: _Pen, face: Array, rng: np.random.Generator) -> None:
    hairs = 1 + 0.3 * _noise(pen, 0.02, rng)
    chin = pen.polygon(np.vstack([face[3:14], face[[54, 57, 48]]]))
    pen.image *= 1 - np.clip(rng.uniform(0.05, 0.5) * pen.soft(chin, 0.08) * hairs, 0, 0.8)
    if rng.random() < 0.6:
        lip = pen.line(face[[48, 51, 54]] + [(0, -0.06), (0, -0.07), (0, -0.06)], 0.09)
        pen.image *= 1 - np.clip(rng.uniform(0.1, 0.6) * pen.soft(lip, 0.03) * hairs, 0, 0.8)


def _glasses(pen: _Pen, face: Array, rng: np.random.Generator) -> None:
    dark, radius, thick = rng.uniform(0.3, 0.9), rng.uniform(0.3, 0.4), rng.uniform(0.02, 0.05)
    for eye in _EYES:
        rim = _ring(np.add(face[list(eye)].mean(axis=0), (0, 0.04)), (radius, 0.75 * radius))
        pen.darken(pen.line(rim, thick, closed=True), dark, 0.008)
    pen.darken(pen.line([(-0.15, 0.0), (0, -0.04), (0.15, 0.0)], 0.03), dark, 0.01)


def _ring(at: npt.ArrayLike, axes: tuple[float, float]) -> Array:
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return np.stack([axes[0] * np.cos(turn), axes[1] * np.sin(turn)], axis=-1) + np.asarray(at)


def _hair_and_outline(pen: _Pen, face: Array, rng: np.random.Generator) -> FloatArray:
    """Draw hair down to a hairline, darken the edge of the jaw; return where the head is."""
    top, wide = rng.uniform(-1.3, -0.95), rng.uniform(1.12, 1.25)
    half = np.array([(wide, -0.2), (0.95 * wide, -0.7), (0.6, top - 0.1), (0.0, top - 0.2)])
    skull = np.vstack([half, half[2::-1] * (-1, 1)])
    hairline, bow, level = rng.uniform(-1.0, -0.5), rng.uniform(0, 0.5), rng.uniform(8, 90)
    hair = 1 / (1 + np.exp((pen.y - hairline - bow * pen.x**2) / 0.04)) * (rng.random() >= _BALD)
    strands = 1 + 0.35 * cv2.GaussianBlur(_noise(pen, 0.0, rng), (0, 0), sigmaX=0.6, sigmaY=4)
    pen.image += ((level * strands - pen.image) * hair).astype(np.float32)
    pen.darken(pen.line(face[:17], 0.06), rng.uniform(0, 0.35), 0.05)
    return pen.soft(pen.polygon(np.vstack([face[:17], skull])), 0.02)
