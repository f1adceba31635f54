"""Eulerian magnification multiplies small motion by what theory says, and leaves the rest alone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mien.core import MienError, MienWarning
from mien.motion.magnify import magnify, magnify_stream

FPS = 200.0
RATES = (-np.log(0.95) * FPS / (2 * np.pi), -np.log(0.6) * FPS / (2 * np.pi))  # the published r = 0.05 and 0.4, in Hz


def blob(shift: float, sigma: float = 6, size: int = 96) -> np.ndarray:
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return 60 + 120 * np.exp(-((x - shift) ** 2 + y**2) / (2 * sigma**2))


def gain(frequency: float, temporal: str, levels: int | None = 4, fps: float = FPS) -> float:
    """How many times farther a blob swings after magnification: projection on the slope, at its frequency."""
    times = np.arange(round(1.2 * fps)) / fps
    swing = 0.1 * np.sin(2 * np.pi * frequency * times)
    clip = np.stack([blob(shift) for shift in swing])
    slope = (blob(0.05) - blob(-0.05)) / 0.1
    made = magnify(clip, fps, alpha=9, lambda_c=16, levels=levels, temporal=temporal)
    moved = ((made - blob(0)) * slope).sum(axis=(1, 2)) / (slope**2).sum()
    waves = np.stack([f(2 * np.pi * frequency * times) for f in (np.sin, np.cos, np.ones_like)], axis=1)
    return float(np.hypot(*np.linalg.lstsq(waves, moved, rcond=None)[0][:2]) / 0.1)


def face(frames: int = 12, height: int = 53, width: int = 70) -> np.ndarray:
    """Coloured texture that trembles, at odd sizes."""
    rng = np.random.default_rng(0)
    still = rng.integers(40, 200, (1, height, width, 3))
    return (still + rng.integers(-9, 9, (frames, height, width, 3))).astype(np.uint8)


def flicker(values: list[float], colour: tuple[float, ...] = ()) -> np.ndarray:
    """Frames of one tone each: grey 100 plus the values, along a colour if given."""
    clip = 100 + np.multiply.outer(np.asarray(values, np.float32), np.asarray(colour or 1.0, np.float32))
    return np.broadcast_to(clip[:, None, None], (len(values), 48, 48, *clip.shape[1:]))


def test_the_ideal_filter_magnifies_a_swing_in_the_band_6_6_times() -> None:
    """Not 10: the levels' gains are 0, 2.5, 6.1, 9, 0."""
    with pytest.warns(MienWarning, match="1.92 periods"):
        assert gain(5, "ideal") == pytest.approx(6.6, abs=0.05)


def test_the_iir_filter_magnifies_it_5_5_times() -> None:
    """Its pass band is 0.82 high at 5 Hz."""
    assert gain(5, "iir") == pytest.approx(5.5, abs=0.05)


@pytest.mark.filterwarnings("ignore::mien.core.MienWarning")
def test_below_the_band_the_ideal_filter_does_nothing_and_the_iir_skirt_something() -> None:
    assert gain(1 / 1.2, "ideal") == pytest.approx(1.0, abs=0.005)
    assert gain(1 / 1.2, "iir") == pytest.approx(2.6, abs=0.05)


@pytest.mark.parametrize("fps", [50.0, 100.0])
def test_a_band_in_hz_means_the_same_at_another_frame_rate(fps: float) -> None:
    assert gain(5, "iir", fps=fps) == pytest.approx(gain(5, "iir"), rel=0.1)


def test_the_levels_stop_below_16_px() -> None:
    assert gain(5, "iir", levels=None) == gain(5, "iir", levels=3)  # 96, 48, 24, 12


@pytest.mark.parametrize("pyramid", ["laplacian", "gaussian"])
@pytest.mark.parametrize("temporal", ["iir", "ideal"])
def test_alpha_0_changes_nothing(pyramid: str, temporal: str) -> None:
    clip = face()
    made = magnify(clip, 10, alpha=0, band=(1.7, 4), pyramid=pyramid, temporal=temporal)
    assert np.abs(made - clip).max() < 1e-5


@pytest.mark.parametrize("pyramid", ["laplacian", "gaussian"])
@pytest.mark.parametrize("temporal", ["iir", "ideal"])
@pytest.mark.parametrize("alpha", [1, 10, 200])
def test_what_does_not_move_stays_as_it_is(pyramid: str, temporal: str, alpha: float) -> None:
    clip = np.repeat(face(1), 13, axis=0)
    np.testing.assert_array_equal(
        magnify(clip, 10, alpha=alpha, band=(1.7, 4), pyramid=pyramid, temporal=temporal), clip
    )


@pytest.mark.parametrize("temporal", ["iir", "ideal"])
def test_a_flicker_of_the_whole_frame_is_the_coarsest_level_and_left_alone(temporal: str) -> None:
    clip = flicker([*np.sin(np.arange(300) / 6) * 9])
    np.testing.assert_allclose(magnify(clip, FPS, temporal=temporal), clip, atol=1e-4)


def test_the_low_passes_have_the_published_coefficients() -> None:
    """A step of 10 by hand: fast - slow = 10 (0.4 - 0.05), then 10 (0.64 - 0.0975)."""
    made = magnify(flicker([0, 10, 10]), FPS, alpha=2, band=RATES, pyramid="gaussian")
    np.testing.assert_allclose(made[:, 20, 20], [100, 110 + 2 * 3.5, 110 + 2 * 5.425], atol=1e-3)


