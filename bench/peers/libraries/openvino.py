# SPDX-License-Identifier: MIT
"""OpenVINO: the norm's formula, which its CPU plugin fuses; the request's tensors set before."""

import ml_dtypes
import numpy as np
import openvino
from openvino import Type, opset13

from ..cases import EPS, Case
from ..peer import LeftOut, Prepared, loop
from ..reference import Array, Tensors, empty

TYPES = {"f32": Type.f32, "f16": Type.f16, "bf16": Type.bf16}


def model(case: Case, tensors: Tensors) -> openvino.Model:
    dtype = TYPES[case.x]
    x = opset13.parameter([case.rows, case.hidden], dtype, name="x")

    def constant(array: Array) -> openvino.Node:
        return opset13.convert(opset13.constant(array.astype(np.float32)), dtype)

    axes = opset13.constant(np.array([-1], np.int64))
    if case.centred:
        normalized = opset13.mvn(x, axes, True, EPS, "inside_sqrt")
        y = opset13.add(
            opset13.multiply(normalized, constant(tensors["weight"])), constant(tensors["bias"])
        )
    else:
        two, eps, less = (
            opset13.convert(opset13.constant(np.float32(value)), dtype) for value in (2, EPS, -1)
        )
        mean_square = opset13.reduce_mean(opset13.power(x, two), axes, True)
        rstd = opset13.power(opset13.sqrt(opset13.add(mean_square, eps)), less)
        y = opset13.multiply(constant(tensors["weight"]), opset13.multiply(x, rstd))
    return openvino.Model([y], [x], "norm")


class OpenVino:
    form = "InferRequest.infer of the formula, which the plugin fuses, tensors set"

    def __init__(self, threads: int) -> None:
        self.version = openvino.__version__.split("-")[0]
        self.core = openvino.Core()
        self.threads = threads

    def prepare(self, case: Case, tensors: Tensors) -> Prepared:
        if case.backward or case.quantized:
            raise LeftOut("no such operator")
        settings = {
            "INFERENCE_NUM_THREADS": self.threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": case.x,
        }
        request = self.core.compile_model(
            model(case, tensors), "CPU", settings
        ).create_infer_request()
        y = empty((case.rows, case.hidden), case.y)
        request.set_input_tensor(shared(tensors["x"]))
        request.set_output_tensor(shared(y))
        kept = tensors
        run = super(type(request), request).infer  # without the Python class that converts results
        return Prepared(loop(lambda: run({}, False, False) if kept else None), lambda: {"y": y})


def shared(array: Array) -> openvino.Tensor:
    if array.dtype == ml_dtypes.bfloat16:
        return openvino.Tensor(array.view(np.uint16), array.shape, Type.bf16)
    return openvino.Tensor(array, shared_memory=True)


PEERS = {"": OpenVino}
