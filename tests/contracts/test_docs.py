"""The pages tell the truth: links lead somewhere, examples run, the commands they show exist."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer

from mien.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
pages = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))


def prose(page: Path) -> str:
    """The page without its code."""
    return re.sub(r"`[^`\n]*`", "", FENCE.sub("", page.read_text()))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ +(.*?) *$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks(page: Path, *languages: str) -> list[str]:
    return [text for language, text in FENCE.findall(page.read_text()) if language in languages]


@pages
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)", prose(page)):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = page.parent / name if name else page
        assert target.exists(), f"{page.name}: nothing at '{link}'"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{page.name}: no heading '#{anchor}' in {target.name}"


@pages
def test_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    examples = "\n".join(text for text in blocks(page, "python", "pycon") if ">>>" in text)
    test = doctest.DocTestParser().get_doctest(examples, {}, page.name, str(page), 0)
    said: list[str] = []
    failed, _ = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert not failed, "".join(said)


@pages
def test_python_that_is_only_shown_is_python(page: Path) -> None:
    for text in blocks(page, "python"):
        if ">>>" not in text:
            compile(text, str(page), "exec")


@pages
def test_shown_commands_exist(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for line in "\n".join(blocks(page, "sh", "bash", "console")).replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        if words[:1] == ["make"]:
            assert {word for word in words[1:] if "=" not in word} <= set(targets), line
        elif words[:1] == ["mien"]:
            check_command(words[1:], line)


def test_the_examples_of_contributing_are_all_that_is_needed(tmp_path: Path) -> None:
    package = tmp_path / "src" / "mien"
    shutil.copytree(ROOT / "src" / "mien", package, ignore=shutil.ignore_patterns("__pycache__"))
    for text in blocks(ROOT / "CONTRIBUTING.md", "python"):
        path = tmp_path / text.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (package / "methods" / "block_mean" / "__init__.py").write_text('"""An example."""\n')
    (tmp_path / "smiles.csv").write_text("clip,person,emotion\na,1,negative\nb,2,positive\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}
    subprocess.run([sys.executable, "-c", USE_EXAMPLES], cwd=tmp_path, env=environment, check=True)
    contracts = [ROOT / "tests/contracts/test_plugins.py", "-k=smiles or block-mean", "-pno:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", *contracts]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


USE_EXAMPLES = """
import numpy as np
from mien.datasets import DATASETS
from mien.methods import METHODS
from mien.motion import optical_flow

samples = DATASETS["smiles"].read(".")
assert [s.sample_id for s in samples] == ["smiles/1/a", "smiles/2/b"]

frame = np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8)
u, v = optical_flow(frame, np.roll(frame, 2, axis=1), "phase")
assert np.allclose(u, 2, atol=0.1) and np.allclose(v, 0, atol=0.1)

maps, y = np.zeros((12, 28, 28, 3), np.uint8), np.arange(12) % 2
maps[y == 1, :7] = 200
trained = METHODS["block-mean"].fit(maps, y, [f"smiles/{i // 4}" for i in range(12)], ["negative", "positive"])
assert (trained.predict(maps)[0] == y).all()
"""


def check_command(words: list[str], line: str) -> None:
    """Descend into the command that the words name; its options must be options of that command."""
    command = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    assert not getattr(command, "commands", {}) or not words or words[0].startswith("-") or callback(command), line
    known = {name for option in command.params for name in [*option.opts, *option.secondary_opts]} | {"-h", "--help"}
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= known, line


def callback(command: object) -> bool:
    """Whether a group does something by itself (``mien datasets`` lists)."""
    return bool(getattr(command, "invoke_without_command", False))