def test_chrominance_is_attenuated_and_luma_is_not() -> None:
    settings = {"alpha": 2, "band": RATES, "pyramid": "gaussian"}
    luma = magnify(flicker([0, 10], (1, 1, 1)), FPS, **settings)[1, 20, 20]
    np.testing.assert_allclose(luma, 117, atol=0.02)
    orange = np.array([0.956, -0.272, -1.106])  # one unit of I
    np.testing.assert_allclose(
        magnify(flicker([0, 10], tuple(orange)), FPS, **settings)[1, 20, 20], 100 + (10 + 0.1 * 7) * orange, atol=0.02
    )
    full = magnify(flicker([0, 10], tuple(orange)), FPS, chroma=1.0, **settings)[1, 20, 20]
    np.testing.assert_allclose(full, 100 + 17 * orange, atol=0.02)


def test_an_equal_rgb_clip_is_magnified_as_its_grey() -> None:
    grey = face()[..., 0]
    made = magnify(np.repeat(grey[..., None], 3, axis=3), FPS)
    np.testing.assert_allclose(made, np.repeat(magnify(grey, FPS)[..., None], 3, axis=3), atol=1e-2)


def test_a_mirrored_clip_is_magnified_mirrored() -> None:
    """At an even width the halved grid is off by a pixel, so it is nearly so; at 65, 33, 17 it is exact."""
    clip = face(width=65)
    np.testing.assert_allclose(magnify(clip[:, :, ::-1], FPS), magnify(clip, FPS)[:, :, ::-1], atol=1e-3)


@pytest.mark.parametrize("pyramid", ["laplacian", "gaussian"])
def test_a_stream_gives_what_the_whole_clip_gives(pyramid: str) -> None:
    clip = face(20)
    streamed = list(magnify_stream(iter(clip), 30.0, pyramid=pyramid, alpha=20))
    np.testing.assert_array_equal(np.stack(streamed), magnify(clip, 30.0, pyramid=pyramid, alpha=20))


def test_the_first_frames_do_not_depend_on_what_follows() -> None:
    clip = face(20)
    np.testing.assert_array_equal(magnify(clip, FPS)[:8], magnify(clip[:8], FPS))


def test_the_result_is_clipped_and_keeps_fractions_unless_asked() -> None:
    clip = face(8)
    made = magnify(clip, FPS, alpha=60)
    assert made.dtype == np.float32
    assert (made.min(), made.max()) == (0, 255)
    assert (made != np.rint(made)).any()
    rounded = magnify(clip, FPS, alpha=60, as_uint8=True)
    assert rounded.dtype == np.uint8
    np.testing.assert_array_equal(rounded, np.rint(made))


def test_floats_are_on_the_same_scale_as_bytes() -> None:
    clip = face()
    np.testing.assert_array_equal(magnify(clip.astype(np.float64), FPS), magnify(clip, FPS))


def test_the_clip_itself_is_not_touched() -> None:
    clip = face().astype(np.float32)
    before = clip.copy()
    magnify(clip, 10, band=(1.7, 4), temporal="ideal")
    np.testing.assert_array_equal(clip, before)


def test_the_upper_edge_stays_below_the_nyquist_rate() -> None:
    clip = face()
    np.testing.assert_array_equal(magnify(clip, 25.0), magnify(clip, 25.0, band=(1.6, 0.45 * 25)))


def test_between_one_and_two_periods_the_ideal_filter_warns() -> None:
    with pytest.warns(MienWarning, match=r"1\.50 periods of 2 Hz in 15 frames.*iir"):
        magnify(face(15), 20.0, band=(2, 5), temporal="ideal")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"temporal": "butter"}, "expected iir or ideal"),
        ({"temporal": "ideal"}, r"0\.10 periods of 1\.6 Hz in 12 frames.*use iir"),
        ({"pyramid": "steerable"}, "expected laplacian or gaussian"),
        ({"alpha": -1}, "at least 0"),
        ({"alpha": float("nan")}, "finite numbers"),
        ({"lambda_c": 0}, "lambda_c above 0"),
        ({"chroma": -0.1}, "at least 0"),
        ({"levels": 1}, "expected 2 to 5"),
        ({"levels": 6}, "expected 2 to 5"),
        ({"fps": 0}, "frames per second"),
        ({"fps": float("nan")}, "frames per second"),
        ({"fps": 3}, r"low below 1\.35 Hz"),
        ({"band": (5, 2)}, "low < high"),
        ({"band": (0, 2)}, "0 < low"),
        ({"frames": face()[0, :, :, 0]}, r"expected \(T, H, W\)"),
        ({"frames": face()[:0]}, "T at least 1"),
        ({"frames": face()[..., :2]}, r"expected \(H, W\) or \(H, W, 3\)"),
        ({"frames": face()[:, :31]}, "at least 32x32"),
        ({"frames": face().astype(int)}, "expected uint8"),
        ({"frames": np.full((3, 40, 40), np.nan)}, "NaN"),
    ],
)
def test_bad_use_gets_one_clear_line(settings: dict, says: str) -> None:
    with pytest.raises(MienError, match=says) as caught:
        magnify(**({"frames": face(), "fps": FPS} | settings))
    assert "\n" not in str(caught.value)


def test_a_stream_refuses_a_frame_of_another_size() -> None:
    with pytest.raises(MienError, match="expected one size"):
        list(magnify_stream([face()[0], face()[0, :40]], FPS))


LONG_RUN = """
import sys, numpy as np
from mien.motion.magnify import magnify_stream
still = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
for frame in magnify_stream((np.roll(still, i % 3, axis=1) for i in range(int(sys.argv[1]))), 100.0):
    pass
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_length() -> None:
    short, long = (
        int(subprocess.run([sys.executable, "-c", LONG_RUN, count], capture_output=True, text=True, check=True).stdout)
        for count in ("300", "3000")
    )
    assert long < 1.1 * short
    assert long < 600 * 1024  # KiB
