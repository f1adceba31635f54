"""From a sample to the array a method eats, as a named recipe whose digest says exactly how, made once."""

from mien.recipes._cache import Cache, CacheEntry, Prepared
from mien.recipes._identity import cache_key, code_digest
from mien.recipes._load import load
from mien.recipes._prepare import Outcome, fill_cache, prepare_sample
from mien.recipes._recipe import RECIPES, Recipe
from mien.recipes._stage import STEPS, Stage, run
from mien.recipes._take import NOTES, Face, Take, open_take
from mien.recipes._variants import (
    COPIES,
    SHIFTS,
    Copies,
    copies_of,
    with_apex,
    with_faces,
    with_jitter,
    with_mirror,
    with_shift,
)

__all__ = [
    "COPIES",
    "NOTES",
    "RECIPES",
    "SHIFTS",
    "STEPS",
    "Cache",
    "CacheEntry",
    "Copies",
    "Face",
    "Outcome",
    "Prepared",
    "Recipe",
    "Stage",
    "Take",
    "cache_key",
    "code_digest",
    "copies_of",
    "fill_cache",
    "load",
    "open_take",
    "prepare_sample",
    "run",
    "with_apex",
    "with_faces",
    "with_jitter",
    "with_mirror",
    "with_shift",
]
