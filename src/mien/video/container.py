"""Video files through PyAV (FFmpeg): real timestamps, rotation applied, grey taken straight from the luma plane."""

from __future__ import annotations

import math
import warnings
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mien.core import MienError, MienWarning, UInt8Array
from mien.video.clock import Clock
from mien.video.frame import EVERY, Frame, Video
from mien.video.pixels import display_matrix, grey, rgb, upright

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

__all__ = ["FileVideo"]

_EXACT_S = 1e-6  # two timestamps that agree to this are the same
_NEAR = 60  # frames: decoding that many on is cheaper than seeking


class FileVideo(Video):
    """The first real video stream of a file."""

    def __init__(self, path: Path, *, fps: float | None, grey: bool) -> None:
        super().__init__(path)
        self._as_grey = grey
        self._given_fps = fps
        with _opened(path) as container:
            stream = _video_stream(container, path)
            first = next(_decoded(container, stream, _Tally()), None)
            if first is None:
                raise MienError(
                    f"got '{path}', from which no frame can be decoded; expected a playable video; "
                    "the file is truncated or damaged: copy it again"
                )
            self._facts(container, stream)
            # Read once: side data asked for on every frame would keep the frames alive (a cycle in PyAV).
            self._matrix = display_matrix(first)
            shape = upright(np.empty((first.height, first.width), np.uint8), self._matrix).shape
            self.size = (shape[1], shape[0])
        self._opening_notes = list(self._notes)

    def _facts(self, container: InputContainer, stream: VideoStream) -> None:
        """Take down what the container declares."""
        import av

        own_rate = stream.average_rate or stream.guessed_rate
        own_fps = float(own_rate) if own_rate else 25.0
        self.fps = self._given_fps or own_fps
        self.frame_count = stream.frames or None
        whole_s = container.duration / av.time_base if container.duration else None
        declared_s = _declared_duration(container, stream) or whole_s
        self.duration_s = declared_s * own_fps / self.fps if declared_s else None
        # An AVI stores no presentation times: with B-frames its order of decoding is not that of showing.
        self._by_count = self._given_fps is not None or (
            container.format.name == "avi" and stream.codec_context.has_b_frames
        )
        if self._given_fps is not None:
            self._notes.append(f"the file's own times were replaced by {self._given_fps:g} frames per second, as asked")

    def frames(self, wanted: Container[int] = EVERY) -> Iterator[Frame]:
        """Yield the frames whose index is in ``wanted``, in order; the others are decoded but not converted."""
        self._notes, self._partial = list(self._opening_notes), ""
        tally, index, resized = _Tally(), -1, 0
        with _opened(self.path) as container:
            stream = _video_stream(container, self.path)
            stream.thread_type = "AUTO"
            clock = Clock(self.fps, tick_s=float(stream.time_base or 0))
            for index, raw in enumerate(_decoded(container, stream, tally)):
                time_s = clock.read(raw.time)
                if self._by_count:
                    time_s = index / self.fps
                if index in wanted:
                    image, changed = self._image(raw)
                    resized += changed
                    yield Frame(index, time_s, image)
            declared = _declared_duration(container, stream)
        if not self._by_count:
            self._notes += clock.notes()
        if resized:
            self._notes.append(f"{resized} frames of another size were brought to {self.size[0]}x{self.size[1]}")
        self._note_damage(tally, index + 1, clock.elapsed_s, declared)

    def _note_damage(self, tally: _Tally, count: int, elapsed_s: float, declared_s: float | None) -> None:
        """Say what is missing, once as a warning too."""
        notes = []
        if tally.damaged:
            notes.append(f"{tally.damaged} damaged packets were skipped")
        short_s = (declared_s or 0.0) - elapsed_s
        if self.frame_count and tally.packets < self.frame_count and short_s > 0.5 / self.fps:
            self._partial = f"read {count} of {self.frame_count} declared frames: the file is truncated"
        elif not self.frame_count and short_s > max(0.1, 3 / self.fps):
            self._partial = f"read {elapsed_s:.2f} of {declared_s:.2f} declared seconds: the file is truncated"
        elif tally.broken or _gif_is_cut(self.path):
            self._partial = f"read {count} frames, then the data end in the middle: the file is truncated"
        if self._partial:
            notes.append(self._partial)
        for note in notes:
            warnings.warn(f"'{self.path}': {note}", MienWarning, stacklevel=2)
        self._notes += notes

    def _image(self, raw: VideoFrame) -> tuple[UInt8Array, bool]:
        """Return the upright picture, and whether it had to be resized."""
        image = upright(grey(raw) if self._as_grey else rgb(raw), self._matrix)
        if (image.shape[1], image.shape[0]) == self.size:
            return image, False
        import cv2

        return np.asarray(cv2.resize(image, self.size, interpolation=cv2.INTER_AREA), np.uint8), True

    def select(self, indices: Sequence[int], times_s: Sequence[float] | None = None) -> Iterator[Frame]:
        """Yield the frames with these indices that exist, in order; with the times of all frames it seeks."""
        wanted = sorted(set(indices))
        if times_s is not None and not self._by_count:
            for frame in self._seek([i for i in wanted if i < len(times_s)], times_s):
                wanted = wanted[1:]
                yield frame
        if wanted:
            yield from super().select(wanted)

    def _seek(self, indices: list[int], times_s: Sequence[float]) -> Iterator[Frame]:
        """Frames found at exactly their times, up to the first that is not."""
        with _opened(self.path) as container:
            stream = _video_stream(container, self.path)
            stream.thread_type = "AUTO"
            decoded: Iterator[VideoFrame] = iter(())
            at = -math.inf
            for index in indices:
                if index - at > _NEAR:
                    if not _seek_before(container, stream, times_s[index]):
                        return
                    decoded = _decoded(container, stream, _Tally())
                time_s = times_s[index]
                raw = next((raw for raw in decoded if raw.time is None or raw.time > time_s - _EXACT_S), None)
                if raw is None or raw.time is None or raw.time > time_s + _EXACT_S:
                    return
                at = index
                yield Frame(index, time_s, self._image(raw)[0])


