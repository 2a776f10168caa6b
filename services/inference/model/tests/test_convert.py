"""What is converted, what is refused and in which words, and that a wrong file is noticed."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import agreement
import convert as convert_script
import joblib
import numpy as np
import onnx
import pickled
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

SCRIPT = Path(__file__).resolve().parents[1] / "convert.py"
GENERATOR = np.random.default_rng(3)
ROWS = GENERATOR.integers(0, 2, (80, 4)).astype(np.float64)
LABELS = (ROWS[:, 0] + ROWS[:, 2] + GENERATOR.normal(0, 0.5, 80) > 0.7).astype(np.int64)
"""With some noise, so that the leaves of a tree are not all pure."""


def convert(folder, model, tract, *options):
    """Runs the script on `model`; returns what it ended with."""
    pickle, rows = folder / "model.pkl", folder / "rows.csv"
    joblib.dump(model, pickle)
    np.savetxt(rows, ROWS, delimiter=",", fmt="%g")
    call = [sys.executable, SCRIPT, pickle, folder / "model.onnx", "--rows", rows, "--tract", tract, *options]
    return subprocess.run(list(map(str, call)), capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        LinearSVC(),
        make_pipeline(Normalizer(), LogisticRegression()),
        make_pipeline(StandardScaler(), LogisticRegression()),
        DecisionTreeClassifier(max_depth=3, random_state=0),
        RandomForestClassifier(n_estimators=20, random_state=0),
        make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=7, max_depth=2, random_state=0)),
    ],
    ids=["logistic regression", "linear svc", "pipeline", "scaler", "tree", "forest", "scaled forest"],
)
def test_a_classifier_is_converted_and_three_runtimes_agree(tmp_path, tract, model):
    done = convert(tmp_path, model.fit(ROWS, LABELS), tract, "--trust")
    assert done.returncode == 0, done.stderr
    assert "give the same class on each" in done.stdout
    assert (tmp_path / "model.onnx").exists()


@pytest.mark.parametrize(
    ("model", "options", "says"),
    [
        (LogisticRegression().fit(ROWS, LABELS), [], "a pickle is a program"),
        (LinearRegression().fit(ROWS, LABELS), ["--trust"], "is a regressor"),
        (LogisticRegression().fit(ROWS, np.where(LABELS, "late", "on time")), ["--trust"], "expected integers"),
        (SVC().fit(ROWS, LABELS), ["--trust"], "SVM"),
        (make_pipeline(OneHotEncoder(), LogisticRegression()).fit(ROWS, LABELS), ["--trust"], "OneHotEncoder"),
        (DummyClassifier().fit(ROWS, LABELS), ["--trust"], "skl2onnx cannot convert DummyClassifier"),
        (StandardScaler().fit(ROWS), ["--trust"], "no predict"),
        (LogisticRegression().fit(ROWS, LABELS), ["--trust", "--domain", "flights"], "takes 4 features"),
        (LogisticRegression(), ["--trust"], "was not fitted"),
        ({"not": "a model"}, ["--trust"], "holds a dict"),
    ],
    ids=[
        "no trust",
        "regressor",
        "text labels",
        "no operator in tract",
        "one-hot encoder",
        "no converter",
        "no predict",
        "other width",
        "not fitted",
        "no model",
    ],
)
def test_what_cannot_be_served_is_refused(tmp_path, tract, model, options, says):
    done = convert(tmp_path, model, tract, *options)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "model.onnx").exists()


def test_two_classes_of_trees_keep_their_labels(tmp_path, tract):
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(ROWS, np.where(LABELS, 8, -3))
    done = convert(tmp_path, model, tract, "--trust")
    assert done.returncode == 0, done.stderr
    golden = json.loads((tmp_path / "model.golden.json").read_text())
    assert {row["class"] for row in golden["rows"]} == {-3, 8}


def test_three_classes_keep_their_names_domain_and_golden_answers(tmp_path, tract):
    labels = (10 * (ROWS[:, 0] + ROWS[:, 1])).astype(np.int64)
    model = RandomForestClassifier(n_estimators=5, random_state=0).fit(ROWS, labels)
    done = convert(tmp_path, model, tract, "--trust", "--domain", "A:2,B:2", "--name", "three")
    assert done.returncode == 0, done.stderr
    written = onnx.load(tmp_path / "model.onnx")
    groups = json.loads({entry.key: entry.value for entry in written.metadata_props}["feature_groups"])
    assert groups == [{"name": "A", "start": 0, "end": 2}, {"name": "B", "start": 2, "end": 4}]
    golden = json.loads((tmp_path / "model.golden.json").read_text())
    assert golden["sha256"] == hashlib.sha256((tmp_path / "model.onnx").read_bytes()).hexdigest()
    answers = [row["class"] for row in golden["rows"]]
    assert answers == model.predict([row["array"] for row in golden["rows"]]).tolist()
    assert set(answers) == {0, 10, 20}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,0,0\n", "rows.csv:1: expected 4"),
        ("1,0,0,1\na,0,0,1\n", "rows.csv:2"),
        ("1,0,0,nan\n", "not finite"),
        ("", "no row"),
    ],
    ids=["short", "text", "not a number", "empty"],
)
def test_rows_that_are_not_the_models_are_refused_with_their_place(tmp_path, text, says):
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(convert_script.BadRows, match=re.escape(says)):
        convert_script.read_rows(tmp_path / "rows.csv", 4)


def test_a_pickle_is_not_even_opened_without_trust(tmp_path):
    with pytest.raises(pickled.Refused, match="a pickle is a program"):
        pickled.load(tmp_path / "missing.pkl", trust=False)


def test_a_changed_coefficient_is_noticed(tmp_path, tract):
    model = LogisticRegression().fit(ROWS, LABELS)
    assert convert(tmp_path, model, tract, "--trust").returncode == 0
    changed = onnx.load(tmp_path / "model.onnx")
    node = next(node for node in changed.graph.node if node.op_type == "LinearClassifier")
    for attribute in node.attribute:
        if attribute.name in {"coefficients", "intercepts"}:
            attribute.floats[:] = [-value for value in attribute.floats]
    onnx.save(changed, tmp_path / "changed.onnx")
    with pytest.raises(agreement.Disagreement, match="scikit-learn says"):
        agreement.verify(model, tmp_path / "changed.onnx", ROWS, tract)
