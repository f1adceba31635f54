"""Get each interval soon after it closes, while the source is still being read.

`mien.stream` takes a file, a folder of images, "camera:0", or any iterable of frames, like the one below. With a
camera, run it as `python examples/stream.py camera:0` and stop it with Ctrl-C.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import mien
from mien.synthesis import Event
from mien.video import Frame, open_video

OUT = Path("build/examples")


def frames() -> Iterator[Frame]:
    """Frames that come from anywhere: a number, a time in seconds, a picture (H, W) or (H, W, 3)."""
    events = [Event(1.0, 1.2, 1.4, action_units=(1, 2), intensity_px=2.0)]
    clip = mien.render(OUT / "stream.mp4", fps=60, seconds=5.5, size=(240, 180), events=events)
    for frame in open_video(clip):
        if frame.index % 60 == 0:
            print(f"{frame.time_s:.0f} s")
        yield frame


source = sys.argv[1] if len(sys.argv) > 1 else frames()
for interval in mien.stream(source):
    print(f"closed: {interval.onset_s:.2f} to {interval.offset_s:.2f} s, {interval.emotion} {interval.confidence:.2f}")
