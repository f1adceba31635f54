"""Benchmarks with known truth."""

from mien.benchmarks._write import write_benchmark
from mien.benchmarks.spotting import benchmark_spotting

__all__ = ["benchmark_spotting", "write_benchmark"]
