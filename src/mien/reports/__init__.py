"""Reports that open offline, in light and dark, on paper and on a phone: from saved results only."""

from mien.reports.analysis import IntervalPictures, write_analysis_report
from mien.reports.elan import write_elan
from mien.reports.evaluation import Look, write_evaluation_report

__all__ = ["IntervalPictures", "Look", "write_analysis_report", "write_elan", "write_evaluation_report"]
