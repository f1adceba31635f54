"""Refined registration takes head motion out to a fraction of a pixel and leaves the expression in.

Lengths are pixels of a 128-px face, as everywhere where a micro-expression's size is meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import pytest
from scipy.ndimage import affine_transform

from mien.core import MienError
from mien.faces import (
    MIRRORED,
    apply_affine,
    box_around,
    compose,
    eye_crop_matrix,
    face_backend,
    fit_similarity,
    invert,
    warp,
)
from mien.faces.refine import FaceRefiner, Registration, register_frames
from mien.motion import motion_map, optical_flow
from mien.synthesis.events import Blink, Event, draw_events
from mien.synthesis.performance import HeadMotion, Scene, perform, place_portrait, scene_depth, to_units

REGIONS = {"brows": range(17, 27), "mouth": range(48, 68), "chin": range(6, 11)}
SIZE, FACE_PX = (224, 208), 128


@cache
def portrait() -> Scene:
    return place_portrait(None, SIZE, FACE_PX)


def grey(frames) -> np.ndarray:
    """Rendered frames as a camera sees them: grey, with sensor noise."""
    rng = np.random.default_rng(0)
    pictures = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) + rng.normal(0, 0.8, frame.shape[:2]) for frame in frames]
    return np.clip(np.rint(pictures), 0, 255).astype(np.uint8)


def landmarks(frames, near) -> np.ndarray:
    """What dlib finds, jitter and all."""
    finder = face_backend("dlib")
    return np.array([finder.landmarks(frame, box_around(p)) for frame, p in zip(frames, near, strict=True)])


def true_places(undo, shape: tuple[int, ...], points: np.ndarray) -> np.ndarray:
    """Where points of the still picture lie once the head has moved; ``undo`` says where pixels come from."""
    x, y = np.meshgrid(np.arange(shape[1], dtype=np.float32), np.arange(shape[0], dtype=np.float32))
    source_x, source_y = undo(x, y)
    places = points.astype(np.float64)
    for _ in range(20):
        at = np.float32(places).reshape(-1, 1, 2)
        moved = [cv2.remap(part, at, None, cv2.INTER_LINEAR)[:, 0] for part in (source_x - x, source_y - y)]
        places = points - np.stack(moved, axis=-1)
    return places


def errors(registration: Registration, truth: np.ndarray, reference: int = 0) -> dict[str, np.ndarray]:
    """Distance from where they belong of the registered points of each region, means over the region, (T,)."""
    apart = np.linalg.norm(apply_affine(registration.matrices, truth) - truth[reference], axis=-1)
    return {name: apart[:, list(region)].mean(axis=1) for name, region in REGIONS.items()}


@dataclass(frozen=True)
class Take:
    """A rendered clip of one micro-expression under head motion, and the same two frames with the head held still."""

    frames: np.ndarray
    times: np.ndarray
    points: np.ndarray
    truth: np.ndarray
    onset: int
    apex: int
    still: np.ndarray

    def part(self, rows, reference: int = 0) -> Registration:
        return register_frames(self.frames[rows], self.points[rows], self.times[rows], reference=reference)


@cache
def take(seed: int, fps: int) -> Take:
    scene, rng = portrait(), np.random.default_rng(seed)
    event = draw_events(1.5, rng)[0]
    head, depth = HeadMotion(rng, FACE_PX), scene_depth(scene)
    times = np.arange(0, 1.4, 1 / fps)
    onset, apex = (int(np.abs(times - t).argmin()) for t in (event.onset_s, event.apex_s))
    frames = grey(perform(scene, [event], times, head=head))
    still = grey(perform(scene, [event], times[[onset, apex]]))
    shape = frames.shape[1:]
    truth = np.array(
        [true_places(lambda x, y, t=t: head.undo(t, x, y, depth, scene), shape, scene.points) for t in times]
    )
    return Take(frames, times, landmarks(frames, truth), truth, onset, apex, still)


def moved_by(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Move a grey picture. By splines: OpenCV's cubic kernel shifts by up to 0.05 px itself."""
    back = invert(matrix)
    picture = affine_transform(image.astype(float), back[::-1, 1::-1], back[::-1, 2], order=5, mode="mirror")
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def face_map(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return motion_map(optical_flow(first, second, "tvl1"))


TAKES = [(11, 30), (12, 30), (11, 60), (12, 60)]


@pytest.mark.parametrize(("seed", "fps"), TAKES)
def test_of_head_motion_a_fifth_of_a_pixel_is_left_at_brows_mouth_and_chin(seed: int, fps: int) -> None:
    clip = take(seed, fps)
    refined = clip.part(slice(None))
    alone = register_frames(clip.frames, clip.points, clip.times, refine=False)
    assert refined.refined.all()
    left, before = errors(refined, clip.truth), errors(alone, clip.truth)
    assert {name: np.percentile(left[name], 90) <= 0.2 for name in left} == dict.fromkeys(REGIONS, True)
    assert sum(map(np.mean, left.values())) < 0.5 * sum(map(np.mean, before.values()))
    beyond = np.linalg.norm(refined.locate(clip.truth[0]) - clip.truth, axis=-1)
    assert all(np.percentile(beyond[:, list(region)].mean(axis=1), 90) <= 0.15 for region in REGIONS.values())


@pytest.mark.parametrize(("seed", "fps"), TAKES)
def test_the_motion_map_is_that_of_a_head_held_still(seed: int, fps: int) -> None:
    clip = take(seed, fps)
    crop = eye_crop_matrix(clip.truth[clip.onset], FACE_PX)
    wanted = face_map(*(warp(frame, eye_crop_matrix(clip.truth[0], FACE_PX), FACE_PX) for frame in clip.still))
    for rows in ([clip.onset, clip.apex], list(range(clip.onset, clip.apex + 1))):  # two frames alone, and the clip
        found = clip.part(rows)
        apex = warp(clip.frames[clip.apex], compose(crop, found.matrices[-1]), FACE_PX)
        seen = face_map(warp(clip.frames[clip.onset], crop, FACE_PX), apex)
        assert np.corrcoef(seen.ravel(), wanted.ravel())[0, 1] >= 0.8


def test_a_still_clip_stays_still() -> None:
    scene = portrait()
    frame = grey(perform(scene, [], [0.0]))[0]
    jittered = scene.points + np.random.default_rng(1).normal(0, 0.5, (6, 68, 2))
    found = register_frames([frame] * 6, jittered, np.arange(6) / 30)
    assert np.abs(apply_affine(found.matrices, np.broadcast_to(scene.points, (6, 68, 2))) - scene.points).max() < 0.02
    assert np.abs(found.parallax).max() < 1e-3


@pytest.mark.parametrize(
    ("zoom", "degrees", "shift"), [(1, 0, (3.3, -2.6)), (1, 4, (0, 0)), (1.04, 0, (0, 0)), (0.96, -3, (-5.2, 4.1))]
)
@pytest.mark.parametrize("colour", [False, True])
def test_shift_rotation_and_zoom_of_a_portrait_are_recovered(zoom, degrees, shift, colour) -> None:
    scene = portrait()
    moved = cv2.getRotationMatrix2D((112.0, 104.0), degrees, zoom)
    moved[:, 2] += shift
    still = cv2.cvtColor(scene.image, cv2.COLOR_RGB2GRAY)
    frames = [still, moved_by(still, moved)]
    frames = [cv2.merge([frame] * 3) for frame in frames] if colour else frames
    there = apply_affine(moved, scene.points)
    found = register_frames(frames, [scene.points, there + np.random.default_rng(2).normal(0, 0.5, (68, 2))], [0, 0.5])
    assert np.linalg.norm(apply_affine(found.matrices[1], there) - scene.points, axis=-1).max() < 0.05


@pytest.mark.parametrize("units", [(1, 2), (4,), (9,), (12,), (17,), (20,), (25, 26), (1, 2, 5, 26)])
def test_an_expression_without_head_motion_is_not_registered_away(units: tuple[int, ...]) -> None:
    scene = portrait()
    frames = grey(perform(scene, [Event(0.1, 0.2, 0.3, units, intensity_px=2.0)], [0.0, 0.2]))
    found = register_frames(frames, landmarks(frames, [scene.points] * 2), [0.0, 0.2])
    assert found.refined.all()
    assert max(error[1] for error in errors(found, np.array([scene.points] * 2)).values()) < 0.1


def test_a_blink_does_not_pull() -> None:
    scene = portrait()
    frames = grey(perform(scene, [], np.arange(8) / 30, blinks=[Blink(0.03, 0.1, 0.22)]))
    found = register_frames(frames, landmarks(frames, [scene.points] * 8), np.arange(8) / 30)
    assert max(error.max() for error in errors(found, np.array([scene.points] * 8)).values()) < 0.1


def turned(scene: Scene, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """Another head than the renderer's, rotated about an upright axis and seen in perspective: frame, true points.

    The skull is a cylinder with a pyramid for a nose; the axis goes through the neck, the camera is nine eye
    distances away. The background turns along.
    """
    angle, back = np.deg2rad(degrees), 1.3
    height, width = scene.image.shape[:2]
    to_px = invert(scene.to_units)

    def forward(pixels: np.ndarray) -> np.ndarray:
        units = apply_affine(scene.to_units, pixels)
        x, y = units[..., 0], units[..., 1]
        skull = np.sqrt(np.clip(1.4**2 - x**2, 0.25, None)) - 0.4
        nose = 0.4 * np.clip(1 - np.abs(x) / 0.25, 0, 1) * np.clip(1 - np.abs(y - 0.5) / 0.5, 0, 1)
        z = skull + nose + back
        turned_x, turned_z = x * np.cos(angle) + z * np.sin(angle), z * np.cos(angle) - x * np.sin(angle)
        nearer = (9 - z) / (9 - turned_z)
        return apply_affine(to_px, np.stack([turned_x * nearer, y * nearer], axis=-1))

    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float64)
    source = grid.copy()
    for _ in range(12):
        source += grid - forward(source)
    frame = cv2.remap(scene.image, np.float32(source), None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
    return frame, forward(scene.points)


def another_scene() -> Scene:
    """The portrait mirrored and drawn wider: another image, another face."""
    scene = place_portrait(None, SIZE, FACE_PX, np.array([[1.05, 0.0], [0.0, 0.97]]))
    points = (scene.points * (-1, 1) + (SIZE[0] - 1, 0))[MIRRORED]
    return Scene(np.ascontiguousarray(scene.image[:, ::-1]), points, to_units(points), FACE_PX)


@pytest.mark.parametrize("degrees", [-2.5, -1.2, 1.2, 2.5])
def test_a_head_that_turns_is_followed_beyond_a_similarity(degrees: float) -> None:
    scene = another_scene()
    frame, there = turned(scene, degrees)
    truth = np.array([scene.points, there])
    frames = grey([scene.image, frame])
    found = register_frames(frames, landmarks(frames, truth), [0.0, 0.8])
    alone = register_frames(frames, landmarks(frames, truth), [0.0, 0.8], refine=False)
    assert found.refined.all()
    assert np.sign(found.parallax[1, 0]) == np.sign(degrees)
    fixed = slice(17, 68)  # the chin is nearer in this head than in the generic one
    beyond = np.linalg.norm(found.locate(scene.points)[1] - there, axis=-1)[fixed].mean()
    best = fit_similarity(there[fixed], scene.points[fixed])  # no similarity can do better
    assert beyond < np.linalg.norm(apply_affine(best, there) - scene.points, axis=-1)[fixed].mean()
    left, before = (sum(error[1] for error in errors(way, truth).values()) for way in (found, alone))
    assert left < before


def test_a_registered_crop_undoes_the_parallax_too() -> None:
    scene = another_scene()
    frame, there = turned(scene, 2.0)
    frames = grey([scene.image, frame])
    found = register_frames(frames, [scene.points, there], [0.0, 0.8])
    matrix = eye_crop_matrix(scene.points, 96)
    wanted = warp(frames[0], matrix, 96).astype(float)
    plane = warp(frames[1], compose(matrix, found.matrices[1]), 96)
    inner = (slice(8, 88), slice(14, 82))
    assert (
        np.abs(found.crop(frames[1], 1, matrix, 96) - wanted)[inner].mean() < 0.9 * np.abs(plane - wanted)[inner].mean()
    )
    assert np.abs(found.crop(frames[0], 0, matrix, 96) - wanted).max() <= 1


def test_a_large_face_is_registered_as_well_as_a_small_one() -> None:
    scene = place_portrait(None, (720, 660), 400)
    moved = np.array([[1.0, 0.01, 7.3], [-0.01, 1.0, -4.6]])
    frames = [scene.image, cv2.warpAffine(scene.image, moved, (720, 660), flags=cv2.INTER_LINEAR)]
    there = apply_affine(moved, scene.points)
    found = register_frames(frames, [scene.points, there + 1.5], [0.0, 0.1])
    assert np.linalg.norm(apply_affine(found.matrices[1], there) - scene.points, axis=-1).max() < 0.05 * 400 / 128
    matrix = eye_crop_matrix(scene.points, 128)
    apart = np.abs(found.crop(frames[1], 1, matrix, 128).astype(float) - warp(frames[0], matrix, 128))
    assert np.median(apart) <= 2


def test_a_covered_face_keeps_its_landmarks() -> None:
    scene = portrait()
    frames = grey(perform(scene, [], [0.0, 0.1, 0.2]))
    frames[1] = np.random.default_rng(3).integers(0, 255, frames[1].shape)
    points = scene.points + np.array([0.0, 1.0, 0.0])[:, None, None]
    found = register_frames(frames, points, [0.0, 0.1, 0.2], window_s=0)
    assert found.refined.tolist() == [True, False, True]
    assert apply_affine(found.matrices[1], points[1]) == pytest.approx(scene.points)
    flat = register_frames(np.full_like(frames, 90), points, [0.0, 0.1, 0.2])
    assert not flat.refined.any()
    assert np.isfinite(flat.matrices).all()


def test_frames_without_a_face_stay_nan_and_any_frame_may_be_the_reference() -> None:
    clip = take(11, 30)
    points = clip.points[:8].copy()
    points[[0, 4]] = np.nan
    found = register_frames(list(clip.frames[:8]), points, clip.times[:8], reference=5)
    assert np.isnan(found.matrices[:, 0, 0]).tolist() == [True, False, False, False, True, False, False, False]
    assert np.isnan(found.parallax[[0, 4]]).all()
    assert not found.refined[[0, 4]].any()
    assert np.isnan(found.locate(clip.truth[5])[0]).all()
    seen = [1, 2, 3, 5, 6, 7]
    left = np.linalg.norm(apply_affine(found.matrices[seen], clip.truth[seen]) - clip.truth[5], axis=-1)
    assert left[:, 17:].mean() < 0.1
    assert apply_affine(found.matrices[5], points[5]) == pytest.approx(points[5], abs=0.02)
    nobody = register_frames(clip.frames[:2], np.full((2, 68, 2), np.nan), [0, 1])
    assert np.isnan(nobody.matrices).all()


def test_the_same_frames_give_the_same_matrices() -> None:
    clip = take(11, 30)
    first, second = (clip.part([3, 9, 14]) for _ in range(2))
    np.testing.assert_array_equal(first.matrices, second.matrices)


def test_a_brighter_picture_is_no_motion() -> None:
    scene = portrait()
    frame = cv2.cvtColor(scene.image, cv2.COLOR_RGB2GRAY)
    brighter = np.clip(frame * 0.8 + 30, 0, 255).astype(np.uint8)
    found = FaceRefiner(frame, scene.points).refine(brighter, np.array([[1.0, 0, 0.8], [0, 1, -0.6]]))
    assert np.abs(apply_affine(found[0], scene.points) - scene.points).max() < 0.05


def test_bad_input() -> None:
    scene = portrait()
    points = np.array([scene.points] * 2)
    frames = [scene.image] * 2
    lost = points.copy()
    lost[1] = np.nan
    for arguments, options in (
        ((frames[:1], points, [0, 1]), {}),
        ((frames, points, [0]), {}),
        ((frames, points[0], [0, 1]), {}),
        ((frames, points, [1, 0]), {}),
        ((frames, points, [0, 1]), {"reference": 2}),
        ((frames, lost, [0, 1]), {"reference": 1}),
        (([scene.image, scene.image.astype(float)], points, [0, 1]), {}),
    ):
        with pytest.raises(MienError, match="expected"):
            register_frames(*arguments, **options)
