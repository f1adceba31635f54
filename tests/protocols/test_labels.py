"""Label maps give the class sizes that the papers print, on the corpora's own annotation tables."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from mien.core import MienError, Sample, Source
from mien.protocols.labels import LABEL_MAPS, label_map

SIZES = {
    "casme2_3_adnet_literal": {"positive": 32, "negative": 72, "surprise": 25},
    "casme2_3_mmnet": {"positive": 32, "surprise": 25, "negative": 99},
    "casme2_4_ms3d": {"positive": 32, "negative": 63, "surprise": 25, "other": 126},
    "casme2_5": {"happiness": 32, "disgust": 63, "repression": 27, "surprise": 25, "others": 99},
    "samm3": {"positive": 26, "negative": 92, "surprise": 15},
    "samm4_ms3d": {"positive": 26, "negative": 92, "surprise": 15, "other": 26},
    "samm5_mmnet": {"happiness": 26, "anger": 57, "contempt": 12, "surprise": 15, "other": 26},
    "mmew4": {"happiness": 36, "surprise": 89, "disgust": 72, "others": 66},
    "casme3_3": {"positive": 55, "negative": 457, "surprise": 187},
    "casme3_4": {"positive": 55, "negative": 457, "surprise": 187, "others": 161},
}
TOTALS = {"samm7_emotion": 133, "samm8": 159, "mmew7": 300, "casme3_7": 860}


@pytest.fixture(scope="module")
def emotions(shared_data: Path) -> dict[str, list[str]]:
    """Emotions as annotated, per corpus."""
    import pandas as pd

    folder = shared_data / "annotations"
    casme2 = pd.read_excel(folder / "CASME2-coding-20140508.xlsx")
    samm = pd.read_excel(folder / "SAMM_Micro_FACS_Codes_v2.xlsx", sheet_name="MICRO_ONLY", header=13)
    mmew = pd.read_csv(folder / "MMEW_Micro_Exp.csv")
    casme3 = pd.read_excel(folder / "casme3_part_A_ME_label_JpgIndex_v2.xlsx", sheet_name="label")
    return {
        "casme2": casme2["Estimated Emotion"].tolist(),
        "samm": samm["Estimated Emotion"].tolist(),
        "mmew": mmew["Estimated Emotion"].tolist(),
        "casme3": casme3["emotion"].tolist(),
    }


@pytest.mark.parametrize("name", [*SIZES, *TOTALS])
def test_a_map_gives_the_sizes_of_its_paper(name: str, emotions: dict[str, list[str]]) -> None:
    [corpus] = [corpus for corpus in emotions if name.startswith(corpus)]
    found = Counter(label_map(name).apply(emotion) for emotion in emotions[corpus])
    found.pop(None, None)
    assert (found == SIZES[name]) if name in SIZES else (found.total() == TOTALS[name])


def test_the_official_casme2_list_lacks_two_clips_that_the_text_alone_keeps(shared_data: Path) -> None:
    import pandas as pd

    rows = pd.read_excel(shared_data / "annotations" / "CASME2-coding-20140508.xlsx")
    chosen = label_map("casme2_3_megc")
    kept = Counter(
        chosen.apply(emotion)
        for subject, clip, emotion in zip(rows["Subject"], rows["Filename"], rows["Estimated Emotion"], strict=True)
        if f"casme2/sub{subject:02d}/{clip}" not in chosen.excludes
    )
    kept.pop(None)
    assert kept == {"negative": 88, "positive": 32, "surprise": 25}


@pytest.mark.parametrize("name", sorted(LABEL_MAPS))
def test_every_map_names_its_source_and_uses_every_class(name: str) -> None:
    found = label_map(name)
    assert found.name == name
    assert found.source
    assert set(found.mapping.values()) == set(found.classes)
    assert all(emotion == emotion.lower() for emotion in found.mapping)


def test_class_names_pass_through_the_generic_map() -> None:
    generic = label_map("megc2019")
    assert [generic.apply(name) for name in ("negative", "Positive", " surprise ")] == [
        "negative",
        "positive",
        "surprise",
    ]
    assert generic.apply("happiness") is None


def clip(name: str, emotion: str, objective: str = "") -> Sample:
    return Sample(
        "casme2", "casme2/sub04", f"casme2/sub04/{name}", emotion, Source("frames", Path()), objective=objective
    )


def test_a_map_may_drop_a_clip_by_name() -> None:
    chosen = label_map("casme2_3_megc")
    assert chosen.of(clip("EP12_02f", "disgust")) == "negative"
    assert chosen.of(clip("EP12_01f", "disgust")) is None
    assert chosen.of(clip("EP12_02f", "others")) is None


@pytest.mark.parametrize("name", ["casme2_7_objective", "samm7_objective"])
def test_objective_classes_look_past_the_emotion(name: str) -> None:
    chosen = label_map(name)
    assert chosen.classes == ("I", "II", "III", "IV", "V", "VI", "VII")
    assert chosen.of(clip("EP12_02f", "others", "IV")) == "IV"
    assert chosen.of(clip("EP12_02f", "disgust")) is None


def test_an_unknown_map_names_the_nearest() -> None:
    with pytest.raises(MienError, match="did you mean 'casme2_5'"):
        label_map("casme_5")


def test_a_map_cannot_be_changed_in_passing() -> None:
    with pytest.raises(TypeError):
        label_map("samm3").mapping["other"] = "negative"  # type: ignore[index]
