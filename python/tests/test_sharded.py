# SPDX-License-Identifier: MIT
"""Norms of slices: threads as ranks; and processes over Gloo, where PyTorch is installed."""

import concurrent.futures
import importlib.util
import subprocess
import sys
import textwrap
import threading

import ml_dtypes
import numpy as np
import pytest

import norma
from reference import forward

ROWS, HIDDEN, CHUNK = 5, 1024, 128
has_torch = importlib.util.find_spec("torch") is not None


class Ranks:
    """The exchange of threads of this process."""

    def __init__(self, count, all_reduce=False):
        self.sent, self.barrier = [None] * count, threading.Barrier(count)
        self.shards = [
            norma.Shard(rank, count, self.exchange(rank), chunk=CHUNK, all_reduce=all_reduce)
            for rank in range(count)
        ]

    def exchange(self, rank):
        def exchange(kind, send, receive):
            self.sent[rank] = np.array(send)
            self.barrier.wait(10)
            joined = np.concatenate if kind == "all_gather" else sum
            np.asarray(receive)[:] = joined(self.sent)
            self.barrier.wait(10)

        return exchange

    def run(self, call):
        """What call(shard, columns) returns, by rank."""
        count = len(self.shards)
        size = HIDDEN // count
        columns = [slice(rank * size, (rank + 1) * size) for rank in range(count)]
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            return list(pool.map(call, self.shards, columns))


def arrays():
    random = np.random.default_rng(0)
    shapes = [(ROWS, HIDDEN), HIDDEN, HIDDEN, (ROWS, HIDDEN)]
    return [random.standard_normal(shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("all_reduce", [False, True])
def test_forward_and_backward(all_reduce):
    x, weight, bias, dy = arrays()
    found = {}
    for count in [1, 2, 4]:
        ranks = Ranks(count, all_reduce)

        def both(shard, columns):
            own = x[:, columns]
            y, mean, rstd = norma.layer_norm(
                own, weight[columns], bias[columns], statistics=True, shard=shard
            )
            gradients = norma.layer_norm_backward(
                dy[:, columns], own, weight[columns], mean=mean, rstd=rstd, bias=True, shard=shard
            )
            return y, *gradients

        found[count] = [np.concatenate(parts, -1) for parts in zip(*ranks.run(both), strict=True)]
    expected = forward("layer_norm", x, weight, bias, eps=1e-5).y
    assert np.abs(found[4][0] - expected).max() < 1e-5
    for one, two, four in zip(*found.values(), strict=True):
        if all_reduce:
            assert np.allclose(one, four, rtol=1e-5, atol=1e-5)
        else:
            assert np.array_equal(one, two) and np.array_equal(one, four)


def test_what_an_exchange_raises_is_the_cause():
    x, weight, *_ = arrays()
    out = np.full_like(x, 7)

    def fail(*_):
        raise TimeoutError("rank 1 does not come")

    with pytest.raises(norma.Error, match="exchange returned 1; expected 0") as raised:
        norma.rms_norm(x, weight, out=out, shard=norma.Shard(0, 2, fail))
    assert str(raised.value.__cause__) == "rank 1 does not come"
    assert (out == 7).all()


def test_refusals():
    x, weight, *_ = arrays()
    with pytest.raises(ValueError, match="slices has not one size for each rank"):
        norma.rms_norm(x, weight, shard=norma.Shard(0, 2, print, slices=[HIDDEN]))
    with pytest.raises(ValueError, match="^rank is 2; expected 0 to 1"):
        norma.rms_norm(x, weight, shard=norma.Shard(2, 2, print))
    with pytest.raises(ValueError, match="^statistics is merged; expected saved where x is i8"):
        norma.rms_norm(
            x.astype(np.int8), weight, x_scale=1.0, y_dtype="f32", shard=norma.Shard(0, 2, print)
        )


def test_a_residual_gives_the_same_bits_on_any_number_of_ranks():
    x, weight, _, residual = (array.astype(ml_dtypes.bfloat16) for array in arrays())
    found = {}
    for count in [1, 2, 4]:

        def both(shard, columns):
            return norma.rms_norm(
                x[:, columns], weight[columns], residual=residual[:, columns], shard=shard
            )

        found[count] = [
            np.concatenate(parts, -1).astype(np.float32)
            for parts in zip(*Ranks(count).run(both), strict=True)
        ]
    rounded = (x + residual).astype(np.float32)
    assert (found[1][1] == rounded).all()
    expected = forward("rms_norm", rounded, weight.astype(np.float32), eps=1e-6).y
    assert (np.abs(found[4][0] - expected) <= 2**-8 * np.abs(expected)).all()
    assert all(np.array_equal(found[1][0], found[count][0]) for count in [2, 4])


GLOO = """
    import datetime, os, sys, time
    import torch, torch.distributed as dist
    import norma, norma.torch

    rank, ranks, store, fault = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
    dist.init_process_group(
        "gloo", init_method="file://" + store, rank=rank, world_size=ranks,
        timeout=datetime.timedelta(seconds=5 if fault else 60))
    torch.manual_seed(0)
    x, w, dy = torch.randn(5, 1024), torch.randn(1024), torch.randn(5, 1024)
    size = 1024 // ranks
    own = [t[..., rank * size:][..., :size].contiguous().requires_grad_() for t in (x, w)]
    shard = norma.torch.shard(chunk=128)
    if fault and rank == 1:
        os._exit(0) if fault == "die" else time.sleep(20)
    try:
        y = norma.torch.sharded_rms_norm(*own, shard)
    except norma.Error as error:
        print("failed:", type(error.__cause__).__name__, flush=True)
        os._exit(3)
    y.backward(dy[:, rank * size:][:, :size])
    parts = [None] * ranks
    dist.all_gather_object(parts, [y.detach(), own[0].grad, own[1].grad])
    found = [torch.cat(tensors, -1) for tensors in zip(*parts)]
    if rank == 0:
        x.requires_grad_(), w.requires_grad_()
        expected = torch.nn.functional.rms_norm(x, [1024], w, 1e-6)
        expected.backward(dy)
        for got, want in zip(found, (expected, x.grad, w.grad)):
            assert torch.allclose(got, want, rtol=1e-5, atol=1e-5)
        print([t.numpy().tobytes().hex() for t in found])
"""


def gloo(ranks, folder, fault=""):
    """Standard output and exit status of each rank."""
    store = str(folder / f"store{ranks}{fault}")
    arguments = [[str(rank), str(ranks), store, fault] for rank in range(ranks)]
    code = [sys.executable, "-c", textwrap.dedent(GLOO)]
    processes = [subprocess.Popen([*code, *own], stdout=subprocess.PIPE) for own in arguments]
    try:
        out = [process.communicate(timeout=60)[0].decode() for process in processes[:1]]
    finally:
        for process in processes[1:]:
            if fault:
                process.kill()
            out.append(process.communicate(timeout=60)[0].decode())
    return [(text, process.returncode) for text, process in zip(out, processes, strict=True)]


@pytest.mark.skipif(not has_torch, reason="PyTorch is not installed")
def test_gloo_gives_the_same_bits_on_2_and_4_ranks(tmp_path):
    two, four = gloo(2, tmp_path), gloo(4, tmp_path)
    assert two[0][1] == 0 and two[0] == four[0]


@pytest.mark.skipif(not has_torch, reason="PyTorch is not installed")
@pytest.mark.parametrize("fault", ["die", "hang"])
def test_gloo_without_a_rank(tmp_path, fault):
    text, status = gloo(2, tmp_path, fault)[0]
    assert status == 3 and text.startswith("failed:")
