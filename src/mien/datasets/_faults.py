"""What may be wrong with a copy of a corpus, as data: how grave it is, what it means, what mien does about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = ["FAULTS", "Finding", "Level"]

Level = Literal["error", "warning", "note"]

FAULTS: Mapping[str, tuple[Level, str, str]] = MappingProxyType(
    {
        # The copy as a whole
        "no-table": ("error", "without its annotation table nothing can be read", "mien refuses it"),
        "no-frames": ("error", "no known layout of the corpus fits", "mien refuses it"),
        "broken-table": ("error", "a table that does not read gives no samples", "mien refuses it"),
        "duplicate-id": ("error", "two rows claim to be one clip", "mien refuses the table"),
        "broken-copy": ("error", "the copy does not read", "mien refuses it"),
        "counts": ("note", "these are the clips that an evaluation sees", "mien reports the numbers it finds"),
        "counts-differ": (
            "warning",
            "results on other clips are not comparable with published ones",
            "mien evaluates what is there and reports the numbers it finds",
        ),
        "extra-folders": ("note", "the table says nothing of these frames", "mien does not read them"),
        # The table
        "apex-outside": ("warning", "the annotated apex cannot be right", "mien takes it as missing"),
        "offset-before-onset": (
            "warning",
            "the annotated interval cannot be right",
            "mien takes the offset as missing",
        ),
        "no-extent": ("error", "without apex and offset nobody knows where the movement is", "recipes refuse the clip"),
        "duration-differs": ("warning", "onset or offset is off", "mien believes onset and offset"),
        "no-apex": ("note", "the strongest frame is not annotated", "the recipe's rule applies, by default the middle"),
        "apex-at-onset": ("note", "between onset and apex nothing moves", "recipes warn and read no motion"),
        "long-interval": ("note", "micro-expressions last half a second at most", "mien takes it as annotated"),
        "no-emotions": ("note", "the clips have no class", "spotting works, recognition does not"),
        "table-remark": ("note", "the reader of the table remarked on it", "mien goes on"),
        # Identity and label
        "subject-leak": (
            "error",
            "one person spelled two ways stands on both sides of a split",
            "mien takes them for two: correct the spelling",
        ),
        "subject-spelling": ("note", "one person is spelled several ways", "mien reads them as one"),
        "label-in-folder": (
            "error",
            "folder and annotation disagree on the class",
            "mien believes the annotation (of SMIC: the clip code): find out which is right",
        ),
        "label-in-table": ("note", "the column contradicts the clip code", "mien believes the clip code"),
        "duplicate-clip": ("warning", "one clip counts twice", "mien reads both"),
        "duplicate-across-subjects": (
            "error",
            "one clip stands on both sides of a split",
            "mien reads both: remove one",
        ),
        # The frames
        "missing-clip": ("error", "the clip has no frames where they should be", "recipes refuse it"),
        "left-out": ("warning", "the copy lacks clips of the table", "mien leaves them out"),
        "misplaced-clip": ("error", "the clip lies elsewhere", "recipes refuse it: move it back"),
        "missing-key-frames": ("error", "onset, apex or offset itself is missing", "recipes refuse the clip"),
        "missing-frames": ("warning", "the movement has gaps", "recipes that need these frames refuse the clip"),
        "missing-depth": ("warning", "colour and depth do not go together", "recipes that read depth refuse the clip"),
        "gaps": ("warning", "the video's time is not that of its frame numbers", "mien goes by the numbers"),
        "unnumbered": ("note", "a frame without a number has no time", "mien does not read it"),
        "duplicate-number": ("error", "two files claim to be one frame", "recipes refuse the clip"),
        "mixed-names": ("warning", "two copies may be mixed, or some frames renamed", "mien goes by the numbers"),
        "empty-file": ("error", "a frame was not copied", "recipes refuse the clip"),
        "unreadable-image": ("error", "a frame is damaged", "recipes refuse the clip"),
        "truncated-image": (
            "error",
            "part of the frame is missing",
            "recipes would see grey or garbage: copy it again",
        ),
        "sizes-differ": ("error", "frames of different size or colour cannot be compared", "recipes refuse the clip"),
        "wrong-ending": ("note", "the frames were converted without renaming", "mien reads them as what they are"),
        "out-of-order": (
            "warning",
            "frames seem exchanged (or an eye blinked fast)",
            "mien goes by the numbers: look at them",
        ),
        "zero-motion": ("error", "the expression is not in the frames", "mien reads no motion: copy the clip again"),
        "one-frame": ("warning", "one frame shows no motion", "recipes read no motion"),
        "unreadable-video": ("error", "the video has no bytes", "recipes refuse it"),
    }
)
"""Code -> level, what it means, what mien does about it. An error makes results wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in a copy.

    Attributes
    ----------
    level : {"error", "warning", "note"}
        An error makes results wrong.
    code : str
        A key of :data:`FAULTS`.
    where : str
        Id of the clip, or the dataset.
    what, meaning, action : str
        What it is, what it means, what mien does about it.
    """

    level: Level
    code: str
    where: str
    what: str
    meaning: str
    action: str

    def __str__(self) -> str:
        return f"{self.level} {self.code} {self.where}: {self.what}; {self.meaning}; {self.action}"
