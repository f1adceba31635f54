"""The evaluation report: one file, offline, honest, readable by machines and people."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from mien.core import MienError, Prediction
from mien.protocols import score
from mien.reports import Look, write_evaluation_report
from mien.reports._pictures import heat_picture
from mien.reports.figures import confusion_figure

MEGC = ("negative", "positive", "surprise")
RUN = {
    "method": "ststnet",
    "dataset": "megc2019",
    "protocol": "loso",
    "training": {"epochs": 500, "preset": None},
    "versions": {"mien": "0.1.0"},
}
PUBLISHED = [
    {"method": "htnet", "corpus": "smic", "metric": "uf1", "value": 0.8049, "source": "Wang", "suspect": True,
     "note": "odd"},
    {"method": "ststnet", "corpus": "megc2019", "metric": "uar", "value": 0.7605, "source": "Liong"},
    {"method": "ststnet", "corpus": "mmew", "metric": "uar", "value": 0.5, "source": "nobody"},
]  # fmt: skip


class Page(HTMLParser):
    """Tags opened, their attributes, and the text of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def run_of(seeds: int = 2, corpora: tuple[str, ...] = ("casme2", "smic")) -> list[Prediction]:
    """A made-up run, right two times out of three."""
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(seeds):
        for i in range(48):
            subject = f"{corpora[i % len(corpora)]}/s{i % 8}"
            truth = MEGC[i // 2 % 3]
            p = rng.dirichlet(np.where(np.array(MEGC) == truth, 3.0, 1.0))
            probabilities = dict(zip(MEGC, p.tolist(), strict=True))
            ids = subject.split("/", maxsplit=1)[0], subject, f"{subject}/c{i}", subject
            rows.append(Prediction(*ids, seed, "last", truth, MEGC[int(p.argmax())], probabilities))
    return rows


def report(folder: Path, rows: list[Prediction], run: dict = RUN, published: list[dict] = PUBLISHED) -> Page:
    scores = json.loads(json.dumps(score(rows, resamples=50)))
    path = write_evaluation_report(
        folder / "r" / "report.html", scores=scores, run=run, predictions=rows, published=published
    )
    return Page(path.read_text(encoding="utf-8"))


def test_the_page_loads_nothing_from_anywhere(tmp_path: Path) -> None:
    page = report(tmp_path, run_of())
    for name, value in page.attributes:
        if name in {"src", "href", "action", "xlink:href"}:
            assert value.startswith(("data:", "#")), (name, value)
    assert "script" not in page.tags
    assert not re.search(r"@import|url\(", " ".join(page.words))
    assert [path.name for path in (tmp_path / "r").iterdir()] == ["report.html"]


def test_the_numbers_are_those_of_the_scores_with_intervals_and_spread(tmp_path: Path) -> None:
    rows = run_of()
    document = score(rows, resamples=50)
    text = report(tmp_path, rows).text
    for part in (document, *document["by_dataset"].values(), *document["seeds"].values()):
        for metric in ("uf1", "uar", "accuracy"):
            low, high = part["ci95"][metric]
            assert f"{part[metric]:.4f}" in text
            assert f"{low:.4f} to {high:.4f}" in text
    assert f"± {np.std([part['uf1'] for part in document['seeds'].values()], ddof=1):.4f} over 2 seeds" in text
    assert f"{document['fold_mean']['uf1']:.4f}" in text
    assert "always the most frequent class" in text
    assert "guessing evenly" in text
    assert "training.epochs 500" in text


def look(heat: np.ndarray, predicted: str = "negative", by: str = "Grad-CAM", *, is_map: bool = False) -> Look:
    return Look("casme2/s0/c0", "negative", predicted, np.full((64, 64, 3), (200, 40, 40), np.uint8), heat, by, is_map)


def test_where_the_network_looked_is_shown_beside_the_plain_picture_and_told_in_words(tmp_path: Path) -> None:
    heat = np.zeros((6, 6), np.float32)
    heat[5, 1] = 1
    shown = [look(heat), look(heat * 0, "surprise")]
    rows = run_of()
    scores = json.loads(json.dumps(score(rows, resamples=50)))
    path = write_evaluation_report(tmp_path / "r.html", scores=scores, run=RUN, predictions=rows, looks=shown)
    page = Page(path.read_text(encoding="utf-8"))
    assert [value for name, value in page.attributes if name == "alt"] == [
        "Apex frame of casme2/s0/c0",
        "The same without colours under a heat map, strongest: bottom left",
        "Apex frame of casme2/s0/c0",
        "The same without colours under a heat map, strongest: nowhere",
    ]
    assert "negative, read so" in page.text
    assert "negative, read as surprise : no place spoke for it" in page.text
    assert "what spoke for the class that was predicted" in page.text
    assert "licence says who may see them" in page.text
    pictures = [value for name, value in page.attributes if name == "src"]
    assert all(value.startswith("data:image/jpeg;base64,") for value in pictures)
    assert len(set(pictures)) == 3  # the plain one twice


@pytest.mark.parametrize(("by", "said"), [("attention", "whatever the class"), ("Grad-CAM", "that was predicted")])
def test_what_made_the_maps_is_said(tmp_path: Path, by: str, said: str) -> None:
    rows = run_of(seeds=1)
    scores = json.loads(json.dumps(score(rows, resamples=50)))
    shown = [look(np.eye(3, dtype=np.float32), by=by, is_map=True)]
    write_evaluation_report(tmp_path / "r.html", scores=scores, run=RUN, predictions=rows, looks=shown)
    text = Page((tmp_path / "r.html").read_text(encoding="utf-8")).text
    assert said in text
    assert "the motion map as the network gets it" in text
    assert "licence" not in text
    assert "Where the network looked" not in report(tmp_path, rows).text


def test_heat_lies_where_the_map_has_it_and_elsewhere_the_picture_is_grey() -> None:
    picture = np.full((64, 64, 3), (200, 40, 40), np.uint8)
    heat = np.zeros((4, 4), np.float32)
    heat[0, 3] = 1
    shown = decoded(heat_picture(picture, heat)).astype(int)
    spread = shown.max(axis=2) - shown.min(axis=2)
    assert shown.shape == (256, 256, 3)
    assert spread[:60, 200:].min() > 60  # the end of the scale is yellow
    assert spread[100:].max() < 8


def decoded(address: str) -> np.ndarray:
    import cv2

    data = np.frombuffer(base64.b64decode(address.partition(",")[2]), np.uint8)
    return cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]


