"""A recipe is data: named steps with parameters. Two inputs are comparable when their digests are equal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mien.core import MienError, Registry

__all__ = ["RECIPES", "Recipe"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a method's input is made.

    Attributes
    ----------
    name : str
        What methods refer to.
    steps : tuple of (str, tuple of (str, value))
        Each step's name and its parameters sorted by name; values are JSON scalars or tuples of them.

    Examples
    --------
    >>> recipe = Recipe.of("map", ("resize", {"size": 28}))
    >>> recipe.steps
    (('resize', (('size', 28),)),)
    >>> Recipe.from_json(recipe.to_json()) == recipe
    True
    >>> recipe.digest[:12]
    'd17352d8961d'
    """

    name: str
    steps: tuple[tuple[str, tuple[tuple[str, Any], ...]], ...]

    @classmethod
    def of(cls, name: str, *steps: tuple[str, Mapping[str, Any]]) -> Recipe:
        """Make a recipe from steps whose parameters are mappings."""
        return cls(
            name, tuple((step, tuple(sorted((k, _frozen(v)) for k, v in params.items()))) for step, params in steps)
        )

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical JSON of name and steps, 64 hexadecimal digits."""
        text = json.dumps(self._content(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def find(self, parameter: str, default: Any) -> Any:
        """Return the parameter of the first step that has it."""
        return next((params[parameter] for _, steps in self.steps if parameter in (params := dict(steps))), default)

    def to_json(self) -> dict[str, Any]:
        """Return name, steps and digest as JSON types."""
        return {**self._content(), "digest": self.digest}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Recipe:
        """Read what :meth:`to_json` wrote; raise :class:`MienError` if it is broken or was changed since."""
        try:
            recipe = cls.of(data["name"], *((step["step"], step["params"]) for step in data["steps"]))
            digest = data["digest"]
        except (KeyError, TypeError, AttributeError) as error:
            raise MienError(
                f"got a broken recipe ({error!r}); expected name, steps and digest; take a fresh copy"
            ) from error
        if recipe.digest != digest:
            raise MienError(
                f"got the recipe '{recipe.name}' with the digest {str(digest)[:12]}; expected {recipe.digest[:12]}: "
                "it was changed after it was written; take a fresh copy"
            )
        return recipe

    def _content(self) -> dict[str, Any]:
        return {"name": self.name, "steps": [{"step": step, "params": dict(params)} for step, params in self.steps]}


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, (list, tuple)) else value


RECIPES: Registry[Recipe] = Registry("recipe", "mien.recipes")
