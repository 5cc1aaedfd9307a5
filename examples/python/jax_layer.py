# SPDX-License-Identifier: MIT
"""A residual block in JAX with Norma's norm, under jit, grad and vmap: needs jax."""

# %% One call adds the residual and normalizes.
import jax
import jax.numpy as jnp

import norma.jax

x, residual = jax.random.normal(jax.random.key(0), (2, 16, 256))
parameters = {"norm": jnp.ones(256), "matrix": jnp.eye(256)}


@jax.jit
def block(parameters, x, residual):
    y, residual = norma.jax.add_rms_norm(x, residual, parameters["norm"])
    return y @ parameters["matrix"], residual


y, residual_out = block(parameters, x, residual)
assert jnp.allclose(residual_out, x + residual)

# %% Gradients are Norma's backward; x and residual share theirs.
gradients = jax.grad(lambda p: jnp.sum(jnp.sin(block(p, x, residual)[0])))(parameters)
print({name: float(jnp.abs(g).max()) for name, g in gradients.items()})

# %% Over a batch it stays one call.
batched = jax.vmap(block, in_axes=(None, 0, 0))(parameters, jnp.stack([x, y]), jnp.stack([x, x]))
assert batched[0].shape == (2, 16, 256)
