"""Figures as inline SVG: text takes the colour of the page, so they read in light, dark and on paper."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mien.core import MienError
from mien.reports._page import environment

__all__ = ["confusion_figure", "interval_figure"]


def confusion_figure(confusion: npt.ArrayLike, classes: Sequence[str], title: str, *, normalise: bool = False) -> str:
    """Draw a confusion matrix.

    Cells are coloured by the share of their row on cividis, which is even in lightness and safe for colour-blind
    readers (Nunez et al. 2018, doi:10.1371/journal.pone.0199239); numbers are black or white, whichever contrasts.

    Parameters
    ----------
    confusion : int array, (K, K)
        Rows are the truth.
    classes : sequence of str, length K
        Names of rows and columns.
    title : str
        What it shows.
    normalise : bool
        Print shares of each row (recall on the diagonal) instead of counts.

    Returns
    -------
    str
        One ``<svg>`` element; also a valid file of its own.

    Raises
    ------
    MienError
        If the matrix is not K x K.

    Examples
    --------
    >>> figure = confusion_figure([[3, 1], [0, 4]], ["calm", "joy"], "Toy run", normalise=True)
    >>> "0.75" in figure and "Toy run" in figure
    True
    """
    counts = np.asarray(confusion, dtype=float)
    size = len(classes)
    if counts.shape != (size, size) or not size:
        raise MienError(f"got a confusion of shape {counts.shape}; expected ({size}, {size}), a row per class")
    rows = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, rows, out=np.zeros_like(counts), where=rows > 0)
    cells = [
        {
            "row": i,
            "column": j,
            "text": f"{shares[i, j]:.2f}" if normalise else f"{counts[i, j]:g}",
            **_ink(shares[i, j]),
        }
        for i in range(size)
        for j in range(size)
    ]
    return _draw("confusion", title=title, classes=list(classes), cells=cells)


def interval_figure(value: float, low: float, high: float, marks: dict[str, float]) -> str:
    """Draw a score with its interval on a scale from 0 to 1, and what it is to be read against as ticks.

    Parameters
    ----------
    value, low, high : float
        The score and the ends of its interval, 0..1.
    marks : dict of str to float
        Named scores, such as the majority class.

    Returns
    -------
    str
        One ``<svg>`` element.

    Examples
    --------
    >>> "majority" in interval_figure(0.72, 0.66, 0.78, {"majority": 0.33})
    True
    """
    return _draw("interval", value=value, low=low, high=high, marks=marks)


def _draw(name: str, **content: object) -> str:
    module = environment().get_template("figures.html").module
    return str(getattr(module, name)(**content))


def _ink(share: float) -> dict[str, str]:
    """The colour of a cell and of the number on it."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    red, green, blue, _ = colormaps["cividis"](float(share))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    luminance = float(np.dot(linear, [0.2126, 0.7152, 0.0722]))  # WCAG 2: black beats white from .179 on
    return {"fill": to_hex((red, green, blue)), "ink": "#000" if luminance > 0.179 else "#fff"}
