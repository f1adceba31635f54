"""SLSTT (Zhang et al., IEEE TAC 2022)."""
