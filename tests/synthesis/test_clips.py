"""Rendered clips show what their truth says."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.core import MienError
from mien.faces import apply_affine, eye_crop_matrix, warp
from mien.motion import optical_flow
from mien.synthesis import Event, render
from mien.synthesis.events import draw_events
from mien.video import open_video, read_clip, write_video

SMALL = {"fps": 50, "seconds": 1.0, "size": (320, 240)}
SMILE = Event(0.3, 0.5, 0.7, (12,), intensity_px=2.0)


def crops(path: Path, *frames: int) -> list[np.ndarray]:
    truth = json.loads(path.with_suffix(".json").read_text())
    matrix = eye_crop_matrix(np.array(truth["points"]), 128)
    clip = read_clip(path, grey=True)
    return [warp(clip.frames[index], matrix, 128) for index in frames]


def test_the_apex_shows_the_action_unit_at_its_intensity(tmp_path: Path) -> None:
    path = render(tmp_path / "smile.mp4", events=[SMILE], distractors="none", **SMALL)
    still, apex = crops(path, 5, 25)
    u, v = optical_flow(still, apex, "tvl1")
    height, side = slice(70, 92), (slice(22, 46), slice(82, 106))  # around the corners of the mouth
    assert u[height, side[0]].mean() < -0.2 < 0.2 < u[height, side[1]].mean()
    assert v[height, side[0]].mean() < -0.2
    assert v[height, side[1]].mean() < -0.2
    assert 1.0 < np.percentile(np.hypot(u, v), 99.8) < 3.0


def test_before_onset_and_after_offset_nothing_moves(tmp_path: Path) -> None:
    path = render(tmp_path / "smile.mp4", events=[SMILE], distractors="none", **SMALL)
    start, before, after = crops(path, 0, 14, 40)
    assert np.abs(optical_flow(start, before, "dis")).mean() < 0.02
    assert np.abs(optical_flow(start, after, "dis")).mean() < 0.02


def test_the_truth_stands_beside_the_clip(tmp_path: Path) -> None:
    path = render(tmp_path / "a.mp4", fps=60, seconds=3, size=(320, 240), seed=5)
    truth = json.loads((tmp_path / "a.json").read_text())
    with open_video(path) as video:
        frames = list(video)
    assert len(frames) == truth["frames"] == 180
    assert frames[0].image.shape == (240, 320, 3)
    for event in truth["events"]:
        assert event["apex_frame"] == round(event["apex_s"] * 60)
        assert {"onset_s", "apex_s", "offset_s", "action_units", "side", "intensity_px"} <= set(event)


def test_the_same_seed_renders_the_same_clip(tmp_path: Path) -> None:
    first = read_clip(render(tmp_path / "a.mp4", seed=3, **SMALL))
    second = read_clip(render(tmp_path / "b.mp4", seed=3, **SMALL))
    other = read_clip(render(tmp_path / "c.mp4", seed=4, **SMALL))
    np.testing.assert_array_equal(first.frames, second.frames)
    assert not np.array_equal(first.frames, other.frames)


def test_a_blink_closes_the_eyes_and_moves_nothing_else(tmp_path: Path) -> None:
    script = tmp_path / "blink.json"
    script.write_text(json.dumps({"events": [], "blinks": [{"onset_s": 0.3, "apex_s": 0.4, "offset_s": 0.6}]}))
    path = render(tmp_path / "blink.mp4", events=script, distractors="none", **SMALL)
    still, closed = (crop.astype(float) for crop in crops(path, 5, 20))
    changed = np.abs(still - closed)
    eyes = changed[26:36, 28:48].mean(), changed[26:36, 80:100].mean()
    assert min(eyes) > 8 * changed[60:].mean()


def test_events_can_be_rendered_over_a_real_video(tmp_path: Path) -> None:
    base = render(
        tmp_path / "base.mp4", events=[Event(0.02, 0.04, 0.06, (45,), intensity_px=0.01)], distractors="none", **SMALL
    )
    points = np.array(json.loads(base.with_suffix(".json").read_text())["points"])
    path = render(tmp_path / "over.mp4", events=[SMILE], over=base)
    clip = read_clip(path, grey=True)
    matrix = eye_crop_matrix(points, 128)
    _, v = optical_flow(warp(clip.frames[5], matrix, 128), warp(clip.frames[25], matrix, 128), "tvl1")
    assert v[70:92, 22:46].mean() < -0.2
    assert json.loads(path.with_suffix(".json").read_text())["over"] == "base.mp4"


@pytest.fixture(scope="module")
def half_seen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds, of which the second half shows no face."""
    folder = tmp_path_factory.mktemp("half")
    still = {"fps": 25, "size": (320, 240), "events": [], "distractors": "none"}
    with open_video(render(folder / "seen.mp4", seconds=6, **still)) as video:
        frames = [frame.image if frame.index < 75 else np.full_like(frame.image, 90) for frame in video]
    return write_video(folder / "base.mp4", frames, 25)


