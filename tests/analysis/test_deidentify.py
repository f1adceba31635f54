"""Nobody can be recognised in what is left, and nothing leads back to the recording."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

import mien
from mien.analysis import Analysis
from mien.analysis._deidentify import NEUTRAL, deidentified, neutral_pictures, pseudonym, scrubbed
from mien.analysis._write import EXPORTS, write_analysis
from mien.core import UInt8Array
from mien.reports import IntervalPictures
from mien.synthesis import Event
from mien.video import open_video, read_frames, write_video

STEM, FOLDER, MODEL = "annaschmidt", "ward7-confidential", "/srv/models/clinic-berlin"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    """One raised brow, of a recording whose name and folder give a person away, and a model from a named place."""
    folder = tmp_path_factory.mktemp("clip") / FOLDER
    event = Event(0.4, 0.55, 0.7, (1, 2), intensity_px=1.8)
    clip = mien.render(
        folder / f"{STEM}.mp4", fps=60, seconds=1.2, size=(320, 240), seed=1, events=[event], distractors="none"
    )
    made = mien.analyze(clip)
    assert made.intervals
    model = {**made.model, "training_data": {"root": f"{MODEL}/data", "text": f"read from {MODEL}/data on Monday"}}
    warnings = (f"got '{clip}' with damaged packets; frames of {clip.name} may be missing", *made.warnings)
    return replace(made, model=model, warnings=warnings, partial=f"'{STEM}' ended early")


@pytest.fixture(scope="module")
def folder(found: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = write_analysis(found, tmp_path_factory.mktemp("out") / "recording-1", exports=list(EXPORTS), deidentify=True)
    assert made.folder is not None
    return made.folder


def pictures(report: Path) -> list[UInt8Array]:
    """Every picture that a report holds, grey; of an animation the first frame."""
    from io import BytesIO

    from PIL import Image

    data = re.findall(r"data:image/[a-z+]+;base64,([A-Za-z0-9+/=]+)", report.read_text())
    return [np.asarray(Image.open(BytesIO(base64.b64decode(each))).convert("L")) for each in data]


def likeness(picture: UInt8Array, face: UInt8Array) -> float:
    """Correlation of what is finer than the eighth part of a face, its coarse shading left out."""
    pair = []
    for image in (picture, cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)):
        small = cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA).astype(np.float32)
        pair.append((small - cv2.GaussianBlur(small, (0, 0), 8)).ravel())
    if min(part.std() for part in pair) < 1e-3:
        return 0.0
    return abs(float(np.corrcoef(*pair)[0, 1]))


def test_no_file_holds_name_folder_hash_or_a_path(found: Analysis, folder: Path) -> None:
    secrets = [STEM, FOLDER, found.sha256, MODEL, "clinic-berlin", str(found.source.parent), found.source.name]
    files = list(folder.rglob("*"))
    assert len(files) == 8
    for path in files:
        content = path.read_bytes().lower()
        for secret in secrets:
            assert secret.lower().encode() not in content, f"{secret} in {path.name}"
            assert secret.lower() not in path.name.lower()


def test_the_search_would_find_them(found: Analysis, tmp_path: Path) -> None:
    made = write_analysis(found, tmp_path / "recording-1", exports=["elan"])
    assert made.folder is not None
    content = b"".join(path.read_bytes() for path in made.folder.iterdir()).decode()
    for secret in (STEM, FOLDER, found.sha256, MODEL):
        assert secret in content


def test_the_json_says_that_it_was_deidentified(folder: Path) -> None:
    document = json.loads((folder / "analysis.json").read_text())
    assert document["deidentified"] is True
    assert document["source"] is None
    assert document["sha256"] is None
    assert document["warnings"][0] == "got 'recording' with damaged packets; frames of recording may be missing"
    assert document["partial"] == "'recording' ended early"
    assert document["model"]["training_data"] == {"root": "recording", "text": "read from recording on Monday"}
    assert document["model"]["classes"] == ["negative", "positive", "surprise"]


def test_motion_times_and_quality_remain(found: Analysis, folder: Path, tmp_path: Path) -> None:
    whole = write_analysis(found, tmp_path / "recording-1").folder
    assert whole is not None
    for name in ("intervals.csv", "frames.csv"):
        assert (folder / name).read_text() == (whole / name).read_text()


def test_no_picture_in_the_report_is_like_the_face(found: Analysis, folder: Path, tmp_path: Path) -> None:
    face = found.evidence[0].onset
    left = pictures(folder / "report.html")
    assert left
    assert max(likeness(picture, face) for picture in left) < 0.2
    whole = write_analysis(found, tmp_path / "whole").folder
    assert whole is not None
    assert max(likeness(picture, face) for picture in pictures(whole / "report.html")) > 0.8


def test_the_video_shows_one_drawn_face_for_everybody(found: Analysis, folder: Path) -> None:
    video = open_video(folder / "recording-1_annotated.mp4")
    frames = [frame.image[:240] for frame in video]
    assert len(frames) == len(found.frames)
    x, y, w, h = (round(value) for value in found.tracks[0].boxes[10])
    with open_video(found.source) as source:
        image = next(iter(source)).image
    assert likeness(frames[10][y : y + h, x : x + w].mean(axis=2).astype(np.uint8), image[y : y + h, x : x + w]) < 0.2
    outside = frames[10][:, : x - 20]
    assert np.abs(outside.astype(int) - NEUTRAL).max() < 12


def test_the_video_needs_no_source(found: Analysis, tmp_path: Path) -> None:
    gone = replace(found, source=tmp_path / "gone.mp4")
    made = write_analysis(gone, tmp_path / "recording-2", exports=["mp4"], deidentify=True)
    assert made.folder is not None
    assert (made.folder / "recording-2_annotated.mp4").is_file()


def test_what_is_returned_is_what_was_written(found: Analysis) -> None:
    made = deidentified(found, "recording-7")
    assert made.source == Path("recording-7")
    assert made.sha256 == ""
    assert made.intervals == found.intervals
    text = repr(made)
    assert STEM not in text
    assert FOLDER not in text


def test_the_folder_gets_a_name_that_says_nothing(found: Analysis, tmp_path: Path) -> None:
    frames = (frame.image for frame in read_frames(found.source, range(8)))
    short = write_video(tmp_path / f"{STEM}.mp4", frames, 60)
    made = mien.analyze(short, out=tmp_path / "out", name=STEM, deidentify=True)
    assert made.folder is not None
    assert re.fullmatch(r"recording-[0-9a-f]{8}", made.folder.name)
    assert [path.name for path in (tmp_path / "out").iterdir()] == [made.folder.name]
    assert made.source == Path(made.folder.name)


def test_a_pseudonym_is_kept_and_a_telling_name_is_not() -> None:
    source = Path("/videos/anna.mp4")
    assert pseudonym(source, "recording-3") == "recording-3"
    assert pseudonym(source, "P017") == "P017"
    for telling in ("anna", "Anna", "anna.mp4", "trial-anna", "anna_2", None):
        assert re.fullmatch(r"recording-[0-9a-f]{8}", pseudonym(source, telling))
    assert pseudonym(source) != pseudonym(source)


def blocks(faces: UInt8Array, count: int) -> np.ndarray:
    """Each face as the means of so many blocks a side."""
    return np.array([cv2.resize(face, (count, count), interpolation=cv2.INTER_AREA).ravel() for face in faces], float)


def named_rightly(features: np.ndarray, people: np.ndarray) -> float:
    """Share of pictures that the better of two recognisers names rightly, having seen every person's other half."""
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    even = np.array([np.sum(people[:index] == who) for index, who in enumerate(people)]) % 2 == 0
    scores = []
    for recogniser in (make_pipeline(StandardScaler(), SVC(C=10)), KNeighborsClassifier(1)):
        recogniser.fit(features[even], people[even])
        scores.append(recogniser.score(features[~even], people[~even]))
    return max(scores)


