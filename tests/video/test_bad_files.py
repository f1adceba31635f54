"""Every kind of bad file gets one clear line of its own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mien.core import MienError, MienWarning
from mien.video import open_video, read_clip, read_frames, write_image, write_video


def test_each_is_told_apart(tmp_path: Path, pictures: Callable) -> None:
    whole = write_video(tmp_path / "whole.mp4", pictures(30), fps=30).read_bytes()
    song(tmp_path / "song.m4a")
    contents = {
        "zero.mp4": (b"", "zero bytes"),
        "text.mp4": (b"a poem\n" * 200, "not a video"),
        "blank.mp4": (bytes(4000), "only zeros"),
        "cut.mp4": (whole[: len(whole) // 2], "index is missing"),
        "cut.mkv": (b"\x1aE\xdf\xa3" + bytes(10), "index is missing"),
        "song.mp4": ((tmp_path / "song.m4a").read_bytes(), "only audio"),
        "missing.mp4": (None, "does not exist"),
    }
    messages = []
    for name, (content, expected) in contents.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(MienError, match=expected) as caught:
            open_video(tmp_path / name)
        message = str(caught.value)
        assert name in message
        assert "\n" not in message
        assert message.startswith("got ")
        messages.append(message.replace(name, ""))
    assert len(set(messages)) == len(messages) - 1  # the two cut files say the same


def song(path: Path) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_a_playlist_does_not_reach_for_the_network(tmp_path: Path) -> None:
    lines = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
    for name in ("list.mp4", "list.m3u8"):
        (tmp_path / name).write_text(lines)
        with pytest.raises(MienError):
            list(open_video(tmp_path / name))


def test_a_file_cut_in_the_middle_gives_what_it_has(encode: Callable[..., Path]) -> None:
    path = encode("a.mp4", range(0, 4000, 40), container_options={"movflags": "faststart"}, g="10")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    video = open_video(path)
    with pytest.warns(MienWarning, match="truncated"):
        count = len(list(video))
    assert 20 < count < 100
    assert any(f"read {count} of 100 declared frames" in note for note in video.warnings)


@pytest.mark.parametrize("kind", ["mkv", "webm", "avi", "gif"])
def test_other_containers_cut_in_the_middle(kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 255, (48, 64), np.uint8) for _ in range(60)]
    path = write_video(tmp_path / f"a.{kind}", frames, fps=30)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    video = open_video(path)
    with pytest.warns(MienWarning, match="truncated"):
        count = len(list(video))
    assert 5 < count < 60
    assert "truncated" in " ".join(video.warnings)


def test_noise_in_the_data_does_not_stop_the_reading(tmp_path: Path, pictures: Callable) -> None:
    path = write_video(tmp_path / "a.avi", pictures(60), fps=30)
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(1)
    for place in rng.integers(len(data) // 3, len(data) * 2 // 3, 60):
        data[place] ^= 0xFF
    path.write_bytes(bytes(data))
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MienWarning)
        assert sum(1 for _ in open_video(path)) > 10


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["mp4", "mkv", "webm", "avi", "gif"]),
    keep=st.floats(0.05, 1),
    noise=st.dictionaries(st.integers(0, 1500), st.integers(0, 255), max_size=20),
)
@pytest.mark.filterwarnings("ignore::mien.core.MienWarning")
def test_whatever_is_wrong_it_is_a_mien_error(
    tmp_path: Path, pictures: Callable, kind: str, keep: float, noise: dict[int, int]
) -> None:
    whole = tmp_path / f"whole.{kind}"
    data = bytearray((whole if whole.exists() else write_video(whole, pictures(8), 25)).read_bytes())
    for place, value in noise.items():
        data[place % len(data)] = value
    path = tmp_path / f"damaged.{kind}"
    path.write_bytes(bytes(data[: int(keep * len(data))]))
    with contextlib.suppress(MienError):  # and nothing else
        times = [frame.time_s for frame in open_video(path)]
        read_frames(path, [len(times) - 1], times_s=times)


def test_a_picture_is_no_video(tmp_path: Path, pictures: Callable) -> None:
    for ending in ("png", "jpg"):
        with pytest.raises(MienError, match="single picture"):
            open_video(write_image(tmp_path / f"a.{ending}", pictures(1)[0]))


def test_folders(tmp_path: Path, pictures: Callable) -> None:
    with pytest.raises(MienError, match="no picture in it"):
        open_video(tmp_path, fps=25)
    first, second = pictures(2)
    write_image(tmp_path / "1.png", first)
    with pytest.raises(MienError, match="without a frame rate"):
        open_video(tmp_path)
    with pytest.raises(MienError, match="positive"):
        open_video(tmp_path, fps=float("nan"))
    write_image(tmp_path / "2.png", second[:20])
    with pytest.raises(MienError, match=r"2\.png' of 64x20; expected 64x48"):
        read_clip(tmp_path, fps=25)
    (tmp_path / "2.png").write_bytes((tmp_path / "1.png").read_bytes()[:100])
    with pytest.raises(MienError, match=r"2\.png', which cannot be read"):
        read_clip(tmp_path, fps=25)
    (tmp_path / "2.png").write_bytes(b"")
    with pytest.raises(MienError, match="0 bytes"):
        read_clip(tmp_path, fps=25)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path, pictures: Callable) -> None:
    path = write_video(tmp_path / "a.mp4", pictures(2), fps=25)
    path.chmod(0)
    with pytest.raises(MienError, match="ermission"):
        open_video(path)
