"""Drives the service with Triton's own HTTP client, unchanged, and compares with the golden answers.

The client is the judge of the protocol: this file only says what to ask and what the product promises.
Run by `cargo xtask e2e triton`; the token comes in the variable TOKEN.
"""

import argparse
import json
import os

import numpy
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput
from tritonclient.utils import InferenceServerException

MODEL, INPUT, OUTPUT = "flights", "float_input", "label"


def infer(client, headers, rows, *, binary, outputs=None):
    """One request of any number of rows, its tensors in binary or in JSON."""
    tensor = InferInput(INPUT, list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows, binary_data=binary)
    if outputs is None:
        outputs = [InferRequestedOutput(OUTPUT, binary_data=binary)]
    # A copy, because the client adds a header of one request to the caller's dictionary.
    return client.infer(
        MODEL, [tensor], outputs=outputs or None, headers=dict(headers or {}), request_id="the-callers-id"
    )


def refusal(ask):
    """The exception that the client raises."""
    try:
        answer = ask()
    except InferenceServerException as error:
        return error
    raise AssertionError(f"the service did not refuse: {answer}")


def health_and_metadata(client, headers):
    # Probes come without credentials.
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL, headers=headers)
    assert not client.is_model_ready("another", headers=headers)
    server = client.get_server_metadata(headers=headers)
    assert server["name"] == "puntual" and "binary_tensor_data" in server["extensions"], server
    model = client.get_model_metadata(MODEL, headers=headers)
    assert model["inputs"] == [{"name": INPUT, "datatype": "FP32", "shape": [-1, 37]}], model
    assert model["outputs"] == [{"name": OUTPUT, "datatype": "INT64", "shape": [-1]}], model
    for version in model["versions"]:
        assert client.is_model_ready(MODEL, version, headers=headers)


def golden_answers(client, headers, rows, classes):
    for binary in (True, False):
        for size in (1, 2, 100):
            for start in range(0, len(rows), size):
                part = slice(start, start + size)
                answer = infer(client, headers, rows[part], binary=binary)
                got = answer.as_numpy(OUTPUT)
                assert got.dtype == numpy.int64 and got.shape == (len(rows[part]),), (got.dtype, got.shape)
                assert (got == classes[part]).all(), f"rows {part}: {got} instead of {classes[part]}"
        about = answer.get_response()
        assert about["model_name"] == MODEL and about["id"] == "the-callers-id", about
    # A client that names no output gets all of them.
    answer = infer(client, headers, rows[:3], binary=True, outputs=[])
    assert (answer.as_numpy(OUTPUT) == classes[:3]).all()


def refusals(client, headers, rows):
    for binary in (True, False):
        error = refusal(lambda: infer(client, headers, rows[:1, :36], binary=binary))
        assert error.status() == "422", error
        assert "37" in error.message() and "36" in error.message(), error
    error = refusal(lambda: infer(client, headers, rows[:1], binary=True, outputs=[InferRequestedOutput("nonsense")]))
    assert error.status() == "422" and "nonsense" in error.message(), error
    error = refusal(lambda: client.get_model_metadata("another", headers=headers))
    assert error.status() == "404" and "another" in error.message(), error


def unauthenticated(client, rows):
    for headers in (None, {"Authorization": "Bearer nonsense"}):
        for ask in (
            lambda: infer(client, headers, rows[:1], binary=True),
            lambda: client.get_model_metadata(MODEL, headers=headers),
            lambda: client.get_server_metadata(headers=headers),
        ):
            error = refusal(ask)
            assert error.status() == "401", error
        assert not client.is_model_ready(MODEL, headers=headers)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--address", required=True, help="host:port of the API listener")
    options.add_argument("--golden", required=True, help="golden.json")
    options = options.parse_args()
    with open(options.golden, encoding="utf-8") as file:
        golden = json.load(file)["rows"]
    rows = numpy.array([row["array"] for row in golden], dtype=numpy.float32)
    classes = numpy.array([row["class"] for row in golden], dtype=numpy.int64)
    headers = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    with InferenceServerClient(options.address) as client:
        health_and_metadata(client, headers)
        golden_answers(client, headers, rows, classes)
        refusals(client, headers, rows)
        unauthenticated(client, rows)
    print(f"tritonclient agrees on {len(rows)} rows, in binary and in JSON")


if __name__ == "__main__":
    main()
