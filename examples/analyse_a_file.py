"""Analyse one recording and look at what was found.

Needs no data: it renders a clip in which two micro-expressions happen, at 0.7 and 2.0 s.
"""

from pathlib import Path

import mien
from mien.synthesis import Event

OUT = Path("build/examples")

clip = mien.render(
    OUT / "interview.mp4",
    fps=60,
    seconds=3,
    size=(240, 180),
    events=[
        Event(0.5, 0.7, 0.9, action_units=(1, 2), intensity_px=2.0),
        Event(1.8, 2.0, 2.2, action_units=(6, 12), intensity_px=2.0),
    ],
)

found = mien.analyze(clip, out=OUT)

for interval in found.intervals:
    print(f"{interval.onset_s:.2f} to {interval.offset_s:.2f} s, apex {interval.apex_s:.2f} s: {interval.region}")
    for emotion, probability in interval.probabilities.items():
        print(f"    {emotion:<9} {probability:.2f}")
for warning in found.warnings:
    print("note:", warning)
print("report:", found.folder / "report.html")
