"""The pages about the generator say what the code does."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import cv2
import pytest

from mien.synthesis import ACTION_UNITS, MapSettings
from mien.synthesis.action_units import EYE_COVER_FOLD

ROOT = Path(__file__).resolve().parents[2]
ACTION_UNITS_PAGE = (ROOT / "docs/action-units.md").read_text(encoding="utf-8")
GENERATOR_PAGE = (ROOT / "docs/generator.md").read_text(encoding="utf-8")
HINT = "run scripts/pictures_of_motion.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pictures_of_motion", ROOT / "scripts/pictures_of_motion.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tables_of_both_pages_are_the_ones_that_the_script_writes(script: ModuleType) -> None:
    assert script.with_table(ACTION_UNITS_PAGE, "units", script.unit_table()) == ACTION_UNITS_PAGE, HINT
    for name, table in script.generator_tables().items():
        assert script.with_table(GENERATOR_PAGE, name, table) == GENERATOR_PAGE, HINT


@pytest.mark.parametrize("field", fields(MapSettings), ids=lambda field: field.name)
def test_every_parameter_is_on_the_page_with_its_value_and_a_reason(field) -> None:
    found = re.findall(rf"^\| `{field.name}` \| (.+?) \| (.+?) \|$", GENERATOR_PAGE, re.MULTILINE)
    assert len(found) == 1, HINT
    value, reason = found[0]
    numbers = [float(text) for text in re.findall(r"\d+(?:\.\d+)?(?![\w.])", re.sub(r"tvl1", "", value))]
    if isinstance(field.default, bool):
        assert value == ("yes" if field.default else "no")
    elif isinstance(field.default, float):
        assert numbers == [field.default]
    else:
        flat = [one[1] if isinstance(one, tuple) else one for one in field.default]
        assert numbers == flat
    assert len(reason) > 10


def test_every_action_unit_has_its_row_with_name_and_muscle() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \| .*\|$", ACTION_UNITS_PAGE, re.MULTILINE)
    assert [(int(n), name, muscle) for n, name, muscle in rows] == [
        (unit.number, unit.name, unit.muscle) for unit in ACTION_UNITS.values()
    ]


@pytest.mark.parametrize(
    ("unit", "words"),
    [(1, "inner brow | up"), (4, "inner brow | down"), (12, "corner of the mouth | up and outwards"),
     (15, "corner of the mouth | down"), (18, "corner of the mouth | inwards"), (26, "lower lip | down"),
     (45, "upper lid | down")],
)  # fmt: skip
def test_the_table_has_the_skin_go_where_facs_has_it_go(unit: int, words: str) -> None:
    assert re.search(rf"^\| {unit} \| .*\| {re.escape(words)} \|", ACTION_UNITS_PAGE, re.MULTILINE)


def test_the_picture_has_a_panel_for_each_unit_and_each_fold() -> None:
    assert len(ACTION_UNITS) + len(EYE_COVER_FOLD) == 25  # five rows of five
    picture = cv2.imread(str(ROOT / "docs/images/action-units.png"))
    assert picture is not None
    assert min(picture.shape[:2]) > 1000


def test_no_tested_corpus_is_a_source_of_the_classes() -> None:
    header = re.search(r"^\| class \|.*$", GENERATOR_PAGE, re.MULTILINE)
    assert header is not None
    assert re.search("DFME.*MMEW.*CAS", header[0])
    assert not re.search("CASME II|SAMM|SMIC", header[0])
