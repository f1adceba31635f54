"""Small pictures and small files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def picture(index: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A smooth RGB picture that brightens with its index, so that order can be seen."""
    y, x = np.mgrid[0:height, 0:width]
    base = 40 + 60 * x / width + 40 * y / height + 3.0 * (index % 30)
    return np.stack([base, base, base], axis=-1).astype(np.uint8)


@pytest.fixture
def pictures() -> Callable[..., list[np.ndarray]]:
    return lambda count, **size: [picture(index, **size) for index in range(count)]


@pytest.fixture
def encode(tmp_path: Path) -> Callable[..., Path]:
    """Write through PyAV itself, for what `write_video` never makes."""

    def write(
        name: str,
        times: Sequence[int],
        *,
        codec: str = "libx264",
        pix_fmt: str = "yuv420p",
        time_base: Fraction = Fraction(1, 1000),
        rotation: int | None = None,
        container_options: dict[str, str] | None = None,
        **options: str,
    ) -> Path:
        import av

        path = tmp_path / name
        with av.open(str(path), "w", options=container_options or {}) as container:
            stream: Any = container.add_stream(codec, rate=30, options=options)
            stream.width, stream.height, stream.pix_fmt = 64, 48, pix_fmt
            stream.codec_context.time_base = time_base
            if rotation is not None:
                stream.set_display_rotation(rotation)
            for index, time in enumerate(times):
                frame = av.VideoFrame.from_ndarray(picture(index), "rgb24")
                frame.pts, frame.time_base = time, time_base
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    return write
