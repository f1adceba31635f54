"""Ready maps are read as they are, in the order asked for, from either container."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.core import MienError, Sample, Source
from mien.recipes import RECIPES, load

RECIPE = RECIPES["motion-map"]


def sample(name: str, source: Source) -> Sample:
    return Sample("smic", "smic/s1", f"smic/s1/{name}", "positive", source)


@pytest.fixture
def maps() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, 28, 28, 3), np.uint8)


def test_rows_come_in_the_order_asked_for(tmp_path: Path, maps: np.ndarray) -> None:
    np.savez(tmp_path / "maps.npz", X=maps)
    samples = [sample(str(row), Source("motion", tmp_path / "maps.npz", row)) for row in (2, 0, 3)]
    np.testing.assert_array_equal(load(samples, RECIPE), maps[[2, 0, 3]])


def test_a_picture_keeps_u_v_strain_as_red_green_blue(tmp_path: Path, maps: np.ndarray) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), maps[0][..., ::-1])  # OpenCV writes BGR
    np.testing.assert_array_equal(load([sample("a", Source("motion", tmp_path / "a.png"))], RECIPE)[0], maps[0])


def test_sizes_must_agree(tmp_path: Path, maps: np.ndarray) -> None:
    np.savez(tmp_path / "a.npz", X=maps)
    np.savez(tmp_path / "b.npz", X=maps[:, :14])
    samples = [sample(name, Source("motion", tmp_path / f"{name}.npz", 0)) for name in "ab"]
    with pytest.raises(MienError, match="expected one size"):
        load(samples, RECIPE)


def test_what_is_no_picture_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no picture")
    for name in ("a.png", "absent.png"):
        with pytest.raises(MienError, match="expected a PNG image"):
            load([sample("a", Source("motion", tmp_path / name))], RECIPE)


def test_no_samples_are_refused() -> None:
    with pytest.raises(MienError, match="got no samples"):
        load([], RECIPE)
