"""A rendered corpus: what its truth says moves, and nothing else tells the classes apart."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from mien.core import MienError, MienWarning
from mien.core.frames import numbered_frames
from mien.faces import apply_affine, face_backend
from mien.synthesis import displacement, render_corpus
from mien.synthesis.emotions import PROTOTYPES
from mien.synthesis.performance import to_units
from mien.video import read_image

SHORT = {"people": 2, "clips_per_person": 3, "fps": 40, "quality": None, "jobs": 1}
CLEAN = {"noise": 0.0, "head": False}


def truth(root: Path) -> dict[str, Any]:
    return json.loads((root / "truth.json").read_text())


def rows(root: Path) -> list[dict[str, str]]:
    with (root / "annotations.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def frame(root: Path, clip: dict[str, Any], number: int) -> np.ndarray:
    return read_image(root / clip["clip"] / f"img{number}.png")


def depth(root: Path, clip: dict[str, Any], number: int) -> np.ndarray:
    image = cv2.imread(str(root / "depth" / clip["clip"] / f"{number}.png"), cv2.IMREAD_UNCHANGED)
    assert image.dtype == np.uint16
    return image.astype(float)


def motion(root: Path, clip: dict[str, Any]) -> np.ndarray:
    """Displacement at the apex by the action units' own definition, (H, W, 2) canvas pixels, its peak as annotated."""
    points = next(np.array(one["points"]) for one in truth(root)["people"] if one["subject"] == clip["clip"][:5])
    units = to_units(points)
    width, height = truth(root)["size"]
    y, x = np.mgrid[:height, :width]
    places = apply_affine(units, np.stack([x, y], axis=-1).reshape(-1, 2)).reshape(height, width, 2)
    sides = {"both": (1.0, 1.0), "left": (1.0, 0.0), "right": (0.0, 1.0)}[clip["side"]]
    field = displacement(places, dict.fromkeys(clip["action_units"], sides), apply_affine(units, points))
    per_unit = clip["intensity_px"] / (128 / 2.5) / np.hypot(field[..., 0], field[..., 1]).max()
    return per_unit * field @ np.linalg.inv(units[:, :2]).T


