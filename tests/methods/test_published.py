"""Published numbers are verbatim, each says what it measures, and only like is put beside like."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mien.cli import main
from mien.core import Sample, Source
from mien.evaluation._data import Labelled
from mien.evaluation._outcome import _comparable
from mien.methods import METHODS, Published, published
from mien.methods._published import TABLE
from mien.protocols import LABEL_MAPS, label_map
from mien.protocols.metrics import metrics

ROWS = published()
CORPORA = {"casme2", "samm", "smic", "mmew", "casme3", "megc2019"}
METRICS = {"uf1", "uar", "accuracy", "f1"}

# Everything with a number in spec.md, sections 3.4, 4.6, 5.6, 6.6, 7.3 and 7.4.
NAMED = """
    adnet off-apexnet ststnet slstt am3f-flownet mmnet mmnet-flow mmnet-depth mmnet-rgbd
    ms3d lbp-top stclqp dis-stlbp-rip lgccon bi-woof c3d dual-inception capsulenet rcn-a
    ast-svm rcn lfm ststnet-ga au-gcn featref dacrossvit tsnn-lf geme tft memm4-resnet50 inceptr
    emr htnet alexnet googlenet vgg16
    lbp-sip lbp-mop fdm 3d-fcnn stlbp-ip hier-stlbp-ip strbp higo-top elbptop
    fhoof mdmo strcn-g akmnet hoof hog3d mersiamc3d
"""


def values(method: str, corpus: str, labels: str, metric: str, variant: str = "") -> list[float]:
    """What was printed of one thing, clean or suspect."""
    what = (method, variant, corpus, labels, metric)
    return [row.value for row in ROWS if (row.method, row.variant, row.corpus, row.labels, row.metric) == what]


def place(row: Published) -> tuple:
    return row.method, row.variant, row.corpus, row.classes, row.labels, row.protocol, row.metric, row.source


def test_every_row_says_what_it_measures() -> None:
    for row in ROWS:
        assert 0 < row.value < 1, row
        assert row.corpus in CORPORA, row
        assert row.metric in METRICS, row
        assert row.protocol in {"loso", "loo"}, row
        assert row.source, row
        assert row.note or not row.suspect, row


def test_the_file_is_sorted_without_duplicates_and_keeps_the_printed_digits() -> None:
    places = [place(row) for row in ROWS]
    assert places == sorted(places)
    assert [what for what, n in Counter(places).items() if n > 1] == []
    with TABLE.open(newline="", encoding="utf-8") as file:
        table = list(csv.DictReader(file))
    assert {row["suspect"] for row in table} == {"true", "false"}
    assert {len(row["value"]) for row in table} <= {4, 5, 6}, "0.60 to 0.8135"
    assert all(text == text.strip() for row in table for text in row.values())


def test_label_maps_exist_and_have_as_many_classes() -> None:
    for row in ROWS:
        if row.labels:
            assert row.labels in LABEL_MAPS, row
            assert len(label_map(row.labels).classes) == row.classes, row


def test_every_method_of_the_specification_with_numbers_is_there() -> None:
    assert {row.method for row in ROWS} == set(NAMED.split())


@pytest.mark.parametrize(
    ("what", "value"),
    [
        (("adnet", "casme2", "casme2_3_adnet_literal", "accuracy"), 0.9045),
        (("adnet", "samm", "samm3", "f1", "dense + pgd"), 0.7208),
        (("mmnet", "samm", "samm5_mmnet", "f1"), 0.7291),
        (("mmnet", "casme2", "casme2_3_mmnet", "accuracy", "reproduction"), 0.9615),
        (("mmnet", "casme3", "casme3_4", "accuracy", "reproduction, rgb difference"), 0.7914),
        (("mmnet-flow", "casme3", "casme3_4", "accuracy", "reproduction"), 0.7938),
        (("mmnet-depth", "casme3", "casme3_4", "f1", "reproduction"), 0.5193),
        (("mmnet-rgbd", "casme3", "casme3_4", "f1", "reproduction"), 0.6385),
        (("ms3d", "samm", "samm4_ms3d", "accuracy"), 0.8477),
        (("c3d", "casme2", "casme2_4_ms3d", "f1"), 0.711),
        (("lgccon", "smic", "smic3", "f1"), 0.62),
        (("ast-svm", "smic", "smic3", "uf1", "idsf only, svm"), 0.747),
        (("ast-svm", "megc2019", "megc2019", "uar", "no fam, softmax"), 0.667),
        (("inceptr", "megc2019", "", "uar"), 0.753),
        (("slstt", "megc2019", "megc2019", "uf1"), 0.816),
        (("vgg16", "megc2019", "megc2019", "uar"), 0.6516),
        (("elbptop", "casme2", "casme2_5", "accuracy"), 0.7394),
        (("akmnet", "smic", "smic3", "accuracy"), 0.7256),
        (("htnet", "casme2", "megc2019", "uar"), 0.9516),
    ],
)
def test_numbers_are_as_printed(what: tuple[str, ...], value: float) -> None:
    assert value in values(*what)


def test_what_cannot_be_true_is_suspect_and_says_why() -> None:
    def reasons(method: str, source: str, metric: str) -> set[str]:
        rows = [row for row in ROWS if (row.method, row.metric) == (method, metric) and source in row.source]
        assert rows
        assert all(row.suspect for row in rows)
        return {row.note for row in rows}

    assert "itself macro-precision" in " ".join(reasons("ststnet", "AD-Net", "accuracy"))
    assert "with five" in " ".join(reasons("slstt", "AD-Net", "f1"))
    assert "with five" in " ".join(reasons("mmnet", "AD-Net", "accuracy"))
    assert "swapped" in " ".join(reasons("featref", "AST", "uar"))
    assert "test subject" in " ".join(reasons("mmnet", "Wang", "f1"))
    assert "test subject" in " ".join(reasons("htnet", "HTNet", "uf1"))
    assert "test subject" in " ".join(reasons("capsulenet", "CapsuleNet", "uar"))
    assert "test label" in " ".join(reasons("ms3d", "MS3D", "accuracy"))


def test_the_printed_uar_of_ststnet_is_macro_precision() -> None:
    scores = metrics([[219, 22, 9], [40, 62, 7], [21, 3, 59]], ["negative", "positive", "surprise"])
    uar = {row.value: row.suspect for row in published("ststnet") if (row.corpus, row.metric) == ("megc2019", "uar")}
    assert uar == {round(scores["macro_precision"], 4): True, round(scores["uar"], 4): False}
    assert values("ststnet", "megc2019", "megc2019", "uf1") == [round(scores["uf1"], 4)]
    assert values("ststnet", "megc2019", "megc2019", "accuracy") == [round(scores["accuracy"], 4)]


def of(labels: str, *corpora: str) -> Labelled:
    """A run's data, as far as comparing looks at it."""
    names = [f"{corpus}/s1/a" for corpus in corpora]
    samples = tuple(
        Sample(corpus, f"{corpus}/s1", name, "x", Source("frames", Path(name)))
        for corpus, name in zip(corpora, names, strict=True)
    )
    n = len(samples)
    classes = label_map(labels).classes
    return Labelled(samples, np.zeros((n, 1, 1, 3), np.uint8), np.zeros(n, np.int64), classes, labels, 0)


