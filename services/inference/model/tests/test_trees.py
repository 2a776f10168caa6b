"""Trees of two classes mean the same after the rewriting, ties included."""

import export
import numpy as np
import onnx
import onnxruntime
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

GENERATOR = np.random.default_rng(11)
ROWS = GENERATOR.integers(0, 2, (200, 6)).astype(np.float64)
NOISY = (ROWS.sum(axis=1) + GENERATOR.normal(0, 1, 200) > 3).astype(np.int64)


def exported(model):
    return export.to_onnx(model, features=6, metadata=export.properties("trees", [], []))


@pytest.mark.parametrize("trees", [1, 2, 10, 50], ids=str)
def test_a_forest_keeps_its_classes_and_probabilities(trees):
    model = RandomForestClassifier(n_estimators=trees, random_state=0).fit(ROWS, NOISY)
    session = onnxruntime.InferenceSession(exported(model))
    classes, probabilities = session.run(["label", "probabilities"], {"float_input": ROWS.astype(np.float32)})
    assert classes.tolist() == model.predict(ROWS).tolist()
    assert np.abs(probabilities - model.predict_proba(ROWS)).max() < 1e-6


def test_a_tie_goes_to_the_first_class_as_in_scikit_learn():
    model = DecisionTreeClassifier().fit([[0.0] * 6, [0.0] * 6], [3, 8])
    session = onnxruntime.InferenceSession(exported(model))
    classes, _ = session.run(None, {"float_input": np.zeros((1, 6), np.float32)})
    assert classes.tolist() == model.predict([[0.0] * 6]).tolist() == [3]


def test_an_ensemble_of_three_classes_is_left_alone():
    model = DecisionTreeClassifier(random_state=0).fit(ROWS, (ROWS[:, 0] + ROWS[:, 1]).astype(np.int64))
    operators = [node.op_type for node in onnx.load_from_string(exported(model)).graph.node]
    assert "Mul" not in operators
