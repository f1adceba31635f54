"""Every face of a video has a number; numbers go by place."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import pytest

from mien.core import MienError
from mien.faces import Box, FaceTracks, Observation, box_around, canonical_points

FPS = 25
LEFT, RIGHT = (30, 60, 70), (220, 70, 50)


class Scene:
    """A backend that sees bright textured squares as faces."""

    name = "scene"

    def detect(self, image: np.ndarray) -> list[Box]:
        _, _, stats, _ = cv2.connectedComponentsWithStats((image > 100).astype(np.uint8))
        boxes = [Box(*map(float, row[:4])) for row in stats[1:] if row[4] > 60]
        return sorted(boxes, key=lambda box: -box.w * box.h)

    def landmarks(self, image: np.ndarray, box: Box) -> np.ndarray:
        """Drawn to what is bright in the box, as trees are drawn to a face."""
        x0, y0 = max(0, int(box.x - box.w / 4)), max(0, int(box.y - box.h / 4))
        ys, xs = np.nonzero(image[y0 : int(box.y + 1.25 * box.h), x0 : int(box.x + 1.25 * box.w)] > 100)
        if len(xs) >= 20:
            side = float(np.ptp(xs) + 1)
            box = Box(xs.min() + x0, ys.min() + y0, side, side)
        points = canonical_points(100)
        around = box_around(points)
        return ((points - around[:2]) * (box.w / around.w) + box[:2]).astype(np.float32)


def frame(*faces: tuple[int, int, int]) -> np.ndarray:
    image = np.random.default_rng(7).integers(0, 60, (240, 320), np.uint8)
    for x, y, side in faces:
        image[y : y + side, x : x + side] = np.random.default_rng(side).integers(140, 250, (side, side), np.uint8)
    return image


def follow(frames: Iterable[np.ndarray], **options: float) -> list[dict[int, Observation]]:
    tracks = FaceTracks(Scene(), **options)  # type: ignore[arg-type]
    return [tracks.update(image, index / FPS) for index, image in enumerate(frames)]


def found(seen: dict[int, Observation]) -> dict[int, int]:
    """Each face that is there, and the column of its box."""
    return {face: round(one.box.x) for face, one in seen.items() if one.found and one.box is not None}


def test_the_largest_face_is_number_one_and_each_keeps_its_number() -> None:
    seen = follow([frame((30 + i, 60, 70), (220 - i, 70, 50)) for i in range(40)])
    assert [sorted(found(one)) for one in seen] == [[1, 2]] * 40
    assert found(seen[-1])[1] == pytest.approx(30 + 39, abs=3)
    assert found(seen[-1])[2] == pytest.approx(220 - 39, abs=3)


def test_a_face_that_comes_in_later_is_seen_within_the_look() -> None:
    seen = follow([frame(LEFT)] * 30 + [frame(LEFT, RIGHT)] * 60, look_s=1.0)
    assert all(list(found(one)) == [1] for one in seen[:30])
    assert sorted(found(seen[30 + FPS])) == [1, 2]
    assert seen[-1][2].event == ""


def test_a_lost_face_gets_its_number_back_where_it_was() -> None:
    seen = follow([frame(LEFT, RIGHT)] * 20 + [frame(LEFT)] * 40 + [frame(LEFT, (225, 75, 50))] * 40, look_s=0.5)
    gone = seen[20 + FPS]
    assert list(found(gone)) == [1]
    assert not gone[2].found
    assert sorted(found(seen[-1])) == [1, 2]
    assert [one[2].event for one in seen if one[2].event] == ["found", "lost", "found"]


def test_another_face_far_from_a_lost_one_is_another_number() -> None:
    first, second = [frame((10, 20, 40), (270, 20, 40))] * 20, [frame((10, 20, 40), (150, 190, 40))] * 60
    seen = follow(first + second, look_s=0.5)
    assert sorted(found(seen[-1])) == [1, 3]


def test_the_only_face_keeps_its_number_wherever_it_comes_back() -> None:
    seen = follow([frame(LEFT)] * 20 + [frame()] * 20 + [frame((240, 150, 60))] * 40)
    assert list(found(seen[-1])) == [1]
    assert set(seen[-1]) == {1}


def test_no_more_are_followed_than_asked_for() -> None:
    seen = follow([frame(LEFT, RIGHT, (150, 10, 40))] * 60, most=2, look_s=0.5)
    assert {len(found(one)) for one in seen} == {2}
    assert set(seen[-1]) == {1, 2}


def test_two_numbers_never_hold_one_face() -> None:
    """The smaller slides behind the larger and is gone: one face, one number."""
    frames = [frame((60, 60, 70), (max(150 - 4 * i, 65), 70, 50)) for i in range(60)]
    seen = follow(frames, look_s=0.5)
    for one in seen[-20:]:
        places = list(found(one).values())
        assert len(places) == len({place // 40 for place in places})


def test_impossible_settings_are_one_line() -> None:
    with pytest.raises(MienError, match="got most=0"):
        FaceTracks(Scene(), most=0)
