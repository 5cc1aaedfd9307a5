# SPDX-License-Identifier: MIT
"""Arguments drawn at random from good and bad ones: an exception or a result, never a crash."""

import gc
import random
import threading

import ml_dtypes
import numpy as np

import norma

OPS = [norma.layer_norm, norma.rms_norm, norma.layer_norm_backward, norma.rms_norm_backward]
ALLOWED = (TypeError, ValueError, norma.Error, MemoryError, OverflowError)


class Broken:
    """Claims to be an array."""

    def __init__(self, dlpack):
        self.__dlpack__ = dlpack

    def __dlpack_device__(self):
        return (1, 0)


def raises(**_):
    raise RuntimeError("no")


class BrokenOnType:
    dtype = property(raises)
    __dlpack_c_exchange_api__ = 7

    def __dlpack__(self, **_):
        return 1


class LyingExchange:
    __dlpack_c_exchange_api__ = np.arange(3)


def pool(r):
    hidden = r.choice([1, 7, 64, 192])
    rows = r.choice([0, 1, 3])
    dtype = r.choice(
        [np.float32, np.float16, ml_dtypes.bfloat16, np.int8, np.int32, np.float64, "S3"]
    )
    matrix = np.ones((rows, hidden), np.float32).astype(dtype)
    vector = np.ones(hidden, np.float32).astype(dtype)
    return [
        matrix,
        vector,
        matrix[:, ::-1],
        matrix[::-1],
        matrix.T,
        np.asfortranarray(np.ones((3, hidden), np.float32)),
        np.broadcast_to(vector, (2, hidden)),
        np.ones((2, 3, hidden), np.float32),
        np.ones((1,) * 40, np.float32),
        np.zeros((0, 0), np.float32),
        np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), (1 << 36, 1 << 22), (0, 0)),
        np.float32(3),
        None,
        1,
        -1.5,
        float("inf"),
        1 << 80,
        "i8",
        "row",
        "tensor",
        "\udc80",
        b"bytes",
        bytearray(16),
        memoryview(b"abcd"),
        memoryview(np.ones((3, hidden), np.float32)),
        [1, 2],
        {},
        object(),
        Broken(lambda **_: None),
        BrokenOnType(),
        LyingExchange(),
        np.ma.masked_array(np.ones(hidden, np.float32)),
        np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f4")]),
    ]


CHOICE = "eps weight_offset contract target threads"
FORWARD = (
    "bias residual out residual_out statistics y_dtype scale y_scale y_zero_point y_float "
    f"x_scale x_column_scale {CHOICE}"
)
BACKWARD = f"mean rstd d_residual bias dx dweight dbias accumulate f32_gradients {CHOICE}"


def test_random_arguments():
    r = random.Random(7)
    results = 0
    for _ in range(4000):
        choices = pool(r)
        op = r.choice(OPS)
        is_backward = op.__name__.endswith("backward")
        keywords = (BACKWARD if is_backward else FORWARD).split()
        good = [choices[0]] * (2 if is_backward else 1) + [choices[1]]
        arguments = [r.choice(choices) if r.random() < 0.3 else a for a in good]
        some = {k: r.choice(choices) for k in r.sample(keywords, r.choice([0, 0, 1, 2, 4]))}
        try:
            op(*arguments, **some)
            results += 1
        except ALLOWED:
            pass
    assert results > 100


def test_random_plans():
    r = random.Random(8)
    words = ["f32", "bf16", "i8", None, "row", 1, "x", b"f32"]
    for _ in range(2000):
        choices = pool(r)
        keys = r.sample(
            [
                "x",
                "y",
                "weight",
                "bias",
                "residual",
                "y_float",
                "scale",
                "contract",
                "accumulate",
                "target",
                "kernel",
            ],
            3,
        )
        try:
            plan = norma.Plan(
                r.choice(["rms_norm", "layer_norm_backward", "", 3]),
                r.choice([64, 192, 0, -1, 1 << 62]),
                **{k: r.choice(words) for k in keys},
            )
            tensors = {k: r.choice(choices) for k in ["x", "y", "weight", "dy", "dx", "dweight"]}
            plan.run(**tensors)
            plan.bind(**tensors).run(r.choice(choices))
        except ALLOWED:
            pass


def test_bound_arrays_outlive_their_names():
    plan = norma.Plan("rms_norm", 64)
    y = np.zeros((3, 64), np.float32)
    call = plan.bind(x=np.full((3, 64), 2, np.float32), y=y)
    del plan
    gc.collect()
    call.run()
    assert np.allclose(y, 1)


def test_one_thread_at_a_time():
    x = np.ones((4096, 1024), np.float32)
    call = norma.Plan("rms_norm", 1024).bind(x=x, y=np.empty_like(x), threads=1)
    seen = []

    def run():
        for _ in range(5):
            try:
                call.run()
            except RuntimeError as error:
                seen.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all("one thread at a time" in message for message in seen)


def test_runs_from_many_threads():
    x = np.random.default_rng(0).standard_normal((300, 768)).astype(np.float32)
    weight = np.ones(768, np.float32)
    expected = norma.rms_norm(x, weight)
    wrong = []

    def run():
        for _ in range(20):
            if not np.array_equal(norma.rms_norm(x, weight), expected):
                wrong.append(1)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
