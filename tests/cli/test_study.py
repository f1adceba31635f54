"""``mien study`` as a person types it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mien.cli import main
from mien.evaluation import studies
from mien.evaluation.studies import STUDIES

QUOTE = {"value": 0.8135, "suspect": True, "source": "Table 2", "note": "fits no number of clips"}
DOCUMENT = {
    "study": "adnet-ablation",
    "table": "Tables 2 and 3",
    "dataset": "casme2",
    "n": 129,
    "metrics": ["accuracy", "f1"],
    "difference": "Published: so; here: otherwise.",
    "notes": ["A note."],
    "pairs": [
        {
            "a": "Dense",
            "b": "Dense+CA",
            "difference": {"uf1": 0.125},
            "ci95": {"uf1": [-0.25, 0.5]},
            "permutation": {"p": 0.04, "p_holm": 0.08},
        }
    ],
    "rows": [
        {
            "row": "Dense",
            "state": "done",
            "note": "",
            "scores": {
                "accuracy": {"value": 0.5, "low": 0.4, "high": 0.6},
                "f1": {"value": 0.25, "low": 0.2, "high": 0.3},
            },
            "published": {"accuracy": QUOTE, "f1": QUOTE | {"value": 0.79, "suspect": False}},
            "parameters": 6956931,
            "latency_ms": 12.34,
            "peak_memory_mb": 840.2,
            "folds_s": 90.0,
        },
        {
            "row": "LFM",
            "state": "not built",
            "note": "its method is not built here",
            "scores": {},
            "published": {"accuracy": QUOTE},
            "parameters": None,
            "latency_ms": None,
            "peak_memory_mb": None,
            "folds_s": None,
        },
    ],
}


def mien(*words: object) -> int:
    return main([str(word) for word in words], standalone=False)


def test_alone_it_lists_the_studies(capsys: pytest.CaptureFixture[str]) -> None:
    assert mien("study") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == list(STUDIES)
    assert lines[0].endswith("4 of 4 rows; casme2, samm")


def test_ours_stand_beside_the_published_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def fake(name: str, dataset: str, root: Path, **options: Any) -> dict[str, Any]:
        asked.update(options, name=name, dataset=dataset)
        options["say"]("two arms")
        return DOCUMENT

    monkeypatch.setattr(studies, "run_study", fake)
    words = ("study", "adnet-ablation", "--dataset", "casme2", "--root", tmp_path, "--out", tmp_path, "--seeds", "0,1")
    assert mien(*words, "--small", "--jobs", 2) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    columns = "accuracy [95 %] published F1 [95 %] published parameters latency ms memory MB minutes of folds"
    assert " ".join(lines[1].split()) == columns
    dense = "Dense 0.500 [0.40, 0.60] 0.8135? 0.250 [0.20, 0.30] 0.79 6,956,931 12.3 840 1.5"
    assert " ".join(lines[2].split()) == dense
    assert " ".join(lines[3].split()) == "LFM not built here 0.8135? not built here"
    assert lines[4:9] == [
        "Dense+CA - Dense: UF1 +0.125 [-0.250, +0.500], permutation of subjects p 0.0400 (Holm: 0.0800)",
        "Published: so; here: otherwise.",
        "A note.",
        "LFM: its method is not built here",
        "? Dense accuracy, LFM accuracy: fits no number of clips",
    ]
    assert lines[9:] == [str(tmp_path / f"study.{ending}") for ending in ("json", "csv", "png")]
    assert said.err == "mien: two arms\n"
    assert (asked["seeds"], asked["small"], asked["jobs"], asked["labels"]) == ([0, 1], True, 2, None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("adnet-ablations",), "did you mean 'adnet-ablation'"),
        (("adnet-ablation",), "without all of --dataset, --root, --out"),
    ],
)
def test_bad_use_is_one_line(words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert mien("study", *words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_copy_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert mien("study", "adnet-ablation", "--dataset", "casme2", "--root", tmp_path / "no", "--out", tmp_path) == 2
    assert "expected" in capsys.readouterr().err
