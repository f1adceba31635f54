"""The head's motion is not the face's."""

from __future__ import annotations

import numpy as np
import pytest

from mien.core import MienError
from mien.faces import canonical_points
from mien.spotting import REGIONS, FaceRegions
from mien.synthesis import displacement
from mien.synthesis.face import head_depth

SIZE = 128
UNIT = 0.4 * SIZE  # interocular distance in crop pixels


@pytest.fixture(scope="module")
def regions() -> FaceRegions:
    return FaceRegions.from_points(canonical_points(SIZE), SIZE)


def pixels() -> tuple[np.ndarray, np.ndarray]:
    return np.meshgrid(np.arange(SIZE, dtype=float), np.arange(SIZE, dtype=float))


@pytest.mark.parametrize("motion", ["shift", "roll", "zoom"])
def test_a_head_that_moves_as_a_solid_moves_no_region(regions: FaceRegions, motion: str) -> None:
    x, y = pixels()
    fields = {
        "shift": (0 * x + 3, 0 * y - 2),
        "roll": (-0.03 * (y - 70), 0.03 * (x - 60)),
        "zoom": (0.02 * x, 0.02 * y),
    }
    moved, head = regions.motion(regions.sample(np.stack(fields[motion])))
    assert np.abs(moved).max() < 0.02
    if motion == "shift":
        np.testing.assert_allclose(head, (3, -2), atol=0.02)


@pytest.mark.parametrize("axis", [0, 1], ids=["yaw", "pitch"])
def test_a_head_that_turns_moves_no_region_by_its_parallax(regions: FaceRegions, axis: int) -> None:
    """Turning moves what lies towards the viewer further: by depth, here that of the heads that are rendered."""
    x, y = pixels()
    flow = np.zeros((2, SIZE, SIZE), np.float32)
    flow[axis] = 2 * head_depth(np.stack([(x + 0.5) / UNIT - 1.25, (y + 0.5) / UNIT - 0.6], axis=-1))
    assert flow.max() > 2
    moved, head = regions.motion(regions.sample(flow))
    assert np.abs(moved).max() < 0.1
    assert head[axis] > 1


@pytest.mark.parametrize(
    ("unit", "region"), [(12, "right mouth corner"), (4, "right inner brow"), (2, "right outer brow")]
)
def test_an_action_unit_moves_its_region_most(regions: FaceRegions, unit: int, region: str) -> None:
    x, y = pixels()
    face = np.stack([(x + 0.5) / UNIT - 1.25, (y + 0.5) / UNIT - 0.6], axis=-1)
    field = displacement(face, {unit: (0.0, 0.03)}) * UNIT
    moved, _ = regions.motion(regions.sample(np.moveaxis(field, -1, 0)))
    assert list(REGIONS)[np.linalg.norm(moved, axis=1).argmax()] == region


def test_points_that_are_not_a_face_are_refused() -> None:
    with pytest.raises(MienError, match=r"expected \(68, 2\)"):
        FaceRegions.from_points(np.full((68, 2), np.nan), SIZE)
