"""AST+SVMNet's tables."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from mien.evaluation.studies._study import STUDIES, Arm, Study

__all__ = ["BRANCHES", "CLASSIFIER", "COMPARISON", "FEATURES", "STRUCTURE"]

_COMMON: dict[str, Any] = {
    "paper": "Xue, Guo, Bai, Yuan: AST+SVMNet. IEEE Access 12, 2024",
    "corpora": MappingProxyType(
        {"casme2": ("casme2_3_megc",), "smic": ("smic3",), "samm": ("samm3",), "megc2019": ("megc2019",)}
    ),
    "metrics": ("uar", "uf1"),
    "sources": ("Xue et al., AST+SVMNet",),
    "protocol": "one subject left out, who is called validation set, with the number of epochs not said",
}
_FULL = Arm("AST+SVMNet", "ast-svm")


def _both(row: str, preset: str, variant: str | None) -> tuple[Arm, Arm]:
    """A row with the SVM, and one with the network's own answer."""
    return (
        Arm(f"{row} (SVM)", "ast-svm", preset, variant and f"{variant}, svm"),
        Arm(f"{row} (softmax)", "ast-svm", f"{preset}-softmax", variant and f"{variant}, softmax"),
    )


COMPARISON = STUDIES.add(
    "ast-comparison",
    Study(
        name="ast-comparison",
        table="Tables 4 (CASME II), 5 (SMIC), 6 (SAMM) and 7 (MEGC2019): against other methods",
        arms=(
            Arm("LBP-TOP", "lbp-top"),
            Arm("Bi-WOOF", "bi-woof"),
            Arm("OFF-ApexNet", "off-apexnet"),
            Arm("CapsuleNet", "capsulenet"),
            Arm("RCN", "rcn"),
            Arm("LFM", "lfm"),
            Arm("STSTNet+GA", "ststnet-ga"),
            Arm("AU-GCN", "au-gcn"),
            Arm("FR", "featref"),
            Arm("DACrossViT", "dacrossvit"),
            Arm("SLSTT-LSTM", "slstt"),
            Arm("TSNN-LF", "tsnn-lf"),
            Arm("GEME", "geme"),
            Arm("TFT", "tft"),
            Arm("MEMM4+ResNet50", "memm4-resnet50"),
            Arm("Inceptr", "inceptr"),
            _FULL,
        ),
        notes=(
            "The other methods' numbers are copied from their papers. The tables for SMIC, SAMM and MEGC2019 are "
            "pictures: their numbers follow from differences in the text.",
            "On SAMM the text on Table 6 gives UF1 .741 and Tables 9 to 12 give .751.",
        ),
        **_COMMON,
    ),
)

FEATURES = STUDIES.add(
    "ast-features",
    Study(
        name="ast-features",
        table="Tables 8 and 9: what goes in",
        arms=(
            *_both("Optical flow only", "flow", "flow only"),
            *_both("IDSF only", "idsf", "idsf only"),
            Arm("best handcrafted feature", "ast-svm", "handcrafted", "best handcrafted feature in place of idsf"),
            Arm("LBP-TOP, SVM alone", "lbp-top", variant=None),
            Arm("Bi-WOOF, SVM alone", "bi-woof", variant=None),
            Arm("MDMO, SVM alone", "mdmo", variant=None),
            _FULL,
        ),
        notes=(
            "Table 8 puts a handcrafted feature in IDSF's place and is a picture: only its best row is known. A "
            "histogram cannot enter a network for 10 x 192 x 192, so three of them are shown with an SVM alone.",
        ),
        **_COMMON,
    ),
)

STRUCTURE = STUDIES.add(
    "ast-structure",
    Study(
        name="ast-structure",
        table="Table 10: the attention",
        arms=(
            *_both("Without FAM", "no-fam", "no fam"),
            *_both("CAM only", "cam", "cam only"),
            *_both("SAM only", "sam", "sam only"),
            _FULL,
        ),
        **_COMMON,
    ),
)

BRANCHES = STUDIES.add(
    "ast-branches",
    Study(
        name="ast-branches",
        table="Table 11: 2-D and 3-D Inception",
        arms=(
            *_both("2D Inception only", "2d", None),
            *_both("3D Inception only", "3d", None),
            Arm("both (softmax)", "ast-svm", "softmax", "softmax"),
            Arm("worst arm", "ast-svm", "worst", "worst arm of Table 11"),
            _FULL,
        ),
        notes=("Table 11 is a picture: only its worst numbers are known, and not which row they stand in.",),
        **_COMMON,
    ),
)

CLASSIFIER = STUDIES.add(
    "ast-classifier",
    Study(
        name="ast-classifier",
        table="Table 12: the classifier",
        arms=(Arm("FC+Softmax", "ast-svm", "softmax", "softmax"), _FULL),
        **_COMMON,
    ),
)
