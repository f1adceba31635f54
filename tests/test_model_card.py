"""The model card: its page is whole, and a clip at a lower frame rate is what a slow camera would have seen."""

from __future__ import annotations

import csv
import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from mien.core import MienError

ROOT = Path(__file__).resolve().parents[1]
HEAD = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "fps")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return {name: importlib.import_module(f"model_card_{name}") for name in ("clips", "page", "parts")}


def test_every_table_of_the_page_is_filled(scripts: dict[str, ModuleType]) -> None:
    text = (ROOT / "docs" / "model-card.md").read_text(encoding="utf-8")
    for name in scripts["page"].TABLES:
        _, found = text.split(f"<!-- begin {name} -->")
        assert found.split(f"<!-- end {name} -->")[0].strip(), name


def test_only_what_is_between_the_markers_changes(
    scripts: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts["page"], "TABLES", {"a": lambda document: f"| {document['x']} |"})
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- begin a -->\nold\n<!-- end a -->\nafter\n")
    scripts["page"].fill(page, {"x": "1\\2"})
    assert page.read_text() == "before\n<!-- begin a -->\n| 1\\2 |\n<!-- end a -->\nafter\n"
    page.write_text("no markers")
    with pytest.raises(MienError, match="markers 'a'"):
        scripts["page"].fill(page, {"x": "1"})


@pytest.mark.parametrize("step", [2, 4, 8])
def test_a_slower_camera_sees_every_nth_frame(scripts: dict[str, ModuleType], tmp_path: Path, step: int) -> None:
    corpus = tmp_path / "corpus"
    rows = [(1, f"EP01_{clip:02d}", 100 + clip, 130 + clip, 170 + clip, 200.0) for clip in range(1, 10)]
    for _, name, onset, _, offset, _ in rows:
        (corpus / "sub01" / name).mkdir(parents=True)
        for number in range(onset - 8, offset + 4):
            (corpus / "sub01" / name / f"img{number}.jpg").write_bytes(b"")
    with (corpus / "annotations.csv").open("w", newline="") as file:
        csv.writer(file).writerows([HEAD, *rows])
    made = scripts["clips"].slower(corpus, step)
    phases = set()
    with (made / "annotations.csv").open(newline="") as file:
        for row, (_, name, onset, apex, _, _) in zip(csv.DictReader(file), rows, strict=True):
            kept = sorted(int(path.stem[3:]) for path in (made / "sub01" / name).iterdir())
            assert set(np.diff(kept)) == {step}
            assert float(row["fps"]) == 200 / step
            assert 0 <= onset - int(row["OnsetFrame"]) < step
            assert abs(int(row["ApexFrame"]) - apex) <= step / 2
            assert {int(row[key]) for key in HEAD[2:5]} <= set(kept)
            phases.add((onset - kept[0]) % step)
    assert len(phases) > 1


def test_area_under_the_roc_curve_by_hand(scripts: dict[str, ModuleType]) -> None:
    # positives .9 and .4 against .5 and .1: .9 above both, .4 above one: 3 of 4; a tie counts a half
    auc = scripts["parts"]._auc
    assert auc(np.array([True, True, False, False]), np.array([0.9, 0.4, 0.5, 0.1])) == 0.75
    assert auc(np.array([True, False]), np.array([0.5, 0.5])) == 0.5


def test_people_who_differ_by_chance_alone_are_told_from_those_who_do_not(scripts: dict[str, ModuleType]) -> None:
    from mien.core import Prediction

    def rows(right: list[list[bool]]) -> list[Prediction]:
        return [
            Prediction("x", f"x/p{p}", f"x/p{p}/{c}", "", 0, "last", "joy", "joy" if ok else "calm")
            for p, each in enumerate(right)
            for c, ok in enumerate(each)
        ]

    apart = scripts["parts"]._people(rows([[True] * 6] * 10 + [[False] * 6] * 10))
    assert apart["sd"] == pytest.approx(0.5)
    assert apart["sd"] > 1.5 * apart["sd_by_chance"][1]
    alike = scripts["parts"]._people(rows([[True, False] * 3] * 20))
    assert alike["sd"] == 0 < alike["sd_by_chance"][0]
