"""RetinaFace: one-shot face detector with five points (Deng et al., CVPR 2020), a public ONNX file on onnxruntime.

The file is not part of mien: the MobileNetV2 variant that yakhyo/uniface publishes under the MIT licence is fetched on
first use into the user's cache, and refused unless its SHA-256 is the published one. It was trained on WIDER FACE,
whose own terms are for research. Any other RetinaFace with the same three outputs can be given by its path.
"""

from __future__ import annotations

import os
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.core import FloatArray, MienError, UInt8Array
from mien.faces.backend import BACKENDS, Box
from mien.faces.backends.dlib68 import Dlib68
from mien.faces.five_points import box_around_five

__all__ = ["DetectedFace", "RetinaFace", "anchors", "suppress"]

URL = "https://github.com/yakhyo/uniface/releases/download/weights/retinaface_mv2.onnx"
SHA256 = "3ca44c045651cabeed1193a1fae8946ad1f3a55da8fa74b341feab5a8319f757"  # as yakhyo/uniface's constants.py prints

_LEVELS = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))  # stride, sides of the anchors; pixels
_CENTRE, _SIZE = 0.1, 0.2  # the "variances" by which offsets were divided in training
_MEAN_BGR = np.array([104, 117, 123], np.float32)
_WIDTHS = (4, 2, 10)  # per anchor: box, background and face, five points


class DetectedFace(NamedTuple):
    """One face as the network sees it.

    Attributes
    ----------
    box : Box
        About hairline to chin and ear to ear, image pixels; it may reach beyond the image.
    points : float32 array, (5, 2)
        Left eye, right eye, nose tip, left and right mouth corner (image's left first), image pixels.
    score : float
        Probability in [0, 1].
    """

    box: Box
    points: FloatArray
    score: float


@BACKENDS.register("retinaface")
class RetinaFace:
    """Detector with five points (its smallest anchor has 16 px); the 68 points are dlib's.

    Nothing is read or fetched before the first picture.

    Parameters
    ----------
    path : path, optional
        The ONNX file; by default that of ``MIEN_RETINAFACE``, or without it the published one.
    score : float
        Faces below this probability are dropped.
    nms : float
        Of two faces whose intersection over union is larger, the one with the lower score is dropped.
    longest_px : int
        Larger pictures are shrunk to this longer side; smaller ones are taken as they are.

    Raises
    ------
    MienError
        If a threshold lies outside [0, 1], or the side is below 32 px.

    Examples
    --------
    >>> RetinaFace(longest_px=1280).name
    'retinaface'
    """

    name = "retinaface"

    def __init__(
        self, path: Path | str | None = None, score: float = 0.5, nms: float = 0.4, longest_px: int = 640
    ) -> None:
        if not (0 <= score <= 1 and 0 <= nms <= 1 and longest_px >= 32):
            raise MienError(
                f"got score={score}, nms={nms}, longest_px={longest_px}; expected both in [0, 1] and at least 32 px"
            )
        self._path, self._score, self._nms, self._longest = path, score, nms, longest_px

    def detect(self, image: UInt8Array) -> list[Box]:
        """Return all faces, the largest first, each in the square (brows to chin) that :meth:`landmarks` expects.

        The square comes from the five points (:func:`mien.faces.five_points.box_around_five`), so boxes mean the
        same as dlib's; the network's own are in :meth:`detect_with_points`.
        """
        return [box_around_five(face.points) for face in self.detect_with_points(image)]

    def landmarks(self, image: UInt8Array, box: Box) -> FloatArray:
        """Return dlib's 68 points of the face in ``box`` (brows to chin, as :meth:`detect` returns it)."""
        return Dlib68().landmarks(image, box)

    def five_points(self, image: UInt8Array) -> FloatArray | None:
        """Return the five points (5, 2) of the largest face, for :func:`mien.faces.five_points.align_five`, or None."""
        faces = self.detect_with_points(image)
        return faces[0].points if faces else None

    def detect_with_points(self, image: UInt8Array) -> list[DetectedFace]:
        """Return all faces as the network sees them, the largest box first.

        Parameters
        ----------
        image : uint8 array, (H, W) or (H, W, 3)
            Grey or RGB.

        Returns
        -------
        list of DetectedFace
            Empty where there is none.

        Raises
        ------
        MienError
            If the image is none, or the model is absent, cannot be fetched or is another.
        """
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or not image.size:
            raise MienError(f"got an image {image.dtype} {image.shape}; expected uint8 (H, W) or (H, W, 3)")
        session, fixed = _open(self._file)
        picture, scale = _prepared(image, self._longest, fixed)
        offsets, scores, points = _run(session, picture, self._file)
        likely = np.flatnonzero(scores >= self._score)
        around = anchors(*picture.shape[2:])[likely]
        boxes, scores = _boxes(offsets[likely], around), scores[likely]
        kept = suppress(boxes, scores, self._nms)
        # Labels were scaled like this in training, without half a pixel, so they are scaled back like this.
        boxes = boxes[kept] / np.tile(scale, 2)
        fives = _points(points[likely][kept], around[kept]) / scale
        faces = [
            DetectedFace(Box(x0, y0, x1 - x0, y1 - y0), five.astype(np.float32), float(score))
            for (x0, y0, x1, y1), five, score in zip(boxes.tolist(), fives, scores[kept], strict=True)
        ]
        return sorted(faces, key=lambda face: -face.box.w * face.box.h)

    @cached_property
    def _file(self) -> Path:
        """Looked for, fetched and checked once."""
        return _model_path(self._path)


