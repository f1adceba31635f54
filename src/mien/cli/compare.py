"""``mien compare``: paired tests between prediction files over the same samples."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from string import ascii_uppercase
from typing import Annotated, Any

import typer

from mien.cli._app import app
from mien.core import MienError


@app.command("compare")
def compare_command(
    predictions: Annotated[list[Path], typer.Argument(metavar="A.csv B.csv...", help="Two or more predictions.csv.")],
    permutations: Annotated[int, typer.Option(help="Of the permutation test.")] = 10_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Test whether one prediction file is better than another: McNemar, and permutation of whole subjects on UF1."""
    from mien.protocols import compare

    names = [str(path) for path in predictions]
    if len(set(names)) < len(names):
        raise MienError(f"got '{max(names, key=names.count)}' twice; expected different files; drop one")
    if len(names) > len(ascii_uppercase):
        raise MienError(f"got {len(names)} files; expected at most {len(ascii_uppercase)}; compare fewer at a time")
    document = compare(dict(zip(names, predictions, strict=True)), permutations=permutations)
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _print(document)


def _print(document: Mapping[str, Any]) -> None:
    from mien.protocols.metrics import HEADLINES

    letters = dict(zip((file["name"] for file in document["files"]), ascii_uppercase, strict=False))
    seeds = ", ".join(map(str, document["seeds"]))
    print(f"{document['n']} samples of {document['subjects']} subjects, seeds {seeds}")
    for file in document["files"]:
        scores = "  ".join(f"{title} {file[name]:.4f}" for name, title in HEADLINES.items())
        print(f"{letters[file['name']]}  {scores}  {file['name']}")
        for leak in file["leaks"]:
            print(f"   LEAK: {leak}")
    several = len(document["pairs"]) > 1
    for pair in document["pairs"]:
        low, high = pair["ci95"]["uf1"]
        print(
            f"{letters[pair['b']]} - {letters[pair['a']]}: UF1 {pair['difference']['uf1']:+.4f} "
            f"[{low:+.4f}, {high:+.4f}], {_p('permutation of subjects', pair['permutation'], several)}"
        )
        print(f"       accuracy {pair['difference']['accuracy']:+.4f}, {_p('McNemar', pair['mcnemar'], several)}")
        for seed, part in pair["mcnemar"]["seeds"].items():
            right = f"right alone: {letters[pair['a']]} {part['only_a']}, {letters[pair['b']]} {part['only_b']}"
            print(f"       seed {seed}: {right}, p {part['p']:.4f}")
    if len(document["seeds"]) > 1:
        print("McNemar over seeds: twice the median of the seeds' p, which holds however they depend on each other")


def _p(what: str, test: Mapping[str, Any], several: bool) -> str:
    corrected = f" (Holm: {test['p_holm']:.4f})" if several else ""
    return f"{what} p {test['p']:.4f}{corrected}"
