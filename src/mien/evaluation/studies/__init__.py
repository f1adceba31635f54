"""Studies: a table or an ablation figure of a paper as data, and what runs it: ours beside the published numbers."""

from mien.evaluation.studies._run import run_study
from mien.evaluation.studies._study import STUDIES, Arm, Study

__all__ = ["STUDIES", "Arm", "Study", "run_study"]
