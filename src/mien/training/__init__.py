"""One training loop, class weights, augmentation, attacks, seeds; torch is imported where it is needed."""

from mien.training.losses import CLASS_WEIGHTS, class_weights
from mien.training.settings import Settings

__all__ = ["CLASS_WEIGHTS", "Settings", "class_weights"]
