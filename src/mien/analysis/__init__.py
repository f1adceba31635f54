"""Any video to intervals with emotions."""

from mien.analysis._result import Analysis
from mien.analysis.analyze import analyze, find_sources

__all__ = ["Analysis", "analyze", "find_sources"]
