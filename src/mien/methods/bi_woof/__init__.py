"""Bi-WOOF: Liong, See, Wong & Phan, Signal Processing: Image Communication 62, 2018."""
