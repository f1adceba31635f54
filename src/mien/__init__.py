"""mien: find and read facial micro-expressions.

Everything public is listed in ``__all__`` and loads on first use, so ``import mien`` is instant.

Examples
--------
>>> import mien
>>> mien.MienError.__name__
'MienError'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "agree": "mien.protocols.agreement",
    "analyze": "mien.analysis",
    "audit": "mien.protocols.audit",
    "compare": "mien.protocols.comparison",
    "evaluate": "mien.evaluation",
    "export": "mien.evaluation.export:export_model",
    "predict": "mien.evaluation",
    "prepare": "mien.evaluation",
    "train": "mien.evaluation",
    "read_predictions": "mien.protocols",
    "score": "mien.protocols",
    "generate_motion": "mien.synthesis",
    "render": "mien.synthesis",
    "stream": "mien.analysis.stream",
    "study": "mien.evaluation.studies:run_study",
    "show": "mien.pictures",
    "open_video": "mien.video",
    "write_video": "mien.video",
    "Clip": "mien.core",
    "Interval": "mien.core",
    "MienError": "mien.core",
    "MienWarning": "mien.core",
    "Prediction": "mien.core",
    "Sample": "mien.core",
    "Source": "mien.core",
}

__all__ = ["__version__", *sorted(_PUBLIC)]  # noqa: PLE0604 - the names are the keys above

if TYPE_CHECKING:
    from mien.analysis import analyze as analyze
    from mien.analysis.stream import stream as stream
    from mien.core import Clip as Clip
    from mien.core import Interval as Interval
    from mien.core import MienError as MienError
    from mien.core import MienWarning as MienWarning
    from mien.core import Prediction as Prediction
    from mien.core import Sample as Sample
    from mien.core import Source as Source
    from mien.evaluation import evaluate as evaluate
    from mien.evaluation import predict as predict
    from mien.evaluation import prepare as prepare
    from mien.evaluation import train as train
    from mien.evaluation.export import export_model as export  # noqa: F401 - public by another name
    from mien.evaluation.studies import run_study as study  # noqa: F401
    from mien.pictures import show as show
    from mien.protocols import read_predictions as read_predictions
    from mien.protocols import score as score
    from mien.protocols.agreement import agree as agree
    from mien.protocols.audit import audit as audit
    from mien.protocols.comparison import compare as compare
    from mien.synthesis import generate_motion as generate_motion
    from mien.synthesis import render as render
    from mien.video import open_video as open_video
    from mien.video import write_video as write_video


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'mien' has no attribute '{name}'")
    module, _, attribute = _PUBLIC[name].partition(":")
    return getattr(importlib.import_module(module), attribute or name)


def __dir__() -> list[str]:
    return sorted(__all__)
