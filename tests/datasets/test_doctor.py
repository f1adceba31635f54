"""Every fault that is planted in a good copy is found, named and weighed; a good copy has none."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import openpyxl
import pytest

from mien.core import MienError
from mien.core.frames import numbered_frames
from mien.datasets import DATASETS, Corpus, check, smic, write_fixture
from mien.datasets._doctor import PUBLISHED
from mien.datasets._faults import FAULTS, Finding
from mien.datasets._fixture import MARK
from mien.datasets._inspect import _misplaced

CASME2_TABLE = "CASME2-coding-20140508.xlsx"
CASME2 = [
    ("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units", "Estimated Emotion"),
    ("01", "EP02_01f", None, 46, 52, 58, None, 12, "happiness"),
    ("01", "EP03_02", None, 91, 97, 103, None, 4, "disgust"),
    ("02", "EP02_01f", None, 8, 14, 20, None, "1+2", "surprise"),
    ("02", "EP06_01", None, 8, 14, 20, None, 14, "repression"),
    ("17", "EP01_06", None, 96, 102, 110, None, 17, "others"),
]
SAMM = [
    ("SAMM Dataset", *[None] * 11),
    (
        *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro"),
        *("Action Units", "Estimated Emotion", "Objective Classes", "Notes"),
    ),
    ("006", "006_1_2", 1, 5562, 5568, 5575, 14, "Micro - 1/2", "4+7", "Anger", 3, None),
    ("007", "007_4_1", 4, 12, 18, 25, 14, "Micro - 1/2", "A/L12", "Happiness", 1, None),
]
CASME3 = [
    ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion"),
    ("spNO.1", "a", "355", "359", "366", "5", "II", "others"),
    ("spNo.1", "a", "362", "368", "372", "4", "III", "disgust"),
    ("spNO.40", "e", "1812", "1820", "1826", "R12", "I", "happy"),
]
SMIC = [
    ("Subject", "Filename", None, "OnsetF", "OffsetF", "FirstF", "LastF", "Emotion"),
    (1, "s1_ne_01", None, 303101, 303112, 303091, 303122, "negative"),
    (1, "s1_po_02", None, 403101, 403112, 403091, 403122, "positive"),
    (18, "s18_sur_03", None, 503101, 503112, 503091, 503122, "negative"),
]
MMEW = [
    ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion", "remarks"),
    (1, "S01-01-001", 1, 6, 12, "6+12", "happiness", None),
    (1, "S01-04-001", 1, 7, 12, "4", "disgust", None),
    (30, "S30-02-001", 1, 7, 13, "1+2", "surprise", None),
]
TABLES = {
    "casme2": (CASME2_TABLE, CASME2),
    "samm": ("SAMM_Micro_FACS_Codes_v2.xlsx", SAMM),
    "casme3": ("cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", CASME3),
    "smic": ("SMIC-HS-E_annotation.xlsx", SMIC),
    "mmew": ("MMEW_Micro_Exp.xlsx", MMEW),
}
SHEETS = {"samm": "MICRO_ONLY", "smic": "HS"}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A good copy of each corpus, made from a few rows of our own in the corpus's form."""
    folder = tmp_path_factory.mktemp("good")
    trees = {}
    for corpus, (name, rows) in TABLES.items():
        write(folder / name, rows, SHEETS.get(corpus))
        trees[corpus] = write_fixture(corpus, folder / name, folder / corpus, size=(64, 48)).root
    return trees


def write(path: Path, rows: Sequence[Sequence[object]], sheet: str | None = None) -> None:
    book = openpyxl.Workbook()
    book.active.title = sheet or "Sheet1"
    for row in rows:
        book.active.append(row)
    book.save(path)


def edit(root: Path, corpus: str, change: Callable[[list[list]], None]) -> None:
    """Change the rows of a copy's table."""
    name, rows = TABLES[corpus]
    changed = [list(row) for row in rows]
    change(changed)
    write(root / name, changed, SHEETS.get(corpus))


def found(corpus: str, root: Path, deep: bool = False) -> dict[str, Finding]:
    """Findings by code; what every tree of ours has (counts, no apex in SMIC, spNo) is left in."""
    return {finding.code: finding for finding in check(corpus, root, deep=deep)}


