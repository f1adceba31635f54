"""RetinaFace: a tiny network that answers with planted faces stands in for the real one."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mien.core import MienError
from mien.faces import BACKENDS, eye_centres, face_backend
from mien.faces.backends import retinaface
from mien.faces.backends.retinaface import RetinaFace, anchors, suppress
from mien.faces.five_points import box_around_five, five_from_68

onnx = pytest.importorskip("onnx")

REAL = os.environ.get("MIEN_RETINAFACE")  # a copy of the real file, where there is one


class Planted(NamedTuple):
    """A face in pixels of the network's input, told by one anchor."""

    anchor: int
    box: tuple[float, float, float, float]  # left, top, right, bottom
    score: float = 0.9

    @property
    def points(self) -> np.ndarray:
        x0, y0, x1, y1 = self.box
        places = np.array([[0.3, 0.4], [0.7, 0.38], [0.5, 0.6], [0.35, 0.8], [0.66, 0.79]])
        return [x0, y0] + places * [x1 - x0, y1 - y0]


def anchors_by_loops(height: int, width: int) -> np.ndarray:
    rows = []
    for stride, sides in ((8, (16, 32)), (16, (64, 128)), (32, (256, 512))):
        for y in range(int(np.ceil(height / stride))):
            for x in range(int(np.ceil(width / stride))):
                rows += [((x + 0.5) * stride, (y + 0.5) * stride, side, side) for side in sides]
    return np.array(rows, float)


def planted_rows(faces: list[Planted], canvas: tuple[int, int], logits: bool) -> list[np.ndarray]:
    """What the network says at the anchors of the faces: boxes (K, 4), classes (K, 2), points (K, 10)."""
    around = anchors_by_loops(*canvas)[[face.anchor for face in faces]].reshape(-1, 4)
    boxes = np.array([face.box for face in faces]).reshape(-1, 2, 2)
    centre, size = boxes.mean(axis=1), boxes[:, 1] - boxes[:, 0]
    loc = np.concatenate([(centre - around[:, :2]) / (0.1 * around[:, 2:]), np.log(size / around[:, 2:]) / 0.2], axis=1)
    points = np.array([face.points for face in faces]).reshape(-1, 5, 2)
    landmarks = (points - around[:, None, :2]) / (0.1 * around[:, None, 2:])
    scores = np.array([face.score for face in faces])
    classes = np.stack([1 - scores, scores], axis=1)
    return [loc, np.log(classes) + 3 if logits else classes, landmarks.reshape(-1, 10)]


def network(
    file: Path,
    faces: list[Planted],
    canvas: tuple[int, int],
    *,
    fixed: bool = False,
    logits: bool = False,
    echo: bool = False,
    extra: int = 0,
    outputs: tuple[str, ...] = ("loc", "conf", "landmarks"),
) -> Path:
    """Write an ONNX file with the inputs and outputs of the real one, which finds ``faces`` in any picture.

    ``echo``: the points of the first face are the first and the last pixel of the input; ``extra``: so many anchors
    too many.
    """
    from onnx import TensorProto, helper, numpy_helper

    names, nodes, constants = iter(range(10**6)), [], []

    def constant(value: object, dtype: type = np.int64) -> str:
        constants.append(numpy_helper.from_array(np.asarray(value, dtype), f"c{next(names)}"))
        return constants[-1].name

    def op(kind: str, *inputs: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, list(inputs), [f"v{next(names)}"], **attributes))
        return nodes[-1].output[0]

    sides = op("Slice", op("Shape", "input"), constant([2]), constant([4]))
    count = constant([extra])
    for stride in (8, 16, 32):
        cells = op("Div", op("Add", sides, constant([stride - 1])), constant([stride]))
        count = op("Add", count, op("Mul", constant([2]), op("ReduceProd", cells, keepdims=1)))
    rows = planted_rows(faces, canvas, logits)
    places = op("Unsqueeze", op("Mod", constant([face.anchor for face in faces]), count), constant([1]))
    told = []
    for name, row, empty in zip(("loc", "conf", "landmarks"), rows, ([0] * 4, [1, 0], [0] * 10), strict=True):
        nothing = np.where(np.array(empty) > 0, 8, -8) if logits and name == "conf" else empty
        base = op("Expand", constant([nothing], np.float32), op("Concat", count, constant([len(empty)]), axis=0))
        update = constant(row, np.float32)
        if echo and name == "landmarks":
            flat = op("Reshape", "input", constant([3, -1]))
            ends = [op("Gather", flat, constant([end]), axis=1) for end in (0, -1)]
            told_pixels = op("Reshape", op("Concat", *ends, axis=0), constant([1, 6]))
            update = op("Concat", told_pixels, constant(np.zeros((1, 4)), np.float32), axis=1)
        found = op("ScatterND", base, places, update) if faces else base
        told.append(op("Unsqueeze", found, constant([0])))
        if name in outputs:
            nodes.append(helper.make_node("Identity", [told[-1]], [name]))
    shape = [1, 3, *canvas] if fixed else ["batch", 3, "height", "width"]
    graph = helper.make_graph(
        nodes,
        "planted",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8), str(file))
    return file


