"""Recognition methods: one paper, one folder. Listing them imports neither torch nor scikit-learn."""

from mien.methods._measured import Measured, measured
from mien.methods._method import METHODS, Method, Trained
from mien.methods._model import TrainedModel, check_free, load_model, save_model, versions
from mien.methods._published import Published, published

__all__ = [
    "METHODS",
    "Measured",
    "Method",
    "Published",
    "Trained",
    "TrainedModel",
    "check_free",
    "load_model",
    "measured",
    "published",
    "save_model",
    "versions",
]
