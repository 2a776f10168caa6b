"""Writes a scikit-learn classifier as the kind of ONNX file that the service runs.

That kind: one input `float_input` of the shape [N, features], an int64 output `label` of the shape [N], a tensor of
scores after it, only operators that tract has, and metadata properties for names. The same classifier gives the same
bytes: no dates, no random names. Must never decide whether the answers are right; agreement.py does.
"""

from __future__ import annotations

import json
from typing import Any

import onnx
import trees
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType

OPSET = 18
OPSET_ML = 3
"""The last version before trees became one operator, `TreeEnsemble`, that tract does not have."""

NOT_IN_TRACT = {
    "Binarizer": "leave the binarisation to the caller",
    "DictVectorizer": "give the model columns of numbers",
    "FeatureVectorizer": "give the model one matrix, not named columns",
    "Imputer": "fill the gaps before the model",
    "LabelEncoder": "train on integer classes",
    "OneHotEncoder": "encode before the model; inference row does it for the flights",
    "SVMClassifier": "take LinearSVC or LogisticRegression",
    "SVMRegressor": "take a classifier without support vectors",
    "Scaler": "take StandardScaler, which becomes Sub and Div",
    "TreeEnsemble": "export with the ai.onnx.ml operators of version 3",
    "TreeEnsembleRegressor": "take DecisionTreeClassifier or RandomForestClassifier",
    "ZipMap": "export with zipmap off",
}
"""The ONNX-ML operators that tract does not have, and what to do instead."""


class CannotExport(Exception):
    """The classifier has no ONNX form that the service can run; the message says why and what to do."""


def to_onnx(model: Any, *, features: int, metadata: dict[str, str]) -> bytes:
    """The ONNX file of `model`. Raises CannotExport where skl2onnx cannot, or tract could not run the outcome."""
    try:
        proto = _convert(model, features, metadata["model_name"])
    except Exception as error:  # skl2onnx raises what it likes, from RuntimeError to its own Missing* classes
        reason = " ".join(str(error).split())[:400]
        raise CannotExport(f"skl2onnx cannot convert {type(model).__name__}: {reason}") from error
    proto.producer_name = "puntual"
    proto.producer_version = ""
    proto.doc_string = ""
    versions = {entry.domain: entry.version for entry in proto.opset_import}  # skl2onnx may name one twice
    del proto.opset_import[:]
    proto.opset_import.extend(onnx.helper.make_opsetid(*entry) for entry in sorted(versions.items()))
    for key, value in sorted(metadata.items()):
        proto.metadata_props.add(key=key, value=value)
    trees.vote_with_margins(proto)
    refuse_foreign_operators(proto)
    _refuse_other_outputs(proto)
    onnx.checker.check_model(proto)
    return proto.SerializeToString(deterministic=True)


def refuse_foreign_operators(proto: onnx.ModelProto) -> None:
    """Raises CannotExport, naming each ONNX-ML operator in `proto` that tract does not have."""
    found = sorted({node.op_type for node in proto.graph.node} & NOT_IN_TRACT.keys())
    if found:
        advice = "; ".join(f"{operator} ({NOT_IN_TRACT[operator]})" for operator in found)
        raise CannotExport(f"tract does not have the ONNX operators that this model needs: {advice}")


def properties(name: str, feature_names: list[str], groups: list[dict[str, str | int]]) -> dict[str, str]:
    """The metadata properties that the service reads."""
    return {
        "feature_groups": json.dumps(groups, ensure_ascii=False, separators=(",", ":")),
        "feature_names": json.dumps(feature_names, ensure_ascii=False, separators=(",", ":")),
        "model_name": name,
    }


def _convert(model: Any, features: int, name: str) -> onnx.ModelProto:
    try:
        return _convert_with(model, features, name, {id(model): {"zipmap": False}})
    except NameError as error:  # how skl2onnx says that a classifier without probabilities has no such option
        if "zipmap" not in str(error):
            raise
        return _convert_with(model, features, name, {})


def _convert_with(model: Any, features: int, name: str, options: dict) -> onnx.ModelProto:
    return convert_sklearn(
        model,
        name=name,
        initial_types=[("float_input", FloatTensorType([None, features]))],
        target_opset={"": OPSET, "ai.onnx.ml": OPSET_ML},
        options=options,
        black_op={"Scaler"},  # the converter then subtracts and divides
    )


def _refuse_other_outputs(proto: onnx.ModelProto) -> None:
    label = proto.graph.output[0].type.tensor_type
    if label.elem_type != onnx.TensorProto.INT64 or len(label.shape.dim) != 1:
        raise CannotExport("the model's first output is no int64 label of the shape [N]; train on integer classes")