RUNS = [
    ("megc2019", ("casme2", "samm", "smic")),
    ("megc2019", ("casme2", "smic")),
    ("megc2019", ("smic",)),
    ("casme2_5", ("casme2",)),
    ("casme2_4_ms3d", ("casme2",)),
    ("casme2_3_mmnet", ("casme2",)),
    ("casme2_3_megc", ("casme2",)),
    ("casme3_4", ("casme3",)),
    ("mmew4", ("mmew",)),
]


@pytest.mark.parametrize("protocol", ["loso", "loo", "kfold:5"])
@pytest.mark.parametrize(("labels", "corpora"), RUNS)
def test_numbers_of_other_classes_or_protocols_are_never_put_beside_a_run(
    labels: str, corpora: tuple[str, ...], protocol: str
) -> None:
    for row in _comparable(of(labels, *corpora), protocol, "mmnet"):
        assert row["protocol"] == protocol
        assert row["classes"] == len(label_map(labels).classes)
        assert row["corpus"] in {*corpora, "megc2019"}
        share = label_map(row["labels"]).classes
        assert set(share) == set(label_map(labels).classes)
        assert row["corpus"] != "megc2019" or len(corpora) == 3


def test_each_class_set_meets_its_own_numbers() -> None:
    def found(labels: str, *corpora: str, protocol: str = "loso", method: str = "mmnet") -> set[tuple[str, float]]:
        return {(row["method"], row["value"]) for row in _comparable(of(labels, *corpora), protocol, method)}

    assert {("mmnet", 0.8835), ("elbptop", 0.7394)} <= found("casme2_5", "casme2")
    assert found("casme2_3_mmnet", "casme2") == {
        ("mmnet", 0.9551), ("mmnet", 0.9494), ("mmnet", 0.9615), ("mmnet", 0.9570)
    }  # fmt: skip
    assert ("ms3d", 0.9135) in found("casme2_4_ms3d", "casme2", protocol="loo")
    assert found("casme2_4_ms3d", "casme2") == set()
    assert {("ststnet", 0.7353), ("ststnet", 0.8382)} <= found("megc2019", "casme2", "samm", "smic")
    assert ("mmnet", 0.7914) in found("casme3_4", "casme3")
    assert ("mmnet-flow", 0.7938) in found("casme3_4", "casme3", method="mmnet-flow")
    assert found("casme3_4", "casme3", method="ststnet") == set(), "no ablations of other methods"


def test_a_number_from_other_training_corpora_says_so() -> None:
    notes = {row["note"] for row in _comparable(of("megc2019", "smic"), "loso", "ststnet") if row["method"] == "htnet"}
    assert notes == {"the epoch was chosen on the test subject; trained on casme2, samm, smic; here on smic"}
    whole = _comparable(of("megc2019", "casme2", "samm", "smic"), "loso", "ststnet")
    composite = [row for row in whole if row["labels"] == "megc2019"]
    assert composite
    assert not any("trained on casme2" in row["note"] for row in composite)
    assert all("trained on" in row["note"] for row in whole if row["labels"] != "megc2019")


def test_a_method_is_shown_with_its_numbers_under_what_was_measured(capsys: pytest.CaptureFixture) -> None:
    assert main(["methods", "show", "ststnet"], standalone=False) == 0
    lines = capsys.readouterr().out.splitlines()
    below = lines[lines.index("published: megc2019, 3 classes (megc2019), loso") + 1 :]
    assert below[1] == (
        "  uar 0.7605: Liong et al., STSTNet, FG 2019; suspect: macro-precision: truth and prediction swapped"
    )
    assert "published: casme2, 3 classes (label map not known), loso" in lines
    ours = next(number for number, line in enumerate(lines) if line.startswith("ours:"))
    assert sum(line.startswith("  ") for line in lines[:ours]) == len(published("ststnet"))


def test_names_agree_with_the_methods_here() -> None:
    printed_nowhere = {
        "flow-svm",
        "motion-svm",
        "mien-net",
        "flow-roi",
        "resnet18",
        "resnet50",
        "ast-svm-uv",
        "ms3d-frames",
    }
    ours = set(METHODS) - printed_nowhere
    assert ours <= {row.method for row in ROWS}, "a published method without its numbers"
