"""The prediction file: what is written reads back exactly, what is broken is named by its line."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.core import MienError, Prediction
from mien.protocols.predictions import class_order, read_predictions, write_predictions

HEADER = "dataset,subject,sample_id,fold,seed,selection,truth,predicted,p_negative,p_positive"
GOOD = "smic,smic/s1,smic/s1/a,smic/s1,0,last,negative,positive,0.25,0.75"
Build = Callable[..., list[Prediction]]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip),
            st.integers(0, 99),
            st.floats(0, 1),
        ),
        min_size=1,
        unique_by=lambda row: (row[0], row[1]),
    )
)
def test_every_record_reads_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, float]]
) -> None:
    path = tmp_path_factory.mktemp("round") / "predictions.csv"
    records = [
        Prediction("smic", f"smic/{name}", f"smic/{name}/x", name, seed, "last", "a", "b", {"b": p, "a": 1 - p})
        for name, seed, p in rows
    ]
    write_predictions(path, records)
    assert read_predictions(path) == records


def test_ids_that_look_like_numbers_stay_text(tmp_path: Path) -> None:
    records = [Prediction("samm", "samm/006", "samm/006/1e5", "006", 0, "last", "a", "a")]
    write_predictions(tmp_path / "p.csv", records)
    assert read_predictions(tmp_path / "p.csv") == records


def test_columns_of_others_and_row_order_do_not_matter(tmp_path: Path, noisy: Build) -> None:
    records = noisy(20)
    path = tmp_path / "p.csv"
    write_predictions(path, records)
    header, *lines = path.read_text().splitlines()
    random.Random(0).shuffle(lines)
    path.write_text("\r\n".join([f"\ufeffnote,{header}", *(f"x,{line}" for line in lines), ""]), encoding="utf-8")
    read = read_predictions(path)
    assert sorted(read, key=lambda row: row.sample_id) == sorted(records, key=lambda row: row.sample_id)


def test_the_header_is_the_contracts(tmp_path: Path, noisy: Build) -> None:
    write_predictions(tmp_path / "p.csv", noisy(3))
    header = (tmp_path / "p.csv").read_text().splitlines()[0]
    assert header == "dataset,subject,sample_id,fold,seed,selection,truth,predicted,p_negative,p_positive,p_surprise"


def test_classes_come_in_the_order_of_megc_else_as_listed(noisy: Build, table: Build) -> None:
    assert class_order(noisy(3, classes=("surprise", "positive", "negative"))) == ("negative", "positive", "surprise")
    assert class_order(noisy(3, classes=("others", "disgust"))) == ("others", "disgust")
    assert class_order(table(("smic/s1", "b", "a"))) == ("a", "b")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "header without dataset, subject"),
        ([HEADER], "no predictions"),
        ([HEADER.replace("truth,", ""), GOOD], "header without truth at line 1"),
        ([HEADER + ",p_positive", GOOD + ",0.5"], "column p_positive twice"),
        ([HEADER, GOOD, GOOD], "seed 0 twice, at line 2 .* and line 3"),
        (
            [HEADER, GOOD, GOOD.replace(",0,last", ",1,last").replace(",negative,", ",positive,")],
            "truth 'positive'.*line 3",
        ),
        ([HEADER, GOOD.replace("0.75", "nan")], "p_positive = nan at line 2"),
        ([HEADER, GOOD.replace("0.75", "1.2")], "p_positive = 1.2 at line 2"),
        ([HEADER, GOOD.replace("0.75", "-0.1")], "p_positive = -0.1 at line 2"),
        ([HEADER, GOOD.replace("0.75", "")], "p_positive = '' at line 2"),
        ([HEADER, GOOD.replace("0.75", "high")], "p_positive = 'high' at line 2"),
        ([HEADER, GOOD.replace(",negative,", ",,")], "empty truth at line 2"),
        ([HEADER, GOOD.replace("smic/s1/a", " ")], "empty sample_id at line 2"),
        ([HEADER, GOOD.replace(",positive,", ",joy,")], "unknown class 'joy' in predicted at line 2"),
        ([HEADER, GOOD.replace(",negative,", ",joy,")], "unknown class 'joy' in truth at line 2"),
        ([HEADER, GOOD.replace(",0,last", ",zero,last")], "seed 'zero' at line 2"),
        ([HEADER, "", GOOD + ",1"], "too many or too few cells at line 3"),
        ([HEADER, GOOD[:20]], "too many or too few cells at line 2"),
        ([HEADER, GOOD + '"'], "."),
        ([HEADER, '"' + GOOD], "not CSV"),
    ],
)
def test_a_broken_file_is_named_by_its_line(tmp_path: Path, lines: list[str], message: str) -> None:
    path = tmp_path / "predictions.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(MienError, match=message) as caught:
        read_predictions(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n\x00\x00", b"\x00" * 500, b"\xff\xfe\x00a" * 100, b""])
def test_what_is_not_a_table_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "predictions.csv"
    path.write_bytes(content)
    with pytest.raises(MienError, match="got"):
        read_predictions(path)


def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(MienError, match="expected a predictions file"):
            read_predictions(path)


def test_nothing_half_written_and_nothing_contradictory(tmp_path: Path, noisy: Build) -> None:
    path = tmp_path / "p.csv"
    for records in ([], noisy(3) + noisy(3)):
        with pytest.raises(MienError, match="got"):
            write_predictions(path, records)
    assert list(tmp_path.iterdir()) == []
