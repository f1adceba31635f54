"""The counts that `mien datasets` prints are those of the real tables."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from mien.core import Sample
from mien.datasets import DATASETS, Corpus, label_counts
from mien.datasets._corpus import find_table
from mien.protocols import label_map

CODING_2019 = {"casme2/sub24/EP07_01", "casme2/sub24/EP07_04f", "casme2/sub24/EP10_03"}
BY_ROW = [
    name for name in DATASETS if isinstance(DATASETS[name], Corpus) and name != "smic"
]  # SMIC's table lacks clips


@pytest.mark.parametrize("name", BY_ROW)
def test_counts_are_those_of_the_table(name: str, shared_data: Path) -> None:
    entry = DATASETS[name]
    assert isinstance(entry, Corpus)
    assert entry.parse is not None
    samples = entry.parse(find_table(shared_data / "annotations", entry))
    for labels in {entry.labels, *entry.label_maps}:
        for coding, classes in label_counts(name, labels).items():
            coded = [_coded_2019(sample) for sample in samples] if coding == "2019" else samples
            counts = Counter(label_map(labels).of(sample) for sample in coded)
            assert classes == {label: counts[label] for label in label_map(labels).classes}


def _coded_2019(sample: Sample) -> Sample:
    return replace(sample, emotion="surprise") if sample.sample_id in CODING_2019 else sample
