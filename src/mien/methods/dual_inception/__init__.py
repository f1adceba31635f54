"""Dual-Inception (Zhou et al., FG 2019)."""
