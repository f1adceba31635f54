"""Show any stage of any clip."""

from __future__ import annotations

from pathlib import Path

from mien.core import MienError, Sample, atomic_path
from mien.pictures._draw import save
from mien.pictures._registry import STAGES
from mien.pictures._source import open_footage

__all__ = ["show"]


def show(
    source: str | Path | Sample,
    stage: str,
    *,
    out: Path | str,
    onset: int | None = None,
    apex: int | None = None,
    offset: int | None = None,
    fps: float | None = None,
    faces: str = "dlib",
) -> Path:
    """Render one stage of the pipeline on one clip as a picture.

    Parameters
    ----------
    source : path, str or Sample
        A video, a folder of images, a sample of a dataset, or ``DATASET:ROOT:SAMPLE_ID``.
    stage : str
        A name in :data:`mien.pictures.STAGES`.
    out : path
        The PNG to write; for the stage ``magnified`` also an MP4. Written whole or not at all.
    onset, apex, offset : int, optional
        Frame numbers; for a video counted from 0, for images those their names end with. By default the annotated
        ones; without any, the whole clip, and the apex by :func:`mien.motion.apex.frequency`.
    fps : float, optional
        Frames per second, where neither corpus nor file says it.
    faces : str
        How the face of the onset frame is found: ``dlib``, ``retinaface``, ``precropped``, or a CSV or JSON file with
        landmarks.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    MienError
        For an unknown stage, source or sample, an ending that the stage cannot have, frame numbers out of order, a
        picture without a face, or a clip that lacks what the stage shows (depth, a frame rate).

    Examples
    --------
    >>> import tempfile
    >>> from skimage.data import astronaut
    >>> from mien.video import write_image
    >>> folder = Path(tempfile.mkdtemp())
    >>> for number in (1, 2):
    ...     _ = write_image(folder / f"{number}.png", astronaut())
    >>> show(folder, "landmarks", out=folder / "points.png").name
    'points.png'
    """
    out, shown = Path(out), STAGES[stage]
    endings = (".png",) if shown.film is None else (".png", ".mp4")
    if out.suffix.lower() not in endings:
        raise MienError(
            f"got '{out.name}' to write the stage {stage} to; expected a name ending in {' or '.join(endings)}; "
            "change it"
        )
    if not isinstance(source, Sample) and out.exists() and Path(source).exists() and out.samefile(source):
        raise MienError(f"got '{out.name}' to show and to write; expected another file; choose another --out")
    footage = open_footage(source, onset=onset, apex=apex, offset=offset, fps=fps, faces=faces)
    if shown.film is not None and out.suffix.lower() == ".mp4":
        shown.film(footage, out)
        return out
    figure = shown.draw(footage)
    with atomic_path(out) as temporary:
        save(figure, temporary)
    return out
