# SPDX-License-Identifier: MIT
"""Both norms in float64, straight from their formulas."""

from typing import NamedTuple

import numpy as np


class Forward(NamedTuple):
    x: np.ndarray
    y: np.ndarray
    mean: np.ndarray
    rstd: np.ndarray


def forward(op, x, weight, bias=None, eps=1e-5):
    x = np.asarray(x).astype(np.float64)
    mean = x.mean(-1) if op == "layer_norm" else np.zeros(x.shape[:-1])
    centred = x - mean[..., None]
    rstd = 1 / np.sqrt((centred**2).mean(-1) + eps)
    y = centred * rstd[..., None] * np.asarray(weight).astype(np.float64)
    return Forward(x, y if bias is None else y + np.asarray(bias).astype(np.float64), mean, rstd)


def backward(op, dy, x, weight, eps=1e-5):
    """dx, dweight, dbias."""
    dy, weight = np.asarray(dy).astype(np.float64), np.asarray(weight).astype(np.float64)
    hidden = dy.shape[-1]
    saved = forward(op, x, np.ones(hidden), eps=eps)
    n, g = saved.y, dy * weight
    mean_g = g.mean(-1, keepdims=True) if op == "layer_norm" else 0
    dx = (g - mean_g - n * (g * n).mean(-1, keepdims=True)) * saved.rstd[..., None]
    flat = dy.reshape(-1, hidden)
    return dx, (flat * n.reshape(-1, hidden)).sum(0), flat.sum(0)
