# SPDX-License-Identifier: MIT
"""Bad input: each raises what the docstrings say, and writes nothing."""

import numpy as np
import pytest

import norma

X = np.ones((4, 64), np.float32)
W = np.ones(64, np.float32)
READ_ONLY = np.ones((4, 64), np.float32)
READ_ONLY.flags.writeable = False

REFUSED = {
    "x is of type list": (TypeError, lambda: norma.rms_norm([1.0, 2.0], W)),
    "Invoked with types: NoneType, ndarray": (TypeError, lambda: norma.rms_norm(None, W)),
    "x has elements of float64": (TypeError, lambda: norma.rms_norm(X.astype(np.float64), W)),
    "x has elements of >f4": (TypeError, lambda: norma.rms_norm(X.astype(">f4"), W)),
    "x has elements of object": (TypeError, lambda: norma.rms_norm(X.astype(object), W)),
    "weight has elements of complex64": (TypeError, lambda: norma.rms_norm(X, W.astype("c8"))),
    "x has 0 dimensions": (ValueError, lambda: norma.rms_norm(np.float32(1).reshape(()), W)),
    "x has 5 dimensions": (ValueError, lambda: norma.rms_norm(X.reshape(1, 1, 1, 4, 64), W)),
    r"weight.shape\[0\] is 63": (ValueError, lambda: norma.rms_norm(X, W[:63])),
    r"x.strides\[1\] is 2": (ValueError, lambda: norma.rms_norm(X[:, ::2], W[:32])),
    r"x.strides\[0\] is -64": (ValueError, lambda: norma.rms_norm(X[::-1], W)),
    "stride of 5 bytes": (ValueError, lambda: norma.rms_norm(odd_strides(), W[:1])),
    "x.data": (ValueError, lambda: norma.rms_norm(unaligned(), W)),
    "y is read-only": (ValueError, lambda: norma.rms_norm(X, W, out=READ_ONLY)),
    "overlaps weight": (ValueError, lambda: norma.rms_norm(X[:1], W, out=W.reshape(1, 64))),
    "y.shape": (ValueError, lambda: norma.rms_norm(X, W, out=np.empty((3, 64), np.float32))),
    r"y.strides\[0\] is 0": (ValueError, lambda: norma.rms_norm(X, W, out=overlapping())),
    "eps is -1": (ValueError, lambda: norma.rms_norm(X, W, eps=-1)),
    "eps is nan": (ValueError, lambda: norma.rms_norm(X, W, eps=float("nan"))),
    "eps is 1e-46": (ValueError, lambda: norma.rms_norm(X, W, eps=1e-46)),
    "x_scale is 1e-46": (
        ValueError,
        lambda: norma.rms_norm(X.astype(np.int8), W, x_scale=1e-46, y_dtype="f32"),
    ),
    "eps is -1e-46": (ValueError, lambda: norma.layer_norm_backward(X, X, W, eps=-1e-46)),
    "^threads is -1": (ValueError, lambda: norma.rms_norm(X, W, threads=-1)),
    "y_dtype is 'f128'; expected 'none', 'f32'": (
        ValueError,
        lambda: norma.rms_norm(X, W, y_dtype="f128"),
    ),
    "^y is f64; expected f32": (ValueError, lambda: norma.rms_norm(X, W, y_dtype="f64")),
    "y_dtype is of type type": (TypeError, lambda: norma.rms_norm(X, W, y_dtype=np.float32)),
    "scale is 'column'": (ValueError, lambda: norma.rms_norm(X, W, y_dtype="i8", scale="column")),
    "y_scale is 0": (
        ValueError,
        lambda: norma.layer_norm(X, W, W, y_dtype="i8", scale="tensor", y_scale=0.0),
    ),
    "dweight is None; expected an array to add to": (
        ValueError,
        lambda: norma.rms_norm_backward(X, X, W, accumulate=True),
    ),
    "dbias is None; expected an array to add to": (
        ValueError,
        lambda: norma.layer_norm_backward(
            X, X, W, bias=True, accumulate=True, dweight=np.zeros_like(W)
        ),
    ),
    r"dweight.dtype is 2 \(f16\)": (
        ValueError,
        lambda: norma.rms_norm_backward(X, X, W, dweight=W.astype(np.float16)),
    ),
    "contract is 'exact'": (ValueError, lambda: norma.rms_norm(X, W, contract="exact")),
    "^contract is hf": (ValueError, lambda: norma.layer_norm(X, W, contract="hf")),
    '"contract": "relaxed"': (
        norma.NotInLibraryError,
        lambda: norma.Plan("rms_norm", 64, contract="relaxed"),
    ),
    "sparc": (ValueError, lambda: norma.rms_norm(X, W, target="sparc")),
    '"op": "rms_norm_forward"': (
        norma.NotInLibraryError,
        lambda: norma.rms_norm(X, W, y_dtype="f8_e5m2", scale="group_64"),
    ),
    "incompatible function arguments": (TypeError, lambda: norma.rms_norm(X, W, epsilon=1)),
    "op is 'norm'": (ValueError, lambda: norma.Plan("norm", 64)),
    "'z' is no tensor": (TypeError, lambda: plan().run(x=X, weight=W, z=X)),
    "y.dtype is 0": (ValueError, lambda: plan().run(x=X, weight=W)),
    "rows is 9": (ValueError, lambda: call().run(9)),
    "y differs in type, shape or strides": (ValueError, lambda: call().set_data("y", X[:2])),
    "'eps' is no tensor": (TypeError, lambda: call().set_data("eps", X)),
    "threads is -2": (ValueError, lambda: norma.set_num_threads(-2)),
    "no-such-file": (ValueError, lambda: norma.set_calibration("no-such-file")),
}


def odd_strides():
    return np.lib.stride_tricks.as_strided(np.zeros(64, np.float32), (4, 1), (5, 4))


def unaligned():
    return np.zeros(4 * 64 * 4 + 1, np.uint8)[1:].view(np.float32).reshape(4, 64)


def overlapping():
    return np.lib.stride_tricks.as_strided(
        np.zeros(64, np.float32), (4, 64), (0, 4), writeable=True
    )


def plan():
    return norma.Plan("rms_norm", 64, weight="f32")


def call():
    return plan().bind(x=X, weight=W, y=np.zeros_like(X))


@pytest.mark.parametrize("message", REFUSED)
def test_refusal(message):
    kind, run = REFUSED[message]
    with pytest.raises(kind, match=message):
        run()
    assert (X == 1).all() and (W == 1).all() and (READ_ONLY == 1).all()


def test_zero_rows():
    assert norma.rms_norm(X[:0], W).shape == (0, 64)
