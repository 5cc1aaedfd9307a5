# SPDX-License-Identifier: MIT
"""Norma on NumPy arrays, step by step: pip install dist/norma-*.whl, then python
examples/python/arrays.py."""

# %% One norm. The result is a new array of the same type; out= takes one that is there.
import ml_dtypes
import numpy as np

import norma

rng = np.random.default_rng(0)
x = rng.standard_normal((4, 768), dtype=np.float32)
weight, bias = np.ones(768, np.float32), np.zeros(768, np.float32)

y = norma.layer_norm(x, weight, bias)
print("mean, deviation of a row:", y[0].mean().round(6), y[0].std().round(4))

# %% A transformer's step: add the residual, normalize, and keep the sum for the next layer.
residual = rng.standard_normal((4, 768), dtype=np.float32)
y, residual = norma.rms_norm(x, weight, residual=residual, residual_out=residual)
assert np.abs((y**2).mean(-1) - 1).max() < 1e-3

# %% In bfloat16, for an int8 matmul: the norm writes int8 and the scale of each row.
half = x.astype(ml_dtypes.bfloat16)
q, scale = norma.rms_norm(half, np.ones(768, ml_dtypes.bfloat16), y_dtype="i8", scale="row")
expected = norma.rms_norm(half, np.ones(768, ml_dtypes.bfloat16)).astype(np.float32)
error = np.abs(q * scale[:, None] - expected).max()
print("int8:", q.dtype, q.shape, "scales", scale.shape, "largest error", error)
assert error <= scale.max()

# %% Gradients: dx, dweight and dbias in one pass.
dx, dweight, dbias = norma.layer_norm_backward(y, x, weight, bias=True)
assert dx.shape == x.shape and np.allclose(dbias, y.sum(0), atol=1e-4)

# %% Which kernel runs, and why.
plan = norma.Plan("rms_norm", 768, x="bf16", weight="bf16")
print(next(line for line in plan.explain().splitlines() if "chosen" in line))

# %% A decoder makes the same call for each token: check it once, run it often.
token, out = half[:1].copy(), np.empty_like(half[:1])
call = plan.bind(x=token, weight=np.ones(768, ml_dtypes.bfloat16), y=out, eps=1e-6)
for step in range(3):
    token[:] = half[step]
    call.run()
print("last token:", out[0, :4])
