"""Any video to intervals with emotions."""

from mien.analysis._markers import Marker, read_markers
from mien.analysis._result import Analysis
from mien.analysis._sources import find_sources
from mien.analysis.analyze import analyze
from mien.analysis.conditions import conditions_of, poisson_interval
from mien.analysis.corpus import spot_corpus
from mien.analysis.many import Batch, Outcome, analyze_many

__all__ = [
    "Analysis",
    "Batch",
    "Marker",
    "Outcome",
    "analyze",
    "analyze_many",
    "conditions_of",
    "find_sources",
    "poisson_interval",
    "read_markers",
    "spot_corpus",
]
