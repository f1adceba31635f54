"""A drawn face is dark where a face is dark, and the same random state draws the same person."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.core import FloatArray
from mien.synthesis.drawn_face import BOX, draw_background, draw_face
from mien.synthesis.face import MEAN_FACE, random_face

SCALE = 40.0
PEOPLE = range(24)
UPPER_LIDS, BROWS, MOUTH = [37, 38, 43, 44], [18, 19, 20, 23, 24, 25], [62, 66]
EYES = np.array([MEAN_FACE[36:42].mean(axis=0), MEAN_FACE[42:48].mean(axis=0)])


def drawn(person: int, face: np.ndarray = MEAN_FACE, **how: object) -> FloatArray:
    return draw_face(face, np.random.default_rng(person), SCALE, **how)[0]


def grey(picture: FloatArray, places: np.ndarray) -> np.ndarray:
    """Grey levels at places in face units."""
    column, row = ((places - BOX[:2]) * SCALE - 0.5).T.astype(np.float32)
    return cv2.remap(picture, column[:, None], row[:, None], cv2.INTER_LINEAR)[:, 0]


@pytest.mark.parametrize("person", PEOPLE)
def test_lashes_lie_on_the_landmarks_of_the_upper_lids(person: int) -> None:
    face = random_face(np.random.default_rng(person))
    picture = drawn(person, face)
    assert grey(picture, face[UPPER_LIDS]).mean() < 0.6 * grey(picture, face[UPPER_LIDS] + (0, 0.3)).mean()


@pytest.mark.parametrize("person", PEOPLE)
def test_the_line_between_the_lips_lies_between_their_landmarks(person: int) -> None:
    face = random_face(np.random.default_rng(person))
    up_and_down = np.linspace(-0.08, 0.08, 33)
    column = face[MOUTH].mean(axis=0) + np.stack([np.zeros(33), up_and_down], axis=-1)
    assert abs(up_and_down[grey(drawn(person, face), column).argmin()]) <= 0.025


def test_brows_are_darker_than_the_forehead_above() -> None:
    ratios = []
    for person in PEOPLE:
        face, bald = random_face(np.random.default_rng(person)), (0, -0.14)
        picture = drawn(person, face)
        ratios.append(grey(picture, face[BROWS]).mean() / grey(picture, face[BROWS] + bald).mean())
    assert np.median(ratios) < 0.85  # hair may hang over them: it does in some


def test_features_follow_the_landmarks() -> None:
    """A mouth a tenth of a unit lower is drawn a tenth of a unit, 4 px, lower."""
    lower = MEAN_FACE.copy()
    lower[48:68, 1] += 0.1
    places = MEAN_FACE[MOUTH].mean(axis=0) + np.stack([np.zeros(41), np.linspace(-0.05, 0.15, 41)], axis=-1)
    found = [np.mean([grey(drawn(p, face), places) for p in PEOPLE], axis=0).argmin() for face in (MEAN_FACE, lower)]
    assert 0.2 / 40 * (found[1] - found[0]) == pytest.approx(0.1, abs=0.02)


def test_the_same_random_state_draws_the_same_person_and_another_one_another() -> None:
    first, second = np.random.default_rng(5), np.random.default_rng(5)
    here, there = (draw_face(MEAN_FACE, rng, SCALE) for rng in (first, second))
    np.testing.assert_array_equal(here[0], there[0])
    np.testing.assert_array_equal(here[1], there[1])
    again = draw_face(MEAN_FACE, first, SCALE)[0]  # the state has gone on
    assert np.abs(again - here[0]).mean() > 5


def test_gaze_and_lids_leave_the_rest_of_the_person_as_it_was() -> None:
    straight, aside = drawn(3), drawn(3, gaze=(0.08, 0.0), closed=0.7)
    steps = BOX[0] + (np.arange(straight.shape[1]) + 0.5) / SCALE, BOX[1] + (np.arange(len(straight)) + 0.5) / SCALE
    x, y = np.meshgrid(*steps)
    apart = np.all([np.hypot((x - eye[0]) / 0.3, (y - eye[1]) / 0.25) > 1 for eye in EYES], axis=0)
    np.testing.assert_allclose(straight[apart], aside[apart], rtol=1e-6)
    assert np.abs(straight - aside)[~apart].max() > 30


@pytest.mark.parametrize("person", PEOPLE)
def test_the_iris_follows_the_gaze(person: int) -> None:
    """Looking right, what is right of the eyes' middle gets darker than what is left of it."""
    sides = [np.add(EYES, (0.08, 0.01)), np.add(EYES, (-0.08, 0.01))]
    right, left = (grey(drawn(person, gaze=(0.1, 0.0)), side).mean() for side in sides)
    assert right < left


