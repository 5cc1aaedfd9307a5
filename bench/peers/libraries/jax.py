# SPDX-License-Identifier: MIT
"""JAX: jax.numpy, compiled by XLA for the shape. A backward computes the statistics again."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from ..cases import EPS, TENSOR_SCALE, Case
from ..peer import Prepared, loop
from ..reference import Tensors

Array = jax.Array


def normalized(x: Array, centred: bool) -> Array:
    x = x.astype(jnp.float32)
    if centred:
        x = x - jnp.mean(x, -1, keepdims=True)
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + EPS)


def layer_norm(x: Array, weight: Array, bias: Array) -> Array:
    return normalized(x, True) * weight.astype(jnp.float32) + bias.astype(jnp.float32)


def rms_norm(x: Array, weight: Array) -> Array:
    return normalized(x, False) * weight.astype(jnp.float32)


def function_of(case: Case) -> Callable[..., tuple[Array, ...]]:
    norm = layer_norm if case.centred else rms_norm

    def rounded(x: Array, *parameters: Array) -> Array:
        return norm(x, *parameters).astype(x.dtype)

    def backward(dy: Array, *inputs: Array) -> tuple[Array, ...]:
        return jax.vjp(rounded, *inputs)[1](dy)

    def by_tensor(*inputs: Array) -> tuple[Array]:
        return (jnp.clip(jnp.round(norm(*inputs) / TENSOR_SCALE), -127, 127).astype(jnp.int8),)

    def by_row(*inputs: Array) -> tuple[Array, Array]:
        y = norm(*inputs)
        scale = jnp.max(jnp.abs(y), -1, keepdims=True) / 127
        return jnp.round(y / scale).astype(jnp.int8), scale

    if case.backward:
        return backward
    return {"none": lambda *inputs: (rounded(*inputs),), "tensor": by_tensor, "row": by_row}[
        case.scale
    ]


class Jax:
    form = "jax.jit of jax.numpy for the shape, block_until_ready"

    def __init__(self, threads: int) -> None:
        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_cpu_enable_async_dispatch", False)
        self.version = jax.__version__

    def prepare(self, case: Case, tensors: Tensors) -> Prepared:
        names = (
            (["dy"] if case.backward else []) + ["x", "weight"] + (["bias"] if case.centred else [])
        )
        inputs = [jnp.asarray(tensors[name]) for name in names]
        compiled = jax.jit(function_of(case)).lower(*inputs).compile()
        results = ("dx", "dweight", "dbias") if case.backward else ("y", "y_scale")

        def outputs() -> Tensors:
            return dict(zip(results, map(np.asarray, compiled(*inputs))))

        return Prepared(loop(lambda: compiled(*inputs)[0].block_until_ready()), outputs)


PEERS = {"": Jax}
