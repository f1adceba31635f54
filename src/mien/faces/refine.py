"""Hold the head still to a fraction of a pixel: landmarks say roughly where the face is, its texture says exactly.

Landmarks jitter by more than a micro-expression moves. So every frame is compared with the reference frame itself, in
small blocks of the face. Blocks that move otherwise than the head does (a brow, a lip, a lid) are outvoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mien.core import MienError, UInt8Array
from mien.faces.affine import Matrix, apply_affine, compose, invert
from mien.faces.crop import check_points, eye_crop_matrix, warp
from mien.faces.registration import register_points

__all__ = ["FaceRefiner", "Registration", "register_frames"]

Array = npt.NDArray[np.float64]
Plane = npt.NDArray[np.float32]

# Lengths are pixels of a crop of 144 px, in which the eyes are 51 px apart: those of a face of 128 px.
_SIZE, _SIDE, _ABOVE, _BELOW = 144, 1.25, 0.9, 1.9
_EYE_PX = _SIZE / (_ABOVE + _BELOW)
_BLOCK = 6  # larger ones mix still skin with moving skin, smaller ones drown in noise
_FINEST, _COARSEST = 1.0, 4.0  # standard deviations of the band-pass: noise below, shading above
# What a block may disagree with the head's motion, step by step: from landmarks, and from a neighbouring frame.
_FROM_FAR, _FROM_NEAR = (1.0, 0.3, 0.1, 0.1, 0.1), (0.3, 0.1, 0.1, 0.1)
_SOUND = 0.4  # share of the face that agrees: need not be looked at again
_ALIKE = 0.6  # correlation with the reference below which it is not the same face, or not all of it
_PRIOR, _PRIOR_S = 30.0 * _EYE_PX**2, 0.25  # parallax needs evidence; less so the longer a head had time to turn
_CENTRE = np.array([0.0, 0.5])  # about which the face zooms and rolls, eye distances
_FURTHEST = 10.0  # landmarks are not that wrong: further off, refinement has lost its way
_FEWEST_BLOCKS = 40
_SMALL_STEP, _LARGE_STEP = 0.01, 0.3  # smaller is the last; larger at the end has not converged


@dataclass(frozen=True, slots=True)
class Registration:
    """Where the head is in every frame, relative to a reference frame.

    Attributes
    ----------
    matrices : float64 array, (T, 2, 3)
        Image pixels of each frame to image pixels of the reference: similarities. nan where there is no face.
    parallax : float64 array, (T, 2)
        What turning and nodding do beyond a similarity: how far a point that is one eye distance nearer to the
        camera than the face on average has moved relative to it, eye distances along the reference's eye line and
        down from it.
    refined : bool array, (T,)
        True where the texture was followed; elsewhere the landmarks alone, or no face.
    points : float64 array, (68, 2)
        Landmarks of the reference frame.
    """

    matrices: Matrix
    parallax: Array
    refined: npt.NDArray[np.bool_]
    points: Array

    def locate(self, places: npt.ArrayLike) -> Array:
        """Where places of the reference frame (N, 2) lie in every frame: (T, N, 2), pixels."""
        maps = np.full_like(self.matrices, np.nan)
        seen = np.isfinite(self.matrices).all(axis=(1, 2))
        maps[seen] = invert(self.matrices[seen])
        return apply_affine(maps, np.asarray(places, np.float64) + self._shift(places, self.parallax[:, None]))

    def crop(self, image: UInt8Array, index: int, matrix: Matrix, size: int) -> UInt8Array:
        """Cut the face out of frame ``index`` as it would be seen in the reference frame, parallax undone.

        Where nothing turned this is ``warp(image, compose(matrix, registration.matrices[index]), size)``.

        Parameters
        ----------
        image : uint8 array, (H, W) or (H, W, 3)
            The frame.
        index : int
            Which of the registered frames it is.
        matrix : array, (2, 3)
            Reference to crop pixels, see :func:`mien.faces.eye_crop_matrix`.
        size : int
            Side of the crop, pixels.

        Raises
        ------
        MienError
            If there is no face in that frame.
        """
        import cv2

        whole = compose(np.asarray(matrix, np.float64), self.matrices[index])
        flat = warp(image, whole, size)
        grid = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=-1).reshape(-1, 2)
        source = grid + self._shift(apply_affine(invert(matrix), grid), self.parallax[index]) @ matrix[:, :2].T
        if np.hypot(*whole[0, :2]) > 0.5:  # a larger face needs the averaging that warp has done
            flat, source = image, apply_affine(invert(whole), source)
        lookup = source.astype(np.float32).reshape(size, size, 2)
        return np.asarray(cv2.remap(flat, lookup, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)

    def _shift(self, places: npt.ArrayLike, parallax: Array) -> Array:
        """What a parallax (2,) or (T, 1, 2) does to places of the reference, pixels."""
        units = _to_units(self.points)
        per_right = _parallax(apply_affine(units, places), apply_affine(units, self.points))
        return _turned(per_right, parallax) @ np.linalg.inv(units[:, :2]).T


class FaceRefiner:
    """Finds a face of a reference frame again in other frames, to a fraction of a pixel.

    The frame, roughly registered, is compared with the reference by Lucas & Kanade's normal equations (IJCAI 1981),
    gathered in blocks; similarity and parallax of a generic head are fitted to the blocks with Welsch's weights, by
    iterated reweighting under a shrinking tolerance (Black & Anandan, CVIU 63, 1996). Eyes are left out, brows
    and mouth count little.

    Parameters
    ----------
    image : uint8 array, (H, W) or (H, W, 3)
        The reference frame.
    points : array, (68, 2)
        Its landmarks, pixels.

    Raises
    ------
    MienError
        If the points are not 68 finite ones.

    Examples
    --------
    >>> from mien.faces import canonical_points
    >>> image = np.random.default_rng(0).integers(0, 255, (160, 160), np.uint8)
    >>> refiner = FaceRefiner(image, canonical_points(128) + 16)
    >>> nearly = np.array([[1.0, 0, -2.6], [0, 1, 0.3]])
    >>> matrix, parallax, refined = refiner.refine(np.roll(image, 3, axis=1), nearly)
    >>> matrix.round(1) + 0.0, refined
    (array([[ 1.,  0., -3.],
           [ 0.,  1.,  0.]]), True)
    """

    def __init__(self, image: UInt8Array, points: npt.ArrayLike) -> None:
        places = check_points(points)
        self._to_crop = eye_crop_matrix(places, _SIZE, side=_SIDE, above=_ABOVE, below=_BELOW)
        self._reference = _texture(warp(image, self._to_crop, _SIZE))
        self._grid = np.stack(np.meshgrid(*[np.arange(_SIZE)] * 2), axis=-1).astype(np.float32)
        to_units, landmarks = _to_units(places), apply_affine(self._to_crop, places)
        units = apply_affine(compose(to_units, invert(self._to_crop)), self._grid)
        modes = _modes(units, _parallax(units, apply_affine(to_units, places)))
        self._modes = (_EYE_PX * modes).astype(np.float32).reshape(-1, 6)
        self._centre = apply_affine(compose(self._to_crop, invert(to_units)), _CENTRE)
        self._weight = _trust(landmarks, units, self._grid)
        self._weight *= _inside(apply_affine(invert(self._to_crop), self._grid), image.shape)
        self._weighted = self._weight * self._reference
        self._gather()

    def refine(
        self, image: UInt8Array, start: Matrix, apart_s: float = 0.0, near: tuple[Matrix, Array] | None = None
    ) -> tuple[Matrix, Array, bool]:
        """Find the face in a frame.

        Parameters
        ----------
        image : uint8 array, (H, W) or (H, W, 3)
            The frame.
        start : array, (2, 3)
            Frame to reference pixels by landmarks, right to a few hundredths of the face's width.
        apart_s : float
            Seconds between the two frames.
        near : (matrix, parallax), optional
            What was found for a neighbouring frame. An expression that sets in cannot lead astray from there, so it is
            tried first.

        Returns
        -------
        matrix : float64 array, (2, 3)
            Frame to reference pixels: a similarity.
        parallax : float64 array, (2,)
            See :class:`Registration`.
        refined : bool
            False where the face does not look like the reference's: then the start comes back, without parallax.
        """
        prior = _PRIOR / (1 + (apart_s / _PRIOR_S) ** 2)
        found = None if near is None else self._solve(image, *near, prior, _FROM_NEAR)
        if found is None or found[2] < _SOUND:
            anew = self._solve(image, start, np.zeros(2), prior, _FROM_FAR)
            found = max((each for each in (found, anew) if each is not None), key=lambda each: each[2], default=None)
        if found is None:
            return np.array(start, np.float64), np.zeros(2), False
        return found[0], found[1], True

    def _gather(self) -> None:
        """Normal equations of each block: structure tensor, and motion model at its middle."""
        gradient_y, gradient_x = (part.astype(np.float32) for part in np.gradient(self._reference))
        self._pull_x, self._pull_y = self._weight * gradient_x, self._weight * gradient_y
        xx, xy, yy = (
            _blocks(a * b).astype(np.float64)
            for a, b in ((self._pull_x, gradient_x), (self._pull_x, gradient_y), (self._pull_y, gradient_y))
        )
        strength = (xx + yy) / 2 + np.sqrt((xx - yy) ** 2 / 4 + xy**2)  # the larger eigenvalue
        self._used = np.flatnonzero(strength > 1.0)
        tensor = np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2)[self._used]
        self._tensor, self._strength = (tensor[:, 0, 0], tensor[:, 0, 1], tensor[:, 1, 1]), strength[self._used]
        # A hundredth: along an edge nothing is known, and nothing is claimed.
        self._inverse = np.linalg.inv(tensor + 1e-2 * self._strength[:, None, None] * np.eye(2))
        modes = self._modes.reshape(_SIZE, _SIZE, 12).transpose(2, 0, 1)
        means = np.stack([_blocks(mode)[self._used] for mode in modes], axis=-1) / _BLOCK**2
        self._model = means.reshape(-1, 2, 6).astype(np.float64)
        self._tensor_model = tensor @ self._model
        self._normal = (self._model.swapaxes(1, 2) @ self._tensor_model).reshape(-1, 36)
        self._sample = np.flatnonzero(self._weight > 0.5)[::3]

    def _solve(
        self, image: UInt8Array, start: Matrix, parallax: Array, prior: float, tolerances: tuple[float, ...]
    ) -> tuple[Matrix, Array, float] | None:
        """Matrix, parallax, and the share of the face that agrees with them; None where the steps do not converge."""
        if len(self._used) < _FEWEST_BLOCKS:
            return None
        face = _texture(warp(image, compose(self._to_crop, start), _SIZE))
        motion, penalty = np.array([0, 0, 0, 0, *parallax]), np.diag([0, 0, 0, 0, prior, prior])
        change, share = np.zeros(6), 0.0
        for tolerance in tolerances:
            rest = self._moved(face, motion) - self._reference
            change, share = self._change(rest, motion, penalty, tolerance)
            motion = motion + change
            if not np.isfinite(motion).all() or np.abs(motion).max() * _EYE_PX > _FURTHEST:
                return None
            if tolerance == tolerances[-1] and np.abs(change).max() * _EYE_PX < _SMALL_STEP:
                break
        if np.abs(change).max() * _EYE_PX > _LARGE_STEP or self._likeness(self._moved(face, motion)) < _ALIKE:
            return None
        return *self._composed(start, motion), share

    def _composed(self, start: Matrix, motion: Array) -> tuple[Matrix, Array]:
        """Frame to reference, and parallax: a start, and the motion that remained after it."""
        linear = np.array([[1 + motion[2], -motion[3]], [motion[3], 1 + motion[2]]])
        shift = self._centre + motion[:2] * _EYE_PX - linear @ self._centre
        inner = compose(invert(np.column_stack([linear, shift])), compose(self._to_crop, np.asarray(start, np.float64)))
        return compose(invert(self._to_crop), inner), _turned(1 / complex(*linear[:, 0]), motion[4:])

    def _moved(self, face: Plane, motion: Array) -> Plane:
        """The face brought back by a motion, its contrast that of the reference."""
        import cv2

        source = self._grid + (self._modes @ motion.astype(np.float32)).reshape(self._grid.shape)
        moved = cv2.remap(face, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        gain = float(np.vdot(self._weighted, moved)) / max(float(np.vdot(self._weighted, self._reference)), 1e-6)
        return moved / np.float32(np.clip(gain, 0.5, 2.0))

    def _likeness(self, face: Plane) -> float:
        """Correlation with the reference, of what counts."""
        own = float(np.vdot(self._weight * face, face)) * float(np.vdot(self._weighted, self._reference))
        return float(np.vdot(self._weighted, face)) / max(np.sqrt(own), 1e-6)

    def _change(self, rest: Plane, motion: Array, penalty: Array, tolerance: float) -> tuple[Array, float]:
        """The step that explains what the blocks say, each heard by how well it agrees with the others."""
        noise = max(float(np.median(np.abs(rest.ravel()[self._sample]))) / 0.6745, 0.5)
        pulled = -np.stack([_blocks(rest * pull)[self._used] for pull in (self._pull_x, self._pull_y)], -1)
        wanted = (self._inverse @ pulled[..., None].astype(np.float64))[..., 0]
        answer = np.einsum("nip,ni->np", self._tensor_model, wanted)
        # No block is trusted further than its tolerance, however strong its edges.
        trust = 1 / (noise**2 + tolerance**2 * self._strength)
        allowed = tolerance**2 + 2 * noise**2 / self._strength
        change, agree, (xx, xy, yy) = np.zeros(6), trust, self._tensor
        for _ in range(4):
            x, y = (wanted - self._model @ change).T
            agree = np.exp(-(xx * x * x + 2 * xy * x * y + yy * y * y) / (self._strength * allowed))
            normal = ((trust * agree) @ self._normal).reshape(6, 6) + penalty + 1e-9 * np.eye(6)
            change = np.linalg.solve(normal, (trust * agree) @ answer - penalty @ motion)
        heard = trust * self._strength
        return change, float(heard @ agree / heard.sum())


def register_frames(
    frames: Sequence[UInt8Array] | npt.NDArray[np.uint8],
    points: npt.ArrayLike,
    times_s: npt.ArrayLike,
    *,
    reference: int | None = None,
    refine: bool = True,
    window_s: float = 0.4,
) -> Registration:
    """Register every frame on a reference frame: by landmarks, then by the texture of the face.

    Each frame is compared with the reference directly, so nothing drifts, and two frames are as good as many.
    Where that fails (a hand over the face, a face without texture) the smoothed landmarks remain.

    Parameters
    ----------
    frames : sequence of uint8 arrays, (H, W) or (H, W, 3)
        The pictures, asked for one at a time.
    points : array, (T, 68, 2)
        Landmarks in image pixels; a frame without a face is nan.
    times_s : array, (T,)
        Presentation times, increasing.
    reference : int, optional
        Index of the frame on which the others are laid; by default the first with a face.
    refine : bool
        False stops at the landmarks.
    window_s : float
        Smoothing of the landmarks, see :func:`mien.faces.register_points`.

    Returns
    -------
    Registration
        Matrices, parallax, and where refinement succeeded.

    Raises
    ------
    MienError
        If shapes disagree, times do not increase, or the reference frame shows no face.

    Examples
    --------
    >>> from mien.faces import canonical_points
    >>> image = np.random.default_rng(0).integers(0, 255, (160, 160), np.uint8)
    >>> points = canonical_points(128) + 16
    >>> found = register_frames([image, image], [points, points + 0.4], [0.0, 0.1])
    >>> found.matrices[1].round(2) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    track, times = np.asarray(points, np.float64), np.asarray(times_s, np.float64)
    if track.ndim != 3 or len(frames) != len(track) or len(frames) != len(times):
        raise MienError(f"got {len(frames)} frames, points {track.shape} and times {times.shape}; expected T of each")
    good = np.asarray(np.isfinite(track).all(axis=(1, 2)))
    if reference is None:
        reference = int(np.argmax(good)) if good.any() else 0
    if not 0 <= reference < len(track) or (good.any() and not good[reference]):
        raise MienError(
            f"got the reference {reference} of {len(track)} frames; expected one with a face; choose another"
        )
    if not good.any():
        return Registration(np.full((len(track), 2, 3), np.nan), np.full((len(track), 2), np.nan), good, track[0])
    matrices = register_points(track, times, track[reference], window_s=window_s)
    matrices = compose(invert(matrices[reference]), matrices)  # the reference stays where it is
    parallax, refined = np.where(good[:, None], [[0.0, 0.0]], np.nan), np.zeros(len(track), bool)
    if refine:
        refiner = FaceRefiner(frames[reference], track[reference])
        for way in (range(reference, len(track)), range(reference - 1, -1, -1)):
            near = np.eye(2, 3), np.zeros(2)
            for index in (i for i in way if good[i]):
                apart = abs(float(times[index] - times[reference]))
                found = refiner.refine(frames[index], matrices[index], apart, near)
                matrices[index], parallax[index], refined[index] = found
                near = found[:2]
    return Registration(matrices, parallax, refined, track[reference])


