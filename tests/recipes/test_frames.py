"""Clips of frames and videos become motion maps: the right two frames, by number, on the face of the onset."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import openpyxl
import pytest

from mien.cli import main
from mien.core import MienError, MienWarning, Sample, Source
from mien.core.frames import numbered_frames, trailing_number
from mien.datasets import DATASETS, write_fixture
from mien.methods import load_model
from mien.recipes import RECIPES, load, prepare_sample, with_apex
from mien.video import write_video

RECIPE = RECIPES["motion-map"]
HEADER = (
    "Subject",
    "Filename",
    None,
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    None,
    "Action Units",
    "Estimated Emotion",
)
SHOWN = [("12", "happiness"), ("4", "disgust"), ("1+2", "surprise"), ("6+12", "happiness")]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people with four clips each, in CASME II's form; frames begin at 46."""
    folder = tmp_path_factory.mktemp("casme2")
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    for subject in ("01", "02", "17"):
        for take, (units, emotion) in enumerate(SHOWN):
            book.active.append((subject, f"EP0{take + 1}_01", None, 46, 52, 60, None, units, emotion))
    book.save(folder / "CASME2-coding-20140508.xlsx")
    return write_fixture("casme2", folder / "CASME2-coding-20140508.xlsx", folder / "tree").root


@pytest.fixture
def smile(root: Path) -> Sample:
    return next(sample for sample in DATASETS["casme2"].read(root) if sample.emotion == "happiness")


