"""A portrait performs: what is asked for moves, whatever the size, and nothing else does."""

from __future__ import annotations

import numpy as np
import pytest

from mien.synthesis.events import Blink
from mien.synthesis.performance import Scene, perform, place_portrait, undo_lids

SIZES = [(96, 64), (640, 480), (1920, 1080)]
EYES = ((36, 42), (42, 48))


def scene_of(size: tuple[int, int]) -> Scene:
    return place_portrait(None, size, 0.52 * min(size))


def around(scene: Scene, first: int, last: int, above: float, below: float, beside: float) -> np.ndarray:
    """Pixels around an eye, reaching so many eye widths from its landmarks."""
    low, high = scene.points[first:last].min(axis=0), scene.points[first:last].max(axis=0)
    width = high[0] - low[0]
    y, x = np.mgrid[: scene.image.shape[0], : scene.image.shape[1]]
    inside = (x > low[0] - beside * width) & (x < high[0] + beside * width)
    return inside & (y > low[1] - above * width) & (y < high[1] + below * width)


@pytest.mark.parametrize("size", SIZES)
def test_a_full_blink_covers_both_eyes_and_touches_nothing_else(size: tuple[int, int]) -> None:
    scene = scene_of(size)
    still, closed = perform(scene, [], [0.0, 0.1], blinks=[Blink(0.0, 0.1, 0.2)])
    changed = np.abs(still.astype(float) - closed).max(axis=-1)
    for eye in EYES:
        assert np.median(changed[around(scene, *eye, 0, 0, -0.25)]) > 10
    surroundings = np.any([around(scene, *eye, 0.6, 0.1, 0.25) for eye in EYES], axis=0)
    assert not changed[~surroundings].any()


@pytest.mark.parametrize("size", SIZES)
def test_the_lid_is_drawn_down_without_a_tear(size: tuple[int, int]) -> None:
    """Down each eye's middle the skin stretches; the picture skips once, at the lid's edge, where the eye is hidden."""
    scene = scene_of(size)
    y, x = np.mgrid[: size[1], : size[0]].astype(np.float32)
    source = undo_lids(1.0, x, y, scene.points)
    for first, last in EYES:
        steps = np.diff(source[:, round(scene.points[first:last, 0].mean())])
        assert steps.min() > 0
        assert (steps < 0.99).sum() >= 3
        assert (steps > 1.01).sum() == 1


def test_eyes_at_the_edge_of_the_picture_blink_too() -> None:
    scene = scene_of((640, 480))
    up = scene.points - (0, scene.points[36:48, 1].min() - 4)
    y, x = np.mgrid[:480, :640].astype(np.float32)
    changed = (undo_lids(1.0, x, y, up) != y).any(axis=0)
    assert changed[round(up[36:42, 0].mean())]
    assert changed[round(up[42:48, 0].mean())]
