# SPDX-License-Identifier: MIT
"""layer_norm, rms_norm and their backwards on NumPy arrays, against float64."""

import ml_dtypes
import numpy as np
import pytest

import norma
from reference import backward, forward

ROWS, HIDDEN = 5, 192
# Of the type, relative to the largest result: one rounding, and for 32 bits the sums.
TOLERANCE = {"float32": 2e-6, "float16": 1e-3, "bfloat16": 8e-3}
OPS = {"layer_norm": norma.layer_norm, "rms_norm": norma.rms_norm}
BACKWARDS = {"layer_norm": norma.layer_norm_backward, "rms_norm": norma.rms_norm_backward}
DTYPES = [np.dtype("float32"), np.dtype("float16"), np.dtype(ml_dtypes.bfloat16)]


def arrays(dtype, *shapes, seed=0):
    random = np.random.default_rng(seed)
    return [random.standard_normal(shape).astype(dtype) for shape in shapes]


def assert_close(found, expected, tolerance):
    expected = np.asarray(expected)
    error = np.abs(found.astype(np.float64) - expected).max()
    assert found.shape == expected.shape
    assert error <= tolerance * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_forward(op, dtype):
    x, weight, bias = arrays(dtype, (ROWS, HIDDEN), HIDDEN, HIDDEN)
    bias = bias if op == "layer_norm" else None
    y = OPS[op](x, weight, bias, eps=1e-5)
    assert y.dtype == dtype and y.flags.c_contiguous
    assert_close(y, forward(op, x, weight, bias).y, TOLERANCE[dtype.name])


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("shape", [(HIDDEN,), (3, HIDDEN), (2, 3, HIDDEN), (2, 1, 3, HIDDEN)])
def test_any_outer_dimensions(op, shape):
    x, weight, bias = arrays(np.float32, shape, HIDDEN, HIDDEN)
    bias = bias if op == "layer_norm" else None
    y = OPS[op](x, weight, bias, eps=1e-5)
    assert_close(y, forward(op, x, weight, bias).y, 2e-6)


@pytest.mark.parametrize("op", OPS)
def test_residual_statistics_and_places(op):
    x, residual, weight, bias = arrays(np.float32, (ROWS, HIDDEN), (ROWS, HIDDEN), HIDDEN, HIDDEN)
    bias = bias if op == "layer_norm" else None
    expected = forward(op, x + residual, weight, bias)
    out = np.empty_like(x)
    y, residual_out, *statistics = OPS[op](
        x,
        weight,
        bias,
        residual=residual,
        out=out,
        residual_out=residual,
        eps=1e-5,
        statistics=True,
    )
    assert y is out and residual_out is residual
    assert_close(y, expected.y, 2e-6)
    assert_close(residual, expected.x, 2e-6)
    assert_close(statistics[-1], expected.rstd, 2e-6)
    assert len(statistics) == (2 if op == "layer_norm" else 1)


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("saved", [True, False])
def test_backward(op, dtype, saved):
    x, dy, weight, bias = arrays(dtype, (ROWS, HIDDEN), (ROWS, HIDDEN), HIDDEN, HIDDEN)
    layer = op == "layer_norm"
    given = {}
    if saved:
        _, *statistics = OPS[op](x, weight, bias if layer else None, statistics=True, eps=1e-5)
        given = dict(zip(["mean", "rstd"] if layer else ["rstd"], statistics))
    gradients = BACKWARDS[op](dy, x, weight, bias=layer, eps=1e-5, **given)
    assert len(gradients) == (3 if layer else 2)
    for found, expected in zip(gradients, backward(op, dy, x, weight)):
        assert found.dtype == dtype
        assert_close(found, expected, 4 * TOLERANCE[dtype.name])


