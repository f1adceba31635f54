"""Each distractor does what it says, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest

from mien.core import MienError
from mien.faces import face_backend
from mien.motion import optical_flow
from mien.synthesis import render
from mien.synthesis.distractors import (
    DISTRACTORS,
    Absence,
    Flicker,
    Hand,
    Macro,
    MovedHead,
    Nod,
    Shake,
    Talk,
    compress,
)
from mien.synthesis.events import Event, Glance, draw_events
from mien.synthesis.performance import Scene, perform, place_portrait
from mien.synthesis.staging import Distractors, draw_distractors, film

TIMES = (0.0, 0.5)


@pytest.fixture(scope="module")
def scene() -> Scene:
    found = place_portrait(None, (192, 192), 128)
    return replace(found, image=cv2.cvtColor(found.image, cv2.COLOR_RGB2GRAY))


def flow(frames: list[np.ndarray]) -> np.ndarray:
    return optical_flow(frames[0], frames[1], "tvl1")


def at(field: np.ndarray, scene: Scene, *landmarks: int) -> np.ndarray:
    """Mean (u, v) around landmarks."""
    places = np.rint(scene.points[list(landmarks)]).astype(int)
    return np.mean([field[:, y - 3 : y + 4, x - 3 : x + 4].mean(axis=(1, 2)) for x, y in places], axis=0)


def test_a_nod_moves_all_points_of_the_face_alike(scene: Scene) -> None:
    head = MovedHead(None, [Nod(0.0, 1.0, 4.0)], scene)
    moved = flow(list(perform(scene, [], TIMES, head=head)))
    down = [at(moved, scene, *part)[1] for part in ((37, 38), (43, 44), (31, 35), (48, 54), (8,), (19, 24))]
    assert min(down) > 2.8  # 4 px at the nose, of which a fifth is parallax by depth
    assert max(down) < 4.6
    assert abs(at(moved, scene, 30)[0]) < 0.2


def test_flicker_moves_nothing(scene: Scene) -> None:
    light = Flicker(np.random.default_rng(0))
    lit = [light(scene.image, time) for time in np.linspace(0, 1, 25)]
    assert np.ptp([image.mean() for image in lit]) > 0.01 * scene.image.mean()
    inside = (scene.image > 40) & (scene.image < 200)
    ratio = lit[7][inside] / scene.image[inside].astype(float)
    assert abs(ratio - np.median(ratio)).max() < 0.1  # a gain that changes slowly over the picture
    backend = face_backend("dlib")
    box = backend.detect(scene.image)[0]
    still, flickering = (backend.landmarks(image, box) for image in (scene.image, lit[7]))
    assert np.linalg.norm(still - flickering, axis=1).mean() < 1.0


def test_talk_moves_the_mouth_and_nothing_above_it(scene: Scene) -> None:
    talk = Talk(0.0, 1.0, 4.0, 1.5, (25, 26), 5.0)
    frames = list(perform(scene, [talk], (0.0, 0.375)))  # the middle of the second syllable
    moved = np.linalg.norm(flow(frames), axis=0)
    assert moved[int(scene.points[57, 1]) - 3 :, 60:130].max() > 1.5
    assert moved[: int(scene.points[33, 1])].max() < 0.4  # from the nostrils up
    changes = [talk.course(time) for time in np.linspace(0.1, 0.9, 200)]
    peaks = sum(a < b > c for a, b, c in zip(changes, changes[1:], changes[2:], strict=False))
    assert peaks in (3, 4)  # 4 Hz for 0.8 s


def test_a_glance_moves_the_iris_within_50_ms_and_no_skin(scene: Scene) -> None:
    glance = Glance(0.1, 0.9, (0.2, 0.0))
    assert [glance.course(time) for time in (0.1, 0.15, 0.5, 0.85, 0.9)] == pytest.approx([0, 1, 1, 1, 0])
    still, aside = (frame.astype(float) for frame in perform(scene, [], TIMES, glances=[glance]))
    changed = np.abs(still - aside) > 1
    eyes = np.zeros_like(changed, np.uint8)
    for eye in (range(36, 42), range(42, 48)):
        cv2.fillPoly(eyes, [np.rint(scene.points[eye]).astype(np.int32)], 1)
    assert changed[eyes > 0].mean() > 0.2
    assert not changed[cv2.dilate(eyes, np.ones((5, 5), np.uint8)) == 0].any()


def test_a_hand_changes_only_what_it_covers(scene: Scene) -> None:
    skin = np.full((32, 32), 130, np.uint8)
    hand = Hand(0.0, 1.0, (-40.0, 100.0), (60.0, 110.0), (30.0, 20.0), 0.4, skin)
    covered = hand(scene.image, 0.5)
    cover = hand.cover(0.5, scene.image.shape)
    np.testing.assert_array_equal(covered[cover == 0], scene.image[cover == 0])
    assert (np.abs(covered[cover == 1] - 130.0) <= 1).all()
    rows, columns = np.nonzero(cover > 0.5)
    assert (columns.mean(), rows.mean()) == pytest.approx((60, 110), abs=1)
    assert cover.sum() == pytest.approx(np.pi * 30 * 20, rel=0.25)  # its edge is soft
    np.testing.assert_array_equal(hand(scene.image, 1.1), scene.image)


def test_a_face_that_leaves_is_gone_and_comes_back(scene: Scene) -> None:
    around = Distractors(("leave",), absences=(Absence(0.2, 1.8, 1),))
    frames = list(film(scene, [], 10, 20, around, np.random.default_rng(0)))
    backend = face_backend("dlib")
    assert backend.detect(frames[0])
    assert not backend.detect(frames[10])
    assert backend.detect(frames[19])


def test_shake_is_a_jitter_of_at_most_a_pixel_or_so(scene: Scene) -> None:
    poses = np.array(
        [Shake(np.random.default_rng(seed)).pose(t, scene) for seed in range(9) for t in np.arange(0, 2, 0.01)]
    )
    assert (poses[:, 2:] == 0).all()
    assert 0.1 < poses[:, :2].std() < 0.5
    assert np.abs(poses[:, :2]).max() < 1.5


def test_a_lasting_expression_rises_slowly_and_is_held() -> None:
    macro = Macro(1.0, 3.0, 0.4, (12,), "both", 2.0)
    assert [macro.course(t) for t in (1.0, 1.2, 1.4, 2.0, 2.6, 2.8, 3.0)] == pytest.approx([0, 0.5, 1, 1, 1, 0.5, 0])


@pytest.mark.parametrize("colour", [False, True])
def test_compression_keeps_number_and_place_of_frames(scene: Scene, colour: bool) -> None:
    frames = [np.roll(scene.image, step, axis=1) for step in range(6)]
    frames = [cv2.merge([frame] * 3) for frame in frames] if colour else frames
    rough = list(compress(frames, 25, 30))
    assert [frame.shape for frame in rough] == [frame.shape for frame in frames]
    errors = [np.abs(a.astype(float) - b).mean() for a, b in zip(rough, frames, strict=True)]
    assert 0.5 < max(errors) < 6
    fine = list(compress(frames, 25, 10))
    assert np.abs(fine[3].astype(float) - frames[3]).mean() < errors[3]


@pytest.mark.parametrize("seed", range(8))
def test_no_micro_expression_is_hidden_or_mixed_with_another_movement(scene: Scene, seed: int) -> None:
    rng = np.random.default_rng(seed)
    events = draw_events(42, rng, every_s=5)
    around = draw_distractors(42, rng, DISTRACTORS, events, scene)
    apart = [span for span in around.spans() if span[0] in ("talk", "macro", "hand", "leave")]
    assert {name for name, *_ in apart} == {"talk", "macro", "hand", "leave"}
    for _, start, stop in apart:
        assert all(stop + 0.39 < e.onset_s or e.offset_s < start - 0.39 for e in events)
    for (_, _, stop), (_, start, _) in pairwise(apart):
        assert start > stop
    assert all(0 <= start < stop <= 42 for _, start, stop in around.spans())
    assert all(macro.offset_s - macro.onset_s >= 0.7 and macro.ramp_s >= 0.3 for macro in around.macros)


def test_the_same_seed_films_the_same_and_another_does_not(scene: Scene) -> None:
    def filmed(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        events = [Event(0.2, 0.3, 0.5, (12,))]
        return np.array(list(film(scene, events, 25, 15, draw_distractors(3, rng, DISTRACTORS, events, scene), rng)))

    first = filmed(1)
    np.testing.assert_array_equal(first, filmed(1))
    assert not np.array_equal(first, filmed(2))


def test_what_is_asked_for_beside_does_not_change_a_distractor(scene: Scene) -> None:
    few, all_of_them = (
        draw_distractors(20, np.random.default_rng(4), wanted, [], scene) for wanted in (("nods",), DISTRACTORS)
    )
    assert few.nods == all_of_them.nods
    assert not few.blinks
    assert few.flicker is None


def test_render_takes_everything_and_all_stays_the_three_of_old(tmp_path) -> None:  # type: ignore[no-untyped-def]
    import json

    small = {"fps": 10, "seconds": 4.0, "size": (160, 128), "seed": 2}
    for word, names in (("all", ["blinks", "head", "noise"]), ("everything", list(DISTRACTORS)), ("talk", ["talk"])):
        path = render(tmp_path / f"{word}.mp4", distractors=word, **small)
        truth = json.loads(path.with_suffix(".json").read_text())
        assert truth["distractors"] == names
        assert ("others" in truth) == (word != "all")
    with pytest.raises(MienError, match="expected all, none or some of blinks"):
        render(tmp_path / "x.mp4", distractors="rain", **small)
