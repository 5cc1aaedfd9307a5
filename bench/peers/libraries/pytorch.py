# SPDX-License-Identifier: MIT
"""PyTorch: its own kernels (eager), and the C++ that torch.compile makes of the same functions."""

from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional

from ..cases import EPS, TENSOR_SCALE, Case
from ..peer import LeftOut, Prepared, loop
from ..reference import Array, Tensors

torch_tensor = torch.Tensor


def to_torch(array: Array) -> torch_tensor:
    if array.dtype.itemsize == 2 and array.dtype != np.float16:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def to_numpy(tensor: torch_tensor) -> Array:
    return (tensor.float() if tensor.is_floating_point() else tensor).numpy()


def layer_norm(x: torch_tensor, weight: torch_tensor, bias: torch_tensor) -> torch_tensor:
    return functional.layer_norm(x, weight.shape, weight, bias, EPS)


def rms_norm(x: torch_tensor, weight: torch_tensor) -> torch_tensor:
    return functional.rms_norm(x, weight.shape, weight, EPS)


def by_tensor(y: torch_tensor) -> tuple[torch_tensor]:
    return (torch.clamp(torch.round(y / TENSOR_SCALE), -127, 127).to(torch.int8),)


def by_row(y: torch_tensor) -> tuple[torch_tensor, torch_tensor]:
    scale = y.abs().amax(-1, keepdim=True) / 127
    return torch.round(y / scale).to(torch.int8), scale


def forward_of(case: Case) -> Callable[..., object]:
    norm = layer_norm if case.centred else rms_norm
    if not case.quantized:
        return norm
    quantize = by_tensor if case.scale == "tensor" else by_row
    return lambda x, *parameters: quantize(norm(x.float(), *(each.float() for each in parameters)))


class Eager:
    form = "functional.layer_norm, rms_norm; native_layer_norm_backward, autograd"

    fuses = False

    def __init__(self, threads: int) -> None:
        torch.set_num_threads(threads)
        self.version = torch.__version__

    def compile(self, function: Callable[..., object]) -> Callable[..., object]:
        return function

    def prepare(self, case: Case, tensors: Tensors) -> Prepared:
        if case.quantized and not self.fuses:
            raise LeftOut("no int8 output")
        given = {name: to_torch(array) for name, array in tensors.items()}
        names = ["x", "weight", "bias"] if case.centred else ["x", "weight"]
        inputs = [given[name] for name in names]
        if case.backward:
            return self.backward(case, inputs, given)
        function = self.compile(forward_of(case))

        @torch.inference_mode()
        def nanoseconds(calls: int) -> float:
            return timed(calls)

        timed = loop(lambda: function(*inputs))

        @torch.inference_mode()
        def outputs() -> Tensors:
            results = function(*inputs)
            results = results if case.quantized else (results,)
            return dict(zip(("y", "y_scale"), map(to_numpy, results)))

        return Prepared(nanoseconds, outputs)

    def backward(
        self, case: Case, inputs: list[torch_tensor], given: dict[str, torch_tensor]
    ) -> Prepared:
        run = self.gradients(case, inputs, given)
        return Prepared(
            loop(run), lambda: dict(zip(("dx", "dweight", "dbias"), map(to_numpy, run())))
        )

    def gradients(
        self, case: Case, inputs: list[torch_tensor], given: dict[str, torch_tensor]
    ) -> Callable[[], tuple[torch_tensor, ...]]:
        if not case.centred:
            return self.autograd(case, inputs, given)
        x, weight, bias = inputs
        mean, rstd = (given[name][:, None].to(x.dtype) for name in ("mean", "rstd"))
        function = torch.ops.aten.native_layer_norm_backward.default
        return lambda: function(given["dy"], x, [case.hidden], mean, rstd, weight, bias, [True] * 3)

    def autograd(
        self, case: Case, inputs: list[torch_tensor], given: dict[str, torch_tensor]
    ) -> Callable[[], tuple[torch_tensor, ...]]:
        """Through a forward that was done before, whose results are kept."""
        for tensor in inputs:
            tensor.requires_grad_()
        y = self.compile(forward_of(case))(*inputs)
        return lambda: torch.autograd.grad(y, inputs, given["dy"], retain_graph=True)


class Compiled(Eager):
    form = "torch.compile of the same functions for the shape, with g++; backward by autograd"
    fuses = True

    def compile(self, function: Callable[..., object]) -> Callable[..., object]:
        torch.compiler.reset()
        return torch.compile(function, dynamic=False, fullgraph=True)

    def gradients(
        self, case: Case, inputs: list[torch_tensor], given: dict[str, torch_tensor]
    ) -> Callable[[], tuple[torch_tensor, ...]]:
        return self.autograd(case, inputs, given)


PEERS = {"eager": Eager, "compile": Compiled}