@pytest.fixture(scope="module")
def moving(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render_corpus(tmp_path_factory.mktemp("moving"), depth=True, **SHORT)


@pytest.fixture(scope="module")
def zero(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The twin without motion of the skin."""
    return render_corpus(tmp_path_factory.mktemp("zero"), depth=True, zero_amplitude=True, **SHORT)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nothing but skin moves."""
    return render_corpus(tmp_path_factory.mktemp("clean"), depth=True, **CLEAN, **SHORT)


def test_the_seed_decides_every_byte_and_the_number_of_processes_none(tmp_path: Path) -> None:
    few = {"people": 1, "clips_per_person": 2, "fps": 20, "depth": True}
    one = render_corpus(tmp_path / "one", jobs=1, **few)
    two = render_corpus(tmp_path / "two", jobs=2, **few)
    other = render_corpus(tmp_path / "other", jobs=1, seed=1, **few)
    assert contents(one) == contents(two)
    assert contents(one)["annotations.csv"] != contents(other)["annotations.csv"]
    assert not list(tmp_path.glob(".*"))


def test_frames_lie_as_in_casme_2_and_times_are_those_of_micro_expressions(moving: Path) -> None:
    table = rows(moving)
    assert list(table[0])[:7] == [
        "Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion"
    ]  # fmt: skip
    for row, clip in zip(table, truth(moving)["clips"], strict=True):
        assert clip["clip"] == f"sub{row['Subject']}/{row['Filename']}"
        onset, apex, offset = (int(row[f"{name}Frame"]) for name in ("Onset", "Apex", "Offset"))
        assert (onset, apex, offset) == (clip["onset"], clip["apex"], clip["offset"])
        numbers = list(numbered_frames(moving / clip["clip"]))
        assert numbers == list(numbered_frames(moving / "depth" / clip["clip"]))
        assert numbers == list(range(clip["first"], clip["last"] + 1))
        assert 0 < clip["first"] < onset < apex < offset < clip["last"]
        assert 0.06 - 0.02 <= (apex - onset) / 40 <= 0.25 + 0.02
        assert 0.22 - 0.02 <= (offset - onset) / 40 <= 0.48 + 0.02
        assert 1.0 <= float(row["intensity_px"]) <= 1.5
        assert (row["fps"], row["portrait"]) == ("40.0", "1")


def test_the_twin_without_amplitude_differs_only_where_the_skin_moves(moving: Path, zero: Path) -> None:
    told = truth(moving)
    still = [clip | {"intensity_px": 0.0} for clip in told["clips"]]
    assert truth(zero) == told | {"zero_amplitude": True, "clips": still}
    assert [row | {"intensity_px": "0"} for row in rows(moving)] == rows(zero)
    for clip in told["clips"]:
        for number in (clip["first"], clip["onset"], clip["offset"], clip["last"]):
            np.testing.assert_array_equal(frame(moving, clip, number), frame(zero, clip, number))
            np.testing.assert_array_equal(depth(moving, clip, number), depth(zero, clip, number))
        changed = (frame(moving, clip, clip["apex"]) != frame(zero, clip, clip["apex"])).any(axis=-1)
        moved = np.hypot(*np.moveaxis(motion(moving, clip), -1, 0))
        assert changed[moved > 0.5].mean() > 0.9
        at_rest = moved < 1e-6  # less than the last bit of a coordinate; more may tip OpenCV's rounding to 1/32 px
        assert at_rest.sum() > 1000
        assert not changed[at_rest].any()


def test_heads_sway_unless_they_are_told_not_to(zero: Path, tmp_path: Path) -> None:
    few = {**SHORT, "people": 1, "clips_per_person": 1, "zero_amplitude": True, "noise": 0.0}
    for head in (True, False):
        root = render_corpus(tmp_path / str(head), head=head, **few)
        (clip,) = truth(root)["clips"]
        first, last = (frame(root, clip, clip[key]).astype(int) for key in ("first", "last"))
        assert np.abs(first - last).any() == head


@pytest.mark.parametrize("place", range(6))
def test_the_pixels_move_as_far_as_the_truth_says(clean: Path, place: int) -> None:
    clip = truth(clean)["clips"][place]
    onset, apex = (np.float32(frame(clean, clip, clip[key]).mean(axis=-1)) for key in ("onset", "apex"))
    y, x = np.float32(np.mgrid[:160, :160])
    moved = np.float32(motion(clean, clip))

    def error(share: float) -> float:
        source_x, source_y = x, y
        for _ in range(3):
            there = cv2.remap(moved, source_x, source_y, cv2.INTER_LINEAR)
            source_x, source_y = (np.float32(at - share * there[..., i]) for i, at in enumerate((x, y)))
        return float(((cv2.remap(onset, source_x, source_y, cv2.INTER_CUBIC) - apex) ** 2).mean())

    shares = np.linspace(0.7, 1.3, 31)
    assert shares[np.argmin([error(share) for share in shares])] == pytest.approx(1, abs=0.1)


def test_classes_are_even_for_every_person_and_in_no_fixed_place(tmp_path: Path) -> None:
    root = render_corpus(tmp_path / "a", people=3, clips_per_person=4, fps=10, size=(64, 64), face_px=48, jobs=1)
    emotions = [clip["emotion"] for clip in truth(root)["clips"]]
    orders = [emotions[start : start + 4] for start in (0, 4, 8)]
    assert set(Counter(emotions).values()) == {4}
    assert all(sorted(Counter(order).values()) == [1, 1, 2] for order in orders)
    assert len({tuple(order) for order in orders}) > 1


def test_people_differ_and_stay_themselves(clean: Path) -> None:
    told = truth(clean)
    one, two = (apply_affine(to_units(np.array(p["points"])), p["points"]) for p in told["people"])
    assert np.abs(one - two).max() > 0.02
    onsets = [frame(clean, clip, clip["onset"]).astype(int) for clip in told["clips"]]
    for clip, onset in zip(told["clips"], onsets, strict=True):
        same = onsets[0] if clip["clip"].startswith("sub01") else onsets[3]
        np.testing.assert_array_equal(onset, same)
    assert np.abs(onsets[0] - onsets[3]).mean() > 3


def test_skin_that_is_pushed_together_comes_nearer(clean: Path, zero: Path) -> None:
    """Where the displacement converges the apex is nearer than the onset, by what keeps 12 mm of skin in volume."""
    for clip in truth(clean)["clips"]:
        nearer = (depth(clean, clip, clip["onset"]) - depth(clean, clip, clip["apex"])) / 10
        moved = motion(clean, clip)
        pushed = -(np.gradient(moved[..., 0], axis=1) + np.gradient(moved[..., 1], axis=0))
        relief = -depth(clean, clip, clip["onset"]) / 10
        carried = -(moved[..., 0] * np.gradient(relief, axis=1) + moved[..., 1] * np.gradient(relief, axis=0))
        slope = np.polyfit(pushed.ravel(), (nearer - carried).ravel(), 1)[0]
        assert slope == pytest.approx(12.4, rel=0.15)
        assert np.abs(nearer[np.hypot(*np.moveaxis(moved, -1, 0)) < 1e-4]).max() <= 0.1  # a unit of the file


def test_a_head_that_comes_nearer_does_so_in_depth(zero: Path, clean: Path) -> None:
    for clip in truth(zero)["clips"]:
        swayed = np.median(depth(zero, clip, clip["last"]) - depth(zero, clip, clip["first"]))
        assert 0 < abs(swayed) < 200  # tenths of a millimetre
        assert np.median(depth(clean, clip, clip["last"]) - depth(clean, clip, clip["first"])) == 0
    assert 7500 < depth(clean, clip, clip["onset"]).min() < 8500 < depth(clean, clip, clip["onset"]).max() <= 9000


# --- portraits ------------------------------------------------------------------------------------------------------

FACE = astronaut()[20:260, 125:325]
FEW = {"clips_per_person": 1, "fps": 10, "jobs": 1}


@pytest.fixture
def portraits(tmp_path: Path) -> Path:
    """Ada in colour, nobody, and Zoë in grey and as small as portraits come."""
    folder = tmp_path / "portraits"
    folder.mkdir()
    small = cv2.resize(cv2.cvtColor(FACE, cv2.COLOR_RGB2GRAY), (92, 112), interpolation=cv2.INTER_AREA)
    pictures = {"ada.png": FACE[..., ::-1], "nobody.png": np.full((112, 92), 128, np.uint8), "zoe.png": small}
    for name, picture in pictures.items():
        cv2.imwrite(str(folder / name), picture)
    (folder / "notes.txt").touch()
    return folder


def test_a_portrait_without_a_face_is_named_and_the_others_go_on(portraits: Path, tmp_path: Path) -> None:
    with pytest.warns(MienWarning, match=r"nobody\.png' in which no face was found.*; it is left out") as said:
        root = render_corpus(tmp_path / "out", portraits=portraits, **FEW)
    assert len(said) == 1
    assert [(one["subject"], one["picture"]) for one in truth(root)["people"]] == [
        ("sub01", "ada.png"),
        ("sub02", "zoe.png"),
    ]
    assert [row["portrait"] for row in rows(root)] == ["1", "3"]
    for clip in truth(root)["clips"]:
        onset = read_image(root / clip["clip"] / f"img{clip['onset']}.jpg")
        assert len(face_backend("dlib").detect(onset)) == 1


def test_portraits_beyond_the_number_of_people_are_not_looked_at(portraits: Path, tmp_path: Path) -> None:
    root = render_corpus(tmp_path / "out", portraits=portraits, people=1, **FEW)
    assert [one["picture"] for one in truth(root)["people"]] == ["ada.png"]


def test_too_few_faces_are_one_line(portraits: Path, tmp_path: Path) -> None:
    with (
        pytest.warns(MienWarning, match="nobody"),
        pytest.raises(MienError, match=r"got 2 people whose faces are found in .*; expected 3; add portraits"),
    ):
        render_corpus(tmp_path / "out", portraits=portraits, people=3, **FEW)
    assert not (tmp_path / "out").exists()


def test_pictures_of_one_subject_are_one_person(tmp_path: Path) -> None:
    small = cv2.resize(FACE, (120, 144), interpolation=cv2.INTER_AREA)
    nothing = np.full_like(small, 128)
    np.savez(tmp_path / "p.npz", images=np.stack([nothing, small, small, small[:, ::-1]]), subject=[7, 7, 7, 8])
    root = render_corpus(tmp_path / "out", portraits=tmp_path / "p.npz", **FEW)
    told = truth(root)["people"]
    assert [(one["subject"], one["portrait"], one["picture"]) for one in told] == [
        ("sub01", 2, "p.npz[1]"),
        ("sub02", 4, "p.npz[3]"),
    ]


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"pictures": np.zeros((1, 9, 9), np.uint8)}, "expected the array 'images'"),
        ({"images": np.zeros((1, 9, 9))}, r"got images \(1, 9, 9\) float64"),
        ({"images": np.zeros((9, 9), np.uint8)}, r"got images \(9, 9\)"),
        ({"images": np.zeros((2, 9, 9), np.uint8), "subject": np.arange(3)}, "of 3 subjects"),
    ],
)
def test_arrays_that_are_no_portraits_are_refused(arrays: dict[str, np.ndarray], says: str, tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", **arrays)
    with pytest.raises(MienError, match=says):
        render_corpus(tmp_path / "out", portraits=tmp_path / "p.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"no archive"])
def test_a_broken_file_of_portraits_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "p.npz").write_bytes(content)
    with pytest.raises(MienError, match=r"p\.npz', which does not read"):
        render_corpus(tmp_path / "out", portraits=tmp_path / "p.npz")


@pytest.mark.parametrize(
    ("use", "says"),
    [
        ({"people": 0}, "got 0 people"),
        ({"clips_per_person": 0}, "0 clips"),
        ({"jobs": 0}, "0 jobs"),
        ({"fps": float("nan")}, "got nan fps; expected 10 to 1000"),
        ({"size": (32, 160)}, "in 32x160"),
        ({"face_px": 200}, "got a face of 200 px in 160x160"),
        ({"intensity_px": (1.5, 1.0)}, "got intensities from 1.5 to 1.0 px"),
        ({"intensity_px": (float("nan"), 1.0)}, "got intensities from nan"),
        ({"noise": -1}, "got the noise -1"),
        ({"quality": 101}, "the quality 101"),
        ({"seed": -1}, "got the seed -1"),
        ({"portraits": "absent"}, "got the portraits 'absent'"),
    ],
)
def test_bad_use_is_one_line_and_writes_nothing(use: dict[str, Any], says: str, tmp_path: Path) -> None:
    with pytest.raises(MienError, match=says):
        render_corpus(tmp_path / "out", **use)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_taken_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(MienError, match="where something is"):
        render_corpus(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_forty_people_of_small_grey_portraits_perform(shared_data: Path, tmp_path: Path) -> None:
    root = render_corpus(tmp_path / "out", portraits=shared_data / "faces" / "orl_faces.npz", **FEW)
    told = truth(root)
    assert len({clip["clip"].split("/")[0] for clip in told["clips"]}) == 40
    shapes = np.stack([apply_affine(to_units(np.array(p["points"])), p["points"]) for p in told["people"]])
    assert shapes.std(axis=0)[[8, 33, 57], 1].min() > 0.05  # chin, nose and lip; eyes define the unit


def test_prototypes_are_those_of_their_class_and_change_nothing_else(tmp_path: Path) -> None:
    asked = {"people": 1, "clips_per_person": 6, "fps": 25, "jobs": 1}
    plain = render_corpus(tmp_path / "plain", **asked)
    sure = render_corpus(tmp_path / "sure", prototypes=True, **asked)
    for mixed, row in zip(rows(plain), rows(sure), strict=True):
        assert row["Action Units"] in PROTOTYPES[row["Estimated Emotion"]]
        same = ("Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Estimated Emotion", "intensity_px")
        assert all(row[name] == mixed[name] for name in same)
    assert truth(sure)["prototypes"]
    assert not truth(plain)["prototypes"]


def test_natural_expressions_are_those_of_the_generator_of_maps(tmp_path: Path) -> None:
    """Strengths spread by a factor, and times and classes are the same."""
    asked = {"people": 2, "clips_per_person": 30, "fps": 10, "size": (64, 64), "face_px": 48, "jobs": 1}
    natural, usual = render_corpus(tmp_path / "a", natural=True, **asked), render_corpus(tmp_path / "b", **asked)
    strengths = np.log([float(row["intensity_px"]) for row in rows(natural)])
    assert np.exp(np.median(strengths)) == pytest.approx(1.8, rel=0.35)
    assert 0.4 < strengths.std() < 0.9
    same = ("Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Estimated Emotion")
    assert [[row[name] for name in same] for row in rows(natural)] == [[row[n] for n in same] for row in rows(usual)]
    assert truth(natural)["natural"]


def test_natural_people_blink_and_glance_as_often_as_in_synthetic_maps(tmp_path: Path) -> None:
    """In 60 clips 18 blinks and 24 glances are expected; the eyes of a still face change where they happen only."""
    asked = {
        "people": 2,
        "clips_per_person": 30,
        "fps": 10,
        "size": (64, 64),
        "face_px": 48,
        "jobs": 1,
        "quality": None,
    }
    moving, still = (
        render_corpus(tmp_path / name, natural=True, zero_amplitude=zero, head=False, noise=0, **asked)
        for name, zero in (("moving", False), ("still", True))
    )
    clips = truth(still)["clips"]
    assert 10 <= sum("blink" in clip for clip in clips) <= 27
    assert 15 <= sum("glance" in clip for clip in clips) <= 34
    assert [clip.get("blink") for clip in clips] == [clip.get("blink") for clip in truth(moving)["clips"]]
    for clip in clips:
        paths = [still / clip["clip"] / f"img{number}.png" for number in range(clip["first"], clip["last"] + 1)]
        frames = np.stack([cv2.imread(str(path)).astype(int) for path in paths])
        changed = (frames != frames[0]).any(axis=(0, 3))
        assert not changed[36:].any()  # below the eyes
        if "blink" not in clip and "glance" not in clip:
            assert not changed.any()


def test_natural_expressions_take_no_intensity(tmp_path: Path) -> None:
    for also in ({"intensity_px": (1.0, 1.5)}, {"prototypes": True}):
        with pytest.raises(MienError, match="leave out either"):
            render_corpus(tmp_path / "out", natural=True, **also)
