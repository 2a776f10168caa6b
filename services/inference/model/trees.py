"""Rewrites the trees of an exported two-class classifier, so that every runtime reads their votes alike.

skl2onnx writes such trees as votes for the second class only, and leaves the rest to the runtime. ONNX Runtime compares
the sum with one half; tract 0.23 takes the largest of the one column that is there, and so always answers the first
class. Votes for both classes do not help: of two columns ONNX Runtime asks whether the second is positive. So each leaf
votes with its distance from one half, negative for one class and positive for the other, and operators after the trees
make probabilities of the sums again, and labels of 0 and 1, because ONNX Runtime then knows no other labels.
Must never change another kind of ensemble.
"""

from __future__ import annotations

import numpy as np
import onnx


def vote_with_margins(proto: onnx.ModelProto) -> None:
    """Rewrites, in place, each two-class ensemble of `proto` whose votes are shares of the second class."""
    nodes = []
    for node in proto.graph.node:
        nodes.append(node)
        if node.op_type == "TreeEnsembleClassifier":
            attributes = {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}
            if _votes_with_shares(attributes):
                nodes.extend(_rewrite(proto.graph, node, attributes))
    rewritten = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del proto.graph.node[:]
    proto.graph.node.extend(rewritten)


def _votes_with_shares(attributes: dict) -> bool:
    """Whether the votes sum to the second class's probability: no link function after them, no base before them."""
    return (
        len(attributes.get("classlabels_int64s", [])) == 2
        and set(attributes["class_ids"]) == {0}
        and attributes.get("post_transform", b"NONE") == b"NONE"
        and not attributes.get("base_values")
    )


def _rewrite(graph: onnx.GraphProto, node: onnx.NodeProto, attributes: dict) -> list[onnx.NodeProto]:
    trees = len(set(attributes["nodes_treeids"]))
    # A vote is a leaf's share divided by the number of trees. Multiplied again, the share of a pure leaf is exact in
    # float32, and so is the sum where as many trees vote for one class as for the other.
    second = (np.array(attributes["class_weights"], dtype=np.float64) * trees - 0.5).astype(np.float32)
    changed = {
        "classlabels_int64s": [0, 1],
        "class_ids": [0, 1] * len(second),
        "class_nodeids": np.repeat(attributes["class_nodeids"], 2).tolist(),
        "class_treeids": np.repeat(attributes["class_treeids"], 2).tolist(),
        "class_weights": np.stack([-second, second], axis=1).ravel().tolist(),
    }
    for entry in node.attribute:
        if entry.name in changed:
            entry.CopyFrom(onnx.helper.make_attribute(entry.name, changed[entry.name]))
    probabilities = node.output[1]
    sums, means, share, half = (f"{probabilities}_{name}" for name in ("sums", "means", "share", "half"))
    node.output[1] = sums
    for name, value in ((share, 1 / trees), (half, 0.5)):
        graph.initializer.append(onnx.helper.make_tensor(name, onnx.TensorProto.FLOAT, [1], [value]))
    return [
        *_labels(graph, node, attributes["classlabels_int64s"]),
        onnx.helper.make_node("Mul", [sums, share], [means], name=means),
        onnx.helper.make_node("Add", [means, half], [probabilities], name=f"{probabilities}_from_means"),
    ]


def _labels(graph: onnx.GraphProto, node: onnx.NodeProto, labels: list[int]) -> list[onnx.NodeProto]:
    """The operators that make the model's own labels of 0 and 1; none where those are its labels."""
    if list(labels) == [0, 1]:
        return []
    label = node.output[0]
    index, scaled, step, first = (f"{label}_{name}" for name in ("index", "scaled", "step", "first"))
    node.output[0] = index
    for name, value in ((step, labels[1] - labels[0]), (first, labels[0])):
        graph.initializer.append(onnx.helper.make_tensor(name, onnx.TensorProto.INT64, [1], [value]))
    return [
        onnx.helper.make_node("Mul", [index, step], [scaled], name=scaled),
        onnx.helper.make_node("Add", [scaled, first], [label], name=f"{label}_from_index"),
    ]
