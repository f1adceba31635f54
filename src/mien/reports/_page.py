"""From a template to one self-contained HTML file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien.core import atomic_path, format_probability

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["environment", "write_page"]

TEMPLATES = Path(__file__).parent / "templates"


def write_page(path: Path | str, template: str, **content: Any) -> Path:
    """Fill a template of this room with ``content`` and write it whole or not at all; return the path."""
    page = environment().get_template(template).stream(**content)  # never whole in memory: pictures are in it
    path = Path(path)
    with atomic_path(path) as temporary:
        page.dump(str(temporary), encoding="utf-8")
    return path


@cache
def environment() -> Environment:
    """Return the templates: everything is escaped, a missing name is an error.

    Filters: ``number`` (four decimals, a dash for None), ``interval`` ([low, high]), ``probability`` (percent).
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["number"] = _number
    made.filters["interval"] = lambda ends: f"{_number(ends[0])} to {_number(ends[1])}"
    made.filters["probability"] = format_probability
    return made


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
