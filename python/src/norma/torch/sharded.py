# SPDX-License-Identifier: MIT
"""Norms of rows whose last dimension is spread over the ranks of torch.distributed, by Gloo."""

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from .. import _norma


def shard(
    group: dist.ProcessGroup | None = None,
    *,
    slices: tuple[int, ...] = (),
    chunk: int = 0,
    all_reduce: bool = False,
) -> _norma.Shard:
    """This process's place in a group with a backend for CPUs; of norma.Shard's other arguments.

    A rank that dies, or does not come within the group's timeout, is a norma.Error on the others.
    """

    def exchange(kind: str, send: memoryview, receive: memoryview) -> None:
        sent, received = torch.frombuffer(bytearray(send), dtype=torch.float64), view(receive)
        if kind == "all_gather":
            dist.all_gather(list(received.chunk(dist.get_world_size(group))), sent, group=group)
        else:
            dist.all_reduce(sent, group=group)
            received.copy_(sent)

    def view(memory: memoryview) -> Tensor:
        return torch.frombuffer(memory, dtype=torch.float64)

    rank, ranks = dist.get_rank(group), dist.get_world_size(group)
    return _norma.Shard(rank, ranks, exchange, slices=slices, chunk=chunk, all_reduce=all_reduce)


class Sharded(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, norm: str, x: Tensor, weight: Tensor | None, bias: Tensor | None, options: dict
    ) -> Tensor:
        y, *statistics = getattr(_norma, norm)(x, weight, bias, statistics=True, **options)
        ctx.norm, ctx.options, ctx.has_bias = norm, options, bias is not None
        ctx.save_for_backward(x, weight, *statistics)
        return y

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Any, ...]:
        x, weight, *mean, rstd = ctx.saved_tensors
        run = getattr(_norma, ctx.norm + "_backward")
        mean = mean[0] if mean else None
        found = run(
            dy.contiguous(), x, weight, mean=mean, rstd=rstd, bias=ctx.has_bias, **ctx.options
        )
        dx, *rest = found if isinstance(found, tuple) else (found,)
        dweight = rest.pop(0) if weight is not None else None
        return None, dx, dweight, rest[0] if rest else None, None


def sharded_layer_norm(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    shard: _norma.Shard,
    eps: float = 1e-5,
    *,
    weight_offset: float = 0.0,
) -> Tensor:
    """Of slices of the last dimension. Differentiable: all ranks call backward too."""
    options = {"eps": eps, "weight_offset": weight_offset, "shard": shard}
    return Sharded.apply("layer_norm", x, weight, bias, options)


def sharded_rms_norm(
    x: Tensor,
    weight: Tensor | None,
    shard: _norma.Shard,
    eps: float = 1e-6,
    *,
    weight_offset: float = 0.0,
) -> Tensor:
    """Of slices of the last dimension. Differentiable: all ranks call backward too."""
    options = {"eps": eps, "weight_offset": weight_offset, "shard": shard}
    return Sharded.apply("rms_norm", x, weight, None, options)
