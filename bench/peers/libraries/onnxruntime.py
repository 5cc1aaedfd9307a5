# SPDX-License-Identifier: MIT
"""ONNX Runtime: a model of one operator, inputs and outputs bound."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper

from ..cases import EPS, Case
from ..peer import LeftOut, Prepared, loop
from ..reference import Array, Tensors, empty

ELEMENTS = {"f32": TensorProto.FLOAT, "f16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16}


def model(case: Case) -> bytes:
    """LayerNormalization of opset 17 or RMSNormalization of opset 23."""
    names = ["x", "weight", "bias"] if case.centred else ["x", "weight"]
    kind = "LayerNormalization" if case.centred else "RMSNormalization"
    node = helper.make_node(kind, names, ["y"], axis=-1, epsilon=EPS)

    def value(name: str) -> object:
        shape = [case.rows, case.hidden] if name in ("x", "y") else [case.hidden]
        return helper.make_tensor_value_info(name, ELEMENTS[case.x], shape)

    graph = helper.make_graph([node], "norm", [value(name) for name in names], [value("y")])
    opset = helper.make_opsetid("", 17 if case.centred else 23)
    return helper.make_model(graph, opset_imports=[opset], ir_version=10).SerializeToString()


def bound(array: Array, dtype: str) -> object:
    """The array itself, not a copy."""
    if dtype == "bf16":
        return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(
            array.view(np.uint16), ELEMENTS[dtype]
        )
    return onnxruntime.OrtValue.ortvalue_from_numpy(array)


class OnnxRuntime:
    form = "InferenceSession.run_with_iobinding of one operator, output bound"

    def __init__(self, threads: int) -> None:
        self.version = onnxruntime.__version__
        self.options = onnxruntime.SessionOptions()
        self.options.intra_op_num_threads = threads
        self.options.inter_op_num_threads = 1
        self.options.log_severity_level = 4

    def prepare(self, case: Case, tensors: Tensors) -> Prepared:
        if case.backward or case.quantized:
            raise LeftOut("no such operator")
        session = onnxruntime.InferenceSession(
            model(case), self.options, providers=["CPUExecutionProvider"]
        )
        y = empty((case.rows, case.hidden), case.y)
        binding = session.io_binding()
        values = {name: bound(array, case.x) for name, array in (tensors | {"y": y}).items()}
        for name, value in values.items():
            (binding.bind_ortvalue_output if name == "y" else binding.bind_ortvalue_input)(
                name, value
            )
        run, options = (
            session._sess.run_with_iobinding,
            None,
        )  # what run_with_iobinding of the session calls
        kept = (session, values, tensors)
        return Prepared(
            loop(lambda: run(binding._iobinding, options)), lambda: {"y": y} if kept else {}
        )


PEERS = {"": OnnxRuntime}