@pytest.mark.parametrize("corpus", TABLES)
@pytest.mark.parametrize("deep", [False, True])
def test_a_good_copy_is_clean_and_counted(corpus: str, deep: bool, good: dict[str, Path]) -> None:
    findings = found(corpus, good[corpus], deep)
    assert {finding.level for finding in findings.values()} == {"note"}
    rows = len([row for row in TABLES[corpus][1] if row[1]]) - 1
    assert f"{rows} samples (of {rows})" in findings["counts"].what


# --- faults of the frames, in CASME II ------------------------------------------------------------------------------


def clip(root: Path, name: str = "sub01/EP02_01f") -> Path:
    return root / name


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def swap(first: Path, second: Path) -> None:
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)


def convert(path: Path, ending: str) -> None:
    path.write_bytes(cv2.imencode(ending, cv2.imread(str(path)))[1].tobytes())


def resize(path: Path) -> None:
    cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), (32, 24)))


def freeze(folder: Path) -> None:
    frames = list(numbered_frames(folder).values())
    for path in frames[1:]:
        path.write_bytes(frames[0].read_bytes())


def copy_clip(source: Path, goal: Path) -> None:
    """Put one clip's pictures under another's names."""
    for path, onto in zip(numbered_frames(source).values(), numbered_frames(goal).values(), strict=True):
        onto.write_bytes(path.read_bytes())


def rename(folder: Path, numbers: range, name: str) -> None:
    for number in numbers:
        (folder / f"img{number}.jpg").rename(folder / name.format(number))


IN_FRAMES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "missing-clip": ("sub01/EP02_01f", lambda root: shutil.rmtree(clip(root))),
    "missing-key-frames": ("sub01/EP02_01f", lambda root: (clip(root) / "img52.jpg").unlink()),
    "missing-frames": ("sub01/EP02_01f", lambda root: (clip(root) / "img49.jpg").unlink()),
    "empty-file": ("sub01/EP02_01f", lambda root: (clip(root) / "img50.jpg").write_bytes(b"")),
    "unreadable-image": ("sub01/EP02_01f", lambda root: (clip(root) / "img50.jpg").write_text("not found")),
    "truncated-image": ("sub01/EP02_01f", lambda root: cut(clip(root) / "img50.jpg")),
    "sizes-differ": ("sub01/EP02_01f", lambda root: resize(clip(root) / "img50.jpg")),
    "wrong-ending": ("sub01/EP02_01f", lambda root: convert(clip(root) / "img50.jpg", ".png")),
    "duplicate-number": (
        "sub01/EP02_01f",
        lambda root: shutil.copy(clip(root) / "img50.jpg", clip(root) / "img050.jpg"),
    ),
    "mixed-names": ("sub01/EP02_01f", lambda root: rename(clip(root), range(46, 50), "frame{}.jpg")),
    "unnumbered": ("sub01/EP02_01f", lambda root: shutil.copy(clip(root) / "img50.jpg", clip(root) / "best.jpg")),
    "zero-motion": ("sub01/EP02_01f", lambda root: freeze(clip(root))),
    "duplicate-clip": ("sub01/EP03_02", lambda root: copy_clip(clip(root), clip(root, "sub01/EP03_02"))),
    "duplicate-across-subjects": ("sub02/EP02_01f", lambda root: copy_clip(clip(root), clip(root, "sub02/EP02_01f"))),
    "misplaced-clip": ("sub01/EP02_01f", lambda root: shutil.move(clip(root), root / "rest" / "EP02_01f")),
}


