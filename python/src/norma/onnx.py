# SPDX-License-Identifier: MIT
"""Norms of ONNX models by Norma's custom ops for ONNX Runtime, on CPUs.

    python -m norma.onnx MODEL OUT    writes the model with Norma's ops in the place of its norms

A session of it needs the library of the ops:

    options = onnxruntime.SessionOptions()
    options.register_custom_ops_library(norma.onnx.library_path())

Needs the package onnx to rewrite models, and onnxruntime 1.17 or newer to run them."""

import argparse
import math
import pathlib
import sys
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto

from . import _norma

DOMAIN = "norma"
DTYPES = {TensorProto.FLOAT: "f32", TensorProto.FLOAT16: "f16", TensorProto.BFLOAT16: "bf16"}


class Norm(NamedTuple):
    """What takes an op's place. Inputs are x, skip (of a skip norm), weight and bias."""

    name: str
    op: str
    inputs: int
    weight: int  # which input it is
    eps: float  # where the node has none


LAYER = Norm("LayerNormalization", "layer_norm", 3, 1, 1e-5)
RMS = Norm("RMSNormalization", "rms_norm", 2, 1, 1e-5)
SKIP_LAYER = Norm("SkipLayerNormalization", "layer_norm", 4, 2, 1e-12)
SKIP_RMS = Norm("SkipSimplifiedLayerNormalization", "rms_norm", 3, 2, 1e-12)
NORMS = {
    ("", "LayerNormalization"): LAYER,
    ("", "RMSNormalization"): RMS,
    ("", "SimplifiedLayerNormalization"): RMS,
    ("com.microsoft", "SkipLayerNormalization"): SKIP_LAYER,
    ("com.microsoft", "SkipSimplifiedLayerNormalization"): SKIP_RMS,
}


class Outcome(NamedTuple):
    node: str  # its name, or that of its first output
    op: str
    left_alone: str  # why; empty where the node is Norma's now


def library_path() -> str:
    """The shared library for SessionOptions.register_custom_ops_library."""
    return _norma.__file__


def rewrite(model: onnx.ModelProto) -> list[Outcome]:
    """Puts Norma's ops in the place of the model's norms, in subgraphs too, and returns what became
    of each: what Norma has no kernel for is left alone. Functions of the model are not looked into.

    Results may differ by the last bit: Norma rounds once, from float32. ONNX Runtime's fusions do
    not know Norma's ops. To have additions of residuals fused, let ONNX Runtime write the model as
    it optimizes it (SessionOptions.optimized_model_filepath), and rewrite that."""
    types = {
        value.name: value.type.tensor_type
        for graph in graphs(onnx.shape_inference.infer_shapes(model).graph)
        for value in [*graph.input, *graph.value_info, *graph.output]
    }
    for graph in graphs(model.graph):
        for tensor in graph.initializer:
            types[tensor.name] = onnx.helper.make_tensor_type_proto(
                tensor.data_type, tensor.dims
            ).tensor_type
    outcomes = []
    for graph in graphs(model.graph):
        for node in graph.node:
            norm = NORMS.get((node.domain.removeprefix("ai.onnx"), node.op_type))
            if norm:
                reason = why_not(node, norm, types)
                outcomes.append(Outcome(node.name or node.output[0], node.op_type, reason))
                if not reason:
                    replace(node, norm)
    if any(not outcome.left_alone for outcome in outcomes) and not any(
        opset.domain == DOMAIN for opset in model.opset_import
    ):
        model.opset_import.append(onnx.helper.make_opsetid(DOMAIN, 1))
    return outcomes


def graphs(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                if inner.node:
                    yield from graphs(inner)


def attribute(node: onnx.NodeProto, name: str, default: float) -> float:
    for known in node.attribute:
        if known.name == name:
            return onnx.helper.get_attribute_value(known)
    return default


def replace(node: onnx.NodeProto, norm: Norm) -> None:
    values = {"epsilon": float(attribute(node, "epsilon", norm.eps))}
    if norm in (LAYER, RMS):
        values["axis"] = int(attribute(node, "axis", -1))
    node.op_type, node.domain = norm.name, DOMAIN
    del node.attribute[:]
    node.attribute.extend(onnx.helper.make_attribute(*value) for value in values.items())


def why_not(node: onnx.NodeProto, norm: Norm, types: dict) -> str:
    """Why a node is left alone; empty where it need not be."""
    inputs = dict(enumerate(node.input))
    outputs = [bool(name) for name in node.output] + [False] * 4
    if any(node.input[norm.inputs :]):
        return f"it has an input {norm.inputs}, {node.input[norm.inputs]}"
    if attribute(node, "stash_type", TensorProto.FLOAT) != TensorProto.FLOAT:
        return "its stash_type is not float"
    if norm is not RMS and outputs[1] != (outputs[2] and norm.op == "layer_norm"):
        return (
            "mean is an output" if norm is SKIP_RMS else "only one of the statistics is an output"
        )
    found = [types.get(name) for name in node.input if name]
    elements = {known.elem_type for known in found if known and known.elem_type}
    if len(elements) != 1 or not elements <= DTYPES.keys():
        names = sorted(TensorProto.DataType.Name(element) for element in elements)
        return f"its inputs are of {' and '.join(names) or 'unknown type'}"
    hidden = size(types.get(inputs[norm.weight]), 0)
    normalized = size(types.get(inputs[0]), int(attribute(node, "axis", -1)))
    if hidden and normalized and hidden != normalized:
        return f"its scale has {hidden} elements, not {normalized}"
    return why_no_kernel(norm, DTYPES[elements.pop()], hidden, bool(inputs.get(norm.weight + 1)))


def why_no_kernel(norm: Norm, dtype: str, hidden: int | None, bias: bool) -> str:
    if not hidden:
        return ""
    options = {"residual": dtype} if norm in (SKIP_LAYER, SKIP_RMS) else {}
    if bias:
        options["bias"] = dtype
    try:
        _norma.Plan(norm.op, hidden, x=dtype, weight=dtype, **options)
    except _norma.Error as error:
        return str(error)
    return ""


def size(tensor, axis: int) -> int | None:
    """Elements of the dimensions from `axis` on, where they are known."""
    if tensor is None or not tensor.HasField("shape"):
        return None
    dimensions = [dim.dim_value for dim in tensor.shape.dim]
    return math.prod(dimensions[axis:]) or None


def keeps_tensors_elsewhere(model: onnx.ModelProto) -> bool:
    return any(
        tensor.data_location == TensorProto.EXTERNAL
        for graph in graphs(model.graph)
        for tensor in graph.initializer
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m norma.onnx", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    choice = parser.parse_args()
    try:
        model = onnx.load(choice.model, load_external_data=False)
    except (OSError, DecodeError) as error:
        print(f"norma.onnx: {choice.model}: {error}", file=sys.stderr)
        return 1
    if keeps_tensors_elsewhere(model) and choice.out.resolve().parent != (
        choice.model.resolve().parent
    ):
        print(
            f"norma.onnx: {choice.model} keeps tensors in files beside it; expected {choice.out} in"
            " the same folder",
            file=sys.stderr,
        )
        return 1
    outcomes = rewrite(model)
    onnx.save(model, choice.out)
    done = Counter(outcome.op for outcome in outcomes if not outcome.left_alone)
    for op, count in done.items():
        print(f"{count} of {op}: Norma's now")
    for outcome in outcomes:
        if outcome.left_alone:
            print(f"{outcome.node}, {outcome.op}: left alone, as {outcome.left_alone}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
