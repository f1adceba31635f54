"""From a sample to the array a method eats, as a named recipe whose digest says exactly how."""

from mien.recipes._clips import prepare_sample, with_apex
from mien.recipes._frames import PreparedMotion, prepare_motion
from mien.recipes._load import load
from mien.recipes._recipe import RECIPES, Recipe

__all__ = ["RECIPES", "PreparedMotion", "Recipe", "load", "prepare_motion", "prepare_sample", "with_apex"]
