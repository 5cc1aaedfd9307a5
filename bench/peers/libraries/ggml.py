# SPDX-License-Identifier: MIT
"""ggml by its C interface: a graph made once, as llama.cpp makes it, with its tensors where ours
are, on a thread pool of its own."""

import ctypes
import importlib.metadata
import importlib.util
from ctypes import (
    POINTER,
    Structure,
    byref,
    c_bool,
    c_char,
    c_float,
    c_int,
    c_int32,
    c_int64,
    c_size_t,
    c_uint32,
    c_void_p,
)
from pathlib import Path

import numpy as np

from ..cases import EPS, Case
from ..peer import LeftOut, Prepared
from ..reference import Array, Tensors, empty
from .plain import in_c

F32 = 0  # ggml_type


class Tensor(Structure):
    _fields_ = [
        ("type", c_int),
        ("buffer", c_void_p),
        ("ne", c_int64 * 4),
        ("nb", c_size_t * 4),
        ("op", c_int),
        ("op_params", c_int32 * 16),
        ("flags", c_int32),
        ("src", c_void_p * 10),
        ("view_src", c_void_p),
        ("view_offs", c_size_t),
        ("data", c_void_p),
        ("name", c_char * 64),
        ("extra", c_void_p),
        ("padding", c_char * 8),
    ]


Node = POINTER(Tensor)


class InitParams(Structure):
    _fields_ = [("mem_size", c_size_t), ("mem_buffer", c_void_p), ("no_alloc", c_bool)]


class ThreadPoolParams(Structure):
    _fields_ = [
        ("cpumask", c_bool * 512),
        ("n_threads", c_int),
        ("prio", c_int),
        ("poll", c_uint32),
        ("strict_cpu", c_bool),
        ("paused", c_bool),
    ]


class Plan(Structure):
    _fields_ = [
        ("work_size", c_size_t),
        ("work_data", c_void_p),
        ("n_threads", c_int),
        ("threadpool", c_void_p),
        ("abort_callback", c_void_p),
        ("abort_callback_data", c_void_p),
        ("use_ref", c_bool),
    ]


class Ggml:
    form = "ggml_graph_compute of norm, mul and add in place, called from C; wheel for AVX2"

    def __init__(self, threads: int) -> None:
        folder = Path(importlib.util.find_spec("libggml").origin).parent / "lib64"
        self.base = ctypes.CDLL(str(folder / "libggml-base.so.0"), ctypes.RTLD_GLOBAL)
        self.cpu = ctypes.CDLL(str(folder / "libggml-cpu.so.0"))
        self.version = importlib.metadata.version("libggml-python")
        for library, name, result, arguments in (
            (self.base, "ggml_init", c_void_p, [InitParams]),
            (self.base, "ggml_new_tensor_2d", Node, [c_void_p, c_int, c_int64, c_int64]),
            (self.base, "ggml_norm", Node, [c_void_p, Node, c_float]),
            (self.base, "ggml_rms_norm", Node, [c_void_p, Node, c_float]),
            (self.base, "ggml_mul", Node, [c_void_p, Node, Node]),
            (self.base, "ggml_add", Node, [c_void_p, Node, Node]),
            (self.base, "ggml_new_graph", c_void_p, [c_void_p]),
            (self.base, "ggml_build_forward_expand", None, [c_void_p, Node]),
            (self.cpu, "ggml_graph_plan", Plan, [c_void_p, c_int, c_void_p]),
            (self.cpu, "ggml_threadpool_new", c_void_p, [c_void_p]),
        ):
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        self.cpu.ggml_cpu_init()
        pool = ThreadPoolParams()
        self.base.ggml_threadpool_params_init(byref(pool), threads)
        self.threads, self.pool = threads, self.cpu.ggml_threadpool_new(byref(pool))

    def prepare(self, case: Case, tensors: Tensors) -> Prepared:
        if case.backward or case.x != "f32" or case.quantized:
            raise LeftOut("forwards in f32")
        context = self.base.ggml_init(InitParams(1 << 20, None, True))
        y = empty((case.rows, case.hidden), "f32")

        def given(array: Array) -> "ctypes._Pointer[Tensor]":
            shape = [*array.shape[::-1], 1][:2]
            tensor = self.base.ggml_new_tensor_2d(context, F32, *shape)
            tensor.contents.data = array.ctypes.data
            return tensor

        norm = self.base.ggml_norm if case.centred else self.base.ggml_rms_norm
        nodes = [norm(context, given(tensors["x"]), EPS)]
        nodes.append(self.base.ggml_mul(context, nodes[-1], given(tensors["weight"])))
        if case.centred:
            nodes.append(self.base.ggml_add(context, nodes[-1], given(tensors["bias"])))
        for node in nodes:  # of the same memory, as llama.cpp's allocator gives them
            node.contents.data = y.ctypes.data
        graph = self.base.ggml_new_graph(context)
        self.base.ggml_build_forward_expand(graph, nodes[-1])
        plan = self.cpu.ggml_graph_plan(graph, self.threads, self.pool)
        work = np.zeros(max(plan.work_size, 1), np.uint8)
        plan.work_data = work.ctypes.data
        kept = (tensors, plan, work)
        return Prepared(
            in_c(self.cpu.ggml_graph_compute, [graph, ctypes.addressof(plan)]),
            lambda: {"y": y} if kept else {},
        )


PEERS = {"": Ggml}
