"""What a study is: the rows of a printed table, each with the method and preset that stand for it here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mien.core import Registry
from mien.methods import METHODS, Published, published

__all__ = ["OURS", "STUDIES", "Arm", "Study"]

OURS = {"f1": "uf1"}
"""How we call a published metric, where it has another name: an F1 of unstated averaging is macro here."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One row of a printed table.

    Attributes
    ----------
    row : str
        What it is called there.
    method, preset : str
        What stands for it here. One that is not in ``METHODS`` (yet) is a row that is not built here.
    variant : str or None
        Under which variant ``published.csv`` has its numbers; None where the paper prints none.
    small : str
        The preset for ``--small``, where it is not ``small`` (of ``paper``) or ``small-<preset>``.
    """

    row: str
    method: str
    preset: str = "paper"
    variant: str | None = ""
    small: str = ""

    def preset_for(self, *, small: bool) -> str | None:
        """Return the preset to run, or None where there is none; a classic method has no smaller form of itself."""
        if self.method not in METHODS:
            return None
        method = METHODS[self.method]
        name = self.preset
        if small and method.kind == "network":
            name = self.small or ("small" if self.preset == "paper" else f"small-{self.preset}")
        return name if name in method.presets else None


@dataclass(frozen=True, slots=True)
class Study:
    """One table or ablation figure of a paper.

    Attributes
    ----------
    name : str
        As given to ``mien study``.
    paper, table : str
        Whose, and which.
    arms : tuple of Arm
        Its rows, in the paper's order.
    corpora : mapping of str to tuple of str
        The label maps it was published for, per corpus; the first is the default.
    metrics : tuple of str
        As ``published.csv`` names them.
    sources : tuple of str
        How the source of its numbers begins in ``published.csv``.
    protocol : str
        How it was published: half a sentence, with what makes the numbers differ from ours.
    notes : tuple of str
        What a reader of the table should know.
    quoted_corpus : str
        The corpus under which ``published.csv`` has the numbers, where it is another than the one they stand beside.
    """

    name: str
    paper: str
    table: str
    arms: tuple[Arm, ...]
    corpora: Mapping[str, tuple[str, ...]] = field(hash=False)
    metrics: tuple[str, ...]
    sources: tuple[str, ...]
    protocol: str
    notes: tuple[str, ...] = ()
    quoted_corpus: str = ""

    def labels_for(self, dataset: str, labels: str | None = None) -> str | None:
        """Return the label map of the published numbers to show: the one asked for if it has some, else the first."""
        known = self.corpora.get(dataset, ())
        return labels if labels in known else next(iter(known), None)

    def quotes(self, arm: Arm, dataset: str, labels: str | None = None) -> dict[str, Published]:
        """Find what the paper prints in a row for a corpus, by metric; where it prints two, the one not suspect."""
        if arm.variant is None:
            return {}
        here = self.labels_for(dataset, labels)
        key = (arm.method, arm.variant, self.quoted_corpus or dataset)
        rows = [
            row
            for row in published(key[0])
            if (row.method, row.variant, row.corpus) == key
            and row.labels in ("", here)
            and row.source.startswith(self.sources)
        ]
        rows.sort(key=lambda row: row.suspect, reverse=True)
        return {row.metric: row for row in rows if row.metric in self.metrics}

    def rows_for(self, dataset: str, labels: str | None = None) -> list[Arm]:
        """Return the rows of a corpus's table; of one that the paper does not have, all whose method is here."""
        if dataset not in self.corpora:
            return [arm for arm in self.arms if arm.method in METHODS]
        return [arm for arm in self.arms if arm.variant is None or self.quotes(arm, dataset, labels)]


STUDIES: Registry[Study] = Registry("study", "mien.evaluation.studies")
