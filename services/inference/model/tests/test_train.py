"""What training writes: the same bytes each time, the files that are committed, and nothing that a runtime disputes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import agreement
import flight_counts
import numpy as np
import onnx
import pytest
import train
from card import Confusion
from estimation import DOMAIN
from features import FLIGHTS

COUNTS = flight_counts.read(train.HERE / "flights.csv")
MODEL = train.train(COUNTS)
MADE = train.artefacts(MODEL, COUNTS)


def test_the_committed_files_are_what_training_makes():
    assert train.stale(MADE, train.HERE) == []


def test_another_process_with_another_hash_seed_makes_the_same_bytes():
    code = "import hashlib, flight_counts as f, train as t; c = f.read(t.HERE / 'flights.csv'); "
    code += "print({n: hashlib.sha256(b).hexdigest() for n, b in t.artefacts(t.train(c), c).items()})"
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=train.HERE,
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert "flights.onnx" in runs[0]


def test_a_stale_file_is_named(tmp_path):
    for name, content in MADE.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "CARD.md").write_text("something else")
    (tmp_path / "golden.json").unlink()
    assert train.stale(MADE, tmp_path) == ["golden.json", "CARD.md"]


def test_the_file_says_what_the_service_reads():
    proto = onnx.load_from_string(MADE["flights.onnx"])
    properties = {entry.key: entry.value for entry in proto.metadata_props}
    assert properties["model_name"] == "flights"
    assert json.loads(properties["feature_names"]) == FLIGHTS.names
    assert json.loads(properties["feature_groups"])[0] == {"name": "OPERA", "start": 0, "end": 23}
    assert [entry.name for entry in proto.graph.input] == ["float_input"]
    assert [entry.name for entry in proto.graph.output] == ["label", "probabilities"]


def test_every_combination_has_its_golden_answer():
    rows = json.loads(MADE["golden.json"])["rows"]
    assert [row["array"] for row in rows] == DOMAIN.astype(int).tolist()
    assert [row["class"] for row in rows] == MODEL.predict(DOMAIN).tolist()


def test_three_runtimes_agree_on_the_domain(tract, capsys):
    agreement.verify(MODEL, train.HERE / "flights.onnx", DOMAIN, tract)
    assert f"{FLIGHTS.size} rows: scikit-learn, onnxruntime and tract give the same class" in capsys.readouterr().out


def test_a_model_that_a_runtime_disputes_is_not_written(tmp_path, tract, monkeypatch):
    monkeypatch.setattr(train, "HERE", tmp_path)
    other = onnx.load_from_string(MADE["flights.onnx"])
    attribute = next(entry for entry in other.graph.node[0].attribute if entry.name == "intercepts")
    attribute.floats[:] = [value * 0.9 for value in attribute.floats]
    with pytest.raises(agreement.Disagreement, match="onnxruntime says"):
        train.write(MODEL, MADE | {"flights.onnx": other.SerializeToString()}, None, tract)
    assert list(tmp_path.iterdir()) == []


def test_one_runtime_alone_is_noticed():
    answers = [agreement.Answers(name, np.array([0, 1]), None) for name in ("scikit-learn", "onnxruntime")]
    wrong = agreement.Answers("tract", np.array([0, 0]), None)
    with pytest.raises(agreement.Disagreement, match=r"1 of 2 rows: the first is row 2 .*tract says 0"):
        agreement.demand([*answers, wrong], DOMAIN[:2])


@pytest.mark.parametrize("command", ["/nonexistent/inference", "true", "false"])
def test_a_runtime_that_gives_no_answer_is_no_agreement(command):
    with pytest.raises(agreement.CannotRun):
        agreement.tract(Path("flights.onnx"), DOMAIN[:2], command)


def test_full_rows_and_counts_are_the_same_estimation(data_dir, capsys):
    rows = train.compare_with_rows(MODEL, COUNTS, data_dir)
    assert len(rows) == sum(count.on_time + count.late for count in COUNTS)
    assert "largest difference of a coefficient" in capsys.readouterr().out


def test_the_cards_figures_are_the_textbooks():
    confusion = Confusion(on_time_right=50, on_time_wrong=30, late_right=15, late_wrong=5)
    assert (confusion.accuracy, confusion.precision, confusion.recall) == (0.65, 1 / 3, 0.75)
    assert (confusion.base_rate, confusion.called_late) == (0.2, 0.45)
