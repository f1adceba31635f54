"""Single pictures: PNG, JPEG, BMP, TIFF, WebP; grey, colour and 16-bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.core import MienError, UInt8Array, atomic_path
from mien.core.frames import FRAME_ENDINGS

__all__ = ["read_image", "write_image"]


def read_image(path: str | Path, *, grey: bool = False) -> UInt8Array:
    """Read one picture.

    16-bit pictures keep their high byte; transparency is dropped; the camera's orientation tag is applied.

    Parameters
    ----------
    path : str or Path
        PNG, JPEG, BMP, TIFF or WebP.
    grey : bool
        Return luma (ITU-R BT.601) instead of RGB.

    Returns
    -------
    uint8 array, (H, W, 3) RGB or (H, W) grey

    Raises
    ------
    MienError
        If the file is missing, empty or not a picture.

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> path = Path(tempfile.mkdtemp()) / "a.png"
    >>> read_image(write_image(path, np.full((4, 6, 3), 200, np.uint8))).shape
    (4, 6, 3)
    """
    import cv2

    path = Path(path)
    try:
        raw = np.fromfile(path, np.uint8)
    except OSError as error:
        raise MienError(
            f"got the picture '{path}', but {error.strerror}; expected a readable file; check the path"
        ) from error
    flags = cv2.IMREAD_ANYDEPTH | (cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR_RGB)
    image = _decode(raw, flags)
    if image is None or image.dtype not in (np.uint8, np.uint16):
        raise MienError(
            f"got '{path}', which cannot be read as a picture ({raw.size} bytes); "
            "expected 8- or 16-bit PNG, JPEG, BMP, TIFF or WebP; remove or replace the file"
        )
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    return np.ascontiguousarray(image)


def _decode(raw: UInt8Array, flags: int) -> np.ndarray | None:
    """Decode, or None; OpenCV's own complaints about broken files stay off the terminal."""
    import cv2

    log = cv2.utils.logging
    level = log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        return cv2.imdecode(raw, flags) if raw.size else None
    except cv2.error:
        return None
    finally:
        log.setLogLevel(level)


def write_image(path: str | Path, image: UInt8Array) -> Path:
    """Write one picture; the ending says how (PNG is lossless).

    Parameters
    ----------
    path : str or Path
        Where to; nothing is left there if writing fails.
    image : uint8 array, (H, W, 3) RGB or (H, W) grey

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MienError
        If the array is no picture or the ending is not known.
    """
    import cv2

    path = Path(path)
    check_image(image)
    if path.suffix.lower() not in FRAME_ENDINGS:
        raise MienError(f"got '{path}' to write a picture to; expected one of {', '.join(sorted(FRAME_ENDINGS))}")
    ordered = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    _, encoded = cv2.imencode(path.suffix.lower(), ordered)
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded.tobytes())
    return path


def check_image(image: np.ndarray) -> None:
    """Raise unless ``image`` is uint8 of shape (H, W) or (H, W, 3) with at least one pixel."""
    ok = isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.size > 0
    if not ok or image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise MienError(f"got a picture of {got}; expected uint8 (H, W) or (H, W, 3); convert it first")
