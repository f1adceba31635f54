"""Every stage becomes a readable picture that says the truth."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import mien
from mien.core import MienError, Sample, Source
from mien.datasets import DATASETS
from mien.motion.slices import key_frames
from mien.pictures import STAGES, show
from mien.pictures._colour import differences, flow_colours, wheel
from mien.pictures._draw import round_scale
from mien.pictures._source import open_footage
from mien.pictures.stages.face import _registered
from mien.pictures.stages.time import shown_key_frames
from mien.synthesis import Event, generate_motion
from mien.video import open_video, read_image, write_image

ONSET, APEX, OFFSET, FPS = 2, 7, 14, 50
NEEDS = {"onset": ONSET, "apex": APEX, "offset": OFFSET}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face that smiles from frame 2 to 14, strongest in frame 7."""
    smile = Event(ONSET / FPS, APEX / FPS, OFFSET / FPS, (12,), intensity_px=2.5)
    out = tmp_path_factory.mktemp("clips") / "smile.mp4"
    return mien.render(out, fps=FPS, seconds=0.34, size=(200, 200), events=[smile], distractors="none")


@pytest.fixture(scope="module")
def deep(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The same with depth: the face comes 3 units nearer, and a corner is not measured."""
    import cv2

    folder = tmp_path_factory.mktemp("deep")
    (folder / "depth").mkdir()
    with open_video(clip) as video:
        for frame in video:
            write_image(folder / "color" / f"{frame.index}.png", frame.image)
            depth = np.full((200, 200), 900 - 3 * (frame.index == APEX), np.uint16)
            depth[:100, :100] = 0
            cv2.imwrite(str(folder / "depth" / f"{frame.index}.png"), depth)
    source = Source("frames", folder / "color", depth=folder / "depth")
    return Sample("test", "test/a", "test/a/deep", "positive", source, ONSET, APEX, OFFSET, float(FPS))


@pytest.mark.parametrize("stage", list(STAGES))
def test_every_stage_is_a_picture(stage: str, clip: Path, deep: Sample, tmp_path: Path) -> None:
    source, numbers = (deep, {}) if stage == "depth" else (clip, NEEDS)
    out = show(source, stage, out=tmp_path / f"{stage}.png", **numbers)
    height, width, colours = read_image(out).shape
    assert 400 <= width <= 1400
    assert 250 <= height <= 1000
    assert colours == 3
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_a_picture_is_the_same_every_time(clip: Path, tmp_path: Path) -> None:
    one, two = (show(clip, "crop", out=tmp_path / name, **NEEDS).read_bytes() for name in ("a.png", "b.png"))
    assert one == two


# --- colours ---------------------------------------------------------------------------------------------------------


def lab(rgb: np.ndarray) -> np.ndarray:
    from skimage.color import rgb2lab

    return rgb2lab(rgb)


def ring(length: float, count: int = 72) -> np.ndarray:
    turn = 2 * np.pi * np.arange(count) / count
    return flow_colours(length * np.stack([np.cos(turn), np.sin(turn)])[:, None], 1.0)[0]


def test_no_motion_is_the_white_of_the_page() -> None:
    assert (flow_colours(np.zeros((2, 3, 3)), 1.0) == 255).all()


@pytest.mark.parametrize("length", [0.25, 0.5, 1.0])
def test_all_directions_of_one_length_are_equally_light(length: float) -> None:
    lightness = lab(ring(length)[None])[0, :, 0]
    assert np.ptp(lightness) < 4.5  # of 100; a wheel of HSV spans 65


def test_steps_around_the_wheel_look_alike() -> None:
    colours = lab(ring(1.0)[None])[0]
    steps = np.linalg.norm(colours - np.roll(colours, 1, axis=0), axis=1)
    assert steps.max() / steps.min() < 2.2  # HSV: above 9


def test_opposite_directions_have_opposite_hues() -> None:
    colours = lab(ring(1.0)[None])[0, :, 1:]
    opposite = np.roll(colours, 36, axis=0)
    cosine = (colours * opposite).sum(axis=1) / np.linalg.norm(colours, axis=1) / np.linalg.norm(opposite, axis=1)
    assert cosine.max() < -0.8


def test_longer_motion_is_more_colourful_up_to_the_scale() -> None:
    chroma = [np.linalg.norm(lab(ring(length)[None])[0, :, 1:], axis=1).min() for length in (0.2, 0.5, 1.0, 3.0)]
    assert chroma[0] < chroma[1] < chroma[2] == chroma[3]


def test_the_wheel_shows_the_colours_of_the_flow() -> None:
    disc = wheel(201)
    rightmost = flow_colours(np.array([[[0.9]], [[0.0]]]), 1.0)[0, 0]
    assert np.abs(disc[100, 190, :3].astype(int) - rightmost).max() <= 3
    assert disc[0, 0, 3] == 0


def test_equal_differences_up_and_down_are_equally_light() -> None:
    below, above = lab(differences()(np.array([0.1, 0.9]))[None, :, :3])[0, :, 0]
    assert below == pytest.approx(above, abs=3)


def test_a_flow_with_nan_has_no_colour() -> None:
    with pytest.raises(MienError, match="finite"):
        flow_colours(np.full((2, 1, 1), np.nan), 1.0)


def test_scales_are_round_and_reach_the_largest_value() -> None:
    for value in np.geomspace(1e-4, 1e4, 60):
        scale = round_scale(float(value))
        assert value <= scale * (1 + 1e-9) < 1.6 * value


# --- what is shown ---------------------------------------------------------------------------------------------------


def test_the_key_frames_marked_are_those_that_are_chosen(clip: Path) -> None:
    footage = open_footage(clip, **NEEDS)
    expected = key_frames(footage.clip(128, grey=True), 13, APEX - ONSET)
    assert shown_key_frames(footage).tolist() == expected.tolist()
    assert APEX - ONSET in expected


def test_an_unknown_apex_is_found(clip: Path) -> None:
    footage = open_footage(clip)
    assert (footage.onset, footage.offset) == (0, 16)
    assert abs(footage.apex - APEX) <= 1
    assert footage.apex_found


def test_registered_landmarks_are_where_the_map_brings_them() -> None:
    from mien.faces import canonical_points
    from mien.faces.lwm import fit_lwm

    template = canonical_points(128).astype(np.float64)
    points = 2 * template + 10
    points[:, 0] += 0.002 * template[:, 1] ** 2  # quadratic, so the map is exact
    assert np.allclose(_registered(fit_lwm(template, points), template, points), template, atol=1e-3)


def test_the_magnified_film_has_the_frames_and_the_rate_of_the_clip(clip: Path, tmp_path: Path) -> None:
    out = show(clip, "magnified", out=tmp_path / "film.mp4", **NEEDS)
    with open_video(out) as video:
        frames = [frame.image for frame in video]
        assert video.fps == pytest.approx(FPS)
    assert len(frames) == OFFSET - ONSET + 1
    assert frames[0].shape[1] > 2 * 256


def test_images_without_a_rate_are_not_magnified(deep: Sample, tmp_path: Path) -> None:
    with pytest.raises(MienError, match="give --fps"):
        show(deep.source.path, "magnified", out=tmp_path / "a.png", **NEEDS)
    assert show(deep.source.path, "magnified", out=tmp_path / "a.png", fps=FPS, **NEEDS).is_file()


# --- what is named ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def corpus(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("corpus")
    (root / "smile.mp4").write_bytes(clip.read_bytes())
    with (root / "annotations.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["subject", "clip", "path", "onset", "apex", "offset", "emotion"])
        for subject, name in (("s1", "EP01"), ("s1", "EP02"), ("s2", "EP02")):
            writer.writerow([subject, name, "smile.mp4", ONSET, APEX, OFFSET, "positive"])
    return root


def test_a_sample_is_shown_by_its_id_or_its_end(corpus: Path, tmp_path: Path) -> None:
    for name in ("folder/s1/EP01", "EP01"):
        footage = open_footage(f"folder:{corpus}:{name}")
        assert (footage.name, footage.onset, footage.apex, footage.offset) == ("folder/s1/EP01", ONSET, APEX, OFFSET)
    assert show(f"folder:{corpus}:EP01", "crop", out=tmp_path / "a.png").is_file()


def test_an_unknown_sample_names_the_nearest(corpus: Path) -> None:
    with pytest.raises(MienError, match=r"none of the 3 of folder match; expected one, such as folder/s2/EP02"):
        open_footage(f"folder:{corpus}:s2/EP03")
    with pytest.raises(MienError, match=r"several .* folder/s1/EP02 or folder/s2/EP02"):
        open_footage(f"folder:{corpus}:EP02")


def test_a_root_may_hold_colons(corpus: Path, tmp_path: Path) -> None:
    root = tmp_path / "C:corpus"
    corpus_copy = root / "annotations.csv"
    root.mkdir()
    corpus_copy.write_bytes((corpus / "annotations.csv").read_bytes())
    (root / "smile.mp4").write_bytes((corpus / "smile.mp4").read_bytes())
    assert open_footage(f"folder:{root}:EP01").name == "folder/s1/EP01"


def test_a_ready_map_is_shown_as_a_map_only(tmp_path: Path) -> None:
    maps = generate_motion(tmp_path / "maps.npz", per_class=1, seed=0)
    name = DATASETS["motion-npz"].read(maps)[0].sample_id
    assert show(f"motion-npz:{maps}:{name}", "motion-map", out=tmp_path / "a.png").is_file()
    with pytest.raises(MienError, match="a ready motion map"):
        show(f"motion-npz:{maps}:{name}", "flow", out=tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()


@pytest.mark.parametrize(
    ("stage", "name", "says"),
    [
        ("flwo", "a.png", r"unknown stage 'flwo'; did you mean 'flow'"),
        ("flow", "a.jpg", r"ending in \.png; change it"),
        ("flow", "a.mp4", r"ending in \.png; change it"),
        ("magnified", "a.gif", r"ending in \.png or \.mp4"),
        ("depth", "a.png", "without depth images"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(stage: str, name: str, says: str, clip: Path, tmp_path: Path) -> None:
    with pytest.raises(MienError, match=says) as raised:
        show(clip, stage, out=tmp_path / name, **NEEDS)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_a_picture_without_a_face_is_said_so(tmp_path: Path) -> None:
    for number in range(3):
        write_image(tmp_path / "empty" / f"{number}.png", np.full((240, 500), 128, np.uint8))
    with pytest.raises(MienError, match="got no face"):
        show(tmp_path / "empty", "flow", out=tmp_path / "a.png", apex=1)


def test_frames_out_of_order_are_refused(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(MienError, match="got onset 9, apex 7, offset 16 of 'smile'"):
        show(clip, "flow", out=tmp_path / "a.png", onset=9, apex=7)


def test_a_clip_is_never_written_over_itself(clip: Path) -> None:
    with pytest.raises(MienError, match="expected another file"):
        show(clip, "magnified", out=clip, **NEEDS)