def _to_units(points: Array) -> Matrix:
    """Image pixels to eye distances from the middle between the eyes."""
    return eye_crop_matrix(points, 1, side=0.5, above=0.5, below=0.5)


def _parallax(places: Array, face: Array) -> npt.NDArray[np.complex128]:
    """How far places (..., 2) go when the head turns by a unit of parallax to the right, as x + iy.

    A turn moves the near more than the far, and part of that is a similarity. This is what remains of it: depth less
    the similarity that fits it best at the face's landmarks (68, 2), the chin counting double.
    """
    weights = np.ones(68)
    weights[4:13], weights[[*range(4), *range(13, 17)]] = 2, 0
    at, depth = face @ (1, 1j), _depth(face)
    centre, level = np.average(at, weights=weights), np.average(depth, weights=weights)
    slope = weights @ (np.conj(at - centre) * (depth - level)) / (weights @ np.abs(at - centre) ** 2)
    return np.asarray(_depth(places) - level - slope * (places @ (1, 1j) - centre), np.complex128)


def _depth(units: Array) -> Array:
    """Of a generic head, nearer is more: an ellipsoid of its breadth and height, with a nose; all in eye distances."""
    x, y = units[..., 0], units[..., 1] - 0.45
    skull = np.sqrt(np.clip(1 - (x / 1.25) ** 2 - (y / 1.75) ** 2, 0, None))
    return np.asarray(skull + 0.3 * np.exp(-0.5 * ((x / 0.18) ** 2 + ((y - 0.05) / 0.25) ** 2)))


