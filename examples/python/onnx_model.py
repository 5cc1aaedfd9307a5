# SPDX-License-Identifier: MIT
"""A model whose norms become Norma's, in ONNX Runtime: needs onnx and onnxruntime."""

# %% Layers of x + matmul(rms_norm(x)), and a layer norm.
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import norma.onnx

HIDDEN, LAYERS = 256, 4


def model() -> onnx.ModelProto:
    random = np.random.default_rng(0)
    shapes = {"scale": HIDDEN, "weight": (HIDDEN, HIDDEN)}
    constants = [
        numpy_helper.from_array(random.standard_normal(shape, np.float32) / 16, name)
        for name, shape in shapes.items()
    ]
    nodes, x = [], "x"
    for layer in range(LAYERS):
        normalized, product, total = (f"{name}.{layer}" for name in ("norm", "matmul", "sum"))
        nodes += [
            helper.make_node("RMSNormalization", [x, "scale"], [normalized], epsilon=1e-6),
            helper.make_node("MatMul", [normalized, "weight"], [product]),
            helper.make_node("Add", [x, product], [total]),
        ]
        x = total
    nodes.append(helper.make_node("LayerNormalization", [x, "scale"], ["y"]))
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["tokens", HIDDEN]) for name in "xy"
    ]
    graph = helper.make_graph(nodes, "layers", values[:1], values[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)


# %% A session needs the library of Norma's ops, whether its model has any or not.
def run(of: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.register_custom_ops_library(norma.onnx.library_path())
    return onnxruntime.InferenceSession(of.SerializeToString(), options).run(None, {"x": x})[0]


# %% The nodes are replaced in place, and each has an outcome.
x = np.random.default_rng(1).standard_normal((32, HIDDEN), np.float32)
network = model()
expected = run(network, x)
for node, op, left_alone in norma.onnx.rewrite(network):
    print(f"{node}: {op} {'left alone, as ' + left_alone if left_alone else 'by Norma'}")

# %% Sums are fp32 in both.
difference = float(np.abs(run(network, x) - expected).max())
assert difference < 1e-5
print(f"largest difference {difference:.2g}")
