"""What a face finder must offer, and which there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from mien.core import FloatArray, Registry, UInt8Array

__all__ = ["BACKENDS", "Box", "FaceBackend", "face_backend"]


class Box(NamedTuple):
    """A rectangle in image pixels; it may reach beyond the image.

    Attributes
    ----------
    x, y : float
        Left upper corner.
    w, h : float
        Width and height.
    """

    x: float
    y: float
    w: float
    h: float


class FaceBackend(Protocol):
    """Finds faces, and the 68 points of one; a new one is a new file in ``mien/faces/backends``."""

    name: str

    def detect(self, image: UInt8Array) -> list[Box]:
        """Return all faces of a grey (H, W) or RGB (H, W, 3) image, the largest first; none is no error."""

    def landmarks(self, image: UInt8Array, box: Box) -> FloatArray:
        """Return the 68 points (iBUG scheme) of the face in ``box``: float32 (68, 2), ``(x, y)`` in image pixels."""


BACKENDS: Registry[Callable[[], FaceBackend]] = Registry("face backend", "mien.faces.backends")


def face_backend(name: str) -> FaceBackend:
    """Make the backend of this name.

    Raises
    ------
    MienError
        If there is none of this name; the message lists those there are.

    Examples
    --------
    >>> face_backend("precropped").name
    'precropped'
    """
    return BACKENDS[name]()
