"""Make the pictures of docs/gallery.md: a rendered smile of 2 px, through every stage of `mien show`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

import mien
from mien.pictures import STAGES
from mien.synthesis import Event
from mien.synthesis.performance import HeadMotion, perform, place_portrait, scene_depth
from mien.video import write_image

OUT = Path(__file__).parents[1] / "docs/images/gallery"
BUILD = Path("build/gallery")
SMILE = Event(0.10, 0.27, 0.55, (12,), intensity_px=2.0)
SIZE, FACE_SHARE, SEED = 480, 0.52, 4
MOST_BYTES = 150_000


def main() -> None:
    """Write one picture per stage."""
    clip = mien.render(
        BUILD / "smile.mp4", fps=100, seconds=0.7, size=(SIZE, SIZE), seed=SEED, events=[SMILE], distractors="head"
    )
    deep = filmed_with_depth(BUILD / "depth")
    OUT.mkdir(parents=True, exist_ok=True)
    for stage in STAGES:
        source, numbers = (deep, {}) if stage == "depth" else (clip, {"onset": 10, "apex": 27, "offset": 55})
        made = mien.show(source, stage, out=BUILD / f"{stage}.png", **numbers)
        print(shrink(made, OUT / made.name))


def filmed_with_depth(folder: Path) -> mien.Sample:
    """The same smile by a synthetic depth camera: 30 frames a second, 0.1 mm, nothing measured beyond the head."""
    scene = place_portrait(None, (SIZE, SIZE), FACE_SHARE * SIZE)
    towards = scene_depth(scene)
    depth = replace(scene, image=np.where(towards > 0.02, 9000 - 800 * towards, np.nan).astype(np.float32))
    times = [SMILE.onset_s + number / 30 for number in range(15)]
    head = HeadMotion(np.random.default_rng(SEED), scene.face_px)
    films = [perform(part, [SMILE], times, head=head) for part in (scene, depth)]
    (folder / "depth").mkdir(parents=True, exist_ok=True)
    for number, (image, distance) in enumerate(zip(*films, strict=True), start=1):
        write_image(folder / "color" / f"{number}.png", image)
        units = np.nan_to_num(np.rint(distance)).astype(np.uint16)
        cv2.imwrite(str(folder / "depth" / f"{number}.png"), units)
    source = mien.Source("frames", folder / "color", depth=folder / "depth")
    apex = 1 + round(30 * (SMILE.apex_s - SMILE.onset_s))
    return mien.Sample("rendered", "rendered/a", "rendered/a/smile", "positive", source, 1, apex, 14, 30.0)


def shrink(picture: Path, out: Path) -> str:
    """Round colours, then choose few, then reduce pixels, until the repository can hold the picture."""
    from PIL import Image

    with Image.open(picture) as image:
        whole = image.convert("RGB")
    for step in (1, 3, 5):  # they divide 255: white stays white
        Image.fromarray((np.rint(np.asarray(whole) / step) * step).astype(np.uint8)).save(out, optimize=True)
        if out.stat().st_size < MOST_BYTES:
            return f"{out} {out.stat().st_size // 1000} kB, colours in steps of {step}"
    for scale, count in ((1.0, 256), (1.0, 160), (0.85, 256), (0.85, 160), (0.75, 160), (0.65, 160)):
        size = (round(scale * whole.width), round(scale * whole.height))
        palette, places = few_colours(np.asarray(whole.resize(size, Image.Resampling.LANCZOS)), count)
        indexed = Image.fromarray(places, "P")
        indexed.putpalette(palette.tobytes())
        indexed.save(out, optimize=True)
        if out.stat().st_size < MOST_BYTES:
            break
    return f"{out} {out.stat().st_size // 1000} kB at {scale:g}, {count} colours"


def few_colours(pixels: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose colours such that rare ones, as those of a legend, are kept beside the many of a face."""
    from sklearn.cluster import KMeans

    coarse = pixels // 3
    code = (coarse[..., 0].astype(int) * 86 + coarse[..., 1]) * 86 + coarse[..., 2]
    _, first, inverse, counts = np.unique(code, return_index=True, return_inverse=True, return_counts=True)
    colours = pixels.reshape(-1, 3)[first].astype(float)
    clusters = KMeans(min(count - 1, len(colours)), n_init=1, max_iter=12, random_state=0)
    nearest = clusters.fit(colours, sample_weight=counts**0.4).predict(colours)
    palette = np.vstack([np.rint(clusters.cluster_centers_), [255, 255, 255]]).astype(np.uint8)
    nearest[colours.min(axis=1) >= 254] = len(palette) - 1  # the page stays white
    return palette, nearest[inverse].reshape(pixels.shape[:2]).astype(np.uint8)


if __name__ == "__main__":
    main()