@pytest.mark.parametrize("code", IN_FRAMES)
def test_a_fault_of_the_frames_is_named(code: str, good: dict[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(good["casme2"], tmp_path / "copy")
    where, plant = IN_FRAMES[code]
    plant(root)
    findings = found("casme2", root)
    assert findings[code].where == f"casme2/{where}"
    assert findings[code].level == FAULTS[code][0]
    others = {name for name, finding in findings.items() if finding.level != "note"} - {code}
    assert not others, "one fault gives one kind of finding"


@pytest.mark.parametrize("ending", [".jpg", ".png", ".bmp"])
def test_a_picture_whose_end_is_missing_is_named_in_every_format(
    ending: str, good: dict[str, Path], tmp_path: Path
) -> None:
    root = shutil.copytree(good["casme2"], tmp_path / "copy")
    convert(clip(root) / "img50.jpg", ending)
    assert "truncated-image" not in found("casme2", root)
    cut(clip(root) / "img50.jpg")
    assert found("casme2", root)["truncated-image"].where == "casme2/sub01/EP02_01f"


def test_without_an_apex_the_middle_must_differ_from_the_onset(good: dict[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(good["smic"], tmp_path / "copy")
    freeze(next(root.rglob("s1_ne_01")))
    finding = found("smic", root)["zero-motion"]
    assert finding.where == "smic/s01/s01_ne_01"
    assert "frames 303101 and 303106" in finding.what


def test_a_clip_of_one_frame_shows_no_motion(good: dict[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(good["casme2"], tmp_path / "copy")
    edit(root, "casme2", lambda rows: (put(1, 4, 46)(rows), put(1, 5, 46)(rows)))
    finding = found("casme2", root)["one-frame"]
    assert (finding.where, finding.level) == ("casme2/sub01/EP02_01f", "warning")


def test_a_video_without_bytes_is_named(tmp_path: Path) -> None:
    rows = "subject,clip,path,onset,offset,emotion\ns1,a,a.mp4,0,9,positive\ns2,b,b.mp4,0,9,negative\n"
    (tmp_path / "annotations.csv").write_text(rows)
    (tmp_path / "a.mp4").touch()
    (tmp_path / "b.mp4").write_bytes(b"something")
    finding = found("folder", tmp_path)["unreadable-video"]
    assert (finding.where, finding.level) == ("folder/s1/a", "error")


def test_padding_by_halves_is_a_mixture(good: dict[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(good["casme2"], tmp_path / "copy")
    rename(clip(root, "sub02/EP06_01"), range(8, 10), "img{:05d}.jpg")
    assert "padded" in found("casme2", root)["mixed-names"].what


def test_frames_in_the_wrong_place_are_seen_in_their_pixels(good: dict[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(good["casme2"], tmp_path / "copy")
    swap(clip(root) / "img47.jpg", clip(root) / "img52.jpg")
    assert "out-of-order" not in found("casme2", root)
    assert "52" in found("casme2", root, deep=True)["out-of-order"].what


def test_damage_inside_a_frame_shows_only_when_decoded(good: dict[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(good["mmew"], tmp_path / "copy")
    path = next(root.rglob("S01-01-001")) / "3.jpg"
    convert(path, ".png")
    whole = path.read_bytes()
    path.write_bytes(whole[:60] + bytes(80) + whole[140:])
    assert "unreadable-image" not in found("mmew", root)
    assert found("mmew", root, deep=True)["unreadable-image"].where == "mmew/S01/S01-01-001"


def test_the_same_still_saved_twice_shows_only_when_decoded(good: dict[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(good["casme2"], tmp_path / "copy")
    shutil.copy(clip(root) / "img46.jpg", clip(root) / "img52.jpg")
    with (clip(root) / "img52.jpg").open("ab") as file:
        file.write(b"another end")
    assert "zero-motion" not in found("casme2", root)
    assert "zero-motion" in found("casme2", root, deep=True)


def test_folders_that_no_row_speaks_of_are_noted(good: dict[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(good["casme2"], tmp_path / "copy")
    shutil.copytree(clip(root), root / "sub01" / "EP99_99")
    assert "sub01/EP99_99" in found("casme2", root)["extra-folders"].what


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_neither_a_slow_turn_nor_noise_is_taken_for_disorder(noise: float) -> None:
    course = 30 * (1 - np.cos(np.linspace(0, 2 * np.pi, 41)))
    frames = course[:, None, None] + np.random.default_rng(0).normal(0, noise, (41, 16, 16))
    assert _misplaced(frames.astype(np.float32)) == []
    frames[[10, 30]] = frames[[30, 18]]
    assert {10, 30} & set(_misplaced(frames.astype(np.float32)))


# --- faults of the table --------------------------------------------------------------------------------------------


def put(row: int, column: int, value: object) -> Callable[[list[list]], None]:
    def change(rows: list[list]) -> None:
        rows[row][column] = value

    return change


IN_TABLE = [
    ("casme2", put(1, 4, 99), "apex-outside", "casme2/sub01/EP02_01f"),
    ("casme2", put(1, 5, 40), "offset-before-onset", "casme2/sub01/EP02_01f"),
    ("casme2", lambda rows: (put(1, 5, 40)(rows), put(1, 4, "/")(rows)), "no-extent", "casme2/sub01/EP02_01f"),
    ("casme2", put(1, 3, "x46"), "broken-table", "casme2"),
    ("casme2", lambda rows: rows.append(rows[1]), "duplicate-id", "casme2"),
    ("casme2", lambda rows: rows.pop(), "counts-differ", "casme2"),
    ("casme2", put(1, 8, "sadness"), "counts-differ", "casme2"),
    ("casme2", put(1, 4, 46), "apex-at-onset", "casme2"),
    ("casme2", put(1, 5, 5800), "long-interval", "casme2"),
    ("samm", put(2, 4, 9000), "apex-outside", "samm/006/006_1_2"),  # older copies: 028_4_1, 032_3_1
    ("samm", put(2, 5, 5576), "duration-differs", "samm/006/006_1_2"),  # older copies: an offset
    ("samm", lambda rows: rows.append([6, "006_1_3", *rows[2][2:]]), "subject-spelling", "samm"),
    ("casme3", put(3, 3, "83"), "apex-outside", "casme3/spNO.40/e_1812"),  # other copies: spNO.149 d
    ("casme3", put(3, 4, "0"), "offset-before-onset", "casme3/spNO.40/e_1812"),  # other copies: spNO.40 e
    ("casme3", put(1, 7, "Others"), "subject-spelling", "casme3"),
    ("mmew", put(1, 4, 4), "apex-outside", "mmew/S01/S01-01-001"),  # other copies: 16 rows
    ("smic", put(1, 3, None), "broken-table", "smic"),
    ("smic", put(1, 1, "s1_ne_09"), "left-out", "smic"),
    ("smic", lambda rows: None, "label-in-table", "smic/s18/s18_sur_03"),
]  # fmt: skip


@pytest.mark.parametrize(("corpus", "change", "code", "where"), IN_TABLE, ids=lambda v: v if isinstance(v, str) else "")
def test_a_fault_of_the_table_is_named(
    corpus: str, change: Callable, code: str, where: str, good: dict[str, Path], tmp_path: Path
) -> None:
    root = shutil.copytree(good[corpus], tmp_path / "copy")
    edit(root, corpus, change)
    assert found(corpus, root)[code].where == where


@pytest.mark.parametrize(("corpus", "code"), [("casme2", "no-table"), ("casme2", "no-frames"), ("smic", "no-frames")])
def test_half_a_copy_is_no_copy(corpus: str, code: str, good: dict[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(good[corpus], tmp_path / "copy")
    for path in root.iterdir():
        if path.is_dir() if code == "no-frames" else path.suffix == ".xlsx":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    (finding,) = check(corpus, root)
    assert (finding.level, finding.code) == ("error", code)


def test_a_clip_in_another_classs_folder_is_a_disagreement(good: dict[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(good["mmew"], tmp_path / "copy")
    lying = next(root.rglob("S01-01-001"))
    shutil.move(lying, lying.parents[1] / "fear" / lying.name)
    assert "says happiness" in found("mmew", root)["label-in-folder"].what

    root = shutil.copytree(good["smic"], tmp_path / "smic")
    lying = next(root.rglob("s1_ne_01"))
    shutil.move(lying, lying.parents[1] / "positive" / lying.name)
    assert found("smic", root)["label-in-folder"].where == "smic/s01/s01_ne_01"


def test_what_the_folders_above_a_copy_are_called_says_nothing(good: dict[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(good["casme2"], tmp_path / "fear" / "copy")
    shutil.move(clip(root), root / "rest" / "EP02_01f")
    findings = found("casme2", root)
    assert "label-in-folder" not in findings
    assert findings["misplaced-clip"].where == "casme2/sub01/EP02_01f"


def test_one_person_spelled_two_ways_leaks(good: dict[str, Path], tmp_path: Path) -> None:
    rows = "subject,clip,path,onset,offset,emotion,fps\ns1,a,a,46,58,positive,200\ns01,b,b,91,103,negative,200\n"
    (tmp_path / "annotations.csv").write_text(rows)
    shutil.copytree(good["casme2"] / "sub01" / "EP02_01f", tmp_path / "a")
    shutil.copytree(good["casme2"] / "sub01" / "EP03_02", tmp_path / "b")
    finding = found("folder", tmp_path)["subject-leak"]
    assert finding.level == "error"
    assert "folder/s01 and folder/s1" in finding.what


def test_colour_without_its_depth_is_named(good: dict[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(good["casme3"], tmp_path / "copy")
    next(root.rglob("depth/1815.png")).unlink()
    assert "1815" in found("casme3", root)["missing-depth"].what


def test_a_long_video_with_a_pause_left_out_has_another_time(shared_data: Path, tmp_path: Path) -> None:
    write_fixture("casme-sq", shared_data / "annotations", tmp_path / "tree", limit=1, size=(48, 48))
    assert "gaps" not in found("casme-sq", tmp_path / "tree")
    (tmp_path / "tree" / MARK).unlink()
    assert "gaps" in found("casme-sq", tmp_path / "tree")


def test_the_published_counts_hold_where_a_copy_is_no_fixture(good: dict[str, Path], tmp_path: Path) -> None:
    root = shutil.copytree(good["casme2"], tmp_path / "copy")
    (root / MARK).unlink()
    assert "5 samples where 255 are expected" in found("casme2", root)["counts-differ"].what


@pytest.mark.parametrize("camera", ["VIS", "NIR"])
def test_a_slow_camera_of_smic_has_its_own_counts(camera: str, good: dict[str, Path], tmp_path: Path) -> None:
    root = tmp_path / f"SMIC_{camera}"
    shutil.copytree(next(good["smic"].rglob("s1_ne_01")), root / "s1" / "s1_ne_01")
    assert found("smic", root)["counts-differ"].what.startswith("1 samples where 71 are expected, 1 subjects where 8")


def test_the_slow_cameras_counts_are_those_of_the_real_table(shared_data: Path) -> None:
    corpus = DATASETS["smic"]
    assert isinstance(corpus, Corpus)
    samples = smic.parse(shared_data / "annotations" / TABLES["smic"][0], "VIS")
    counts = Counter(sample.emotion for sample in samples)
    counts.update(samples=len(samples), subjects=len({sample.subject for sample in samples}))
    assert counts == corpus.published_at[25.0]


def test_a_broken_macro_row_is_a_finding_like_any_other(tmp_path: Path) -> None:
    rows = [
        (1, "anger1_1", 57, 72, 78, "4+10+14", "negative", "macro-expression", "anger"),
        (2, "happy5_1", 38, 43, 48, 43, "positive", "micro-expression", "happiness"),
    ]
    table = tmp_path / "CAS(ME)^2code_final.xlsx"
    write(table, rows)
    root = write_fixture("casme-sq", table, tmp_path / "tree", size=(48, 48)).root
    assert {finding.level for finding in check("casme-sq", root)} <= {"note", "warning"}
    write(root / table.name, [(*rows[0][:2], "early", *rows[0][3:]), rows[1]])
    finding = found("casme-sq", root)["broken-table"]
    assert finding.level == "error"
    assert "row 1, column 'onset'" in finding.what


def test_the_composite_is_checked_corpus_by_corpus(good: dict[str, Path], tmp_path: Path) -> None:
    for corpus in ("casme2", "samm", "smic"):
        shutil.copytree(good[corpus], tmp_path / corpus)
    (tmp_path / "samm" / "006" / "006_1_2" / "006_05568.jpg").unlink()
    findings = found("megc2019", tmp_path)
    assert findings["missing-key-frames"].where == "samm/006/006_1_2"
    assert f"{PUBLISHED['megc2019']['samples']} are expected" in findings["counts-differ"].what


def test_what_a_reader_remarks_on_is_said_once_in_the_composite(good: dict[str, Path], tmp_path: Path) -> None:
    for corpus in ("casme2", "samm", "smic"):
        shutil.copytree(good[corpus], tmp_path / corpus)
    edit(tmp_path / "samm", "samm", put(2, 4, 9000))
    places = [finding.where for finding in check("megc2019", tmp_path) if finding.code == "apex-outside"]
    assert places == ["samm/006/006_1_2"]


def test_ready_maps_have_no_frames_to_check(shared_data: Path) -> None:
    findings = check("motion-npz", shared_data / "flow" / "ststnet_flow_smic_casme2.npz")
    assert [finding.code for finding in findings] == ["counts"]


def test_a_finding_is_one_line_of_four_parts(good: dict[str, Path]) -> None:
    line = str(found("casme2", good["casme2"])["counts"])
    assert line.startswith("note counts casme2: 5 samples")
    assert line.count("; ") == 2
    assert "\n" not in line


def test_a_root_that_is_not_there_is_bad_use(tmp_path: Path) -> None:
    with pytest.raises(MienError, match="does not exist"):
        check("casme2", tmp_path / "absent")
