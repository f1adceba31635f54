"""The composite of MEGC 2019 is the official list, clip by clip, when built from the corpora's own tables."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from pathlib import Path

import openpyxl
import pytest

from mien.core import MienError, Sample
from mien.datasets import DATASETS
from mien.datasets._corpus import Corpus
from mien.datasets._dataset import MEGC_CLASSES
from mien.datasets.megc2019 import CLASSES, DROPPED, read
from mien.protocols import label_map

TABLES = {
    "casme2": "CASME2-coding-20140508.xlsx",
    "samm": "SAMM_Micro_FACS_Codes_v2.xlsx",
    "smic": "SMIC-HS-E_annotation.xlsx",
}


def official(shared_data: Path) -> dict[str, str]:
    """Sample id to class; the list writes SAMM's subject 006 as 6."""
    with (shared_data / "annotations" / "megc2019_combined_3class_gt.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    rows = rows[not rows[0][-1].isdecimal() :]
    return {
        f"{corpus}/{subject.zfill(3) if corpus == 'samm' else subject}/{clip}": MEGC_CLASSES[int(label)]
        for corpus, subject, clip, label in rows
    }


def plant(root: Path, samples: list[Sample], corpus: Corpus) -> None:
    for sample in samples:
        (root / corpus.layouts[0].folder(sample)).mkdir(parents=True)


@pytest.fixture
def copies(shared_data: Path, tmp_path: Path) -> Path:
    """Three copies: CASME II and SAMM from their tables, SMIC's folders from the official list (its table lacks 7)."""
    for name in ("casme2", "samm"):
        corpus, folder = DATASETS[name], tmp_path / f"my {name}"
        assert isinstance(corpus, Corpus)
        plant(folder, corpus.parse(shared_data / "annotations" / TABLES[name]), corpus)
        shutil.copy(shared_data / "annotations" / TABLES[name], folder)
    for sample_id, emotion in official(shared_data).items():
        corpus, subject, clip = sample_id.split("/")
        if corpus == "smic":
            folder = tmp_path / "oulu" / "HS" / f"s{int(subject[1:])}" / "micro" / emotion / clip
            folder.mkdir(parents=True)
            (folder / "reg_image7.bmp").touch()
    return tmp_path


@pytest.mark.parametrize("with_smic_table", [True, False])
def test_it_equals_the_official_list_for_442_of_442_clips(
    shared_data: Path, copies: Path, with_smic_table: bool
) -> None:
    if with_smic_table:
        shutil.copy(shared_data / "annotations" / TABLES["smic"], copies / "oulu")
    samples = read(copies)
    assert {sample.sample_id: sample.emotion for sample in samples} == official(shared_data)
    assert len(samples) == 442
    assert len({sample.subject for sample in samples}) == 68
    assert Counter(sample.dataset for sample in samples) == {"casme2": 145, "smic": 164, "samm": 133}
    assert Counter(sample.emotion for sample in samples) == {"negative": 250, "positive": 109, "surprise": 83}


def test_the_coding_of_2019_changes_nothing(shared_data: Path, copies: Path) -> None:
    older = copies / "my casme2" / TABLES["casme2"]
    book = openpyxl.load_workbook(older)
    for row in book.worksheets[0].iter_rows(min_row=2):
        if (row[0].value, row[1].value) in {("24", "EP07_01"), ("24", "EP07_04f"), ("24", "EP10_03")}:
            row[8].value = "surprise"
    book.save(older.with_name("CASME2-coding-20190701.xlsx"))
    assert {sample.sample_id: sample.emotion for sample in read(copies)} == official(shared_data)


def test_samples_keep_their_corpus_and_frames(copies: Path) -> None:
    samples = {sample.sample_id: sample for sample in read(copies)}
    first = samples["casme2/sub01/EP02_01f"]
    assert (first.dataset, first.onset, first.apex, first.offset) == ("casme2", 46, 59, 86)
    assert first.source.path == copies / "my casme2" / "sub01" / "EP02_01f"
    assert samples["samm/006/006_1_2"].fps == 200.0
    assert samples["smic/s01/s01_ne_01"].fps == 100.0


@pytest.mark.parametrize(("corpus", "name"), [("casme2", "casme2_3_megc"), ("samm", "samm3"), ("smic", "smic3")])
def test_the_composite_and_each_corpus_alone_use_one_rule(corpus: str, name: str) -> None:
    alone = label_map(name)
    assert alone.mapping == CLASSES[corpus]
    assert alone.excludes == {sample for sample in DROPPED if sample.startswith(f"{corpus}/")}
    assert DATASETS[corpus].labels == name


@pytest.mark.parametrize(("lost", "named"), [("my casme2", "CASME II"), ("my samm", "SAMM"), ("oulu", "SMIC")])
def test_a_corpus_that_is_not_there_is_named(copies: Path, lost: str, named: str) -> None:
    shutil.rmtree(copies / lost)
    with pytest.raises(MienError, match=f"without {named} in one of its folders"):
        read(copies)
