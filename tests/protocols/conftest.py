"""Prediction tables for the tests of this room."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mien.core import Prediction

MEGC = ("negative", "positive", "surprise")


@pytest.fixture(scope="session")
def table() -> Callable[..., list[Prediction]]:
    """Predictions from (subject, truth, predicted), leave-one-subject-out, without probabilities."""

    def build(*rows: tuple[str, str, str], seed: int = 0, selection: str = "last") -> list[Prediction]:
        return [
            Prediction(s.split("/")[0], s, f"{s}/clip{i}", s, seed, selection, truth, predicted)
            for i, (s, truth, predicted) in enumerate(rows)
        ]

    return build


@pytest.fixture(scope="session")
def noisy() -> Callable[..., list[Prediction]]:
    """A random leave-one-subject-out run with probabilities over two corpora; the truth is the same for all seeds."""

    def build(n: int, seed: int = 0, classes: tuple[str, ...] = MEGC, subjects: int = 8) -> list[Prediction]:
        truth_of, rng = np.random.default_rng(1234), np.random.default_rng(seed)
        rows = []
        for i in range(n):
            dataset = ("smic", "casme2")[i % 2]
            subject = f"{dataset}/s{i % subjects}"
            truth = classes[truth_of.integers(len(classes))]
            p = rng.dirichlet(np.ones(len(classes)) + 2 * (np.array(classes) == truth))
            probabilities = dict(zip(classes, p.tolist(), strict=True))
            guess = classes[int(p.argmax())]
            rows.append(
                Prediction(dataset, subject, f"{subject}/c{i}", subject, seed, "last", truth, guess, probabilities)
            )
        return rows

    return build


@pytest.fixture(scope="session")
def published_run() -> Callable[..., list[Prediction]]:
    """Read a published run that holds class numbers (0 negative, 1 positive, 2 surprise) and bare ids."""

    def read(path: Path, truth: str, predicted: str) -> list[Prediction]:
        rows = []
        with path.open() as file:
            for row in csv.DictReader(file):
                subject = f"{row['dataset']}/{row['subject']}"
                names = MEGC[int(row[truth])], MEGC[int(row[predicted])]
                ids = row["dataset"], subject, f"{subject}/{row['sample_id']}"
                rows.append(Prediction(*ids, subject, 0, "last", *names))
        return rows

    return read
