"""Dataset x method x protocol -> saved predictions and scores; and one model trained on everything."""

from mien.evaluation.models import predict, train
from mien.evaluation.prepare import prepare
from mien.evaluation.run import evaluate

__all__ = ["evaluate", "predict", "prepare", "train"]
