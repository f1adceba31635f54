"""One training loop, class weights, augmentation, attacks, seeds. Torch is needed by the first, third and fourth only."""

from mien.training.losses import CLASS_WEIGHTS, class_weights
from mien.training.settings import Settings

__all__ = ["CLASS_WEIGHTS", "Settings", "class_weights"]