def test_what_is_drawn_where_no_face_is_seen_is_not_in_the_truth(half_seen: Path, tmp_path: Path) -> None:
    drawn = draw_events(6.0, np.random.default_rng(1))
    assert max(event.offset_s for event in drawn) > 3
    path = render(tmp_path / "over.mp4", over=half_seen, seed=1)
    told = json.loads(path.with_suffix(".json").read_text())["events"]
    assert 0 < len(told) < len(drawn)
    assert all(event["offset_s"] < 3 for event in told)


def test_an_event_of_the_users_own_needs_a_face_in_every_frame(half_seen: Path, tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"got an event from 2\.9 to 3\.2 s, where the video has frames without a face"):
        render(tmp_path / "over.mp4", over=half_seen, events=[Event(0.4, 0.5, 0.6, (12,)), Event(2.9, 3.0, 3.2, (12,))])
    assert not list(tmp_path.iterdir())


def test_a_video_is_never_replaced_by_what_is_rendered_over_it(tmp_path: Path) -> None:
    base = write_video(tmp_path / "base.mp4", [np.zeros((64, 64, 3), np.uint8)] * 3, 25)
    before = base.read_bytes()
    (tmp_path / "link.mp4").symlink_to(base)
    (tmp_path / "sub").mkdir()
    for out in (base, tmp_path / "link.mp4", tmp_path / "sub" / ".." / "base.mp4"):
        with pytest.raises(MienError, match="to write and to render over"):
            render(out, over=base)
    assert base.read_bytes() == before


def test_a_portrait_of_the_users_own_can_perform(tmp_path: Path) -> None:
    from skimage.data import astronaut

    cv2.imwrite(str(tmp_path / "face.png"), astronaut()[:320, :, ::-1])
    path = render(tmp_path / "own.mp4", portrait=tmp_path / "face.png", **SMALL)
    truth = json.loads(path.with_suffix(".json").read_text())
    assert truth["portrait"] == "face.png"
    assert apply_affine(eye_crop_matrix(np.array(truth["points"]), 128), truth["points"])[
        36:48, 1
    ].mean() == pytest.approx(0.24 * 128 - 0.5, abs=0.5)


@pytest.mark.parametrize(
    ("use", "says"),
    [
        ({"fps": 0}, "got 0 fps"),
        ({"seconds": 0.001}, "at least two frames"),
        ({"size": (10, 10)}, "got the size 10x10"),
        ({"intensity_px": float("nan")}, "got an intensity"),
        ({"seed": -1}, "got the seed -1"),
        ({"distractors": "rain"}, "expected all, none or some of blinks"),
        ({"events": [SMILE], "seconds": 0.5}, "ends at 0.7 s"),
    ],
)
def test_bad_use_gets_one_line_and_writes_nothing(tmp_path: Path, use: dict, says: str) -> None:
    with pytest.raises(MienError, match=says):
        render(tmp_path / "bad.mp4", **(SMALL | use))
    assert not list(tmp_path.iterdir())


def test_a_picture_without_a_face_is_named(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((300, 300, 3), 128, np.uint8))
    with pytest.raises(MienError, match=r"grey\.png' in which no face was found"):
        render(tmp_path / "bad.mp4", portrait=tmp_path / "grey.png", **SMALL)
