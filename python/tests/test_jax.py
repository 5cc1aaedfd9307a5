# SPDX-License-Identifier: MIT
"""norma.jax under jit, grad and vmap, against the formulas in jax.numpy."""

import numpy as np
import pytest

jax = pytest.importorskip("jax")

import jax.numpy as jnp

import norma.jax

HIDDEN = 192


def arrays(dtype, *shapes):
    keys = jax.random.split(jax.random.key(1), len(shapes))
    return [
        jax.random.normal(k, s, jnp.float32).astype(dtype)
        for k, s in zip(keys, shapes, strict=True)
    ]


def layer_norm(x, weight=None, bias=None):
    x32 = x.astype(jnp.float32)
    centred = x32 - x32.mean(-1, keepdims=True)
    y = centred / jnp.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    y = y if weight is None else y * weight.astype(jnp.float32)
    return (y if bias is None else y + bias.astype(jnp.float32)).astype(x.dtype)


def rms_norm(x, weight=None):
    x32 = x.astype(jnp.float32)
    y = x32 / jnp.sqrt((x32**2).mean(-1, keepdims=True) + 1e-6)
    return (y if weight is None else y * weight.astype(jnp.float32)).astype(x.dtype)


def close(found, expected):
    assert found.dtype == expected.dtype and found.shape == expected.shape
    found, expected = (np.asarray(a).astype(np.float64) for a in (found, expected))
    tolerance = 1e-5 if found.dtype == np.float32 else 2e-2
    np.testing.assert_allclose(
        found / np.abs(expected).max(), expected / np.abs(expected).max(), atol=tolerance
    )


CASES = {
    "layer_norm": (norma.jax.layer_norm, layer_norm, 2),
    "rms_norm": (norma.jax.rms_norm, rms_norm, 1),
    "rms_norm without weight": (norma.jax.rms_norm, rms_norm, 0),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("shape", [(HIDDEN,), (5, HIDDEN), (2, 1, 3, 2, HIDDEN)], ids=str)
def test_values_and_gradients(case, dtype, shape):
    ours, theirs, parameters = CASES[case]
    inputs = arrays(dtype, shape, *[(HIDDEN,)] * parameters)
    close(ours(*inputs), theirs(*inputs))
    close(jax.jit(ours)(*inputs), theirs(*inputs))
    which = tuple(range(len(inputs)))

    def gradients(norm):
        return jax.jit(jax.grad(lambda *a: jnp.sum(jnp.sin(norm(*a).astype(jnp.float32))), which))

    for found, expected in zip(gradients(ours)(*inputs), gradients(theirs)(*inputs), strict=True):
        close(found, expected)


def test_residual():
    x, residual, weight = arrays(jnp.float32, (5, HIDDEN), (5, HIDDEN), (HIDDEN,))
    y, residual_out = norma.jax.add_rms_norm(x, residual, weight)
    close(residual_out, x + residual)
    close(y, rms_norm(x + residual, weight))

    def loss(add):
        return lambda x, r: sum(jnp.sum(jnp.sin(a)) for a in add(x, r))

    theirs = loss(lambda x, r: (rms_norm(x + r, weight), x + r))
    ours = loss(lambda x, r: norma.jax.add_rms_norm(x, r, weight))
    for found, expected in zip(
        jax.grad(ours, (0, 1))(x, residual), jax.grad(theirs, (0, 1))(x, residual), strict=True
    ):
        close(found, expected)


def test_vmap():
    x, weight = arrays(jnp.float32, (4, 5, HIDDEN), (4, HIDDEN))
    rows = jax.vmap(lambda x: norma.jax.rms_norm(x, weight[0]))
    close(rows(x), rms_norm(x, weight[0]))
    assert str(jax.make_jaxpr(rows)(x)).count("ffi_call") == 1 and "scan" not in str(
        jax.make_jaxpr(rows)(x)
    )
    close(jax.vmap(norma.jax.rms_norm)(x, weight), jax.vmap(rms_norm)(x, weight))

    def gradients(norm):
        return jax.vmap(jax.grad(lambda x, w: jnp.sum(jnp.sin(norm(x, w))), (0, 1)), (0, None))

    for found, expected in zip(
        gradients(norma.jax.rms_norm)(x, weight[0]), gradients(rms_norm)(x, weight[0]), strict=True
    ):
        close(found, expected)


def test_large_runs_use_threads():
    x, weight = arrays(jnp.float32, (4000, 768), (768,))
    close(jax.jit(norma.jax.rms_norm)(x, weight), rms_norm(x, weight))


def test_refusals():
    (x,) = arrays(jnp.float32, (5, HIDDEN))
    with pytest.raises(Exception, match=r"weight.shape\[0\] is 3"):
        norma.jax.rms_norm(x, jnp.ones(3)).block_until_ready()
    with pytest.raises(Exception, match="x is of a type that Norma does not know"):
        norma.jax.rms_norm(x.astype(jnp.int16)).block_until_ready()


def test_arrays_of_jax_without_norma_jax():
    y = norma.rms_norm(jnp.ones((2, 64), jnp.bfloat16))
    assert isinstance(y, jax.Array) and y.dtype == jnp.bfloat16
    with pytest.raises(ValueError, match="read-only"):
        norma.rms_norm(jnp.ones((2, 64)), out=jnp.ones((2, 64)))
