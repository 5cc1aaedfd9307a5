# SPDX-License-Identifier: MIT
"""Inputs of a case, what float64 makes of them, and how far a peer is from that."""

import mmap
from dataclasses import dataclass

import ml_dtypes
import numpy as np

from .cases import EPS, TENSOR_SCALE, Case

Array = np.ndarray
Tensors = dict[str, Array]

TYPES = {
    "f32": np.dtype(np.float32),
    "f16": np.dtype(np.float16),
    "bf16": np.dtype(ml_dtypes.bfloat16),
    "i8": np.dtype(np.int8),
}


DISTINCT = 1 << 20  # random numbers of a tensor: the rows of a larger one repeat


def empty(shape: tuple[int, ...], dtype: str) -> Array:
    """Begins at a page, as the tensors of all peers do."""
    elements = int(np.prod(shape))
    bytes_ = np.empty(elements * TYPES[dtype].itemsize + mmap.PAGESIZE, np.uint8)
    begin = -bytes_.ctypes.data % mmap.PAGESIZE
    return bytes_[begin:][: elements * TYPES[dtype].itemsize].view(TYPES[dtype]).reshape(shape)


def distinct_rows(case: Case) -> int:
    return min(case.rows, max(DISTINCT // case.hidden, 1))


def inputs(case: Case) -> Tensors:
    """The same for every peer, from the case alone."""
    random = np.random.default_rng([case.rows, case.hidden])
    distinct = distinct_rows(case)

    def repeated(values: Array, dtype: str) -> Array:
        tensor = empty((case.rows, *values.shape[1:]), dtype)
        tensor[:distinct] = values
        for begin in range(distinct, case.rows, distinct):
            tensor[begin : begin + distinct] = tensor[: min(distinct, case.rows - begin)]
        return tensor

    def vector(mean: float) -> Array:
        tensor = empty((case.hidden,), case.x)
        tensor[:] = mean + 0.1 * random.standard_normal(case.hidden, np.float32)
        return tensor

    def activation(dtype: str, mean: float) -> Array:
        return repeated(mean + random.standard_normal((distinct, case.hidden), np.float32), dtype)

    tensors = {"x": activation(case.x, 0.5), "weight": vector(1)}
    if case.centred:
        tensors["bias"] = vector(0)
    if case.backward:
        tensors["dy"] = activation(case.y, 0)
        statistics = Statistics.of(tensors["x"][:distinct], case.centred)
        tensors["mean"] = repeated(statistics.mean[:, 0], "f32")
        tensors["rstd"] = repeated(statistics.rstd[:, 0], "f32")
    return tensors


@dataclass
class Statistics:
    """Of rows in float64."""

    mean: Array
    rstd: Array
    normalized: Array

    @staticmethod
    def of(x: Array, centred: bool) -> "Statistics":
        x = x.astype(np.float64)
        mean = x.mean(1, keepdims=True) if centred else np.zeros((len(x), 1))
        rstd = 1 / np.sqrt(np.square(x - mean).mean(1, keepdims=True) + EPS)
        return Statistics(mean, rstd, (x - mean) * rstd)


def sample(case: Case) -> Array:
    """The rows that are compared: the first, the last, and some between."""
    return np.unique(np.linspace(0, case.rows - 1, 64).astype(int))


def expected(case: Case, tensors: Tensors) -> Tensors:
    """y or dx of the sample, and the gradients of weight and bias over all rows."""
    rows = sample(case)
    statistics = Statistics.of(tensors["x"][rows], case.centred)
    weight = tensors["weight"].astype(np.float64)
    if not case.backward:
        bias = tensors["bias"].astype(np.float64) if case.centred else 0
        return {"y": statistics.normalized * weight + bias}
    normalized = statistics.normalized
    g = tensors["dy"][rows].astype(np.float64) * weight
    dx = g - normalized * (g * normalized).mean(1, keepdims=True)
    if case.centred:
        dx -= g.mean(1, keepdims=True)
    result = {"dx": dx * statistics.rstd}
    distinct = distinct_rows(case)
    times = np.bincount(np.arange(case.rows) % distinct)[:, None]
    dy = tensors["dy"][:distinct].astype(np.float64) * times
    result["dweight"] = (dy * Statistics.of(tensors["x"][:distinct], case.centred).normalized).sum(
        0
    )
    if case.centred:
        result["dbias"] = dy.sum(0)
    return result


def error(case: Case, got: Tensors, want: Tensors) -> float:
    """The largest error, in units in the last place of the largest element: of the row in y and dx,
    of all in the gradients of weight and bias. Of an int8 y, in its steps."""
    if case.quantized:
        return error_in_steps(case, got, want["y"])
    precision = ml_dtypes.finfo(TYPES[case.x]).nmant

    def units(found: Array, right: Array) -> float:
        amax = np.abs(right).max(-1, keepdims=True)
        ulp = np.exp2(np.floor(np.log2(amax)) - precision)
        return float((np.abs(found.astype(np.float64) - right) / ulp).max())

    rows = sample(case)
    found = {
        name: got[name][rows] if right.ndim == 2 else got[name] for name, right in want.items()
    }
    return max(units(found[name], right) for name, right in want.items())


def error_in_steps(case: Case, got: Tensors, want: Array) -> float:
    rows = sample(case)
    y = got["y"][rows].astype(np.float64)
    if case.scale == "tensor":
        limits = 127 * TENSOR_SCALE
        return float(np.abs(y - np.clip(want, -limits, limits) / TENSOR_SCALE).max())
    scales = got["y_scale"].reshape(case.rows, 1)[rows].astype(np.float64)
    steps = np.abs(want).max(1, keepdims=True) / 127
    return float((np.abs(y * scales - want) / steps).max())
