"""Each recipe takes the frames, the crop and the motion that its paper says, on a face that moves as it is told to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from mien.core import MienError
from mien.faces import Box, apply_affine, canonical_points
from mien.motion import idsf, optical_flow, strain
from mien.recipes import RECIPES, SHIFTS, STEPS, Face, Recipe, Stage, Take, run, with_shift
from mien.synthesis.events import Event
from mien.synthesis.performance import Scene, perform, place_portrait

FPS, FRAMES, APEX = 100.0, 25, 12


@pytest.fixture(scope="module")
def scene() -> Scene:
    return place_portrait(None, (200, 180), 130)


@pytest.fixture(scope="module")
def smile(scene: Scene) -> np.ndarray:
    """A smile of 2 px from frame 0, strongest in frame 12."""
    times = np.arange(FRAMES) / FPS
    event = Event(0.0, APEX / FPS, (FRAMES - 1) / FPS, (12,), intensity_px=2.0)
    return np.stack(list(perform(scene, [event], times)))


@pytest.fixture(scope="module")
def take(smile: np.ndarray, scene: Scene) -> Take:
    def read(numbers: Sequence[int]) -> Iterator[np.ndarray]:
        return (smile[number] for number in numbers)

    def locate(image: np.ndarray, number: int, faces: str, near: Box | None) -> Face:
        return Face(scene.points)

    return Take("smile", 0, APEX, FRAMES - 1, FPS, read, locate)


def staged(take: Take, *steps: tuple[str, dict[str, object]]) -> Stage:
    """Run some steps, whether or not they end in a result."""
    seen: list[Stage] = []
    with pytest.raises(MienError, match="ends without a result"):
        run(Recipe.of("part", *steps), take, lambda _name, stage: seen.append(stage))
    return seen[-1]


def test_every_step_of_every_recipe_is_known_and_takes_its_parameters() -> None:
    for name in RECIPES:
        for step, _ in RECIPES[name].steps:
            assert step in STEPS, f"{name}: {step}"


@pytest.mark.parametrize(
    ("recipe", "shape", "kind"),
    [
        ("motion-map", (28, 28, 3), "uint8"),
        ("registered-motion-map", (28, 28, 3), "uint8"),
        ("lbp-top", (59 * 3 * 64,), "float32"),
        ("lbp-sip", (20 * 64,), "float32"),
        ("stclqp", (9 * 256 * 25,), "int32"),
        ("stlbp-ip", (630 * 25,), "float32"),
        ("dis-stlbp-rip", (630 * 25,), "float32"),
        ("hoof", (200,), "float32"),
        ("fhoof", (450,), "float32"),
        ("mdmo", (72,), "float32"),
        ("flow-roi", (180,), "float32"),
        ("bi-woof", (200,), "float32"),
        ("adnet", (6, 128, 128, 3), "uint8"),
        ("mmnet", (2, 224, 224, 3), "uint8"),
        ("mmnet-flow", (1, 224, 224, 6), "float32"),
        ("ms3d", (16, 134, 134, 2), "float32"),
        ("ast-svm", (2, 10, 192, 192), "float32"),
        ("ast-svm-uv", (3, 10, 192, 192), "float32"),
        ("slstt", (11, 384, 384, 3), "uint8"),
        ("dynamic-image", (224, 224, 3), "float32"),
        ("capsulenet", (1, 224, 224, 3), "uint8"),
        ("c3d", (16, 112, 112, 3), "float32"),
    ],
)
def test_a_recipe_makes_the_shape_its_paper_says(recipe: str, shape: tuple[int, ...], kind: str, take: Take) -> None:
    array = run(RECIPES[recipe], take).array
    assert array is not None
    assert (array.shape, array.dtype.name) == (shape, kind)
    assert np.isfinite(array).all()
    assert array.any()


def test_adnet_sees_every_second_frame_back_from_the_apex(take: Take) -> None:
    frames = run(RECIPES["adnet"], take).array
    assert frames is not None
    only_apex = run(RECIPES["adnet"], replace(take, onset=APEX)).array
    assert only_apex is not None
    np.testing.assert_array_equal(only_apex[0], frames[5])
    assert not only_apex[1:].any(), "frames of zeros are none"


def test_ast_sees_ten_differences_to_the_onset_beside_ten_flows(take: Take) -> None:
    magnitude, differences = run(RECIPES["ast-svm"], take).array  # type: ignore[misc]
    steps = RECIPES["ast-svm"].steps
    stage = staged(take, *((name, dict(params)) for name, params in steps[:-2]))
    frames = stage.cropped("test")
    np.testing.assert_array_equal(differences, idsf(frames))
    assert np.abs(differences[5]).mean() > np.abs(differences[0]).mean() > 0
    assert (magnitude >= 0).all()
    assert len(frames) == 11


def test_ms3d_takes_seventeen_key_frames_with_onset_apex_and_offset(take: Take) -> None:
    stage = staged(take, *((name, dict(params)) for name, params in RECIPES["ms3d"].steps[:4]))
    assert len(stage.numbers) == 17
    assert (stage.numbers[0], stage.numbers[stage.apex], stage.numbers[-1]) == (0, APEX, FRAMES - 1)
    assert list(stage.numbers) == sorted(set(stage.numbers))


@pytest.mark.parametrize("by", ["lwm", "piecewise-affine"])
def test_registration_brings_the_landmarks_to_the_neutral_face(by: str, take: Take, scene: Scene) -> None:
    """A picture of dots at the landmarks becomes one of dots at the neutral face's."""
    import cv2

    dots = np.zeros((180, 200), np.uint8)
    for x, y in scene.points[[30, 36, 45, 48, 54, 8]]:
        cv2.circle(dots, (round(x * 16), round(y * 16)), 3 * 16, 255, -1, cv2.LINE_AA, 4)
    still = replace(take, read=lambda numbers: (dots for _ in numbers))
    frames = staged(still, ("register", {"by": by, "size": 128, "neighbours": 12})).cropped("test")
    for x, y in canonical_points(128)[[30, 36, 45, 48, 54]]:
        assert frames[0][round(float(y)), round(float(x))] > 128
    np.testing.assert_array_equal(frames[0], frames[1])


