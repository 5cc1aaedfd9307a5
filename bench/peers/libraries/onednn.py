# SPDX-License-Identifier: MIT
"""oneDNN by its C interface: the primitive made once, memory preallocated. The current wheel is a
build with SYCL, which takes some microseconds a call; the last one with OpenMP is of 2023, and runs
here the forward of LayerNorm alone."""

import ctypes
import sys
from ctypes import POINTER, Structure, byref, c_char_p, c_float, c_int, c_int64, c_uint, c_void_p

import numpy as np

from ..cases import EPS, TENSOR_SCALE, Case
from ..peer import LeftOut, Prepared
from ..reference import Array, Tensors, empty
from .plain import in_c

DTYPES = {"f16": 1, "bf16": 2, "f32": 3, "i8": 5}
FORWARD, BACKWARD = 96, 128  # dnnl_prop_kind_t; a backward's hint is of training
TRAINING = 64
GIVEN_STATISTICS, SCALE, SHIFT, RMS = 1, 2, 4, 0x20  # dnnl_normalization_flags_t
ARGUMENTS = {
    "x": 1,
    "y": 17,
    "mean": 49,
    "variance": 50,
    "weight": 51,
    "bias": 52,
    "dx": 129,
    "dy": 145,
    "dweight": 255,
    "dbias": 256,
    "y_scale": 4096 | 17,
}


class Version(Structure):
    _fields_ = [
        ("major", c_int),
        ("minor", c_int),
        ("patch", c_int),
        ("hash", c_char_p),
        ("cpu", c_uint),
        ("gpu", c_uint),
    ]


class Argument(Structure):
    _fields_ = [("index", c_int), ("memory", c_void_p)]


class OneDnn:
    form = "dnnl_primitive_execute and dnnl_stream_wait, called from C; build with SYCL"
    place = "lib/libdnnl.so.3"

    def __init__(self, threads: int) -> None:
        self.library = ctypes.CDLL(f"{sys.prefix}/{self.place}")
        self.library.dnnl_version.restype = POINTER(Version)
        version = self.library.dnnl_version().contents
        self.version = f"{version.major}.{version.minor}.{version.patch}"
        self.engine, self.stream = c_void_p(), c_void_p()
        self.check(self.library.dnnl_engine_create(byref(self.engine), 1, 0))
        self.check(self.library.dnnl_stream_create(byref(self.stream), self.engine, 1))

    def check(self, status: int) -> None:
        if status:
            raise LeftOut("not implemented" if status == 3 else f"status {status}")

    def description(self, shape: tuple[int, ...], dtype: str) -> c_void_p:
        dims = (c_int64 * len(shape))(*shape)
        strides = (c_int64 * len(shape))(*np.cumprod((1, *shape[:0:-1]))[::-1].tolist())
        result = c_void_p()
        create = self.library.dnnl_memory_desc_create_with_strides
        self.check(create(byref(result), len(shape), dims, DTYPES[dtype], strides))
        return result

    def memory(self, array: Array, dtype: str) -> c_void_p:
        result = c_void_p()
        description = self.description(array.shape or (1,), dtype)
        self.check(
            self.library.dnnl_memory_create(
                byref(result), description, self.engine, c_void_p(array.ctypes.data)
            )
        )
        return result

    def prepare(self, case: Case, tensors: Tensors) -> Prepared:
        if case.scale == "row":
            raise LeftOut("no scale for each row")
        if case.op == "rms_norm_backward":
            raise LeftOut("wrong: it subtracts the mean of dy * weight, as in LayerNorm")
        given, outputs = self.arrays(case, tensors)
        attributes = c_void_p()
        self.check(self.library.dnnl_primitive_attr_create(byref(attributes)))
        if case.quantized:
            self.check(
                self.library.dnnl_primitive_attr_set_scales_mask(attributes, ARGUMENTS["y"], 0)
            )
        primitive = c_void_p()
        description = self.primitive(case, attributes)
        self.check(self.library.dnnl_primitive_create(byref(primitive), description))
        arguments = (Argument * len(given))()
        for slot, (name, array) in zip(arguments, given.items()):
            slot.index, slot.memory = (
                ARGUMENTS[name],
                self.memory(array, self.dtype(case, name)).value,
            )
        run = [primitive.value, self.stream.value, len(given), ctypes.addressof(arguments)]
        kept = (given, arguments)
        self.check(
            self.library.dnnl_primitive_execute(*map(c_void_p, run[:2]), len(given), arguments)
        )
        self.check(self.library.dnnl_stream_wait(self.stream))
        return Prepared(
            in_c(
                self.library.dnnl_primitive_execute,
                run,
                then=self.library.dnnl_stream_wait,
                then_argument=self.stream.value,
            ),
            lambda: outputs if kept else {},
        )

    @staticmethod
    def dtype(case: Case, name: str) -> str:
        """Weight, bias, statistics and scales are f32."""
        return {"x": case.x, "dx": case.x, "y": case.y, "dy": case.y}.get(name, "f32")

    def arrays(self, case: Case, tensors: Tensors) -> tuple[Tensors, Tensors]:
        def f32(array: Array) -> Array:
            result = empty(array.shape, "f32")
            result[:] = array
            return result

        shape = (case.rows, case.hidden)
        given = {"x": tensors["x"]} | {
            name: f32(tensors[name]) for name in ("weight", "bias") if name in tensors
        }
        if case.backward:
            given.pop("bias", None)
            outputs = {"dx": empty(shape, case.x)}
            outputs |= {
                name: empty((case.hidden,), "f32")
                for name in (["dweight", "dbias"] if case.centred else ["dweight"])
            }
            variance = 1 / np.square(tensors["rstd"].astype(np.float64)) - EPS
            given |= {"dy": tensors["dy"], "variance": f32(variance)}
            if case.centred:
                given["mean"] = tensors["mean"]
        else:
            outputs = {"y": empty(shape, case.y)}
        if case.quantized:
            given["y_scale"] = np.full((1,), TENSOR_SCALE, np.float32)
        return given | outputs, outputs

    def primitive(self, case: Case, attributes: c_void_p) -> c_void_p:
        shape = (case.rows, case.hidden)
        flags = SCALE | (SHIFT if case.centred else RMS)
        x, y = self.description(shape, case.x), self.description(shape, case.y)
        statistics = self.description((case.rows,), "f32") if case.backward else None
        result, hint = c_void_p(), c_void_p()
        forward = self.library.dnnl_layer_normalization_forward_primitive_desc_create
        kind = TRAINING if case.backward else FORWARD
        wanted = hint if case.backward else result
        self.check(
            forward(
                byref(wanted), self.engine, kind, x, y, statistics, c_float(EPS), flags, attributes
            )
        )
        if case.backward:
            backward = self.library.dnnl_layer_normalization_backward_primitive_desc_create
            self.check(
                backward(
                    byref(result),
                    self.engine,
                    BACKWARD,
                    x,
                    y,
                    x,
                    statistics,
                    c_float(EPS),
                    flags,
                    hint,
                    attributes,
                )
            )
        return result


class OpenMp(OneDnn):
    form = "the same; a build with OpenMP, of 2023"
    place = "onednn-openmp/lib/libdnnl.so.3"

    def prepare(self, case: Case, tensors: Tensors) -> Prepared:
        if not case.centred or case.backward:
            raise LeftOut("forwards of layer_norm")
        return super().prepare(case, tensors)


PEERS = {"sycl": OneDnn, "openmp": OpenMp}
