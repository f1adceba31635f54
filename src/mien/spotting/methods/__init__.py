"""Spotting methods, one file each."""
