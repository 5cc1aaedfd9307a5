# SPDX-License-Identifier: MIT
"""The ops norma::layer_norm, norma::rms_norm and their kin: for eager PyTorch, compile and export.

For each norm N, with `choice` standing for float weight_offset=0, str? contract=None:

    norma::N(Tensor x, Tensor? weight, Tensor? bias, float eps, choice) -> Tensor
    norma::add_N(Tensor x, Tensor residual, Tensor? weight, Tensor? bias, float eps, choice)
        -> (Tensor y, Tensor residual_out)
    norma::N_quantized(Tensor x, Tensor? weight, Tensor? bias, float eps, str dtype, str scale)
        -> (Tensor y, Tensor y_scale)
    norma::N_backward(Tensor dy, Tensor x, Tensor? weight, Tensor? d_residual, bool bias, float eps,
        choice) -> (Tensor dx, Tensor dweight, Tensor dbias)   an absent one has no elements

The forwards' kernels for CPUs are C++ (torch_ops.cpp). Those for CUDA run on the current stream of
the tensors' device. Autocast casts nothing: whatever the types, sums are fp32, and the result has
the type of x.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .. import _norma
from . import inductor

CHOICE = "float eps, float weight_offset=0.0, str? contract=None"
AFFINE = "Tensor? weight, Tensor? bias"
GROUPS = {"group_32": 32, "group_64": 64, "group_128": 128}
QUANTIZED = {"i8": torch.int8, "f8_e4m3": torch.float8_e4m3fn, "f8_e5m2": torch.float8_e5m2}

library = torch.library.Library("norma", "DEF")


class Norm(NamedTuple):
    forward: Callable[..., Any]
    backward: Callable[..., Any]


NORMS = {
    "layer_norm": Norm(_norma.layer_norm, _norma.layer_norm_backward),
    "rms_norm": Norm(_norma.rms_norm, _norma.rms_norm_backward),
}


def rows(x: Tensor) -> Tensor:
    """As Norma takes it: at most four dimensions, the last contiguous. The values are x's."""
    if x.dim() <= 4 and x.stride(-1) == 1:
        return x
    return x.contiguous() if x.dim() <= 4 else x.reshape(-1, x.shape[-1]).contiguous()


def implement(name: str, run: Callable, *keys: str) -> None:
    def on_device_of(x: Tensor, *arguments: Any) -> Any:
        with torch.cuda.device_of(x):  # the context that Norma finds
            return run(x, *arguments)

    for key in keys:
        library.impl(name, on_device_of if key == "CUDA" else run, key)


def vector(parameter: Tensor | None) -> Tensor | None:
    return None if parameter is None else parameter.contiguous()


def define(name: str, arguments: str, results: str, fake: Callable) -> Any:
    library.define(f"{name}({arguments}) -> {results}")
    torch.library.register_fake(f"norma::{name}", fake, lib=library)
    return getattr(torch.ops.norma, name).default


def define_forward(name: str, norm: Norm, backward: Any) -> None:
    def run_on_cuda(x, weight, bias, eps, weight_offset=0.0, contract=None):
        choice = {"eps": eps, "weight_offset": weight_offset, "contract": contract}
        return norm.forward(rows(x), vector(weight), vector(bias), **choice).reshape(x.shape)

    def fake(x, weight, bias, eps, weight_offset=0.0, contract=None):
        inductor.register()
        return x.new_empty(x.shape)

    def save(ctx, inputs, output):
        x, weight, bias, *ctx.choice = inputs
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None

    def gradients(ctx, dy):
        x, weight = ctx.saved_tensors
        dx, dweight, dbias = backward(dy, x, weight, None, ctx.has_bias, *ctx.choice)
        return dx, given(dweight, weight is not None), given(dbias, ctx.has_bias), None, None, None

    define(name, f"Tensor x, {AFFINE}, {CHOICE}", "Tensor", fake)
    implement(name, run_on_cuda, "CUDA")
    torch.library.register_autograd(f"norma::{name}", gradients, setup_context=save, lib=library)


