"""The recording with what was found drawn on it, and the motion curve below: one frame at a time."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from mien.analysis._deidentify import NEUTRAL
from mien.analysis._follow import Track
from mien.analysis._result import Analysis
from mien.core import Interval, UInt8Array, format_probability
from mien.faces import canonical_points
from mien.video import open_video, write_video

__all__ = ["highest_motion", "write_annotated"]

Array = npt.NDArray[np.float64]
Colour = tuple[int, int, int]

_LEAST_WIDTH = 320  # a smaller recording is enlarged, so that what is written on it can be read
_PAGE_S = 10.0  # the strip shows this much at a time
_WHOLE_S = 15.0  # a recording this short is shown whole
_LEAST_SCALE_PX = 0.5  # a smaller scale would blow up the noise of the curve
_CERTAIN = 0.5  # as in the report: below this probability a label is named uncertain
_QUALITY = 23
_DARK, _LINE, _SOFT, _INK = (24, 26, 28), (70, 74, 78), (150, 154, 158), (240, 240, 240)
_PLAIN = (225, 225, 225)  # a face at rest
_LONGER = (140, 140, 140)  # a longer expression
# Okabe & Ito's palette in the order of the report, told apart by colour-blind readers; the label says it in words.
_COLOURS = ((213, 94, 0), (0, 114, 178), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233), (240, 228, 66))
# Outline of the generic face: jaw, brows, nose, eyes, lips.
_LINES = [(*range(17),), (*range(17, 22),), (*range(22, 27),), (*range(27, 31),), (*range(31, 36),)]
_LOOPS = [(*range(36, 42),), (*range(42, 48),), (*range(48, 60),)]


def write_annotated(path: Path, found: Analysis, *, neutral: bool = False) -> Path:
    """Write the recording with boxes, labels and the motion curve.

    Each face has its box and number. While an interval lasts, its box has the colour of its class and says class and
    probability. The strip below shows ten seconds of the motion curve at a time, with a cursor. The video has one
    constant rate, the recording's mean: a frame is repeated or left out so that every frame is shown at its own time,
    right to half a frame. There is no sound. Memory does not grow with length.

    Parameters
    ----------
    path : Path
        The ``.mp4`` file to write.
    found : Analysis
        What was found; unless ``neutral``, the source is read again.
    neutral : bool
        Show nothing of the source: the same drawn face for everybody, where the face was, on grey.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MienError
        If the source cannot be read again.
    """
    return write_video(path, _drawn(found, neutral), _rate(found), quality=_QUALITY)


def highest_motion(found: Analysis) -> Array:
    """The motion of all frames (T,), of the face that moves most where there are several; nan without a face."""
    curve = np.full(len(found.frames), np.nan)
    for track in found.tracks:
        rows = np.searchsorted(found.frames, track.frames)
        curve[rows] = np.fmax(curve[rows], track.motion)
    return curve


def _rate(found: Analysis) -> float:
    return found.fps if math.isfinite(found.fps) and found.fps > 0 else 25.0


def _drawn(found: Analysis, neutral: bool) -> Iterator[UInt8Array]:
    """The frames of the video, each as often as it is shown."""
    slots = np.rint((found.times_s - found.times_s[0]) * _rate(found)).astype(np.int64)
    times_shown = np.diff(slots, append=slots[-1] + 1)
    scale = math.ceil(_LEAST_WIDTH / found.size[0])
    width, height = found.size[0] * scale, found.size[1] * scale
    strip = _Strip.of(found, width + width % 2, height % 2)
    for row, image in _pictures(found, neutral):
        if times_shown[row] <= 0:
            continue
        shown = np.repeat(np.repeat(image, scale, axis=0), scale, axis=1) if scale > 1 else image.copy()
        _mark_faces(shown, found, int(found.frames[row]), scale, strip.text_px, neutral)
        shown = np.pad(shown, ((0, 0), (0, width % 2), (0, 0)), mode="edge")
        whole = np.concatenate([shown, strip.at(float(found.times_s[row]))])
        for _ in range(times_shown[row]):
            yield whole


def _pictures(found: Analysis, neutral: bool) -> Iterator[tuple[int, UInt8Array]]:
    """Row and picture of every frame that was analysed."""
    if neutral:
        grey = np.full((found.size[1], found.size[0], 3), NEUTRAL, np.uint8)
        yield from ((row, grey) for row in range(len(found.frames)))
        return
    rows = {int(frame): row for row, frame in enumerate(found.frames)}
    last = int(found.frames[-1])
    with warnings.catch_warnings(), open_video(found.source, fps=_folder_fps(found)) as video:
        warnings.simplefilter("ignore")  # what is wrong with the file was said when it was analysed
        for frame in video:
            if frame.index in rows:
                yield rows[frame.index], frame.image
            if frame.index >= last:
                return


def _folder_fps(found: Analysis) -> float | None:
    return found.fps if found.source.is_dir() else None


def _mark_faces(image: UInt8Array, found: Analysis, frame: int, scale: int, text_px: int, neutral: bool) -> None:
    """Draw the box of each face, with what it does."""
    for track in found.tracks:
        row = int(np.searchsorted(track.frames, frame))
        if row >= len(track.frames) or track.frames[row] != frame or not track.found[row]:
            continue
        x, y, w, h = (float(value) * scale for value in track.boxes[row])
        if neutral:
            _draw_face(image, x, y, w, h)
        label, colour, wide = _says(found, track, frame)
        line = max(1, round(text_px / (5 if wide else 9)))
        corner, opposite = (round(x), round(y)), (round(x + w), round(y + h))
        cv2.rectangle(image, corner, opposite, _DARK, line + 2)  # seen on light and on dark
        cv2.rectangle(image, corner, opposite, colour, line)
        _put(image, label, round(x) - line, round(y) - line, text_px, colour if wide else None)


def _says(found: Analysis, track: Track, frame: int) -> tuple[str, Colour, bool]:
    """Label and colour of a face in this frame, and whether it shows anything."""
    name = f"face {track.face}"
    for interval in found.intervals:
        if interval.face == track.face and interval.onset_frame <= frame <= interval.offset_frame:
            return f"{name}: {_reading(interval)}", _colour(found, interval), True
    for interval in found.macro:
        if interval.face == track.face and interval.onset_frame <= frame <= interval.offset_frame:
            return f"{name}: longer expression", _LONGER, True
    return name, _PLAIN, False


def _reading(interval: Interval) -> str:
    if not interval.emotion:
        return "micro-expression"
    if math.isnan(interval.confidence):
        return interval.emotion
    doubt = " (uncertain)" if interval.confidence < _CERTAIN else ""
    return f"{interval.emotion} {format_probability(interval.confidence)}{doubt}"


def _colour(found: Analysis, interval: Interval) -> Colour:
    classes = list(found.model.get("classes") or ())
    return _COLOURS[classes.index(interval.emotion) % len(_COLOURS)] if interval.emotion in classes else _SOFT


def _draw_face(image: UInt8Array, x: float, y: float, w: float, h: float) -> None:
    """The generic face where the box is; :func:`mien.faces.box_around` frames its points so."""
    points = (canonical_points(100) - (2, -6)) / 95 * (w, h) + (x, y)
    fixed = np.rint(points * 16).astype(np.int32)
    for line in (*_LINES, *_LOOPS):
        cv2.polylines(image, [fixed[list(line)]], line in _LOOPS, _LINE, max(1, round(w / 100)), cv2.LINE_AA, 4)


@dataclass(slots=True)
class _Strip:
    """The motion curve below the picture, one page at a time."""

    found: Analysis
    curve: Array
    width: int
    height: int
    text_px: int
    top_px: float
    page: tuple[int, UInt8Array] | None = None

    @classmethod
    def of(cls, found: Analysis, width: int, odd: int) -> _Strip:
        """Set up for a picture this wide; ``odd`` is added to the height."""
        curve = highest_motion(found)
        known = curve[np.isfinite(curve)]
        top = 1.1 * float(np.percentile(known, 99.9)) if len(known) else 0.0
        text = max(11, round(width / 56))
        return cls(found, curve, width, 8 * text + odd, text, max(_LEAST_SCALE_PX, top))

    def at(self, time_s: float) -> UInt8Array:
        """The strip with its cursor."""
        since = time_s - float(self.found.times_s[0])
        whole = float(self.found.times_s[-1] - self.found.times_s[0])
        last = max(0, math.ceil(whole / self._page_s) - 1)  # its right edge is the last frame's place
        number = min(int(since / self._page_s), last)
        if self.page is None or self.page[0] != number:
            self.page = (number, self._draw(float(self.found.times_s[0]) + number * self._page_s))
        image = self.page[1].copy()
        x = round(self._x(since - number * self._page_s))
        line = max(1, round(self.text_px / 8))
        cv2.line(image, (x, self._above), (x, self._floor), _INK, line)
        return image

    @property
    def _page_s(self) -> float:
        whole = float(self.found.times_s[-1] - self.found.times_s[0])
        return max(whole, 0.1) if whole <= _WHOLE_S else _PAGE_S

    @property
    def _above(self) -> int:
        return round(1.5 * self.text_px)

    @property
    def _floor(self) -> int:
        return self.height - round(1.5 * self.text_px)

    def _x(self, since_s: float) -> float:
        left, right = 4.2 * self.text_px, self.width - 1.2 * self.text_px
        return left + (right - left) * since_s / self._page_s

    def _y(self, motion_px: Array) -> Array:
        return self._floor - np.clip(motion_px / self.top_px, 0, 1) * (self._floor - self._above)

    def _draw(self, start_s: float) -> UInt8Array:
        """One page without its cursor."""
        image = np.full((self.height, self.width, 3), _DARK, np.uint8)
        self._draw_spans(image, start_s)
        left, right = round(self._x(0)), round(self._x(self._page_s))
        cv2.line(image, (left, self._floor), (right, self._floor), _SOFT, 1)
        self._draw_curve(image, start_s)
        step = next(s for s in (0.1, 0.2, 0.5, 1, 2, 5) if s * self.width / self._page_s >= 4 * self.text_px or s == 5)
        for tick in np.arange(math.ceil(start_s / step - 1e-6) * step, start_s + self._page_s + 1e-6, step):
            x = round(self._x(float(tick) - start_s))
            cv2.line(image, (x, self._floor), (x, self._floor + self.text_px // 4), _SOFT, 1)
            _write(image, _clock(float(tick), step), x, self._floor + self.text_px // 4, self.text_px, _SOFT, "middle")
        edge = left - self.text_px // 3
        _write(image, f"{self.top_px:.1f} px", edge, self._above - self.text_px // 2, self.text_px, _SOFT, "right")
        _write(image, "0", edge, self._floor - self.text_px, self.text_px, _SOFT, "right")
        return image

    def _draw_spans(self, image: UInt8Array, start_s: float) -> None:
        """Bands of the intervals, numbered as in the report."""
        numbered = [(interval, _LONGER, "") for interval in self.found.macro]
        numbered += [(i, _colour(self.found, i), str(n)) for n, i in enumerate(self.found.intervals, start=1)]
        for interval, colour, text in numbered:
            ends = np.array([interval.onset_s, interval.offset_s]) - start_s
            if ends[1] < 0 or ends[0] > self._page_s:
                continue
            a, b = (round(self._x(float(end))) for end in np.clip(ends, 0, self._page_s))
            shade = tuple(round(0.65 * part) for part in colour)  # the white curve stands out from it
            cv2.rectangle(image, (a, self._above), (max(b, a + 1), self._floor), shade, -1)
            _write(image, text, (a + b) // 2, 1, self.text_px, _INK, "middle")

    def _draw_curve(self, image: UInt8Array, start_s: float) -> None:
        """The curve, in pieces where there is a face."""
        times = self.found.times_s - start_s
        inside = np.flatnonzero((times >= -0.1) & (times <= self._page_s + 0.1))
        known = inside[np.isfinite(self.curve[inside])]
        for piece in np.split(known, np.flatnonzero(np.diff(known) > 1) + 1):
            x = self._x(0) + (self._x(1) - self._x(0)) * np.clip(times[piece], 0, self._page_s)
            points = np.rint(16 * np.stack([x, self._y(self.curve[piece])], axis=-1)).astype(np.int32)
            cv2.polylines(image, [points], False, _INK, max(1, round(self.text_px / 10)), cv2.LINE_AA, 4)


def _clock(time_s: float, step_s: float) -> str:
    """Seconds, and from a minute on what a player shows."""
    if time_s < 60:
        return f"{time_s:.0f} s" if step_s >= 1 else f"{time_s:.1f} s"
    minutes, seconds = divmod(time_s, 60)
    return f"{int(minutes)}:{seconds:02.0f}" if step_s >= 1 else f"{int(minutes)}:{seconds:04.1f}"


def _put(image: UInt8Array, text: str, x: int, y: int, text_px: int, colour: Colour | None) -> None:
    """A label on a dark plate whose lower left corner is at (x, y), moved into the picture where it sticks out."""
    height, width = image.shape[:2]
    glyphs = _glyphs(text, text_px)
    pad = max(2, text_px // 4)
    bar = pad if colour else 0
    tall, long = glyphs.shape[0] + pad, glyphs.shape[1] + 2 * pad + bar
    top, left = max(0, min(y - tall, height - tall)), max(0, min(x, width - long))
    image[top : top + tall, left : left + long] = _DARK
    if colour:
        image[top : top + tall, left : left + bar] = colour
    _blend(image, glyphs, left + bar + pad, top + pad // 2, _INK)


def _write(image: UInt8Array, text: str, x: int, y: int, text_px: int, colour: Colour, anchor: str) -> None:
    """Text with its upper edge at y."""
    if text:
        glyphs = _glyphs(text, text_px)
        shift = {"middle": glyphs.shape[1] // 2, "right": glyphs.shape[1]}[anchor]
        _blend(image, glyphs, min(max(0, x - shift), image.shape[1] - glyphs.shape[1]), y, colour)


def _blend(image: UInt8Array, glyphs: npt.NDArray[np.float32], left: int, top: int, colour: Sequence[int]) -> None:
    left, top = max(0, left), max(0, top)
    part = image[top : top + glyphs.shape[0], left : left + glyphs.shape[1]]
    share = glyphs[: part.shape[0], : part.shape[1], None]
    part[:] = np.rint(part * (1 - share) + np.array(colour) * share).astype(np.uint8)


@lru_cache(maxsize=256)
def _glyphs(text: str, text_px: int) -> npt.NDArray[np.float32]:
    """Text as opacity, 0 to 1, of one height whatever the letters."""
    from matplotlib import get_data_path
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.truetype(str(Path(get_data_path()) / "fonts/ttf/DejaVuSans.ttf"), text_px)
    size = (max(1, math.ceil(font.getlength(text))), math.ceil(1.3 * text_px))
    plate = Image.new("L", size)
    ImageDraw.Draw(plate).text((0, 0), text, font=font, fill=255)
    return np.asarray(plate, np.float32) / np.float32(255)
