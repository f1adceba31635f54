"""An interval in one line, for the commands that show what an analysis found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from mien.core import Interval, format_probability


def interval_line(interval: Interval | Mapping[str, Any]) -> str:
    """Say when an interval is, what it was read as and how surely; of a record, or of its row in ``analysis.json``.

    Examples
    --------
    >>> found = Interval(10, 12, 15, 1.0, 1.2, 1.5, 4.0, "positive", 0.9984, region="lower lip")
    >>> interval_line(found)
    '     1.000 - 1.500 s  apex 1.200 s  positive  >.99  lower lip'
    """
    if isinstance(interval, Interval):
        interval = {field.name: getattr(interval, field.name) for field in fields(interval)}
    sure, note = interval["confidence"], f"  ({interval['notes']})" if interval["notes"] else ""
    said = "    " if sure is None or math.isnan(sure) else format_probability(sure, percent=False)
    return (
        f"  {interval['onset_s']:8.3f} - {interval['offset_s']:.3f} s  apex {interval['apex_s']:.3f} s"
        f"  {interval['emotion']:<9} {said}  {interval['region']}{note}"
    )
