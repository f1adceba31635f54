"""Reports that open offline, in light and dark, on paper and on a phone: from saved results only."""

from mien.reports.evaluation import write_evaluation_report

__all__ = ["write_evaluation_report"]
