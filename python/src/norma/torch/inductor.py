# SPDX-License-Identifier: MIT
"""A shorter way for torch.compile's own backend: what it generates calls Norma with memory that it
has planned, without PyTorch's dispatcher, which takes longer than a short row.

This is Inductor's interface for its own ops, which is not public: where it is another one, the ops
stay calls of the dispatcher."""

import sys
from collections.abc import Callable
from typing import Any

import torch

from .. import _norma

NORMS = ("layer_norm", "rms_norm")
registered = False

for name in NORMS:
    # Where generated code finds it, in other processes too: it calls these for ops of this package.
    setattr(torch.ops.norma, f"into_{name}", getattr(_norma, name))


def register() -> None:
    """Called while a graph is traced, before it is lowered. Importing Inductor takes a second, so
    it is not this that does."""
    global registered
    inductor = sys.modules.get("torch._inductor.lowering")
    if registered or not hasattr(inductor, "fallback_handler"):
        return
    registered = True
    try:
        for name in NORMS:
            lower(name, getattr(torch.ops.norma, name).default, inductor)
    except (AttributeError, ImportError, TypeError):
        pass


def lower(name: str, op: Any, inductor: Any) -> None:
    from torch._inductor.ir import (
        ExternKernel,
        ExternKernelOut,
        FixedLayout,
        FlexibleLayout,
        TensorBox,
    )
    from torch._inductor.virtualized import V

    dispatched: Callable = inductor.fallback_handler(op, add_to_fallback_set=False)

    @inductor.register_lowering(op, type_promotion_kind=None)
    def lowered(x, weight, bias, eps, weight_offset=0.0, contract=None):
        device, size = x.get_device(), x.get_size()
        options = {"eps": eps, "weight_offset": weight_offset, "contract": contract}
        constant = isinstance(eps, float) and isinstance(weight_offset, float)
        only_bias = weight is None and bias is not None  # the arguments go by their places
        if (
            device.type != "cpu"
            or len(size) > 4
            or only_bias
            or not constant
            or V.graph.cpp_wrapper
        ):
            return dispatched(x, weight, bias, **options)
        return TensorBox.create(
            ExternKernelOut(
                layout=FixedLayout(
                    device, x.get_dtype(), size, FlexibleLayout.contiguous_strides(size)
                ),
                inputs=[
                    ExternKernel.require_contiguous(ExternKernel.realize_input(tensor))
                    for tensor in (x, weight, bias)
                    if tensor is not None
                ],
                kwargs=options,
                python_kernel_name=f"torch.ops.norma.into_{name}",
                op_overload=op,
            )
        )