def anchors(height: int, width: int) -> npt.NDArray[np.float64]:
    """The boxes from which RetinaFace measures offsets: two squares in the middle of each cell of three grids.

    Parameters
    ----------
    height, width : int
        Of the network's input, pixels.

    Returns
    -------
    float64 array, (N, 4)
        Centre x, centre y, width, height, pixels. Grids of stride 8, 16, 32; row by row; the smaller square first.

    Examples
    --------
    >>> anchors(640, 640).shape, anchors(640, 640)[:3].tolist()
    ((16800, 4), [[4.0, 4.0, 16.0, 16.0], [4.0, 4.0, 32.0, 32.0], [12.0, 4.0, 16.0, 16.0]])
    """
    levels = []
    for stride, sides in _LEVELS:
        y = (np.arange(-(-height // stride)) + 0.5) * stride
        x = (np.arange(-(-width // stride)) + 0.5) * stride
        grid = np.meshgrid(y, x, sides, indexing="ij")
        levels.append(np.stack([grid[1], grid[0], grid[2], grid[2]], axis=-1).reshape(-1, 4))
    return np.concatenate(levels)


def suppress(boxes: npt.ArrayLike, scores: npt.ArrayLike, overlap: float) -> npt.NDArray[np.intp]:
    """Greedy non-maximum suppression: keep the best box, drop those that overlap it, go on with the rest.

    Parameters
    ----------
    boxes : array, (N, 4)
        Left, top, right, bottom.
    scores : array, (N,)
        Of equal ones the first is the better.
    overlap : float
        Boxes with a larger intersection over union are the same face.

    Returns
    -------
    integer array
        Indices of those kept, the best first.

    Examples
    --------
    >>> suppress([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], [0.8, 0.9, 0.7], 0.4)
    array([1, 2])
    """
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    order = np.argsort(-np.asarray(scores, np.float64), kind="stable")
    kept = []
    while order.size:
        best, order = order[0], order[1:]
        kept.append(best)
        low, high = np.maximum(boxes[best, :2], boxes[order, :2]), np.minimum(boxes[best, 2:], boxes[order, 2:])
        shared = np.prod(np.maximum(high - low, 0), axis=1)
        order = order[shared <= overlap * (areas[best] + areas[order] - shared)]
    return np.array(kept, np.intp)


def _boxes(offsets: FloatArray, around: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Left, top, right, bottom in input pixels (N, 4)."""
    centre = around[:, :2] + _CENTRE * offsets[:, :2] * around[:, 2:]
    half = around[:, 2:] * np.exp(_SIZE * offsets[:, 2:]) / 2
    return np.concatenate([centre - half, centre + half], axis=1)


def _points(offsets: FloatArray, around: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Five points in input pixels (N, 5, 2)."""
    return np.asarray(around[:, None, :2] + _CENTRE * offsets.reshape(-1, 5, 2) * around[:, None, 2:])


def _prepared(
    image: UInt8Array, longest: int, fixed: tuple[int, int] | None
) -> tuple[FloatArray, npt.NDArray[np.float64]]:
    """The network's input (1, 3, H, W), blue first and centred, and its scale (x, y) to the image.

    The picture lies in the left upper corner; what is added below and to the right is the zero of the network's own
    padding. Without a fixed size that is as little as makes both sides multiples of the largest stride.
    """
    import cv2

    height, width = image.shape[:2]
    room = fixed or (height, width)
    shrink = min(1.0, longest / max(height, width), room[0] / height, room[1] / width)
    rows, columns = max(1, round(height * shrink)), max(1, round(width * shrink))
    if (rows, columns) != (height, width):
        image = np.asarray(cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
    stride = _LEVELS[-1][0]
    canvas = fixed or (-(-rows // stride) * stride, -(-columns // stride) * stride)
    picture = np.zeros((1, 3, *canvas), np.float32)
    colours = np.atleast_3d(image)[..., ::-1] - _MEAN_BGR  # grey is broadcast to three
    picture[0, :, :rows, :columns] = colours.transpose(2, 0, 1)
    return picture, np.array([columns / width, rows / height])


def _run(session: Any, picture: FloatArray, path: Path) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Offsets of the boxes (N, 4), probabilities (N,), offsets of the points (N, 10)."""
    try:
        outputs = session.run(None, {session.get_inputs()[0].name: picture})
    except Exception as error:  # onnxruntime's exceptions share no other base
        raise _not_retinaface(path, f"fails on {picture.shape}: {str(error).splitlines()[0]}") from error
    expected = len(anchors(*picture.shape[2:]))
    found = {np.shape(output): output for output in outputs}
    wanted = [(1, expected, width) for width in _WIDTHS]
    if len(outputs) != len(wanted) or not set(wanted) <= set(found):
        shapes = ", ".join(str(np.shape(output)) for output in outputs)
        raise _not_retinaface(path, f"answers {picture.shape} with {shapes}, not {', '.join(map(str, wanted))}")
    boxes, classes, points = (found[shape][0] for shape in wanted)
    return boxes, _probabilities(classes), points


def _probabilities(classes: FloatArray) -> FloatArray:
    """Of a face (N,); most exports end with the softmax, some before it."""
    if classes.min() >= 0 and np.allclose(classes.sum(axis=1), 1, atol=1e-3):
        return classes[:, 1]
    from scipy.special import expit

    return np.asarray(expit(classes[:, 1] - classes[:, 0]), np.float32)  # the softmax of two


@lru_cache(maxsize=2)
def _open(path: Path) -> tuple[Any, tuple[int, int] | None]:
    """The session, once per process, and the (height, width) that it insists on, if any."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    try:
        # From bytes, so that the file cannot point to data elsewhere on this machine.
        session = ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except OSError as error:
        raise MienError(f"got '{path}', which cannot be read ({error.strerror}); expected a RetinaFace file") from error
    except Exception as error:  # onnxruntime's exceptions share no other base
        raise _not_retinaface(path, f"does not load: {str(error).splitlines()[0]}") from error
    inputs = session.get_inputs()
    shape = inputs[0].shape if len(inputs) == 1 else []
    if len(shape) != 4 or shape[1] != 3 or inputs[0].type != "tensor(float)":
        raise _not_retinaface(path, f"takes {[(each.name, each.type, each.shape) for each in inputs]}")
    fixed = (shape[2], shape[3]) if isinstance(shape[2], int) and isinstance(shape[3], int) else None
    return session, fixed


def _not_retinaface(path: Path, why: str) -> MienError:
    return MienError(
        f"got '{path}', which {why}; expected a RetinaFace in ONNX with one input (1, 3, H, W) and three outputs; "
        f"take {URL}"
    )


def _model_path(given: Path | str | None) -> Path:
    """The file that was given, or the published one, fetched where it is not in the cache yet."""
    given = given or os.environ.get("MIEN_RETINAFACE")
    if not given:
        return _fetch()
    path = Path(given).expanduser().resolve()
    if not path.is_file():
        raise MienError(f"got '{given}' for the RetinaFace model, but there is no such file; expected that of {URL}")
    return path


def _fetch() -> Path:
    """The published file in the user's cache; its checksum holds, or it is not used."""
    import platformdirs
    import pooch

    cache = Path(os.environ.get("MIEN_CACHE") or platformdirs.user_cache_dir("mien", appauthor=False)) / "models"
    name = URL.rsplit("/", 1)[1]
    advice = f"put the file of {URL} at '{cache / name}', or set MIEN_RETINAFACE to its path"
    log = pooch.get_logger()
    level = log.level
    log.setLevel("ERROR")  # pooch reports each download on the terminal
    try:
        return Path(pooch.retrieve(URL, f"sha256:{SHA256}", fname=name, path=cache))
    except OSError as error:  # requests' errors are among them
        raise MienError(
            f"got no RetinaFace model, and fetching it failed ({type(error).__name__}); expected a network and a "
            f"writable cache; {advice}"
        ) from error
    except ValueError as error:
        raise MienError(
            f"got a download with another checksum ({error}); expected the published RetinaFace; {advice}"
        ) from error
    finally:
        log.setLevel(level)
