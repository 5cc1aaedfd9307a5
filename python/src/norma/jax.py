# SPDX-License-Identifier: MIT
"""Norma in JAX on CPUs: under jit, grad and vmap, on XLA's threads.

vmap over x alone (and a residual) is one call, whose rows are all of them; over parameters, and of
a gradient, it is a loop."""

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from . import _norma

jax.ffi.register_ffi_target("norma_run", _norma.xla_handler(), platform="cpu")


class Choice(NamedTuple):
    """What is known when a call is traced."""

    op: str
    eps: float
    weight_offset: float = 0.0
    contract: str = "fp32_once"

    @property
    def statistics(self) -> tuple[str, ...]:
        return ("mean", "rstd") if self.op == "layer_norm" else ("rstd",)


def run(
    choice: Choice, op: str, inputs: dict[str, Array | None], outputs: dict
) -> dict[str, Array]:
    """One call of Norma: tensors by the names that the C interface has for them."""
    given = {role: array for role, array in inputs.items() if array is not None}
    call = jax.ffi.ffi_call("norma_run", tuple(outputs.values()))
    results = call(
        *given.values(),
        op=op,
        inputs=" ".join(given),
        outputs=" ".join(outputs),
        contract=choice.contract,
        scale="none",
        eps=np.float32(choice.eps),
        weight_offset=np.float32(choice.weight_offset),
    )
    return dict(zip(outputs, results, strict=True))


def like(array: Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(array.shape, array.dtype)


def loop(function, batched, *arguments):
    """What has no batch of its own is the same in each turn."""

    def one(index):
        turn = [
            jax.tree.map(lambda a, b: a[index] if b else a, argument, is_batched)
            for argument, is_batched in zip(arguments, batched, strict=True)
        ]
        return function(*turn)

    size = next(
        a.shape[0]
        for a, b in zip(jax.tree.leaves(arguments), jax.tree.leaves(batched), strict=True)
        if b
    )
    return jax.lax.map(one, jnp.arange(size))


@functools.cache
def forward_of(choice: Choice, statistics: bool):
    """(y, residual_out or None, mean and rstd or nothing)"""

    @jax.custom_batching.custom_vmap
    def forward(x, residual, weight, bias):
        outputs = {"y": like(x)}
        if residual is not None:
            outputs["residual_out"] = like(residual)
        if statistics:
            of_rows = jax.ShapeDtypeStruct(x.shape[:-1], jnp.float32)
            outputs |= dict.fromkeys(choice.statistics, of_rows)
        inputs = {"x": x, "weight": weight, "bias": bias, "residual": residual}
        found = run(choice, choice.op, inputs, outputs)
        return found.pop("y"), found.pop("residual_out", None), tuple(found.values())

    @forward.def_vmap
    def rule(size, batched, x, residual, weight, bias):
        if batched[2] or batched[3]:
            found = loop(forward, batched, x, residual, weight, bias)
        else:
            x, residual = (
                a if a is None or b else jnp.broadcast_to(a, (size, *a.shape))
                for a, b in zip((x, residual), batched[:2], strict=True)
            )
            found = forward(x, residual, weight, bias)
        return found, jax.tree.map(lambda _: True, found)

    return forward


@functools.cache
def backward_of(choice: Choice, with_bias: bool):
    """(dx, dweight or None, dbias or None)"""

    @jax.custom_batching.custom_vmap
    def backward(dy, x, weight, statistics, d_residual):
        outputs = {"dx": like(x)}
        if weight is not None:
            outputs["dweight"] = like(weight)
        if with_bias:
            outputs["dbias"] = like(x[(0,) * (x.ndim - 1)] if weight is None else weight)
        inputs = {"dy": dy, "x": x, "weight": weight, "d_residual": d_residual}
        inputs |= dict(zip(choice.statistics, statistics, strict=True))
        found = run(choice, f"{choice.op}_backward", inputs, outputs)
        return found["dx"], found.get("dweight"), found.get("dbias")

    @backward.def_vmap
    def rule(size, batched, *arguments):
        found = loop(backward, batched, *arguments)
        return found, jax.tree.map(lambda _: True, found)

    return backward


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def norm(choice: Choice, x, residual, weight, bias):
    """(y, residual_out or None)"""
    return forward_of(choice, False)(x, residual, weight, bias)[:2]


def norm_forward(choice, x, residual, weight, bias):
    y, residual_out, statistics = forward_of(choice, True)(x, residual, weight, bias)
    normalized = x if residual is None else residual_out
    kept = (normalized, weight, statistics, jnp.zeros((), x.dtype), bias)
    return (y, residual_out), kept


def norm_backward(choice, kept, gradients):
    normalized, weight, statistics, of_x, bias = kept
    dy, d_residual = gradients
    dx, dweight, dbias = backward_of(choice, bias is not None)(
        dy, normalized, weight, statistics, d_residual
    )
    return dx.astype(of_x.dtype), None if d_residual is None else dx, dweight, dbias


norm.defvjp(norm_forward, norm_backward)


def layer_norm(
    x: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    eps: float = 1e-5,
    weight_offset: float = 0.0,
) -> Array:
    """Over the last axis of x; weight and bias [hidden], of x's type or float32."""
    return norm(Choice("layer_norm", eps, weight_offset), x, None, weight, bias)[0]


def rms_norm(
    x: Array,
    weight: Array | None = None,
    *,
    eps: float = 1e-6,
    weight_offset: float = 0.0,
    contract: str = "fp32_once",
) -> Array:
    """Over the last axis of x; weight [hidden], of x's type or float32."""
    return norm(Choice("rms_norm", eps, weight_offset, contract), x, None, weight, None)[0]


def add_layer_norm(
    x: Array,
    residual: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    eps: float = 1e-5,
) -> tuple[Array, Array]:
    """layer_norm(x + residual), and x + residual."""
    return norm(Choice("layer_norm", eps), x, residual, weight, bias)


def add_rms_norm(
    x: Array,
    residual: Array,
    weight: Array | None = None,
    *,
    eps: float = 1e-6,
    weight_offset: float = 0.0,
) -> tuple[Array, Array]:
    """rms_norm(x + residual), and x + residual."""
    return norm(Choice("rms_norm", eps, weight_offset), x, residual, weight, None)
