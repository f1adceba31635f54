"""Write a clip: H.264, VP9, MPEG-4 or GIF by the ending of the name."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mien.core import MienError, UInt8Array, atomic_path
from mien.video.images import check_image

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

__all__ = ["frame_rate", "write_video"]

# Encoders by ending, the first that this build of FFmpeg has.
_ENCODERS = {
    ".mp4": ("libx264", "mpeg4"),
    ".mov": ("libx264", "mpeg4"),
    ".mkv": ("libx264", "mpeg4"),
    ".webm": ("libvpx-vp9", "libvpx"),
    ".avi": ("mpeg4",),  # an AVI has no presentation times, so no B-frames: H.264 would lose its order
    ".gif": ("gif",),
}
_GIF_FPS = 50.0  # GIF counts in hundredths of a second, and viewers slow down delays below two of them


def write_video(path: str | Path, frames: Iterable[UInt8Array], fps: float, *, quality: int = 18) -> Path:
    """Write frames as a video.

    Sizes are kept exactly; H.264 stores odd ones in 4:4:4, which mien and VLC read but some browsers do not.

    Parameters
    ----------
    path : str or Path
        Ends in mp4, mov, mkv, webm, avi or gif. Nothing is left there if writing fails.
    frames : iterable of uint8 arrays, (H, W, 3) RGB or (H, W) grey
        All of one shape; consumed one at a time.
    fps : float
        Frames per second; 23.976, 29.97, 59.94 … are taken as the exact 24000/1001, 30000/1001, 60000/1001 ….
    quality : int
        0 (best) to 51, as x264's constant rate factor; 18 looks lossless. GIF has none.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MienError
        If there is no frame, one is of another shape or type, or ending, fps or quality cannot be.

    Examples
    --------
    >>> import tempfile
    >>> from mien.video import open_video
    >>> path = write_video(Path(tempfile.mkdtemp()) / "a.mkv", np.zeros((3, 33, 47, 3), np.uint8), fps=29.97)
    >>> open_video(path).size
    (47, 33)
    """
    import av

    path = Path(path)
    ending = path.suffix.lower()
    if ending not in _ENCODERS:
        raise MienError(f"got '{path}' to write a video to; expected one of {', '.join(_ENCODERS)}; change the ending")
    if not 0 <= quality <= 51:
        raise MienError(f"got the quality {quality}; expected 0 (best) to 51; 18 looks lossless")
    rate = frame_rate(fps)
    if ending == ".gif" and rate > _GIF_FPS:
        raise MienError(f"got {fps:g} frames per second for '{path}'; expected at most 50 in a GIF; use mp4")
    pictures = _checked(frames)
    first = next(pictures, None)
    if first is None:
        raise MienError(f"got no frame to write to '{path}'; expected at least one; check what makes them")
    with atomic_path(path) as temporary, av.open(str(temporary), "w") as container:
        _encode(container, _stream(container, ending, rate, first, quality), first, pictures, rate)
    return path


def frame_rate(fps: float) -> Fraction:
    """Return the exact rate behind a rounded one (29.97 is 30000/1001).

    Examples
    --------
    >>> frame_rate(29.97), frame_rate(23.976), frame_rate(12.5), frame_rate(200)
    (Fraction(30000, 1001), Fraction(24000, 1001), Fraction(25, 2), Fraction(200, 1))
    """
    if not (math.isfinite(fps) and 0.001 <= fps <= 65535):
        raise MienError(f"got {fps} frames per second; expected 0.001 to 65535; check fps")
    ntsc = Fraction(round(fps * 1.001) * 1000, 1001)
    if ntsc and abs(float(ntsc) - fps) < 2e-4 * fps and fps != round(fps):
        return ntsc
    return Fraction(fps).limit_denominator(max(1, min(1001, int(65535 / fps))))  # MPEG-4 holds 16 bits


def _checked(frames: Iterable[UInt8Array]) -> Iterator[UInt8Array]:
    shape: tuple[int, ...] | None = None
    for index, image in enumerate(frames):
        check_image(image)
        shape = shape or image.shape
        if image.shape != shape:
            raise MienError(f"got frame {index} of shape {image.shape}; expected {shape} like the first; resize")
        yield np.ascontiguousarray(image)


def _stream(container: OutputContainer, ending: str, rate: Fraction, first: UInt8Array, quality: int) -> VideoStream:
    """Set up the encoder."""
    import av

    name = next((e for e in _ENCODERS[ending] if e in av.codecs_available), None)
    if name is None:
        raise MienError(f"got no encoder for {ending} in this build of PyAV; expected one of {_ENCODERS[ending]}")
    quantiser = str(max(1, round(quality / 6)))
    options = {
        "libx264": {"crf": str(quality), "preset": "veryfast"} | _repeatable(),
        "mpeg4": {"qmin": quantiser, "qmax": quantiser},
        "libvpx-vp9": {"crf": str(quality), "b": "0", "deadline": "realtime", "cpu-used": "6"},
        "libvpx": {"crf": str(max(4, quality)), "b": "20M", "deadline": "realtime"},
    }.get(name, {})
    stream: Any = container.add_stream(name, rate=rate, options=options)
    stream.height, stream.width = first.shape[:2]
    odd = stream.height % 2 or stream.width % 2
    stream.pix_fmt = "pal8" if name == "gif" else "yuv444p" if odd and name == "libx264" else "yuv420p"
    return cast("VideoStream", stream)


def _repeatable() -> dict[str, str]:
    """Keep x264 from AVX-512, with which its mbtree writes other bytes from run to run."""
    processor = Path("/proc/cpuinfo")
    has_avx512 = processor.is_file() and "avx512" in processor.read_text(encoding="utf-8", errors="replace")
    return {"x264-params": "asm=AVX2"} if has_avx512 else {}


def _encode(
    container: OutputContainer, stream: VideoStream, first: UInt8Array, rest: Iterator[UInt8Array], rate: Fraction
) -> None:
    from itertools import chain

    import av

    palette = _palette(stream, first) if stream.pix_fmt == "pal8" else None
    for index, image in enumerate(chain((first,), rest)):
        raw = av.VideoFrame.from_ndarray(image, format="gray" if image.ndim == 2 else "rgb24")
        raw.time_base, raw.pts = 1 / rate, index
        if palette is not None:
            raw.time_base, raw.pts = Fraction(1, 100), round(100 * index / rate)
            palette.push(raw)
            raw = palette.pull()
        container.mux(stream.encode(raw))
    container.mux(stream.encode(None))


def _palette(stream: VideoStream, first: UInt8Array) -> Any:
    """Give each GIF frame the 256 colours that suit it."""
    import av

    graph = av.filter.Graph()
    pixels = av.VideoFormat("gray" if first.ndim == 2 else "rgb24", stream.width, stream.height)
    source = graph.add_buffer(width=stream.width, height=stream.height, format=pixels, time_base=Fraction(1, 100))
    rgb, split = graph.add("format", "rgb24"), graph.add("split")
    make, use = graph.add("palettegen", "stats_mode=single"), graph.add("paletteuse", "new=1")
    source.link_to(rgb)
    rgb.link_to(split)
    split.link_to(use, 0, 0)
    split.link_to(make, 1, 0)
    make.link_to(use, 0, 1)
    use.link_to(graph.add("buffersink"))
    graph.configure()
    return graph
