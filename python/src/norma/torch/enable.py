# SPDX-License-Identifier: MIT
"""PyTorch's own norms on CPU tensors with Norma's kernels, forward and backward, for models as they
are.

torch.nn.functional.layer_norm and rms_norm, and the modules, come to four ops of aten, whose
kernels for the CPU are replaced. What Norma has no kernel for goes to PyTorch's, and is counted.
torch.compile takes these ops apart before they get here: compiled models use norma.torch's modules.
"""

import collections
import math
from collections.abc import Callable

import torch
from torch import Tensor

from .. import _norma
from .ops import given, rows

DTYPES = (torch.float32, torch.float16, torch.bfloat16)

# Elements from which on Norma's kernel is worth the way through Python: PyTorch has a fused kernel
# of LayerNorm as well.
LEAST = {"native_layer_norm": 32768, "native_layer_norm_backward": 32768}

_overrides: torch.library.Library | None = None
_left_alone: collections.Counter[str] = collections.Counter()


def enable() -> None:
    """From now on, in all threads. Does nothing the second time."""
    global _overrides
    if _overrides is None:
        _overrides = torch.library.Library("aten", "IMPL")
        for name, run in OVERRIDES.items():
            _overrides.impl(name, with_fallback(name, run), "CPU", with_keyset=True)


def disable() -> None:
    """Gives PyTorch its kernels back.

    A graph of 16-bit norms that was made while they were Norma's has to have had its backward by
    then: Norma saves statistics in float32, PyTorch in 16 bits.
    """
    global _overrides
    if _overrides is not None:
        _overrides._destroy()
        _overrides = None


def left_alone() -> dict[str, int]:
    """What went to PyTorch's kernels since the program began, and how often."""
    return dict(_left_alone)


class LeftAlone(Exception):
    """Not for Norma; the message says why."""


def with_fallback(name: str, run: Callable) -> Callable:
    if name == "_fused_rms_norm_backward":  # of which PyTorch has none for the CPU

        def original(keys, *arguments):
            return rms_norm_backward_of_pytorch(*arguments)
    else:
        original = torch.library.get_kernel(f"aten::{name}", "CPU").call_boxed
    least = LEAST.get(name, 0)

    def kernel(keys, *arguments):
        if arguments[0].numel() < least:
            return original(keys, *arguments)
        try:
            return run(*arguments)
        except (LeftAlone, _norma.NotInLibraryError, TypeError, ValueError) as reason:
            _left_alone[f"{name}: {reason}"] += 1
        if name == "native_layer_norm_backward":
            arguments = with_statistics_of_pytorch(*arguments)
        return original(keys, *arguments)

    return kernel


def flat(x: Tensor, hidden: int, outer: int) -> Tensor:
    """What is normalized is one dimension, behind those before `outer`."""
    if x.dtype not in DTYPES or x.numel() == 0:
        raise LeftAlone(f"{x.dtype} of {list(x.shape)}")
    return rows(x if outer == x.dim() - 1 else x.reshape(-1, hidden))


def forward(norm: Callable, x: Tensor, shape: list[int], *parameters: Tensor | None, eps: float):
    outer = x.dim() - len(shape)
    if list(x.shape[outer:]) != list(shape):
        raise LeftAlone(f"normalized_shape {list(shape)} of {list(x.shape)}")
    parameters = [p if p is None or len(shape) == 1 else p.reshape(-1) for p in parameters]
    x_flat = flat(x, math.prod(shape), outer)
    y, *statistics = norm(x_flat, *parameters, eps=eps, statistics=True)
    of_rows = [*x.shape[:outer], *[1] * len(shape)]
    return y if y.shape == x.shape else y.view(x.shape), *(s.view(of_rows) for s in statistics)


def layer_norm(x, shape, weight, bias, eps):
    return forward(_norma.layer_norm, x, shape, weight, bias, eps=eps)


def rms_norm(x, shape, weight, eps):
    # PyTorch's eps, where none is given, is that of its sums.
    return forward(
        _norma.rms_norm,
        x,
        shape,
        weight,
        eps=torch.finfo(torch.float32).eps if eps is None else eps,
    )


def backward(
    norm: Callable, dy: Tensor, x: Tensor, shape: list[int], weight: Tensor | None, **more
):
    """dx, and the gradients of weight and bias that there are, in x's and the weight's shapes."""
    outer = x.dim() - len(shape)
    hidden = math.prod(shape)
    x_flat, dy_flat = flat(x, hidden, outer), flat(dy, hidden, outer)
    for name in ("mean", "rstd"):
        if name in more:
            if more[name].dtype != torch.float32:
                raise LeftAlone(f"{name} of {more[name].dtype}")
            more[name] = more[name].reshape(x_flat.shape[:-1])
    results = norm(dy_flat, x_flat, weight if weight is None else weight.reshape(-1), **more)
    dx, *parameters = results if isinstance(results, tuple) else (results,)
    return dx.view(x.shape), *(p.view(shape) for p in parameters)


def layer_norm_backward(dy, x, shape, mean, rstd, weight, bias, wanted):
    with_bias = bias is not None and wanted[2]
    dx, *more = backward(
        _norma.layer_norm_backward, dy, x, shape, weight, mean=mean, rstd=rstd, bias=with_bias
    )
    dweight = more.pop(0) if weight is not None else None
    return given(dx, wanted[0]), given(dweight, wanted[1]), more[0] if with_bias else None


def rms_norm_backward(dy, x, shape, rstd, weight, wanted):
    dx, *more = backward(_norma.rms_norm_backward, dy, x, shape, weight, rstd=rstd)
    return given(dx, wanted[0]), more[0] if more and wanted[1] else None


def with_statistics_of_pytorch(dy, x, shape, mean, rstd, weight, *more):
    """Of the type that its forward would have saved."""
    dtype = x.dtype if weight is None else weight.dtype
    return dy, x, shape, mean.to(dtype), rstd.to(dtype), weight, *more


def rms_norm_backward_of_pytorch(dy, x, shape, rstd, weight, wanted):
    dims, outer = [-1 - d for d in range(len(shape))], list(range(x.dim() - len(shape)))
    dy, n = dy.to(rstd.dtype), x.to(rstd.dtype) * rstd
    g = dy if weight is None else dy * weight
    dx = ((g - n * (g * n).mean(dims, keepdim=True)) * rstd).to(x.dtype)
    if weight is None:
        return given(dx, wanted[0]), None
    dweight = (dy * n).sum(outer) if outer else dy * n
    return given(dx, wanted[0]), given(dweight.to(weight.dtype), wanted[1])


OVERRIDES = {
    "native_layer_norm": layer_norm,
    "native_layer_norm_backward": layer_norm_backward,
    "_fused_rms_norm": rms_norm,
    "_fused_rms_norm_backward": rms_norm_backward,
}