def test_an_honest_run_says_so_and_a_leaking_one_has_a_banner(tmp_path: Path) -> None:
    honest = report(tmp_path, run_of()).text
    assert "nothing was chosen by looking at a test subject" in honest
    assert "These scores leak" not in honest
    leaking = report(tmp_path, [replace(row, selection="test") for row in run_of()]).text
    assert "These scores leak" in leaking
    assert "The test fold chose the epoch" in leaking
    assert "nothing was chosen" not in leaking


def test_published_numbers_stand_beside_ours_of_the_same_corpus_and_metric(tmp_path: Path) -> None:
    rows = run_of()
    document = score(rows, resamples=50)
    text = report(tmp_path, rows).text
    uar, smic = document["uar"], document["by_dataset"]["smic"]["uf1"]
    assert f"ststnet megc2019 uar 0.7605 {uar:.4f} {uar - 0.7605:+.4f} Liong" in text
    assert f"htnet smic uf1 0.8049 {smic:.4f} {smic - 0.8049:+.4f} Wang suspect: odd" in text
    assert "ststnet mmew uar 0.5000 – – nobody" in text
    assert text.index("Liong") < text.index("Wang"), "the same method comes first"
    assert "Published numbers" not in report(tmp_path, rows, published=[]).text


def test_there_are_counts_and_shares_pooled_and_per_corpus(tmp_path: Path) -> None:
    assert report(tmp_path, run_of()).tags.count("figure") == 6
    assert report(tmp_path, run_of(corpora=("smic",))).tags.count("figure") == 2


def test_the_hardest_samples_gave_the_truth_the_least(tmp_path: Path) -> None:
    rows = run_of(seeds=1)
    wrong = [row for row in rows if row.predicted != row.truth]
    hardest = min(wrong, key=lambda row: row.probabilities[row.truth])
    text = report(tmp_path, rows).text
    line = f"{hardest.sample_id} {hardest.truth} {hardest.predicted} {hardest.probabilities[hardest.truth]:.4f} 1 of 1"
    assert f"p(truth) wrong in {line}" in text


def test_predictions_without_probabilities_or_folds_still_report(tmp_path: Path) -> None:
    rows = [replace(row, fold="", selection="", probabilities={}) for row in run_of(seeds=1)]
    text = report(tmp_path, rows, run={}).text
    assert "A method on casme2, smic" in text
    assert "a finished model read every sample" in text
    perfect = [replace(row, predicted=row.truth, probabilities={}) for row in rows]
    assert "No sample was read wrongly." in report(tmp_path, perfect).text


def test_names_from_a_file_cannot_become_markup(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    rows = [replace(row, sample_id=f"{row.subject}/{evil}{i}") for i, row in enumerate(run_of(seeds=1))]
    rows = [
        replace(
            row,
            truth=row.truth.replace("surprise", evil),
            predicted=row.predicted.replace("surprise", evil),
            probabilities={name.replace("surprise", evil): p for name, p in row.probabilities.items()},
        )
        for row in rows
    ]
    page = report(tmp_path, rows, run={"method": evil, "note": evil})
    assert "script" not in page.tags
    assert evil in page.text


@pytest.mark.parametrize("normalise", [False, True])
def test_a_figure_is_well_formed_and_says_its_numbers_in_words(normalise: bool) -> None:
    drawn = confusion_figure([[9, 1], [0, 0]], ["a & b", "c"], "A <toy> run", normalise=normalise)
    root = ElementTree.fromstring(drawn)
    svg = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    assert root.findtext(f"{svg}title") == "A <toy> run"
    assert ("a & b read as c: 0.10." if normalise else "a & b read as c: 1.") in (root.findtext(f"{svg}desc") or "")
    assert len(root.findall(f"{svg}rect")) == 4


def test_every_number_on_a_cell_contrasts_by_wcag() -> None:
    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))

    for share in range(0, 101, 5):
        drawn = confusion_figure([[share, 100 - share], [0, 1]], ["a", "b"], "toy")
        pairs = re.findall(r'<rect [^>]*fill="(#\w{6})"/>\s*<text [^>]*fill="(#\w{3})"', drawn)
        assert len(pairs) == 4
        for fill, ink in pairs:
            bright, dark = sorted([luminance(fill), 1.0 if ink == "#fff" else 0.0], reverse=True)
            assert (bright + 0.05) / (dark + 0.05) >= 4.5


def test_a_matrix_that_does_not_fit_its_classes_is_refused() -> None:
    with pytest.raises(MienError, match="shape"):
        confusion_figure([[1, 2]], ["a", "b"], "toy")
