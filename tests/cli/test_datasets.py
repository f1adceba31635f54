"""What a person sees of the datasets: the list, a verdict on a copy, a tree to try things on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mien.cli import main
from mien.datasets import DATASETS, Corpus, label_counts
from mien.protocols import label_map

TABLE = """Subject,Filename,OnsetFrame,ApexFrame,OffsetFrame,Action Units,Estimated Emotion,remarks
1,S01-01-001,1,5,9,6+12,happiness,
1,S01-04-001,1,5,9,4,disgust,
30,S30-02-001,1,5,9,1+2,surprise,
"""


def mien(*words: object) -> int:
    return main([str(word) for word in words], standalone=False)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "MMEW_Micro_Exp.csv"
    path.write_text(TABLE)
    return path


@pytest.fixture
def tree(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> Path:
    words = ("--annotations", table, "--out", tmp_path / "tree", "--size", "48x48")
    assert mien("datasets", "fixture", "mmew", *words) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'tree'}: 3 clips of 2 subjects, 27 rendered frames\n"
    return tmp_path / "tree"


def test_every_dataset_is_listed_with_its_label_maps_and_counts(capsys: pytest.CaptureFixture) -> None:
    assert mien("datasets") == 0
    listed = capsys.readouterr().out
    for name in DATASETS:
        assert f"\n{name}: {DATASETS[name].title}\n" in f"\n{listed}"
        assert DATASETS[name].obtain in listed
    assert "labels: casme2_3_megc (default): 145 clips: negative 88, positive 32, surprise 25" in listed
    assert "labels: casme2_5 with the coding of 2019: 249 clips" in listed
    assert "labels: samm5_mmnet: 136 clips: happiness 26, anger 57, contempt 12, surprise 15, other 26" in listed


@pytest.mark.parametrize("name", [name for name in DATASETS if isinstance(DATASETS[name], Corpus)])
def test_the_counts_of_every_label_map_are_known_and_fit_its_classes(name: str) -> None:
    entry = DATASETS[name]
    for labels in {entry.labels, *entry.label_maps}:
        counts = label_counts(name, labels)
        assert counts
        for classes in counts.values():
            assert tuple(classes) == label_map(labels).classes
            assert sum(classes.values()) <= entry.published["samples"]


def test_a_clean_copy_says_so(tree: Path, capsys: pytest.CaptureFixture) -> None:
    assert mien("datasets", "check", "mmew", tree) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("clean: 3 samples (of 3), 2 subjects (of 2)")


def test_an_error_ends_with_status_2_and_a_warning_does_not(tree: Path, capsys: pytest.CaptureFixture) -> None:
    clip = next(tree.rglob("S01-01-001"))
    (clip / "3.jpg").unlink()
    assert mien("datasets", "check", "mmew", tree) == 0
    out = capsys.readouterr().out
    assert "warning missing-frames mmew/S01/S01-01-001: lacks 1 of 9 frames: 3" in out
    assert "0 errors, 1 warning;" in out
    (clip / "1.jpg").write_bytes(b"")
    assert mien("datasets", "check", "mmew", tree, "--deep") == 2
    assert capsys.readouterr().out.startswith("error empty-file mmew/S01/S01-01-001:")


def test_findings_as_one_json_document(tree: Path, capsys: pytest.CaptureFixture) -> None:
    assert mien("datasets", "check", "mmew", tree, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["clean"] is True
    assert [finding["code"] for finding in document["findings"]] == ["counts"]
    assert set(document["findings"][0]) == {"level", "code", "where", "what", "meaning", "action"}


def test_a_rendered_corpus_prints_its_table_and_truth_and_does_what_the_options_say(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    few = ("--people=1", "--clips=2", "--fps=20", "--intensity-px=0.5,0.5", "--noise=0", "--no-head", "--seed=3")
    assert mien("datasets", "render", "--out", tmp_path / "x", *few, "--depth", "--lossless", "--zero-amplitude") == 0
    table, truth = tmp_path / "x" / "annotations.csv", tmp_path / "x" / "truth.json"
    assert capsys.readouterr().out == f"{table}\n{truth}\n"
    told = json.loads(truth.read_text())
    assert (told["fps"], told["intensity_px"], told["seed"], told["noise"]) == (20, [0.5, 0.5], 3, 0)
    assert (told["head"], told["depth"], told["quality"], told["zero_amplitude"]) == (False, True, None, True)
    assert told["prototypes"] is False
    assert len(table.read_text().splitlines()) == 3
    assert mien("datasets", "render", "--out", tmp_path / "y", *few, "--prototypes") == 0
    assert json.loads((tmp_path / "y" / "truth.json").read_text())["prototypes"] is True


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("check", "mmew", "absent"), "got 'absent', which does not exist"),
        (("check", "mmew2", "."), "did you mean 'mmew'"),
        (("fixture", "mmew", "--annotations", "absent.csv", "--out", "x"), "expected a file named like"),
        (("fixture", "mmew", "--annotations", "MMEW_Micro_Exp.csv", "--out", "x", "--size", "big"), "WIDTHxHEIGHT"),
        (("fixture", "mmew", "--annotations", "MMEW_Micro_Exp.csv", "--out", "x"), "is no file"),
        (("fixture", "mmew", "--out", "x"), "--annotations"),
        (("render", "--out", "x", "--intensity-px", "1.5"), "expected LOW,HIGH"),
        (("render", "--out", "x", "--people", "0"), "got 0 people"),
        (("render", "--out", "x", "--portraits", "absent"), "got the portraits 'absent'"),
        (("chekc",), "chekc"),
    ],
)
def test_bad_use_is_one_line_and_status_2(
    words: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    assert mien("datasets", *words) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not (tmp_path / "x").exists()
