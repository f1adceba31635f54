"""One readable training loop, class weights, augmentation, seeds. Only `loop`, `augmentation` and `adversarial` need torch."""

from mien.training.losses import CLASS_WEIGHTS, class_weights
from mien.training.settings import Settings

__all__ = ["CLASS_WEIGHTS", "Settings", "class_weights"]
