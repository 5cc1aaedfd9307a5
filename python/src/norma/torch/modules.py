# SPDX-License-Identifier: MIT
"""torch.nn's norms with Norma's kernels: the same parameters, state and options."""

import math
from typing import Self

import torch
from torch import Tensor

from .functions import layer_norm, rms_norm


def over_last(run, x: Tensor, shape: tuple[int, ...], *parameters: Tensor | None) -> Tensor:
    """Norma normalizes the last dimension: what is to be normalized becomes one."""
    if len(shape) == 1:
        return run(x, *parameters)
    flat = x.reshape(*x.shape[: -len(shape)], math.prod(shape))
    return run(flat, *(p if p is None else p.reshape(-1) for p in parameters)).reshape(x.shape)


class LayerNorm(torch.nn.LayerNorm):
    """torch.nn.LayerNorm."""

    @classmethod
    def of(cls, module: torch.nn.LayerNorm) -> Self:
        """Shares the parameters of `module`."""
        made = cls(module.normalized_shape, module.eps, elementwise_affine=False)
        made.weight, made.bias = module.weight, module.bias
        made.elementwise_affine = module.elementwise_affine
        return made

    def forward(self, x: Tensor) -> Tensor:
        def run(x, weight, bias):
            return layer_norm(x, weight, bias, self.eps)

        return over_last(run, x, self.normalized_shape, self.weight, self.bias)


class RMSNorm(torch.nn.RMSNorm):
    """torch.nn.RMSNorm; with weight_offset=1 that of Gemma, with contract="hf" that of Llama in
    transformers."""

    weight_offset: float = 0.0
    contract: str | None = None

    @classmethod
    def of(
        cls,
        module: torch.nn.Module,
        eps: float | None = None,
        weight_offset: float = 0.0,
        contract: str | None = None,
    ) -> Self:
        """Shares the weight of `module`: a torch.nn.RMSNorm, or any norm with a weight, whose eps
        is given."""
        weight = module.weight
        shape = getattr(module, "normalized_shape", None) or tuple(weight.shape)
        made = cls(
            shape, getattr(module, "eps", eps) if eps is None else eps, elementwise_affine=False
        )
        made.weight, made.elementwise_affine = weight, weight is not None
        made.weight_offset, made.contract = weight_offset, contract
        return made

    def forward(self, x: Tensor) -> Tensor:
        eps = torch.finfo(torch.float32).eps if self.eps is None else self.eps

        def run(x, weight):
            return rms_norm(
                x, weight, eps, weight_offset=self.weight_offset, contract=self.contract
            )

        return over_last(run, x, self.normalized_shape, self.weight)
