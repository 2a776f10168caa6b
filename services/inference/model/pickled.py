"""Loads a pickled scikit-learn classifier, and refuses what the service could not serve.

Owns the trust question: loading a pickle runs the code in it. Must never load one that the caller did not vouch for.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.base import BaseEstimator, is_classifier, is_regressor
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.utils.validation import check_is_fitted


class Refused(Exception):
    """The pickle is not a classifier that can be converted; the message says what would be right."""


def load(file: Path, *, trust: bool) -> Any:
    """The fitted classifier in `file`. Raises Refused where it is something else, or was not vouched for."""
    if not trust:
        raise Refused(
            f"{file} was not opened: a pickle is a program, and loading it runs whatever its maker put in. "
            "Give --trust when you know who made it"
        )
    model = _unpickle(file)
    _refuse_what_is_no_classifier(model, file)
    _refuse_labels_that_are_no_integers(model, file)
    return model


def _unpickle(file: Path) -> Any:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", InconsistentVersionWarning)
        try:
            model = joblib.load(file)
        except FileNotFoundError:
            raise Refused(f"{file} does not exist") from None
        except ModuleNotFoundError as error:
            raise Refused(
                f"{file} needs the Python module {error.name}, which tools/python/requirements.txt does not lock; "
                "only scikit-learn's own classifiers are converted"
            ) from error
        except Exception as error:  # a broken pickle can raise anything
            raise Refused(f"{file} is not a pickle that can be loaded: {type(error).__name__}: {error}") from error
    for warning in warned:
        if isinstance(warning.message, InconsistentVersionWarning):
            made, here = warning.message.original_sklearn_version, warning.message.current_sklearn_version
            print(f"note: {file} was made with scikit-learn {made}; its answers here are those of {here}")
            break
    return model


def _refuse_what_is_no_classifier(model: Any, file: Path) -> None:
    kind = type(model).__name__
    if not isinstance(model, BaseEstimator):
        raise Refused(f"{file} holds a {kind}; expected a scikit-learn classifier")
    if not hasattr(model, "predict"):
        raise Refused(f"{file} holds a {kind}, which has no predict; expected a scikit-learn classifier")
    if not is_classifier(model):
        what = "a regressor" if is_regressor(model) else "no classifier"
        raise Refused(f"{file} holds a {kind}, which is {what}; the service answers with a class")
    try:
        check_is_fitted(model)
    except NotFittedError:
        raise Refused(f"{file} holds a {kind} that was not fitted") from None
    if not hasattr(model, "n_features_in_"):
        raise Refused(f"{file} holds a {kind} that does not say how many features it takes (n_features_in_)")


def _refuse_labels_that_are_no_integers(model: Any, file: Path) -> None:
    kind = type(model).__name__
    classes = model.classes_
    if isinstance(classes, list):
        raise Refused(f"{file} holds a {kind} with {len(classes)} outputs; expected one label per row")
    if np.asarray(classes).dtype.kind not in "iu":
        some = ", ".join(repr(label) for label in np.asarray(classes).tolist()[:3])
        raise Refused(f"{file} holds a {kind} with the labels {some}; expected integers: train on 0, 1, … instead")