class _Tally:
    """What came out of the demuxer and the decoder."""

    def __init__(self) -> None:
        self.packets = 0
        self.damaged = 0
        self.broken = False


def _opened(path: Path) -> InputContainer:
    """Open a file, or say in one line what is wrong with it."""
    import av

    if path.stat().st_size == 0:
        raise MienError(f"got '{path}', which is empty (zero bytes); expected a video; copy it again")
    try:
        # An absolute path, and files only: a playlist in disguise must not make us reach for the network.
        container = av.open(str(path.resolve()), metadata_errors="replace", options={"protocol_whitelist": "file"})
    except av.error.FFmpegError as error:
        raise MienError(_why_unreadable(path)) from error
    if container.format.name == "image2" or container.format.name.endswith("_pipe"):
        container.close()
        raise MienError(f"got '{path}', a single picture; expected a video or a folder of images; give one of these")
    return container


def _why_unreadable(path: Path) -> str:
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        return f"got '{path}', but {error.strerror}; expected a readable video; check its permissions"
    if not any(head):
        return f"got '{path}', which holds only zeros; expected a video; the copy failed: copy it again"
    known = head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free") or head.startswith(
        (b"\x1aE\xdf\xa3", b"RIFF", b"GIF8")
    )
    if known:
        return (
            f"got '{path}', a video whose index is missing or damaged; expected a complete file; "
            "it was cut short (recording or copy): copy it again, or repair it (untrunc, mkclean)"
        )
    return f"got '{path}', which is not a video; expected mp4, mov, mkv, webm, avi or gif; check the file"


def _video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first stream of moving pictures; a cover picture on a song is none."""
    from av.stream import Disposition

    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    kinds = sorted({stream.type for stream in container.streams})
    raise MienError(
        f"got '{path}' with no video in it (only {' and '.join(kinds) or 'nothing'}); expected a video; "
        "give the file with the picture"
    )


def _decoded(container: InputContainer, stream: VideoStream, tally: _Tally) -> Iterator[VideoFrame]:
    """Frames in the order they are shown; damaged packets are counted and skipped."""
    import av

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            tally.broken = True
            return
        if packet is None:
            return
        tally.packets += packet.size > 0
        try:
            decoded = packet.decode()
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            tally.damaged += 1
            continue
        yield from decoded


def _seek_before(container: InputContainer, stream: VideoStream, time_s: float) -> bool:
    """Go to a key frame before ``time_s`` (half a second, for containers that index decoding times), if one can."""
    import av

    base = stream.time_base or 1 / av.time_base
    try:
        container.seek(max(int((time_s - 0.5) / base), 0), stream=stream)
    except av.error.FFmpegError:
        return False
    return True


def _declared_duration(container: InputContainer, stream: VideoStream) -> float | None:
    """Seconds of this stream (not of a longer sound track), where the file says."""
    import av

    if container.format.name == "avi" and stream.frames and stream.average_rate:
        return float(stream.frames / stream.average_rate)  # FFmpeg's own figure is a guess from the file's size
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    if text := stream.metadata.get("DURATION"):
        try:
            hours, minutes, seconds = (float(part) for part in text.split(":"))
            return hours * 3600 + minutes * 60 + seconds
        except ValueError:
            return None
    if container.duration and len(container.streams) == 1:
        return float(container.duration / av.time_base)
    return None


def _gif_is_cut(path: Path) -> bool:
    """A GIF ends with ';'; it declares neither frames nor duration."""
    if path.suffix.lower() != ".gif":
        return False
    with path.open("rb") as file:
        file.seek(-min(4, path.stat().st_size), 2)
        return b";" not in file.read()
