"""One face is followed through losses, cuts and other faces, and the detector is asked seldom."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from mien.core import MienError
from mien.faces import BACKENDS, Box, FaceTracker, Observation, box_around, canonical_points, eye_centres, face_backend

SIZE = (240, 320)


class Scene:
    """A backend that sees discs: each face is a patch of texture of its own at a known place."""

    name = "scene"

    def __init__(self) -> None:
        self.detections = 0

    def detect(self, image: np.ndarray) -> list[Box]:
        import cv2

        self.detections += 1
        mask = (image > 100).astype(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        boxes = [Box(*map(float, row[:4])) for row in stats[1:] if row[4] > 60]
        return sorted(boxes, key=lambda box: -box.w * box.h)

    def landmarks(self, image: np.ndarray, box: Box) -> np.ndarray:
        """Drawn to what is bright in the box, as trees are drawn to a face."""
        x0, y0 = max(0, int(box.x - box.w / 4)), max(0, int(box.y - box.h / 4))
        ys, xs = np.nonzero(image[y0 : int(box.y + 1.25 * box.h), x0 : int(box.x + 1.25 * box.w)] > 100)
        if len(xs) < 20:
            return framed(box)
        side = float(np.ptp(xs) + 1)
        return framed(Box(xs.min() + x0, ys.min() + y0, side, side))


def framed(box: Box) -> np.ndarray:
    """Landmarks around which :func:`box_around` draws this box."""
    points = canonical_points(100)
    around = box_around(points)
    return ((points - around[:2]) * (box.w / around.w) + box[:2]).astype(np.float32)


def frame(*faces: tuple[int, int, int]) -> np.ndarray:
    """A dark picture with bright textured squares at (x, y, side)."""
    image = np.random.default_rng(7).integers(0, 60, SIZE, np.uint8)
    for x, y, side in faces:
        texture = np.random.default_rng(side).integers(140, 250, (side, side), np.uint8)
        image[y : y + side, x : x + side] = texture
    return image


def follow(backend: Scene, frames: Iterable[np.ndarray], fps: float = 25, **options: float) -> list[Observation]:
    tracker = FaceTracker(backend, **options)
    return [tracker.update(image, index / fps) for index, image in enumerate(frames)]


def test_the_largest_face_is_taken_and_kept() -> None:
    frames = [frame((30 + i, 60, 70), (200, 80, 50)) for i in range(40)]
    seen = follow(Scene(), frames)
    assert all(one.found for one in seen)
    assert [one.event for one in seen] == ["found"] + [""] * 39
    assert seen[-1].box is not None
    assert seen[-1].box.x + seen[-1].box.w / 2 == pytest.approx(30 + 39 + 35, abs=5)


def test_the_detector_is_asked_twice_a_second() -> None:
    scene = Scene()
    follow(scene, [frame((100, 60, 80))] * 100, recheck_s=0.5)
    assert scene.detections <= 1 + 100 / 25 / 0.5 + 1


def test_a_loss_and_the_return_are_recorded() -> None:
    here, gone = frame((100, 60, 80)), frame()
    seen = follow(Scene(), [here] * 20 + [gone] * 25 + [here] * 10)
    found = [one.found for one in seen]
    lost_at = next(i for i, one in enumerate(seen) if one.event == "lost")
    back_at = next(i for i, one in enumerate(seen) if i > 0 and one.event == "found")
    assert 20 <= lost_at <= 20 + 25 * 0.5
    assert 45 <= back_at <= 45 + 25 * 0.2
    assert not any(found[lost_at:back_at])
    assert all(found[:20])
    assert all(found[back_at:])
    assert seen[lost_at].checked_s < 20 / 25
    assert np.isnan(seen[lost_at].quality.size_px)


def test_an_abrupt_disappearance_is_noticed_at_once() -> None:
    seen = follow(Scene(), [frame((100, 60, 80))] * 13 + [frame()] * 3, recheck_s=100)
    assert [one.event for one in seen].index("lost") == 13


def test_after_a_loss_the_nearest_face_is_taken() -> None:
    before, gone, after = frame((30, 60, 60)), frame(), frame((40, 70, 50), (200, 60, 90))
    seen = follow(Scene(), [before] * 10 + [gone] * 15 + [after] * 15)
    assert seen[-1].found
    assert seen[-1].box is not None
    assert seen[-1].box.x < 100


def test_a_cut_to_another_face_is_a_new_find() -> None:
    seen = follow(Scene(), [frame((20, 60, 80))] * 10 + [frame((220, 100, 90))] * 10)
    assert "found" in [one.event for one in seen[10:13]]
    assert seen[-1].found


def test_without_a_face_searches_are_few() -> None:
    scene = Scene()
    seen = follow(scene, [frame()] * 200, fps=200)
    assert not any(one.found or one.event for one in seen)
    assert scene.detections <= 15


def test_precropped_frames_are_never_lost() -> None:
    rng = np.random.default_rng(0)
    for shape in ((128, 128), (340, 280), (480, 640)):
        tracker = FaceTracker(face_backend("precropped"))
        seen = [tracker.update(rng.integers(0, 255, shape, np.uint8), i / 10) for i in range(20)]
        assert all(one.found for one in seen)
        assert [one.event for one in seen] == ["found"] + [""] * 19


def test_the_backends_are_listed_and_suggested() -> None:
    assert {"dlib", "precropped"} <= set(BACKENDS)
    with pytest.raises(MienError, match="did you mean 'dlib'"):
        face_backend("dlibb")


def test_bad_input() -> None:
    with pytest.raises(MienError, match="positive"):
        FaceTracker(Scene(), recheck_s=0)
    with pytest.raises(MienError, match="uint8"):
        FaceTracker(Scene()).update(np.zeros((4, 4)), 0.0)
    with pytest.raises(MienError, match="outside"):
        face_backend("dlib").landmarks(np.zeros((50, 50), np.uint8), Box(100, 100, 20, 20))


class TestDlib:
    """On a public portrait (scikit-image's astronaut) and on real clips."""

    @pytest.fixture
    def portrait(self) -> np.ndarray:
        from skimage.data import astronaut

        return astronaut()

    def test_a_portrait(self, portrait: np.ndarray) -> None:
        dlib = face_backend("dlib")
        box = dlib.detect(portrait)[0]
        points = dlib.landmarks(portrait, box)
        assert points.shape == (68, 2)
        assert points.dtype == np.float32
        left, right = eye_centres(points)
        assert left == pytest.approx([202, 107], abs=6)
        assert right == pytest.approx([245, 105], abs=6)

    def test_the_box_from_points_is_the_detectors(self, portrait: np.ndarray) -> None:
        dlib = face_backend("dlib")
        box = dlib.detect(portrait)[0]
        again = box_around(dlib.landmarks(portrait, box))
        assert np.abs(np.subtract(again, box)).max() < 0.15 * box.w

    @pytest.mark.parametrize("scale", [0.25, 0.5, 1.0, 2.0])
    def test_points_scale_with_the_picture(self, portrait: np.ndarray, scale: float) -> None:
        import cv2

        dlib = face_backend("dlib")
        box = dlib.detect(portrait)[0]
        resized = cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        points = dlib.landmarks(resized, Box(*(v * scale for v in box)))
        off = np.linalg.norm((points + 0.5) / scale - 0.5 - dlib.landmarks(portrait, box), axis=1)
        assert np.median(off) < 0.03 * box.w

    def test_nothing_in_nothing(self) -> None:
        assert face_backend("dlib").detect(np.zeros((60, 80), np.uint8)) == []

    def test_a_face_that_goes(self, shared_data: Path) -> None:
        seen = self.watch(shared_data / "media" / "face_noface.mov")
        assert [(i, one.event) for i, one in enumerate(seen) if one.event] == [(0, "found"), (73, "lost")]

    def test_faces_that_stay(self, shared_data: Path) -> None:
        for name in ("single_face.mp4", "head-pose-face-detection-female.gif", "yes.mkv"):
            seen = self.watch(shared_data / "media" / name)
            assert [one.event for one in seen if one.event] == ["found"], name

    def test_no_face(self, shared_data: Path) -> None:
        assert not any(one.found for one in self.watch(shared_data / "media" / "no_face.mp4"))

    @staticmethod
    def watch(path: Path) -> list[Observation]:
        from mien.video import open_video

        tracker = FaceTracker(face_backend("dlib"))
        return [tracker.update(frame.image, frame.time_s) for frame in open_video(path, grey=True)]
