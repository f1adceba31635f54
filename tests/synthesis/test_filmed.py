"""Two frames of a drawn face, and what an estimator sees of what happened in between."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from mien.synthesis.action_units import displacement
from mien.synthesis.face import MEAN_FACE, random_face
from mien.synthesis.filmed import WIDE, estimate_flow, film_pair, head_field
from mien.synthesis.map_settings import MapSettings

STILL = MapSettings(
    head=0.0, blink=0.0, gaze=0.0, sensor=(0.0, 0.0), light=0.0, optics=(0.0, 0.0), sizes=(96,), size_shares=(1.0,)
)
ESTIMATORS = ("tvl1", "dis", "farneback")


def filmed(seed: int, activation: dict, settings: MapSettings = STILL) -> tuple[np.ndarray, np.ndarray]:
    return film_pair(activation, MEAN_FACE, np.random.default_rng(seed), settings)


def only(estimator: str) -> MapSettings:
    return replace(STILL, estimators=((estimator, 1.0),))


def at(field: np.ndarray, places: np.ndarray, reach: float = 0.08) -> np.ndarray:
    """Mean of a field (2, S, S) over :data:`WIDE` around places in face units."""
    steps = (np.arange(field.shape[1]) + 0.5) / field.shape[1] * WIDE[2]
    x, y = np.meshgrid(WIDE[0] + steps, WIDE[1] + steps)
    return np.stack([field[:, np.hypot(x - a, y - b) < reach].mean(axis=1) for a, b in places])


@pytest.mark.parametrize("seed", range(6))
def test_where_nothing_happens_the_frames_are_equal(seed: int) -> None:
    onset, apex = filmed(seed, {})
    np.testing.assert_array_equal(onset, apex)
    assert onset.shape == (96, 96)
    assert onset.dtype == np.uint8
    assert onset.std() > 10


@pytest.mark.parametrize(
    "cause",
    [
        {"head": 0.01},
        {"blink": 1.0},
        {"gaze": 1.0, "gaze_size": 0.1},
        {"sensor": (2.0, 2.0)},
        {"light": 0.05},
    ],
    ids=lambda cause: next(iter(cause)),
)
def test_each_cause_alone_makes_them_differ(cause: dict) -> None:
    onset, apex = filmed(1, {}, replace(STILL, **cause))
    assert np.abs(onset.astype(int) - apex).max() > 2


def test_the_sensor_alone_adds_noise_of_its_size() -> None:
    """Two independent noises of 2 grey levels differ by 2 sqrt 2, and rounding adds a little."""
    onset, apex = filmed(0, {}, replace(STILL, sensor=(2.0, 2.0)))
    assert (onset.astype(float) - apex).std() == pytest.approx(np.sqrt(8), abs=0.25)


def test_a_blink_moves_the_lids_and_nothing_else() -> None:
    pairs = [filmed(seed, {}, replace(STILL, blink=1.0)) for seed in range(8)]
    change = np.mean([np.abs(onset.astype(float) - apex) for onset, apex in pairs], axis=0)[None]
    lids, mouth = at(change, MEAN_FACE[[37, 44]], 0.1), at(change, MEAN_FACE[[51, 8]], 0.2)
    assert lids.min() > 8
    assert mouth.max() == 0


@pytest.mark.parametrize("seed", range(4))
def test_the_fold_moves_the_skin_between_brow_and_eye_and_nothing_below(seed: int) -> None:
    """A brow lowered by .1 units, 3 px, with the eye cover fold and without: the same person, filmed alike."""
    folded, apart = (filmed(seed, {4: (0.1, 0.1)}, replace(STILL, eye_cover_fold=fold)) for fold in (True, False))
    np.testing.assert_array_equal(folded[0], apart[0])
    change = np.abs(folded[1].astype(float) - apart[1])[None]
    between = (MEAN_FACE[[19, 24]] + MEAN_FACE[[37, 44]]) / 2
    assert at(change, between).min() > 1
    assert at(change, MEAN_FACE[[51, 57, 8]], 0.2).max() == 0


@pytest.mark.parametrize("worn", ["beard", "glasses"])
def test_beard_and_glasses_are_worn_by_the_chances_of_the_settings(worn: str) -> None:
    """A beard darkens the chin, glasses the place between the eyes, of everybody; the other place stays as it was."""
    bare = replace(STILL, beard=0.0, glasses=0.0)
    places = {"beard": MEAN_FACE[[8]] - (0, 0.25), "glasses": np.array([[0.0, -0.02]])}
    change = [filmed(p, {}, bare)[0].astype(float) - filmed(p, {}, replace(bare, **{worn: 1.0}))[0] for p in range(8)]
    darker = {name: [at(one[None], place, 0.1).item() for one in change] for name, place in places.items()}
    assert min(darker.pop(worn)) > 1
    assert np.abs(list(darker.values())).max() < 1


def test_frames_come_in_the_sizes_of_the_settings() -> None:
    settings = replace(STILL, sizes=(64, 80), size_shares=(0.5, 0.5))
    assert {len(filmed(seed, {}, settings)[0]) for seed in range(12)} == {64, 80}


def test_skin_moves_as_far_as_the_action_unit_says() -> None:
    """Raised by .1 units, 3.2 px of 96, the brow's picture lies 3 px higher."""
    moves = []
    for seed in range(12):
        onset, apex = (frame.astype(float) for frame in filmed(seed, {1: (0.1, 0.1), 2: (0.1, 0.1)}))
        brow = onset[20:27, 56:66]  # .25 to .56 units right of the middle, around the mid-brow
        shifts = np.arange(-8, 3)
        misfit = [np.abs(apex[20 + shift : 27 + shift, 56:66] - brow).sum() for shift in shifts]
        moves.append(shifts[np.argmin(misfit)])
    expected = 32 * displacement(np.array([[0.4, -0.3]]), {1: (0.1, 0.1), 2: (0.1, 0.1)})[0, 1]
    assert np.median(moves) == pytest.approx(expected, abs=0.75)


