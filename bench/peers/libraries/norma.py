# SPDX-License-Identifier: MIT
"""Norma's C library as its users call it: a plan, bound once (runtime/include/norma/norma.h)."""

import ctypes
import os
from ctypes import (
    Structure,
    byref,
    c_char_p,
    c_float,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_void_p,
)
from pathlib import Path

import numpy as np

from ..cases import EPS, TENSOR_SCALE, Case
from ..peer import Prepared
from ..reference import Array, Tensors, empty
from .plain import in_c

DTYPES = {"none": 0, "f32": 1, "f16": 2, "bf16": 3, "i8": 4}
SCALES = {"none": 0, "tensor": 1, "row": 2}
OPS = {"layer_norm": 1, "rms_norm": 2, "layer_norm_backward": 3, "rms_norm_backward": 4}
ROLES = (
    "x",
    "y",
    "weight",
    "bias",
    "residual",
    "residual_out",
    "mean",
    "rstd",
    "dy",
    "d_residual",
    "dx",
    "dweight",
    "dbias",
    "x_scale",
    "y_scale",
    "y_float",
    "x_column_scale",
    "first_moment",
    "second_moment",
)


class Device(Structure):
    _fields_ = [("type", c_int32), ("id", c_int32)]


class Tensor(Structure):
    _fields_ = [
        ("data", c_void_p),
        ("dtype", c_int32),
        ("device", Device),
        ("rank", c_int32),
        ("shape", c_int64 * 4),
        ("strides", c_int64 * 4),
    ]


class PlanDesc(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("op", c_int32),
        ("contract", c_int32),
        ("device", Device),
        ("hidden", c_int64),
        ("x", c_int32),
        ("y", c_int32),
        ("y_float", c_int32),
        ("weight", c_int32),
        ("bias", c_int32),
        ("residual", c_int32),
        ("scale", c_int32),
        ("flags", c_uint32),
        ("target", c_char_p),
        ("kernel", c_char_p),
    ]


class Arguments(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("eps", c_float),
        ("weight_offset", c_float),
        ("y_zero_point", c_int32),
        *((role, Tensor) for role in ROLES),
    ]


class Execution(Structure):
    _fields_ = [
        ("size", c_size_t),
        ("threads", c_int32),
        ("parallel_for", c_void_p),
        ("parallel_for_context", c_void_p),
        ("cuda_stream", c_void_p),
        ("workspace", c_void_p),
        ("workspace_size", c_size_t),
        ("store", c_int32),
    ]


def described(array: Array, dtype: str) -> Tensor:
    strides = [stride // array.itemsize for stride in array.strides]
    return Tensor(
        array.ctypes.data,
        DTYPES[dtype],
        Device(),
        array.ndim,
        (c_int64 * 4)(*array.shape),
        (c_int64 * 4)(*strides),
    )


class Norma:
    form = "norma_call_run, called from C"

    def __init__(self, threads: int) -> None:
        build = Path(os.environ["NORMA_BUILD"])
        self.library = ctypes.CDLL(str(build / "lib" / "libnorma.so"))
        self.library.norma_version.restype = c_char_p
        self.library.norma_last_error.restype = c_char_p
        self.version = self.library.norma_version().decode()
        self.threads = threads

    def check(self, status: int) -> None:
        if status:
            raise RuntimeError(self.library.norma_last_error().decode())

    def prepare(self, case: Case, tensors: Tensors) -> Prepared:
        outputs = self.outputs(case)
        scale_of_y = (
            {"y_scale": np.array(TENSOR_SCALE, np.float32)} if case.scale == "tensor" else {}
        )
        weight = case.x
        desc = PlanDesc(
            size=ctypes.sizeof(PlanDesc),
            op=OPS[case.op],
            hidden=case.hidden,
            x=DTYPES[case.x],
            y=DTYPES[case.y],
            weight=DTYPES[weight],
            scale=SCALES[case.scale],
            bias=DTYPES[weight if case.centred else "none"],
        )
        arguments = Arguments(size=ctypes.sizeof(Arguments), eps=EPS)
        arrays = tensors | outputs | scale_of_y
        for role, array in arrays.items():
            f32 = role in ("mean", "rstd", "y_scale")
            if (role == "bias" and case.backward) or (role == "mean" and not case.centred):
                continue  # which it does not read
            dtype = "f32" if f32 else case.y if role in ("y", "dy") else case.x
            setattr(arguments, role, described(array, dtype))
        plan, call, size = c_void_p(), c_void_p(), c_size_t()
        self.check(self.library.norma_plan_create(byref(desc), byref(plan)))
        self.check(
            self.library.norma_plan_workspace_size(
                plan, c_int64(case.rows), self.threads, byref(size)
            )
        )
        workspace = empty((size.value + 64,), "i8")
        execution = Execution(
            size=ctypes.sizeof(Execution),
            threads=self.threads,
            workspace=workspace.ctypes.data,
            workspace_size=size.value,
        )
        self.check(self.library.norma_bind(plan, byref(arguments), byref(execution), byref(call)))
        self.check(self.library.norma_call_run(call, c_int64(case.rows)))
        kept = (arrays, workspace)
        return Prepared(in_c(self.library.norma_call_run, [call.value, case.rows]), lambda: kept[0])

    @staticmethod
    def outputs(case: Case) -> Tensors:
        shape, vector = (case.rows, case.hidden), (case.hidden,)
        if not case.backward:
            scales = {"y_scale": empty((case.rows,), "f32")} if case.scale == "row" else {}
            return {"y": empty(shape, case.y)} | scales
        names = ["dweight", "dbias"] if case.centred else ["dweight"]
        return {"dx": empty(shape, case.x)} | {name: empty(vector, case.x) for name in names}


PEERS = {"": Norma}
