"""A support vector machine on flat features, with probabilities calibrated apart, and how it is kept on disk."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import softmax
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import ThreadpoolController

from mien.core import MienError, MienWarning
from mien.methods._method import Inputs, IntArray, Method, Prepare, Probabilities

__all__ = ["TrainedSVM", "fit", "load", "read_skops"]

FILE = "model.skops"
INNER_FOLDS = 5
_FEWEST_TO_CHOOSE = 7  # samples from which neighbourhoods of five say something

Features = npt.NDArray[np.float64]
# Sums over several threads add up in another order: one thread makes results repeat to the last bit. Made once, since
# looking for the libraries that have threads takes longer than a prediction.
THREADS = ThreadpoolController()


@dataclass(frozen=True, slots=True)
class TrainedSVM:
    """Scaler and SVM, and a logistic regression from decision values to probabilities.

    Attributes
    ----------
    prepare : callable
        Inputs (N, ...) to features (N, F).
    svm : Pipeline
        StandardScaler and SVC; decides.
    calibrator : LogisticRegression or None
        Decision values to probabilities; None where a single training subject left nothing to calibrate on.
    n_classes : int
        K, classes that the training samples lacked included: their probability is 0.
    """

    prepare: Prepare
    svm: Pipeline
    calibrator: LogisticRegression | None
    n_classes: int

    @property
    def parameters(self) -> None:
        """Return None: an SVM has support vectors, not a fixed number of parameters."""

    def predict(self, inputs: Inputs) -> tuple[IntArray, Probabilities]:
        """Return ``SVC.predict`` (N,), which decides, and the calibrated probabilities (N, K)."""
        with THREADS.limit(limits=1):
            return self._predict(self.prepare(inputs))

    def _predict(self, features: Features) -> tuple[IntArray, Probabilities]:
        scores = _decision(self.svm, features)
        learned = self.svm.classes_ if self.calibrator is None else self.calibrator.classes_
        probabilities = np.zeros((len(features), self.n_classes))
        probabilities[:, learned] = (
            softmax(scores, axis=1) if self.calibrator is None else self.calibrator.predict_proba(scores)
        )
        return self.svm.predict(features).astype(np.int64), probabilities

    def save(self, folder: Path) -> None:
        """Write ``model.skops``, which loads without executing code."""
        import skops.io

        content = {"svm": self.svm, "calibrator": self.calibrator, "n_classes": self.n_classes}
        skops.io.dump(content, folder / FILE)


def fit(
    method: Method,
    inputs: Inputs,
    targets: IntArray,
    *,
    groups: Sequence[str],
    n_classes: int,
    settings: Mapping[str, Any],
    seed: int,
    on_epoch: object = None,
    start: Path | None = None,
) -> TrainedSVM:
    """Train scaler and SVM on all samples; calibrate on decision values for subjects the machine had not seen.

    The calibration (Platt 1999, for several classes at once) splits the **training** subjects into five folds, takes
    each clip's decision values from a machine trained without its subject, and fits a multinomial logistic
    regression to them. It changes no decision: ``SVC.predict`` decides. Nothing here is random, and one thread makes
    sums repeat exactly.

    Raises
    ------
    MienError
        If asked to start from another model, or if a setting is unknown to the SVM.
    """
    if start is not None:
        raise MienError(
            f"got a model to start from for '{method.name}'; expected none: an SVM is fitted anew; drop --from"
        )
    features = method.prepare(inputs)
    with THREADS.limit(limits=1):
        svm = _machine(settings, features).fit(features, targets)
        calibrator = _calibrator(features, targets, groups, settings)
    return TrainedSVM(method.prepare, svm, calibrator, n_classes)


def load(method: Method, folder: Path, n_classes: int, parameters: int | None) -> TrainedSVM:
    """Read a saved SVM; types that are not plain scikit-learn and numpy are refused, so no code runs."""
    path = folder / FILE
    content = read_skops(path)
    if not isinstance(content, dict) or not isinstance(content.get("svm"), Pipeline):
        raise MienError(f"got '{path}' without an SVM; expected one written by mien; take a fresh copy")
    if content.get("n_classes") != n_classes:
        raise MienError(f"got {content.get('n_classes')} classes in '{path}'; expected {n_classes} as in model.json")
    return TrainedSVM(method.prepare, content["svm"], content["calibrator"], n_classes)


def read_skops(path: Path) -> Any:
    """Read a skops file; raise :class:`MienError` if it is broken or holds types that are not plain."""
    import skops.io

    try:
        unknown = skops.io.get_untrusted_types(file=path)
        content = skops.io.load(path, trusted=[]) if not unknown else None
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        zipfile.BadZipFile,
        json.JSONDecodeError,
    ) as error:
        raise MienError(
            f"got '{path}', which does not read as skops ({error}); expected an SVM; take a fresh copy"
        ) from error
    if unknown:
        raise MienError(
            f"got the types {', '.join(unknown)} in '{path}'; expected scikit-learn's own; do not use this model"
        )
    return content


def _machine(settings: Mapping[str, Any], features: Features) -> Pipeline:
    """Scaler, what the settings name to reduce the features, and SVM.

    ``components``: so many principal components, as far as there are any. ``group_size`` and ``keep``: so many groups
    of columns with the least Laplacian score on these samples. ``standardise`` false leaves the features' scale alone.
    """
    options = dict(settings)
    chosen = _chosen_groups(options.pop("group_size", 0), options.pop("keep", 0), features)
    components = min(options.pop("components", 0), *features.shape)
    scale = [StandardScaler()] if options.pop("standardise", True) else []
    samples, length = features.shape
    solver = "covariance_eigh" if samples > length else "full"  # both exact; the cheaper one
    reduce = [PCA(components, svd_solver=solver)] if components else []
    try:
        return make_pipeline(*chosen, *scale, *reduce, SVC(**options))
    except TypeError as error:
        raise MienError(f"got the settings {dict(settings)}; expected those of sklearn.svm.SVC ({error})") from error


def _chosen_groups(group_size: int, keep: int, features: Features) -> list[ColumnTransformer]:
    if not group_size or len(features) < _FEWEST_TO_CHOOSE:
        return []
    from mien.motion.descriptors import select_groups

    columns = select_groups(features, group_size, min(keep, features.shape[1] // group_size))
    return [ColumnTransformer([("kept", "passthrough", columns.tolist())])]


def _calibrator(
    features: Features, targets: IntArray, groups: Sequence[str], settings: Mapping[str, Any]
) -> LogisticRegression | None:
    scores, covered = _unseen_scores(features, targets, groups, settings)
    if len(np.unique(targets[covered])) == len(np.unique(targets)):
        return LogisticRegression(max_iter=1000).fit(scores[covered], targets[covered])
    text = "too few training subjects to calibrate probabilities: they are the softmax of the decision values"
    warnings.warn(text, MienWarning, stacklevel=4)
    return None


def _unseen_scores(
    features: Features, targets: IntArray, groups: Sequence[str], settings: Mapping[str, Any]
) -> tuple[Probabilities, npt.NDArray[np.bool_]]:
    """Return decision values from machines without the clip's subject, and which clips have them.

    An inner split whose training part lacks a class is left out.
    """
    present = np.unique(targets)
    subjects = np.asarray(groups)
    scores = np.zeros((len(targets), len(present)))
    covered = np.zeros(len(targets), dtype=bool)
    n_folds = min(INNER_FOLDS, len(np.unique(subjects)))
    if n_folds < 2:
        return scores, covered
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        splits = list(StratifiedGroupKFold(n_folds).split(features, targets, subjects))
    for train, test in splits:
        if len(np.unique(targets[train])) == len(present):
            machine = _machine(settings, features[train]).fit(features[train], targets[train])
            scores[test] = _decision(machine, features[test])
            covered[test] = True
    return scores, covered


def _decision(svm: Pipeline, features: Features) -> Probabilities:
    """Decision values, one column per learned class (scikit-learn gives one column for two classes)."""
    values = svm.decision_function(features)
    return np.stack([-values, values], axis=1) if values.ndim == 1 else values
