# SPDX-License-Identifier: MIT
"""The ops as functions. Where nothing but the result is wanted, they go past PyTorch's
dispatcher."""

import torch
from torch import Tensor
from torch.nn import Parameter

from .. import _norma
from . import ops as _ops  # noqa: F401, defines torch.ops.norma

PLAIN = (Tensor, Parameter)


def is_plain(x: Tensor, *parameters: Tensor | None) -> bool:
    """Whether this is a call of eager PyTorch that nobody records, transforms or looks at."""
    if torch.compiler.is_compiling():
        return False
    grad = torch.is_grad_enabled()
    for tensor in (x, *parameters):
        if tensor is not None and (type(tensor) not in PLAIN or (grad and tensor.requires_grad)):
            return False
    return (
        x.is_cpu
        and x.dim() <= 4
        and x.stride(-1) == 1
        and torch._C._len_torch_dispatch_stack() == 0
        and torch._C._functorch.peek_interpreter_stack() is None
    )


def layer_norm(
    x: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
    *,
    weight_offset: float = 0.0,
) -> Tensor:
    """Over the last dimension of x; weight and bias of x's type or float32. Differentiable."""
    if is_plain(x, weight, bias):
        return _norma.layer_norm(x, weight, bias, eps=eps, weight_offset=weight_offset)
    return torch.ops.norma.layer_norm.default(x, weight, bias, eps, weight_offset)


def rms_norm(
    x: Tensor,
    weight: Tensor | None = None,
    eps: float = 1e-6,
    *,
    weight_offset: float = 0.0,
    contract: str | None = None,
) -> Tensor:
    """Over the last dimension of x; weight of x's type or float32. Differentiable."""
    if is_plain(x, weight):
        return _norma.rms_norm(x, weight, eps=eps, weight_offset=weight_offset, contract=contract)
    return torch.ops.norma.rms_norm.default(x, weight, None, eps, weight_offset, contract)


def add_layer_norm(
    x: Tensor,
    residual: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> tuple[Tensor, Tensor]:
    """layer_norm(x + residual), and x + residual. Differentiable."""
    return torch.ops.norma.add_layer_norm.default(x, residual, weight, bias, eps)


def add_rms_norm(
    x: Tensor,
    residual: Tensor,
    weight: Tensor | None = None,
    eps: float = 1e-6,
    *,
    weight_offset: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """rms_norm(x + residual), and x + residual. Differentiable."""
    return torch.ops.norma.add_rms_norm.default(x, residual, weight, None, eps, weight_offset)