def test_blocks_of_any_size_name_people_and_neutral_pictures_do_not(shared_data: Path) -> None:
    with np.load(shared_data / "faces/orl_faces.npz") as data:
        faces, people = data["images"], data["subject"]
    chance = 1 / len(np.unique(people))
    assert named_rightly(blocks(faces, 8), people) > 0.9
    assert named_rightly(blocks(faces, 3), people) > 0.7
    assert named_rightly(blocks(faces, 1), people) > 3 * chance
    still = np.zeros((2, 92, 92), np.float32)
    left = []
    for face in faces:
        colour = np.repeat(face[10:102, :, None], 3, axis=2)
        shown = neutral_pictures(IntervalPictures(colour, colour, still))
        left.append(np.concatenate([blocks(shown.onset[None, ..., 0], 8)[0], blocks(shown.apex[None, ..., 0], 8)[0]]))
    assert named_rightly(np.array(left), people) < 3 * chance


def test_paths_with_spaces_go_whole() -> None:
    text = "got '/home/Anna Schmidt/models/a' and 'C:\\Users\\Anna Schmidt\\a b', not ~/anna"
    assert scrubbed(text, Path("x.mp4")) == "got 'recording' and 'recording', not recording"


def test_where_a_model_was_trained_is_not_said(found: Analysis) -> None:
    data = {"root": "C:\\Users\\Anna Schmidt\\data", "text": "from '/srv/Berlin ward/data'"}
    made = deidentified(replace(found, model={**found.model, "training_data": data}), "recording-1")
    assert made.model["training_data"] == {"root": "recording", "text": "from 'recording'"}


def test_the_row_of_a_marker_which_leads_to_the_recording_is_not_said(found: Analysis) -> None:
    late = "the marker 'film' at 70 s (row 4) begins after the end of what was analysed, 60.00 s: it is not counted"
    (said,) = deidentified(replace(found, warnings=(late,)), "recording-1").warnings
    assert said.startswith("the marker 'film' at 70 s begins after the end")