@pytest.mark.parametrize("op", OPS)
def test_accumulated_gradients(op):
    """Two micro-batches have the gradients of one batch of both."""
    x, dy, weight = arrays(np.float32, (2 * ROWS, HIDDEN), (2 * ROWS, HIDDEN), HIDDEN)
    options = {"eps": 1e-5, "bias": op == "layer_norm"}
    _, *expected = BACKWARDS[op](dy, x, weight, **options)
    given = {"dweight": np.zeros_like(weight)}
    if op == "layer_norm":
        given["dbias"] = np.zeros_like(weight)
    for half in (slice(0, ROWS), slice(ROWS, None)):
        _, *sums = BACKWARDS[op](dy[half], x[half], weight, accumulate=True, **given, **options)
    for found, array, sum_of_both in zip(sums, given.values(), expected, strict=True):
        assert found is array
        assert_close(found, sum_of_both, 4e-6)
    BACKWARDS[op](dy, x, weight, **given, **options)  # in place of what they held
    assert all(np.array_equal(*pair) for pair in zip(given.values(), expected, strict=True))
    plan = norma.Plan(f"{op}_backward", HIDDEN, weight="f32", accumulate=True)
    dx, dweight = np.empty_like(x), expected[0].copy()
    plan.run(dy=dy, x=x, weight=weight, dx=dx, dweight=dweight, eps=1e-5)
    assert_close(dweight, 2 * expected[0], 4e-6)


def test_in_place_and_strided():
    packed, weight = arrays(np.float32, (ROWS, 3, HIDDEN), HIDDEN)
    query = packed[:, 1]
    expected = forward("rms_norm", query.copy(), weight, None, eps=1e-6).y
    others = packed[:, [0, 2]].copy()
    assert norma.rms_norm(query, weight, out=query) is query
    assert_close(query, expected, 2e-6)
    assert np.array_equal(packed[:, [0, 2]], others)


def test_quantized():
    x, weight = arrays(ml_dtypes.bfloat16, (ROWS, 256), 256)
    expected = forward("rms_norm", x, weight, None, eps=1e-6).y
    for scale, groups in {"row": 1, "group_128": 2}.items():
        q, y_scale = norma.rms_norm(x, weight, y_dtype="i8", scale=scale)
        assert q.dtype == np.int8
        assert y_scale.shape == ((ROWS,) if scale == "row" else (ROWS, groups))
        values = q.reshape(ROWS, groups, -1).astype(np.float64) * y_scale.reshape(ROWS, groups, 1)
        step = y_scale.reshape(ROWS, groups, 1)
        assert np.all(np.abs(values - expected.reshape(values.shape)) <= 0.51 * step)
    f32, weight, bias = arrays(np.float32, (ROWS, 256), 256, 256)
    q = norma.layer_norm(f32, weight, bias, y_dtype="f8_e4m3", scale="tensor", y_scale=0.02)
    assert q.dtype == ml_dtypes.float8_e4m3fn
    q, y_scale, y = norma.rms_norm(x, x[0], y_dtype="i8", scale="row", y_float="bf16")
    assert y.dtype == ml_dtypes.bfloat16 and y_scale.dtype == np.float32
    ints = np.arange(256, dtype=np.int8).reshape(1, 256)
    y = norma.rms_norm(ints, weight, x_scale=0.5, y_dtype="f32")
    assert_close(y, forward("rms_norm", ints * 0.5, weight, None, eps=1e-6).y, 2e-6)


def test_other_arrays():
    """What is not NumPy's: by the buffer protocol."""
    x = np.ones((2, 64), np.float32)
    y = norma.rms_norm(memoryview(x), memoryview(np.ones(64, np.float32)))
    assert isinstance(y, np.ndarray) and np.allclose(y, 1)


def test_plan():
    plan = norma.Plan("rms_norm", HIDDEN, weight="f32")
    assert plan.kernel.startswith("rms_norm_forward.x_f32.w_f32") and plan.kernel in plan.explain()
    x, weight = arrays(np.float32, (ROWS, HIDDEN), HIDDEN)
    y, z = np.empty_like(x), np.zeros_like(x)
    plan.run(x=x, weight=weight, y=y, eps=1e-6)
    assert_close(y, forward("rms_norm", x, weight, None, eps=1e-6).y, 2e-6)
    call = plan.bind(x=x, weight=weight, y=z, eps=1e-6)
    call.run(2)
    assert np.array_equal(z[:2], y[:2]) and not z[2:].any() and call.rows == ROWS
    other = np.zeros_like(x)
    call.set_data("y", other)
    del x, weight, z
    call.run()
    assert np.array_equal(other, y)


def test_what_is_there():
    assert norma.__version__ and norma.get_num_threads() >= 1
    assert any(target["chosen"] for target in norma.targets())
    assert {"name", "target", "knobs"} <= set(norma.kernels()[0])
