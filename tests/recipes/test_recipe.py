"""A recipe is data; its digest is its identity."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.core import MienError
from mien.recipes import RECIPES, Recipe

NAMES = st.text("abcdef", min_size=1, max_size=5)
VALUES = st.one_of(st.integers(), st.booleans(), st.text(max_size=5), st.lists(st.integers(), max_size=3))
STEPS = st.lists(st.tuples(NAMES, st.dictionaries(NAMES, VALUES, max_size=4)), max_size=4)


@given(NAMES, STEPS)
def test_json_gives_the_same_recipe_back(name: str, steps: list) -> None:
    recipe = Recipe.of(name, *steps)
    assert Recipe.from_json(json.loads(json.dumps(recipe.to_json()))) == recipe


@given(STEPS)
def test_the_order_of_parameters_changes_nothing(steps: list) -> None:
    turned = [(step, dict(reversed(params.items()))) for step, params in steps]
    assert Recipe.of("r", *steps).digest == Recipe.of("r", *turned).digest


def test_another_parameter_is_another_recipe() -> None:
    assert Recipe.of("r", ("flow", {"size": 28})).digest != Recipe.of("r", ("flow", {"size": 27})).digest


def test_a_changed_recipe_is_noticed() -> None:
    data = RECIPES["motion-map"].to_json()
    data["steps"][-1]["params"]["size"] = 56
    with pytest.raises(MienError, match="changed after it was written"):
        Recipe.from_json(data)


@pytest.mark.parametrize("data", [{}, {"name": "r"}, {"name": "r", "steps": [1], "digest": ""}, []])
def test_a_broken_recipe_is_one_clear_line(data: object) -> None:
    with pytest.raises(MienError, match="broken recipe"):
        Recipe.from_json(data)  # type: ignore[arg-type]