def _modes(units: Array, parallax: npt.NDArray[np.complex128]) -> Array:
    """Displacement (..., 2, 6) by each of: shift right, shift down, zoom, roll, yaw, nod."""
    x, y = np.moveaxis(units - _CENTRE, -1, 0)
    one, zero = np.ones_like(x), np.zeros_like(x)
    right = (one, zero, x, -y, parallax.real, -parallax.imag)
    down = (zero, one, y, x, parallax.imag, parallax.real)
    return np.stack([np.stack(right, -1), np.stack(down, -1)], -2)


def _turned(factor: npt.ArrayLike, vectors: Array) -> Array:
    """Vectors (..., 2) turned and stretched by complex factors."""
    product = np.asarray(factor) * (vectors @ (1, 1j))
    return np.stack([product.real, product.imag], axis=-1)


def _texture(face: UInt8Array) -> Plane:
    """Grey, without noise and without shading."""
    import cv2

    grey = (face if face.ndim == 2 else cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)).astype(np.float32)
    fine = cv2.GaussianBlur(grey, (0, 0), _FINEST)
    return np.asarray(fine - cv2.GaussianBlur(fine, (0, 0), _COARSEST), np.float32)


def _blocks(plane: Plane) -> Plane:
    """Sums over the blocks."""
    import cv2

    count = _SIZE // _BLOCK
    return np.asarray(cv2.resize(plane, (count, count), interpolation=cv2.INTER_AREA).ravel() * _BLOCK**2, np.float32)


def _trust(points: Array, units: Array, grid: Plane) -> Plane:
    """How much a pixel counts: nothing beyond the face and in the eyes, little on mouth and brows."""
    import cv2

    trust = ((units[..., 0] / 1.1) ** 2 + ((units[..., 1] - 0.45) / 1.3) ** 2 < 1).astype(np.float32)
    for part, reach in ((slice(48, 60), 6.0), (slice(17, 27), 5.5)):
        near = np.min([((grid - point) ** 2).sum(axis=-1) for point in points[part]], axis=0)
        trust *= 1 - 0.9 * np.minimum(1, 1.5 * np.exp(-0.5 * near / reach**2))
    eyes = np.zeros(trust.shape, np.uint8)
    for part in (slice(36, 42), slice(42, 48)):
        cv2.fillConvexPoly(eyes, cv2.convexHull(np.rint(points[part]).astype(np.int32)), 1)
    trust[cv2.dilate(eyes, np.ones((7, 7), np.uint8)) > 0] = 0
    return trust


def _inside(places: Array, shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """Whether places (..., 2) lie in an image."""
    return np.asarray(((places >= 0) & (places <= np.array(shape[1::-1]) - 1)).all(axis=-1))