@pytest.fixture(autouse=True)
def no_real_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MIEN_RETINAFACE", raising=False)


def grey(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


def corners(box: retinaface.Box) -> list[float]:
    return [box.x, box.y, box.x + box.w, box.y + box.h]


class TestAnchors:
    def test_640_square_has_16800(self) -> None:
        # 80 x 80, 40 x 40 and 20 x 20 cells with two squares each
        found = anchors(640, 640)
        assert found.shape == (2 * (6400 + 1600 + 400), 4) == (16800, 4)
        assert found[:3].tolist() == [[4, 4, 16, 16], [4, 4, 32, 32], [12, 4, 16, 16]]
        assert found[160].tolist() == [4, 12, 16, 16]  # the second row
        assert found[12800].tolist() == [8, 8, 64, 64]
        assert found[16000].tolist() == [16, 16, 256, 256]
        assert found[-1].tolist() == [624, 624, 512, 512]

    @given(st.integers(1, 150), st.integers(1, 150))
    def test_any_size_is_as_by_loops(self, height: int, width: int) -> None:
        np.testing.assert_array_equal(anchors(height, width), anchors_by_loops(height, width))


def iou(a: np.ndarray, b: np.ndarray) -> float:
    across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(across, 0) * max(down, 0)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


class TestSuppression:
    @given(
        hnp.arrays(int, st.tuples(st.integers(0, 12), st.just(4)), elements=st.integers(1, 9)),
        st.sampled_from([0.0, 0.23, 0.41, 0.97]),
        st.randoms(use_true_random=False),
    )
    def test_is_as_by_brute_force(self, drawn: np.ndarray, overlap: float, random: object) -> None:
        boxes = np.concatenate([drawn[:, :2], drawn[:, :2] + drawn[:, 2:]], axis=1).astype(float)
        scores = np.array([random.choice([0.5, 0.6, 0.7, 0.8]) for _ in boxes])  # type: ignore[attr-defined]
        kept: list[int] = []
        for index in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
            if all(iou(boxes[index], boxes[other]) <= overlap for other in kept):
                kept.append(index)
        assert suppress(boxes, scores, overlap).tolist() == kept

    def test_a_third_is_the_overlap_of_squares_shifted_by_half(self) -> None:
        boxes = [[0, 0, 10, 10], [5, 0, 15, 10]]
        assert suppress(boxes, [0.9, 0.8], 0.34).tolist() == [0, 1]
        assert suppress(boxes, [0.9, 0.8], 0.33).tolist() == [0]

    def test_nothing_in_nothing_out(self) -> None:
        assert suppress(np.zeros((0, 4)), [], 0.4).tolist() == []


class TestDecoding:
    @pytest.mark.parametrize(
        ("size", "seen", "canvas", "fixed"),
        [
            ((900, 500), (640, 356), (640, 384), False),  # tall, shrunk by 0.711
            ((300, 1200), (160, 640), (160, 640), False),
            ((300, 1200), (160, 640), (640, 640), True),  # letterboxed
            ((112, 92), (112, 92), (128, 96), False),  # small ones are not enlarged
            ((112, 92), (112, 92), (640, 640), True),
            ((480, 600), (256, 320), (256, 320), True),  # a file that wants less than longest_px
        ],
    )
    def test_planted_faces_come_back_in_pixels_of_the_picture(
        self, tmp_path: Path, size: tuple[int, int], seen: tuple[int, int], canvas: tuple[int, int], fixed: bool
    ) -> None:
        face = Planted(9, (10.5, 20.25, 70.0, 99.75), 0.875)
        found = RetinaFace(network(tmp_path / "n.onnx", [face], canvas, fixed=fixed)).detect_with_points(grey(*size))
        scale = np.array([seen[1] / size[1], seen[0] / size[0]])
        assert len(found) == 1
        np.testing.assert_allclose(corners(found[0].box), np.array(face.box) / np.tile(scale, 2), atol=1e-3)
        np.testing.assert_allclose(found[0].points, face.points / scale, atol=1e-3)
        assert found[0].points.dtype == np.float32
        assert found[0].score == pytest.approx(0.875)

    def test_every_grid_tells_the_same_box(self, tmp_path: Path) -> None:
        box = (100.0, 60.0, 180.0, 150.0)
        for anchor in (0, 1501, 4900, 6100, 6299):  # of 6300: strides 8, 8, 16, 32, 32
            path = network(tmp_path / f"{anchor}.onnx", [Planted(anchor, box)], (480, 480))
            found = RetinaFace(path).detect_with_points(grey(480, 480))[0].box
            np.testing.assert_allclose(corners(found), box, atol=1e-3)

    def test_longest_px_is_the_longer_side_that_is_searched(self, tmp_path: Path) -> None:
        face = Planted(9, (10, 20, 40, 60))
        path = network(tmp_path / "n.onnx", [face], (160, 320))
        found = RetinaFace(path, longest_px=320).detect(grey(400, 800))
        np.testing.assert_allclose(found, [box_around_five(face.points / 0.4)], atol=1e-3)

    def test_of_two_that_overlap_the_better_one_stays(self, tmp_path: Path) -> None:
        faces = [Planted(3, (10, 10, 60, 60), 0.8), Planted(9, (14, 10, 64, 60), 0.95)]
        path = network(tmp_path / "n.onnx", faces, (128, 128))
        found = RetinaFace(path).detect_with_points(grey(128, 128))
        assert [round(face.score, 4) for face in found] == [0.95]
        assert found[0].box.x == pytest.approx(14, abs=1e-3)
        assert len(RetinaFace(path, nms=0.9).detect(grey(128, 128))) == 2

    def test_the_largest_comes_first_even_if_less_sure(self, tmp_path: Path) -> None:
        faces = [Planted(3, (5, 5, 35, 45), 0.99), Planted(40, (50, 40, 120, 120), 0.7)]
        finder = RetinaFace(network(tmp_path / "n.onnx", faces, (128, 128)))
        first, second = finder.detect_with_points(grey(128, 128))
        assert first.box.w == pytest.approx(70, abs=1e-3)
        assert second.box.w == pytest.approx(30, abs=1e-3)
        assert [box.w for box in finder.detect(grey(128, 128))] == pytest.approx(
            [box_around_five(face.points).w for face in faces[::-1]], abs=1e-3
        )
        np.testing.assert_allclose(finder.five_points(grey(128, 128)), faces[1].points, atol=1e-3)

    @pytest.mark.parametrize(("score", "n"), [(0.3, 2), (0.5, 1), (0.95, 0)])
    def test_low_scores_are_dropped(self, tmp_path: Path, score: float, n: int) -> None:
        faces = [Planted(3, (5, 5, 35, 45), 0.9), Planted(40, (50, 40, 120, 120), 0.4)]
        path = network(tmp_path / "n.onnx", faces, (128, 128))
        assert len(RetinaFace(path, score=score).detect(grey(128, 128))) == n

    def test_no_face_is_an_empty_list(self, tmp_path: Path) -> None:
        finder = RetinaFace(network(tmp_path / "n.onnx", [], (128, 128)))
        assert finder.detect(grey(128, 128)) == finder.detect_with_points(grey(128, 128)) == []
        assert finder.five_points(grey(128, 128)) is None

    def test_scores_before_the_softmax_are_understood(self, tmp_path: Path) -> None:
        faces = [Planted(3, (5, 5, 35, 45), 0.9), Planted(40, (50, 40, 120, 120), 0.4)]
        path = network(tmp_path / "n.onnx", faces, (128, 128), logits=True)
        found = RetinaFace(path, score=0.3).detect_with_points(grey(128, 128))
        assert [face.score for face in found] == pytest.approx([0.4, 0.9], abs=1e-5)

    def test_outputs_are_told_by_their_width_not_their_order(self, tmp_path: Path) -> None:
        face = Planted(3, (5, 5, 35, 45))
        path = network(tmp_path / "n.onnx", [face], (96, 96), outputs=("landmarks", "loc", "conf"))
        np.testing.assert_allclose(
            corners(RetinaFace(path).detect_with_points(grey(96, 96))[0].box), face.box, atol=1e-3
        )

    def test_the_network_sees_blue_first_less_the_means_and_zeros_beside_the_picture(self, tmp_path: Path) -> None:
        path = network(tmp_path / "n.onnx", [Planted(0, (0, 0, 16, 16))], (64, 96), echo=True)
        image = np.zeros((64, 90, 3), np.uint8)
        image[0, 0] = 200, 150, 100  # red, green, blue
        points = RetinaFace(path).detect_with_points(image)[0].points
        told = (points - 4) / 1.6  # anchor 0 lies at (4, 4), its side is 16
        np.testing.assert_allclose(told.ravel()[:6], [100 - 104, 150 - 117, 200 - 123, 0, 0, 0], atol=1e-4)
        np.testing.assert_array_equal(
            RetinaFace(path).detect_with_points(np.full((64, 90), 7, np.uint8))[0].points,
            RetinaFace(path).detect_with_points(np.full((64, 90, 3), 7, np.uint8))[0].points,
        )

    def test_twice_the_same_and_after_pickling_too(self, tmp_path: Path) -> None:
        finder = RetinaFace(network(tmp_path / "n.onnx", [Planted(3, (5, 5, 35, 45))], (96, 96)))
        once = finder.detect(grey(96, 96))
        assert finder.detect(grey(96, 96)) == once == pickle.loads(pickle.dumps(finder)).detect(grey(96, 96))


class TestWrongUse:
    @pytest.mark.parametrize("image", [np.zeros((9, 9)), np.zeros((9, 9, 4), np.uint8), np.zeros((0, 9), np.uint8)])
    def test_what_is_no_picture_is_one_line(self, tmp_path: Path, image: np.ndarray) -> None:
        with pytest.raises(MienError, match="uint8"):
            RetinaFace(network(tmp_path / "n.onnx", [], (96, 96))).detect(image)

    @pytest.mark.parametrize("wrong", [{"score": 1.5}, {"nms": -0.1}, {"longest_px": 8}, {"score": float("nan")}])
    def test_thresholds_out_of_range_are_one_line(self, wrong: dict[str, float]) -> None:
        with pytest.raises(MienError, match=r"in \[0, 1\]"):
            RetinaFace(**wrong)  # type: ignore[arg-type]

    def test_another_file_is_one_line(self, tmp_path: Path) -> None:
        (tmp_path / "page.onnx").write_text("<!doctype html><title>Not found</title>")
        with pytest.raises(MienError, match="does not load") as caught:
            RetinaFace(tmp_path / "page.onnx").detect(grey(96, 96))
        assert "\n" not in str(caught.value)
        assert retinaface.URL in str(caught.value)

    @pytest.mark.parametrize(
        ("how", "message"),
        [
            ({"outputs": ("loc", "conf")}, r"answers \(1, 3, 96, 96\) with \(1, 378, 4\), \(1, 378, 2\), not"),
            ({"extra": 2}, r"with \(1, 380, 4\)"),  # other anchors
        ],
    )
    def test_a_network_with_other_outputs_is_one_line(self, tmp_path: Path, how: dict, message: str) -> None:
        path = network(tmp_path / "n.onnx", [], (96, 96), **how)
        with pytest.raises(MienError, match=message):
            RetinaFace(path).detect(grey(96, 96))

    def test_a_network_with_another_input_is_one_line(self, tmp_path: Path) -> None:
        from onnx import TensorProto, helper

        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 10]) for name in "ab"]
        graph = helper.make_graph([helper.make_node("Identity", ["a"], ["b"])], "g", ends[:1], ends[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8)
        onnx.save(model, str(tmp_path / "n.onnx"))
        with pytest.raises(MienError, match="takes"):
            RetinaFace(tmp_path / "n.onnx").detect(grey(96, 96))

    def test_an_absent_file_is_one_line(self, tmp_path: Path) -> None:
        with pytest.raises(MienError, match="no such file"):
            RetinaFace(tmp_path / "absent.onnx").detect(grey(96, 96))


class TestWhereTheFileComesFrom:
    """Never from the network in a test: pooch's downloader is replaced."""

    @pytest.fixture
    def served(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
        """What a download brings, in order; an empty list is no network."""
        import pooch.core
        import requests

        files: list[Path] = []

        def download(url: str, output: str, _pooch: object) -> None:
            if not files:
                raise requests.ConnectionError(f"no route to {url}")
            shutil.copy(files.pop(0), output)

        monkeypatch.setattr(pooch.core, "choose_downloader", lambda url, progressbar: download)
        monkeypatch.setenv("MIEN_CACHE", str(tmp_path / "cache"))
        return files

    def test_making_the_backend_touches_nothing(self, served: list[Path], tmp_path: Path) -> None:
        assert BACKENDS["retinaface"]().name == face_backend("retinaface").name == "retinaface"
        assert not (tmp_path / "cache").exists()

    def test_it_is_fetched_once_and_silently(
        self, served: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import pooch

        monkeypatch.setattr(pooch.get_logger().handlers[0], "stream", said := StringIO())
        source = network(tmp_path / "n.onnx", [Planted(3, (5, 5, 35, 45))], (96, 96))
        monkeypatch.setattr(retinaface, "SHA256", hashlib.sha256(source.read_bytes()).hexdigest())
        served.append(source)
        assert len(RetinaFace().detect(grey(96, 96))) == 1
        assert (tmp_path / "cache" / "models" / "retinaface_mv2.onnx").is_file()
        assert len(RetinaFace().detect(grey(96, 96))) == 1  # nothing is served any more
        assert said.getvalue() == ""

    def test_without_a_network_one_line_says_what_to_put_where(self, served: list[Path], tmp_path: Path) -> None:
        with pytest.raises(MienError, match="ConnectionError") as caught:
            RetinaFace().detect(grey(96, 96))
        message = str(caught.value)
        assert all(word in message for word in (retinaface.URL, "MIEN_RETINAFACE", str(tmp_path / "cache" / "models")))
        assert "\n" not in message

    def test_another_checksum_is_refused_and_not_kept(self, served: list[Path], tmp_path: Path) -> None:
        served.append(network(tmp_path / "n.onnx", [], (96, 96)))
        with pytest.raises(MienError, match="checksum") as caught:
            RetinaFace().detect(grey(96, 96))
        assert retinaface.SHA256 in str(caught.value)
        assert "\n" not in str(caught.value)
        assert list((tmp_path / "cache" / "models").iterdir()) == []

    def test_the_variable_names_a_file_and_an_argument_goes_before_it(
        self, served: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        one = network(tmp_path / "1.onnx", [Planted(3, (5, 5, 35, 45))], (96, 96))
        none = network(tmp_path / "0.onnx", [], (96, 96))
        monkeypatch.setenv("MIEN_RETINAFACE", str(one))
        assert len(RetinaFace().detect(grey(96, 96))) == 1
        assert RetinaFace(none).detect(grey(96, 96)) == []
        monkeypatch.setenv("MIEN_RETINAFACE", str(tmp_path / "absent.onnx"))
        with pytest.raises(MienError, match="no such file"):
            RetinaFace().detect(grey(96, 96))


class TestLandmarks:
    def test_they_are_dlibs_in_the_box_of_the_five_points(self, tmp_path: Path) -> None:
        """The five points of a real face are planted; the 68 in the box that comes of them are where dlib has them."""
        from skimage.data import astronaut

        picture, dlib = astronaut(), face_backend("dlib")
        expected = dlib.landmarks(picture, dlib.detect(picture)[0])
        five = five_from_68(expected)

        class Astronaut(Planted):
            points = five  # type: ignore[assignment]

        finder = RetinaFace(network(tmp_path / "n.onnx", [Astronaut(100, (175, 60, 270, 190))], (512, 512)))
        found = finder.landmarks(picture, finder.detect(picture)[0])
        eyes = np.linalg.norm(five[1] - five[0])
        assert found.shape == (68, 2)
        assert np.linalg.norm(found - expected, axis=1).mean() < 0.03 * eyes

    @pytest.mark.skipif(not REAL, reason="MIEN_RETINAFACE names no copy of the real file")
    def test_the_real_network_sees_the_astronaut(self) -> None:
        from skimage.data import astronaut

        finder = RetinaFace(REAL)
        face = finder.detect_with_points(astronaut())[0]
        assert face.points[0] == pytest.approx([202, 107], abs=8)
        assert face.points[1] == pytest.approx([245, 105], abs=8)
        points = finder.landmarks(astronaut(), finder.detect(astronaut())[0])
        np.testing.assert_allclose(eye_centres(points), face.points[:2], atol=8)