def test_one_box_serves_the_whole_clip_though_landmarks_jitter(take: Take, scene: Scene) -> None:
    """All frames are cut by the onset's landmarks: jitter of the others moves nothing."""

    def jittery(image: np.ndarray, number: int, faces: str, near: Box | None) -> Face:
        return Face(scene.points + (0 if number == 0 else 3))

    params = dict(RECIPES["motion-map"].steps[0][1])
    steady, shaken = (staged(one, ("crop", params)).frames for one in (take, replace(take, locate=jittery)))
    np.testing.assert_array_equal(steady, shaken)


def test_a_moved_box_moves_the_flow_with_it(take: Take) -> None:
    """MS3D's copies are cropped anew: away from the border their flow is the shifted flow of the clip."""
    crop, flow = ("crop", {**dict(RECIPES["motion-map"].steps[0][1]), "grey": True}), RECIPES["motion-map"].steps[1]
    recipe = Recipe.of("part", crop, (flow[0], {**dict(flow[1]), "algorithm": "lk"}), ("mdmo", {}))
    seen: dict[tuple[int, int], Stage] = {}
    for right, down in SHIFTS:
        moved = with_shift(recipe, 15 * right, 15 * down)
        run(moved, take, lambda _name, stage, at=(right, down): seen.update({at: stage}))  # type: ignore[misc]
    assert len(seen) == 5, "and a mirrored copy makes six"
    plain = seen[0, 0].flowed("test")[0]
    for (right, down), stage in seen.items():
        moved_flow = stage.flowed("test")[0]
        inner = moved_flow[:, 40:88, 40:88]
        there = plain[:, 40 + 15 * down : 88 + 15 * down, 40 + 15 * right : 88 + 15 * right]
        assert np.abs(inner - there).mean() < 0.02
        np.testing.assert_allclose(stage.landmarks("t")[30] - seen[0, 0].landmarks("t")[30], [-15 * right, -15 * down])