@pytest.mark.parametrize("person", PEOPLE)
def test_closed_lids_hide_the_iris(person: int) -> None:
    """Where the eye was there is skin, whatever the gaze; all that is left is a slit."""
    straight, aside = drawn(person, closed=1.0), drawn(person, closed=1.0, gaze=(0.08, 0.0))
    middle = np.add(EYES, (0, -0.02))
    np.testing.assert_allclose(grey(straight, middle), grey(aside, middle), atol=1.0)
    opened = np.abs(drawn(person) - drawn(person, gaze=(0.08, 0.0))).sum()
    assert np.abs(straight - aside).sum() < 0.45 * opened


@pytest.mark.parametrize("person", PEOPLE)
def test_a_beard_darkens_the_chin_and_glasses_the_place_between_the_eyes(person: int) -> None:
    bare = drawn(person, beard=0.0, glasses=0.0)
    chin, between = (MEAN_FACE[[8]] + MEAN_FACE[[57]]) / 2, np.array([[0.0, -0.04], [0.05, -0.03], [-0.05, -0.03]])
    for worn, there, elsewhere in (("beard", chin, between), ("glasses", between, chin)):
        picture = drawn(person, **{"beard": 0.0, "glasses": 0.0, worn: 1.0})
        assert grey(picture, there).mean() < grey(bare, there).mean()
        np.testing.assert_allclose(grey(picture, elsewhere), grey(bare, elsewhere), atol=1e-3)


@pytest.mark.parametrize(("worn", "share"), [("beard", 0.25), ("glasses", 0.12)])
def test_some_wear_beard_or_glasses_unless_told(worn: str, share: float) -> None:
    """Of 150 people; three standard deviations are .11 and .08."""
    none = {"beard": 0.0, "glasses": 0.0}
    usual = {name: chance for name, chance in none.items() if name != worn}

    def face(person: int, **chances: float) -> FloatArray:
        return draw_face(MEAN_FACE, np.random.default_rng(person), 10.0, **chances)[0]

    differ = [not np.array_equal(face(person, **usual), face(person, **none)) for person in range(150)]
    assert np.mean(differ) == pytest.approx(share, abs=0.11 if worn == "beard" else 0.08)


def test_the_head_holds_its_landmarks_and_ends_at_its_sides() -> None:
    picture, head = draw_face(MEAN_FACE, np.random.default_rng(0), SCALE)
    assert picture.shape == head.shape == (152, 152)  # 3.8 units of 40 px
    assert grey(head, MEAN_FACE[17:]).min() == pytest.approx(1)
    assert max(head[-1, :40].max(), head[:, 0].max(), head[:, -1].max()) == 0
    assert head.min() >= 0


def test_grey_levels_stay_within_a_well_exposed_picture() -> None:
    for person in PEOPLE:
        for picture in (drawn(person), draw_background(np.random.default_rng(person), 90)):
            assert picture.min() >= 3
            assert picture.max() <= 252


def test_backgrounds_have_their_size_and_differ() -> None:
    first, second = (draw_background(np.random.default_rng(seed), 64) for seed in (1, 2))
    assert first.shape == (64, 64)
    assert first.dtype == np.float32
    assert np.abs(first - second).mean() > 5
