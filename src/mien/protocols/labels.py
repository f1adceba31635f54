"""Label maps as data: which annotated emotion is which class, per corpus and paper. Never as code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from mien.core import Registry, Sample

__all__ = ["LABEL_MAPS", "LabelMap", "label_map"]

MEGC2019 = "See et al., MEGC 2019, FG 2019"
ADNET = "Li et al., AD-Net, AIRR 15(2), 2026"
MMNET = "Li et al., MMNet, IJCAI 2022"
MS3D = "Jin et al., MS3D, MBE 2024"


@dataclass(frozen=True, slots=True)
class LabelMap:
    """From the emotion (or objective class) as annotated to the class that is learned.

    Attributes
    ----------
    name : str
        As given to ``--labels``.
    classes : tuple of str
        In the order of the paper.
    mapping : mapping of str to str
        Lower-case emotion to class; an emotion that is not listed is left out.
    source : str
        Who defined it.
    excludes : frozenset of str
        Sample ids that the definition drops whatever their emotion.
    by : {"emotion", "objective"}
        What of a sample is mapped.
    """

    name: str
    classes: tuple[str, ...]
    mapping: Mapping[str, str] = field(hash=False)
    source: str
    excludes: frozenset[str] = frozenset()
    by: Literal["emotion", "objective"] = "emotion"

    def apply(self, emotion: str) -> str | None:
        """Return the class of an annotated emotion, or None where the map leaves it out.

        Examples
        --------
        >>> label_map("samm3").apply("Contempt")
        'negative'
        >>> label_map("samm3").apply("Other") is None
        True
        """
        return self.mapping.get(emotion.strip().lower())

    def of(self, sample: Sample) -> str | None:
        """Return the class of a sample, or None where the map leaves it out, by name or by its annotation."""
        return None if sample.sample_id in self.excludes else self.apply(getattr(sample, self.by))


LABEL_MAPS: Registry[LabelMap] = Registry("label map", package="")


def label_map(name: str) -> LabelMap:
    """Return a label map by name; an unknown name raises :class:`mien.core.MienError` with the nearest ones.

    Examples
    --------
    >>> label_map("casme2_5").classes
    ('happiness', 'disgust', 'repression', 'surprise', 'others')
    """
    return LABEL_MAPS[name]


def _add(
    name: str,
    source: str,
    groups: dict[str, str],
    excludes: tuple[str, ...] = (),
    by: Literal["emotion", "objective"] = "emotion",
) -> None:
    """Register a map given as class -> emotions, separated by blanks."""
    mapping = {emotion: label for label, emotions in groups.items() for emotion in emotions.split()}
    LABEL_MAPS.add(name, LabelMap(name, tuple(groups), MappingProxyType(mapping), source, frozenset(excludes), by))


def _same(emotions: str) -> dict[str, str]:
    """Every emotion is a class of its own."""
    return {emotion: emotion for emotion in emotions.split()}


OBJECTIVE = "Davison, Merghani, Yap: objective classes, Journal of Imaging 4(10), 2018"
OBJECTIVE_CLASSES = {name: name.lower() for name in ("I", "II", "III", "IV", "V", "VI", "VII")}

FIVE_NEGATIVE = "anger contempt disgust fear sadness"

# Sources that hold classes already (motion maps, the composite): SAMM's sadness is negative, CASME II's is dropped,
# so no map from emotions serves both.
_add("megc2019", MEGC2019, _same("negative positive surprise"))

# The official list of 145 clips also lacks a clip without an apex (EP12_01f) and EP09_05f. It follows the coding of
# 2014: the clips of sub24 are sadness there, surprise in that of 2019.
_add(
    "casme2_3_megc",
    MEGC2019,
    {"negative": "disgust repression", "positive": "happiness", "surprise": "surprise"},
    excludes=(
        "casme2/sub04/EP12_01f",
        "casme2/sub05/EP09_05f",
        "casme2/sub24/EP07_01",
        "casme2/sub24/EP07_04f",
        "casme2/sub24/EP10_03",
    ),
)
_add(
    "casme2_3_adnet_literal",
    f"{ADNET}: the emotions it lists, without repression",
    {"negative": FIVE_NEGATIVE, "positive": "happiness", "surprise": "surprise"},
)
_add(
    "casme2_3_mmnet",
    MMNET,
    {"positive": "happiness", "surprise": "surprise", "negative": "disgust repression fear sadness"},
)
_add(
    "casme2_4_ms3d",
    MS3D,
    {"positive": "happiness", "negative": "disgust", "surprise": "surprise", "other": "repression others"},
)
_add("casme2_5", MMNET, _same("happiness disgust repression surprise others"))
_add("casme2_7_objective", OBJECTIVE, OBJECTIVE_CLASSES, by="objective")

_add("samm3", MEGC2019, {"negative": FIVE_NEGATIVE, "positive": "happiness", "surprise": "surprise"})
_add(
    "samm4_ms3d",
    MS3D,
    {"positive": "happiness", "negative": FIVE_NEGATIVE, "surprise": "surprise", "other": "other"},
)
_add("samm5_mmnet", MMNET, _same("happiness anger contempt surprise other"))
_add("samm7_emotion", "Davison et al., SAMM, 2018", _same("anger contempt disgust fear happiness sadness surprise"))
_add("samm7_objective", OBJECTIVE, OBJECTIVE_CLASSES, by="objective")
_add("samm8", "Davison et al., SAMM, 2018", _same("anger contempt disgust fear happiness sadness surprise other"))

_add("smic3", "Li et al., SMIC, FG 2013", _same("negative positive surprise"))

_add("mmew4", MMNET, _same("happiness surprise disgust others"))
_add("mmew7", "Ben et al., MMEW, TPAMI 2022", _same("happiness anger surprise disgust fear sadness others"))

CASME3_THREE = {"positive": "happy", "negative": "disgust fear anger sad", "surprise": "surprise"}
_add("casme3_3", "Li et al., CAS(ME)^3, TPAMI 2023", CASME3_THREE)
_add("casme3_4", "Wang, MMNet reproduction", {**CASME3_THREE, "others": "others"})
_add("casme3_7", "Li et al., CAS(ME)^3, TPAMI 2023", _same("happy disgust surprise fear anger sad others"))

DFME = "Zhao et al., DFME, TAFFC 2024"
_add(
    "dfme3",
    f"{DFME}; the grouping of MEGC 2019",
    {"negative": FIVE_NEGATIVE, "positive": "happiness", "surprise": "surprise"},
)
_add("dfme7", DFME, _same("anger contempt disgust fear happiness sadness surprise"))