def test_the_landmarks_go_into_the_crop(take: Take, scene: Scene) -> None:
    stage = staged(take, ("crop", dict(RECIPES["motion-map"].steps[0][1])))
    assert stage.matrix is not None
    np.testing.assert_allclose(stage.points, apply_affine(stage.matrix, scene.points))
    left, right = stage.landmarks("test")[36:48].reshape(2, 6, 2).mean(axis=1)
    np.testing.assert_allclose(left, [0.3 * 128 - 0.5, 0.24 * 128 - 0.5], atol=0.01)
    np.testing.assert_allclose(right, [0.7 * 128 - 0.5, 0.24 * 128 - 0.5], atol=0.01)


def test_registration_undoes_a_moving_head_and_the_crop_alone_does_not(take: Take, scene: Scene) -> None:
    """The clip with head motion is held as still as the one without: what is left of the head is not the expression."""
    times = np.arange(FRAMES) / FPS
    still = np.stack(list(perform(scene, [], times)))
    swayed = np.stack([np.roll(frame, (number // 6, number // 4), axis=(0, 1)) for number, frame in enumerate(still)])

    def locate(image: np.ndarray, number: int, faces: str, near: Box | None) -> Face:
        return Face(scene.points + np.array([number // 4, number // 6]))

    moving = replace(take, read=lambda numbers: (swayed[number] for number in numbers), locate=locate)
    clip = ("frames", {"which": "onset to offset"})
    held = staged(moving, clip, ("register", {"by": "similarity", "size": 128, "grey": True})).cropped("test")
    cut = staged(moving, clip, ("crop", {**dict(RECIPES["motion-map"].steps[0][1]), "grey": True})).cropped("test")
    inner = (slice(24, 104), slice(24, 104))
    left = [np.hypot(*optical_flow(f[0], f[-1], "lk")[(slice(None), *inner)]).mean() for f in (held, cut)]
    assert left[1] > 4, "the head moved by pixels"
    assert left[0] < 0.15


def with_depth(take: Take, shrink: int = 1) -> Take:
    """Depth that is the green of the frame, and 1,500 units more at the apex; the left half was not measured."""

    def read_depth(numbers: Sequence[int]) -> Iterator[np.ndarray]:
        for number, frame in zip(numbers, take.read(numbers), strict=True):
            depth = frame[::shrink, ::shrink, 1].astype(np.uint16) + (2500 if number == APEX else 1000)
            depth[:, : depth.shape[1] // 2] = 0
            yield depth

    return replace(take, read_depth=read_depth)


def test_depth_comes_with_the_frames_and_lies_under_them(take: Take, smile: np.ndarray) -> None:
    made = run(RECIPES["mmnet-depth"], with_depth(take)).array
    assert made is not None
    assert (made.shape, made.dtype) == ((2, 224, 224, 4), np.uint16)
    np.testing.assert_array_equal(made[..., :3], run(RECIPES["mmnet"], take).array)
    colour, depth = made[..., 1].astype(int), made[..., 3].astype(int)
    for number, frame, nearest, offset in zip((0, APEX), colour, depth, (1000, 2500), strict=True):
        assert set(np.unique(nearest)) <= {0, *(smile[number, ..., 1].ravel() + np.int64(offset))}, "never blended"
        assert 0.3 < (nearest > 0).mean() < 0.7
        assert np.median(np.abs(nearest - offset - frame)[nearest > 0]) <= 2


def test_a_smaller_depth_image_lies_in_the_same_place(take: Take) -> None:
    whole, half = (run(RECIPES["mmnet-depth"], with_depth(take, shrink)).array for shrink in (1, 2))
    assert whole is not None
    assert half is not None
    assert ((whole[..., 3] > 0) == (half[..., 3] > 0)).mean() > 0.99


def test_depth_beyond_the_image_is_unknown(take: Take) -> None:
    still = replace(
        take, read_depth=lambda numbers: (np.full((180, 200), 900, np.uint16) for _ in numbers),
        locate=lambda *_: Face(canonical_points(130) - [60, 0]),
    )  # fmt: skip
    made = run(RECIPES["mmnet-depth"], still).array
    assert made is not None
    assert not made[:, 100, 0, 3].any(), "left of the image"
    assert (made[:, 100, 200, 3] == 900).all()


def test_without_depth_or_a_registration_there_is_none(take: Take) -> None:
    with pytest.raises(MienError, match="without depth"):
        run(RECIPES["mmnet-depth"], take)
    crop = RECIPES["motion-map"].steps[0]
    with pytest.raises(MienError, match="a registration by lwm"):
        run(Recipe.of("part", (crop[0], dict(crop[1])), ("join", {"of": ("frames", "depth")})), with_depth(take))


def test_mmnets_flow_is_in_pixels_with_its_strain_and_the_onset(take: Take) -> None:
    seen: list[Stage] = []
    made = run(RECIPES["mmnet-flow"], take, lambda _name, stage: seen.append(stage)).array
    assert made is not None
    frames = run(RECIPES["mmnet"], take).array
    flow = optical_flow(frames[0], frames[1], "tvl1")  # type: ignore[index]
    np.testing.assert_array_equal(made[0, ..., :2], np.moveaxis(flow, 0, -1))
    np.testing.assert_array_equal(made[0, ..., 2], strain(flow))
    np.testing.assert_array_equal(made[0, ..., 3:], frames[0])  # type: ignore[index]
    still = run(RECIPES["mmnet-flow"], replace(take, apex=0)).array
    assert still is not None
    assert not still[..., :3].any(), "no motion is 0"


def test_ast_sees_u_and_v_whose_length_is_the_magnitude(take: Take) -> None:
    u, v, differences = run(RECIPES["ast-svm-uv"], take).array  # type: ignore[misc]
    magnitude, same = run(RECIPES["ast-svm"], take).array  # type: ignore[misc]
    np.testing.assert_array_equal(np.hypot(u, v), magnitude)
    np.testing.assert_array_equal(differences, same)
    assert u.min() < 0 < u.max()


def test_grey_frames_are_joined_as_grey_colours(take: Take) -> None:
    register = ("register", {"by": "lwm", "size": 64, "grey": True})
    made = run(Recipe.of("part", register, ("join", {"of": ("frames",)})), take).array
    assert made is not None
    assert made.shape == (2, 64, 64, 3)
    assert (made == made[..., :1]).all()


def test_magnified_motion_is_larger(take: Take) -> None:
    crop = ("crop", {**dict(RECIPES["motion-map"].steps[0][1]), "grey": True})
    clip = ("frames", {"which": "onset to offset"})
    magnify = next((name, dict(params)) for name, params in RECIPES["ms3d"].steps if name == "magnify")
    plain, larger = staged(take, clip, crop), staged(take, clip, crop, magnify)
    moved = [np.hypot(*optical_flow(s.frames[0], s.frames[APEX], "farneback")).mean() for s in (plain, larger)]  # type: ignore[index]
    assert moved[1] > 1.5 * moved[0]


def test_a_filter_in_time_needs_the_frame_rate(take: Take) -> None:
    with pytest.raises(MienError, match="'smile' without a frame rate"):
        run(RECIPES["ms3d"], replace(take, fps=None))


def test_a_step_too_early_or_with_other_parameters_is_one_line(take: Take) -> None:
    with pytest.raises(MienError, match="before a crop"):
        run(Recipe.of("wrong", ("tim", {"frames": 10})), take)
    with pytest.raises(MienError, match="before a flow"):
        run(Recipe.of("wrong", ("mdmo", {})), take)
    with pytest.raises(MienError, match="step 'tim' of 'wrong' with other parameters"):
        run(Recipe.of("wrong", ("tim", {"count": 10})), take)
    with pytest.raises(MienError, match="unknown recipe step 'tm'"):
        run(Recipe.of("wrong", ("tm", {})), take)
    with pytest.raises(MienError, match="expected one of onset and apex"):
        run(Recipe.of("wrong", ("frames", {"which": "all"})), take)
    with pytest.raises(MienError, match="to join; expected some of frames"):
        run(Recipe.of("wrong", ("join", {"of": ("idsf",)})), take)
    register = ("register", {"by": "lwm", "size": 64})
    with pytest.raises(MienError, match="of the shapes"):
        run(Recipe.of("wrong", register, ("join", {"of": ("frames", "onset")})), take)
    with pytest.raises(MienError, match="expected similarity, lwm"):
        run(Recipe.of("wrong", ("register", {"by": "affine", "size": 64})), take)