@pytest.mark.parametrize("method", ["flow-svm", "bi-woof", "lbp-top"])
def test_raw_frames_are_evaluated_by_one_command(
    method: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    command = ["evaluate", method, "--dataset", "casme2", "--root", root, "--out", tmp_path / "run", "--jobs", "1"]
    assert main([str(word) for word in command], standalone=False) == 0
    assert "n 12" in capsys.readouterr().out
    assert (tmp_path / "run" / "report.html").stat().st_size > 0


def test_a_smile_pulls_the_lip_corners_apart_and_up(smile: Sample) -> None:
    u, v, _ = np.moveaxis(load([smile], RECIPE)[0].astype(float), -1, 0)
    left, right = (slice(16, 22), slice(4, 11)), (slice(16, 22), slice(17, 24))
    rest = np.median(u), np.median(v)
    assert u[left].mean() < rest[0] < u[right].mean()
    assert max(v[left].mean(), v[right].mean()) < rest[1]


def test_frames_are_taken_by_number_not_by_place(smile: Sample, tmp_path: Path) -> None:
    copy = shutil.copytree(smile.source.path, tmp_path / "clip")
    (copy / "img50.jpg").unlink()  # neither onset nor apex, but it shifts every place after it
    (copy / "thumb.jpg").write_bytes(b"no frame")
    moved = replace(smile, source=Source("frames", copy))
    np.testing.assert_array_equal(load([moved], RECIPE), load([smile], RECIPE))


def test_a_video_gives_the_same_motion_as_its_frames(smile: Sample, tmp_path: Path) -> None:
    frames = [cv2.imread(str(path))[..., ::-1] for path in numbered_frames(smile.source.path).values()]
    frames = [frame[: frame.shape[0] // 2 * 2, : frame.shape[1] // 2 * 2] for frame in frames]
    path = write_video(tmp_path / "clip.mp4", frames, fps=50, quality=3)
    filmed = replace(smile, source=Source("video", path), onset=0, apex=6, offset=14)
    from_video, from_frames = load([filmed], RECIPE)[0], load([smile], RECIPE)[0]
    assert np.corrcoef(from_video[..., 0].ravel(), from_frames[..., 0].ravel())[0, 1] > 0.8
    whole = replace(filmed, onset=None, apex=None, offset=None)
    with pytest.warns(MienWarning, match="the table gives no apex"):
        assert load([whole], RECIPE).shape == (1, 28, 28, 3)


def test_ready_maps_and_frames_go_together_in_the_order_given(smile: Sample, tmp_path: Path) -> None:
    np.savez(tmp_path / "maps.npz", X=np.full((1, 28, 28, 3), 7, np.uint8))
    ready = Sample("made", "made/a", "made/a/1", "positive", Source("motion", tmp_path / "maps.npz", 0))
    both = load([smile, ready, smile], RECIPE)
    assert (both[1] == 7).all()
    np.testing.assert_array_equal(both[0], both[2])


def test_more_processes_change_nothing(root: Path) -> None:
    samples = DATASETS["casme2"].read(root)[:3]
    np.testing.assert_array_equal(load(samples, RECIPE, jobs=2), load(samples, RECIPE, jobs=1))


# --- the apex -------------------------------------------------------------------------------------------------------


def test_without_a_policy_the_recipe_is_the_one_models_are_trained_with() -> None:
    assert with_apex(RECIPE, "midpoint") is RECIPE
    assert RECIPE.digest == load_model("default").recipe.digest
    assert with_apex(RECIPE, "dnc-roi").digest != RECIPE.digest


def test_a_missing_apex_is_the_middle_by_number(smile: Sample) -> None:
    unknown = replace(smile, apex=None, offset=58)
    with pytest.warns(MienWarning, match="1 of 1 clips .* no apex"):
        np.testing.assert_array_equal(load([unknown], RECIPE), load([smile], RECIPE))  # the middle of 46-58 is 52


@pytest.mark.parametrize("policy", ["largest-difference", "largest-flow", "dnc-roi"])
def test_a_missing_apex_can_be_looked_for(policy: str, smile: Sample) -> None:
    unknown = replace(smile, apex=None)
    made = prepare_sample(unknown, with_apex(RECIPE, policy))
    near = [prepare_sample(replace(smile, apex=apex), RECIPE).array for apex in range(50, 56)]
    assert made.notes == ("apex missing",)
    assert any(np.array_equal(made.array, other) for other in near)


def test_an_apex_outside_its_interval_is_none(smile: Sample) -> None:
    with pytest.warns(MienWarning, match="outside onset to offset"):
        load([replace(smile, apex=99)], RECIPE)


def test_an_apex_on_the_onset_shows_no_motion_and_is_told(smile: Sample) -> None:
    with pytest.warns(MienWarning, match="the apex is the onset"):
        assert not load([replace(smile, apex=46)], RECIPE).any()


def test_an_unknown_policy_lists_those_there_are() -> None:
    with pytest.raises(MienError, match="expected one of midpoint, largest-difference"):
        with_apex(RECIPE, "peak")


# --- what is missing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "policy", "says"), [(46, "midpoint", "46"), (49, "largest-flow", "49-50")])
def test_missing_frames_are_named(number: int, policy: str, says: str, smile: Sample, tmp_path: Path) -> None:
    copy = shutil.copytree(smile.source.path, tmp_path / "clip")
    for missing in (number, number + 1):
        (copy / f"img{missing}.jpg").unlink()
    broken = replace(smile, source=Source("frames", copy), apex=None)
    with pytest.raises(MienError, match=rf"'{smile.sample_id}' without frame {says} in .* expected 46 to 60"):
        load([broken], with_apex(RECIPE, policy))


def test_a_clip_that_is_not_there_is_named(smile: Sample, tmp_path: Path) -> None:
    with pytest.raises(MienError, match="which is no folder"):
        load([replace(smile, source=Source("frames", tmp_path / "absent"))], RECIPE)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MienError, match="without a numbered image"):
        load([replace(smile, source=Source("frames", tmp_path / "empty"))], RECIPE)


def test_an_interval_the_wrong_way_round_or_without_end_is_refused(smile: Sample) -> None:
    with pytest.raises(MienError, match="expected the onset first"):
        load([replace(smile, offset=40)], RECIPE)
    with pytest.raises(MienError, match="neither apex nor offset"):
        load([replace(smile, apex=None, offset=None)], RECIPE)


# --- the face -------------------------------------------------------------------------------------------------------


def faceless(folder: Path, width: int, height: int) -> Sample:
    """Texture that moves, in which there is no face."""
    folder.mkdir(exist_ok=True)
    texture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (height, width), np.uint8), (0, 0), 2)
    for number in range(1, 6):
        cv2.imwrite(str(folder / f"{number}.png"), np.roll(texture, number, axis=1))
    return Sample("made", "made/a", "made/a/1", "positive", Source("frames", folder), onset=1, apex=4, offset=5)


def test_in_cropped_frames_the_face_need_not_be_found(tmp_path: Path) -> None:
    cropped = faceless(tmp_path / "crop", 190, 230)
    with pytest.warns(MienWarning, match="2 of 2 clips .* no face was found in the cropped frames") as said:
        made = load([cropped, cropped], RECIPE)
    assert len(said) == 1, "said once, with the number of clips"
    assert made.any()


def test_in_a_cameras_frame_it_must_be(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"no face in the onset frame 1 of 'made/a/1' \(640x480\)"):
        load([faceless(tmp_path / "raw", 640, 480)], RECIPE)


# --- numbers --------------------------------------------------------------------------------------------------------


def test_the_number_is_at_the_end_of_the_name() -> None:
    assert trailing_number("s1_ne_01.bmp") == 1
    assert trailing_number("015_1_3_01234.jpg") == 1234
    assert trailing_number("img46 (copy).jpg") is None


def test_two_files_of_one_number_are_refused(tmp_path: Path) -> None:
    for name in ("img5.jpg", "img05.jpg"):
        (tmp_path / name).touch()
    with pytest.raises(MienError, match="expected one file for frame 5"):
        numbered_frames(tmp_path)