def define_add(name: str, norm: Norm, backward: Any) -> None:
    def run_on_cuda(x, residual, weight, bias, eps, weight_offset=0.0, contract=None):
        choice = {"eps": eps, "weight_offset": weight_offset, "contract": contract}
        results = norm.forward(
            rows(x), vector(weight), vector(bias), residual=rows(residual), **choice
        )
        return tuple(result.reshape(x.shape) for result in results)

    def fake(x, residual, weight, bias, eps, weight_offset=0.0, contract=None):
        return x.new_empty(x.shape), residual.new_empty(x.shape)

    def save(ctx, inputs, output):
        x, _, weight, bias, *ctx.choice = inputs
        ctx.save_for_backward(output[1], weight)
        ctx.has_bias, ctx.dtype = bias is not None, x.dtype

    def gradients(ctx, dy, d_residual_out):
        summed, weight = ctx.saved_tensors
        dx, dweight, dbias = backward(dy, summed, weight, d_residual_out, ctx.has_bias, *ctx.choice)
        affine = given(dweight, weight is not None), given(dbias, ctx.has_bias)
        return dx.to(ctx.dtype), dx, *affine, None, None, None

    arguments = f"Tensor x, Tensor residual, {AFFINE}, {CHOICE}"
    define(f"add_{name}", arguments, "(Tensor, Tensor)", fake)
    implement(f"add_{name}", run_on_cuda, "CUDA")
    torch.library.register_autograd(
        f"norma::add_{name}", gradients, setup_context=save, lib=library
    )


def define_quantized(name: str, norm: Norm) -> None:
    def run(x, weight, bias, eps, dtype, scale):
        y, y_scale = norm.forward(rows(x), weight, bias, eps=eps, y_dtype=dtype, scale=scale)
        return y.reshape(x.shape), y_scale.reshape(scale_shape(x, scale))

    def fake(x, weight, bias, eps, dtype, scale):
        y_scale = x.new_empty(scale_shape(x, scale), dtype=torch.float32)
        return x.new_empty(x.shape, dtype=QUANTIZED[dtype]), y_scale

    arguments = f"Tensor x, {AFFINE}, float eps, str dtype, str scale"
    define(f"{name}_quantized", arguments, "(Tensor, Tensor)", fake)
    implement(f"{name}_quantized", run, "CPU", "CUDA")


def scale_shape(x: Tensor, scale: str) -> list[int]:
    return [*x.shape[:-1], x.shape[-1] // GROUPS[scale]] if scale in GROUPS else [*x.shape[:-1]]


def define_backward(name: str, norm: Norm) -> Any:
    def run(dy, x, weight, d_residual, bias, eps, weight_offset=0.0, contract=None):
        choice = {"weight_offset": weight_offset, "contract": contract}
        x_rows, saved = rows(x), {}
        tensors = {
            "dy": rows(dy),
            "x": x_rows,
            "weight": weight,
            "d_residual": None if d_residual is None else rows(d_residual),
            "bias": bias,
        }
        try:
            results = norm.backward(**tensors, eps=eps, **choice)
        except _norma.NotInLibraryError:  # not every backward computes the statistics itself
            _, *statistics = norm.forward(x_rows, weight, eps=eps, statistics=True, **choice)
            saved = dict(zip(("rstd", "mean"), reversed(statistics), strict=False))
            results = norm.backward(**tensors, **saved, **choice)
        dx, *more = results if isinstance(results, tuple) else (results,)
        none = x.new_empty(0)
        dweight = more.pop(0) if weight is not None else none
        return dx.reshape(x.shape), dweight, more[0] if bias else none

    def fake(dy, x, weight, d_residual, bias, eps, weight_offset=0.0, contract=None):
        none = x.new_empty(0)
        dweight = none if weight is None else weight.new_empty(weight.shape)
        of_bias = x if weight is None else weight
        return x.new_empty(x.shape), dweight, of_bias.new_empty(x.shape[-1]) if bias else none

    arguments = "Tensor dy, Tensor x, Tensor? weight, Tensor? d_residual, bool bias"
    op = define(f"{name}_backward", f"{arguments}, {CHOICE}", "(Tensor, Tensor, Tensor)", fake)
    implement(f"{name}_backward", run, "CPU", "CUDA")
    return op


def given(gradient: Tensor | None, present: bool) -> Tensor | None:
    return gradient if present else None


for name, norm in NORMS.items():
    backward = define_backward(name, norm)
    define_forward(name, norm, backward)
    define_add(name, norm, backward)
    define_quantized(name, norm)

if not _norma.add_torch_kernels():
    raise ImportError(f"norma.torch needs PyTorch 2.10 or newer; this is {torch.__version__}")
