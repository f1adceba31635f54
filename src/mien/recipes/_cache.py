"""Prepared inputs on disk, each made once: a file per input, named by all that it depends on."""

from __future__ import annotations

import json
import os
import time
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.core import MienError, MienWarning, atomic_path
from mien.recipes._recipe import Recipe

__all__ = ["Cache", "CacheEntry", "Prepared"]

_DAY_S = 86400.0


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What a recipe made of a sample.

    Attributes
    ----------
    array : array
        The input of a method.
    notes : tuple of str
        Keys of :data:`mien.recipes.NOTES` that hold for it.
    """

    array: npt.NDArray[Any]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """All that the cache holds of one recipe.

    Attributes
    ----------
    recipe, digest : str
        Its name and the first digits of its digest.
    inputs : int
        Prepared clips.
    size_bytes : int
        What they take on disk.
    used_s : float
        When one was last made or read, seconds since 1970.
    """

    recipe: str
    digest: str
    inputs: int
    size_bytes: int
    used_s: float


class Cache:
    """Prepared inputs by content: equal frames, annotation, recipe and code give the same file name.

    A file is written under a temporary name and renamed, so that a crash leaves no half of one, and several processes
    may fill one cache at once (two that make the same input write the same file). A file that does not read is made
    again.

    Parameters
    ----------
    folder : path, optional
        By default ``MIEN_CACHE`` or, without it, the user's cache folder (``~/.cache/mien`` on Linux).

    Examples
    --------
    >>> import tempfile
    >>> from mien.recipes import RECIPES
    >>> cache = Cache(tempfile.mkdtemp())
    >>> cache.put(RECIPES["motion-map"], "ab" * 32, Prepared(np.zeros((28, 28, 3), np.uint8), ()))
    >>> cache.get(RECIPES["motion-map"], "ab" * 32).array.shape
    (28, 28, 3)
    >>> [(entry.recipe, entry.inputs) for entry in cache.entries()]
    [('motion-map', 1)]
    """

    def __init__(self, folder: Path | str | None = None) -> None:
        self.folder = Path(folder) if folder is not None else _default_folder()

    def get(self, recipe: Recipe, key: str) -> Prepared | None:
        """Return what is kept under a key; None where there is nothing that reads."""
        path = self._path(recipe, key)
        try:
            with np.load(path, allow_pickle=False) as file:
                made = Prepared(file["array"], tuple(json.loads(str(file["notes"]))))
            os.utime(path)  # when it was last of use, for prune
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
            warnings.warn(f"'{path}' in the cache does not read ({error}): made again", MienWarning, stacklevel=2)
            path.unlink(missing_ok=True)
            return None
        return made

    def put(self, recipe: Recipe, key: str, made: Prepared) -> None:
        """Keep a prepared input."""
        with atomic_path(self._path(recipe, key)) as temporary, temporary.open("wb") as file:
            np.savez(file, array=made.array, notes=np.array(json.dumps(list(made.notes))))

    def entries(self) -> list[CacheEntry]:
        """Return what there is, a record per recipe, by name."""
        return [_entry(folder) for folder in self._recipe_folders()]

    def prune(self, *, recipe: str | None = None, unused_days: float | None = None) -> tuple[int, int]:
        """Delete inputs: all, or those of one recipe, or those unused for so many days; and what crashes left.

        Returns
        -------
        (int, int)
            Files deleted and bytes freed.
        """
        if unused_days is not None and not unused_days >= 0:
            raise MienError(f"got {unused_days} days; expected 0 or more; correct it")
        known = sorted({entry.recipe for entry in self.entries()})
        if recipe is not None and recipe not in known:
            raise MienError(f"got the recipe '{recipe}'; expected one in the cache: {', '.join(known) or 'none'}")
        before = time.time() - (unused_days or 0) * _DAY_S
        count = freed = 0
        for folder in self._recipe_folders():
            if recipe is not None and folder.name.rpartition("-")[0] != recipe:
                continue
            for path in [*folder.iterdir()]:
                about = path.stat()
                if unused_days is None or about.st_mtime < before:
                    path.unlink(missing_ok=True)
                    count, freed = count + 1, freed + about.st_size
            if not any(folder.iterdir()):
                folder.rmdir()
        return count, freed

    def _path(self, recipe: Recipe, key: str) -> Path:
        return self.folder / f"{recipe.name}-{recipe.digest[:8]}" / f"{key}.npz"

    def _recipe_folders(self) -> Iterator[Path]:
        if self.folder.is_dir():
            yield from sorted(path for path in self.folder.iterdir() if path.is_dir() and "-" in path.name)


def _entry(folder: Path) -> CacheEntry:
    name, _, digest = folder.name.rpartition("-")
    found = [path.stat() for path in folder.glob("*.npz") if not path.name.startswith(".")]
    used = max((about.st_mtime for about in found), default=0.0)
    return CacheEntry(name, digest, len(found), sum(about.st_size for about in found), used)


def _default_folder() -> Path:
    import platformdirs

    return Path(os.environ.get("MIEN_CACHE") or platformdirs.user_cache_dir("mien", appauthor=False)) / "recipes"
