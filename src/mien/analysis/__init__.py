"""Any video to intervals with emotions."""

from mien.analysis._result import Analysis, Evidence
from mien.analysis.analyze import analyze, find_sources

__all__ = ["Analysis", "Evidence", "analyze", "find_sources"]
