"""What a prepared input depends on: the recipe, the code of its steps, the frames it was made from."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
from functools import lru_cache
from pathlib import Path

from mien.core import Sample
from mien.core.frames import numbered_frames
from mien.recipes._recipe import Recipe

__all__ = ["cache_key", "code_digest"]

_ROOMS = ("core", "video", "faces", "motion", "recipes")
_LIBRARIES = ("numpy", "scipy", "opencv-contrib-python-headless", "scikit-image", "dlib-bin", "av")


def cache_key(sample: Sample, recipe: Recipe) -> str:
    """Digest of all that decides what a recipe makes of a sample, 64 hexadecimal digits.

    Frames are known by the clip's id and each file's name, size and time of change, so that nothing has to be read.
    A moved corpus keeps its keys, an edited frame or annotation does not.

    Raises
    ------
    MienError
        If the frames are not there.
    """
    faces = str(recipe.find("faces", "dlib"))
    parts = {
        "recipe": recipe.digest,
        "code": code_digest(),
        "clip": [sample.sample_id, sample.onset, sample.apex, sample.offset, sample.fps],
        "files": _files(sample),
        "landmarks": _content(Path(faces)) if Path(faces).suffix.lower() in (".csv", ".json") else None,
    }
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _files(sample: Sample) -> list[list[object]]:
    source = sample.source
    if source.kind == "video":
        return [_known(source.path)]
    listed = []
    for folder in (source.path, source.depth):
        if folder is not None:
            low = sample.onset if sample.onset is not None else -1
            high = sample.offset if sample.offset is not None else sample.apex if sample.apex is not None else 1 << 62
            listed += [_known(path) for number, path in numbered_frames(folder).items() if low <= number <= high]
    return listed


def _known(path: Path) -> list[object]:
    about = path.stat()
    return [path.name, about.st_size, about.st_mtime_ns]


@lru_cache(maxsize=4)
def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Digest of the code that prepares inputs, and of the versions of what it calls.

    Of every file in the rooms that recipes use, the syntax tree without docstrings: a comment or a page of
    documentation empties no cache, a changed formula always does.
    """
    digest = hashlib.sha256()
    root = Path(__file__).parents[1]
    for room in _ROOMS:
        for path in sorted((root / room).rglob("*.py")):
            digest.update(f"{path.relative_to(root).as_posix()}\n{syntax(path.read_text(encoding='utf-8'))}\n".encode())
    for name in _LIBRARIES:
        digest.update(f"{name} {importlib.metadata.version(name)}\n".encode())
    return digest.hexdigest()


def syntax(source: str) -> str:
    """Return the syntax tree of a file as text, without docstrings, comments and layout.

    Examples
    --------
    >>> syntax("x = 1  # one") == syntax("x  =  1")
    True
    >>> syntax("x = 1") == syntax("x = 2")
    False
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and _has_docstring(
            node
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def _has_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return ast.get_docstring(node, clean=False) is not None