def test_tvl1_sees_the_corners_of_a_smiling_mouth_go_up_and_out() -> None:
    corners = MEAN_FACE[[48, 54]]
    flows = []
    for seed in range(16):
        face, rng = random_face(np.random.default_rng(seed)), np.random.default_rng(100 + seed)
        frames = film_pair({12: (0.06, 0.06)}, face, rng, only("tvl1"))
        flows.append(at(estimate_flow(frames, rng, only("tvl1")), corners, 0.12))
    (left_u, left_v), (right_u, right_v) = np.mean(flows, axis=0)
    assert left_u < -0.01
    assert right_u > 0.01
    assert max(left_v, right_v) < -0.01
    assert min(left_u, left_v, right_v) > -0.06  # the estimator sees no more than there is


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("shift", [(2, 0), (0, -1), (-1, 1)])
def test_a_pure_shift_is_returned_in_face_units(estimator: str, shift: tuple[int, int]) -> None:
    """2 px of 96 over 3 face units are .0625 units."""
    noise = cv2.GaussianBlur(np.random.default_rng(0).normal(size=(120, 120)), (0, 0), 2)
    texture = np.clip(128 + 40 * noise / noise.std(), 0, 255).astype(np.uint8)
    u, v = shift
    frames = texture[12:108, 12:108].copy(), texture[12 - v : 108 - v, 12 - u : 108 - u].copy()
    flow = estimate_flow(frames, np.random.default_rng(0), only(estimator))
    assert flow.shape == (2, 96, 96)
    assert flow.dtype == np.float32
    inside = np.median(flow[:, 10:-10, 10:-10], axis=(1, 2))
    np.testing.assert_allclose(inside, np.array(shift) * WIDE[2] / 96, atol=0.004)


def test_estimators_are_drawn_by_their_shares() -> None:
    frames = filmed(0, {12: (0.05, 0.05)})
    alone = {name: estimate_flow(frames, np.random.default_rng(0), only(name)) for name in ("tvl1", "dis")}
    mixed = replace(STILL, estimators=(("tvl1", 0.25), ("dis", 0.75)))
    rng = np.random.default_rng(0)
    taken = [np.array_equal(estimate_flow(frames, rng, mixed), alone["dis"]) for _ in range(24)]
    assert 12 <= sum(taken) <= 23  # 18 expected, and 2.1 the standard deviation


def test_a_head_shifts_zooms_rolls_and_yaws_as_a_solid() -> None:
    points = np.array([[0.0, 0.5], [1.0, 0.5], [0.0, 1.5]])  # tip of the nose, one unit right, one unit down
    none, still = np.zeros(2), np.zeros(4)
    np.testing.assert_allclose(head_field(points, np.array([0.1, -0.2]), still), [[0.1, -0.2]] * 3)
    np.testing.assert_allclose(head_field(points, none, np.array([0, 0.1, 0, 0])), [[0, 0], [0.1, 0], [0, 0.1]])
    np.testing.assert_allclose(head_field(points, none, np.array([0.1, 0, 0, 0])), [[0, 0], [0, 0.1], [-0.1, 0]])
    yaw = head_field(points, none, np.array([0, 0, 0.1, 0]))
    assert yaw[0, 0] == pytest.approx(0.135)  # the nose is 1 deep, and its tip .35 more
    assert yaw[0, 0] > yaw[2, 0] > yaw[1, 0] > 0
    assert (yaw[:, 1] == 0).all()
