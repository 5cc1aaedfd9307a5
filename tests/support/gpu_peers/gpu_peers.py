# SPDX-License-Identifier: MIT
"""Peers that hang, break the device, end the process or are wrong, each in one of the cases."""

import os
import time
import typing

from gpu_cases import Case

DEVICE = "none"


class Run(typing.NamedTuple):
    call: typing.Callable
    before: typing.Callable = lambda: None


class NotThere(Exception):
    pass


class Tensors(typing.NamedTuple):
    torch: typing.Any
    case: Case


class Result(float):
    def double(self):
        return self

    shape = ()

    def reshape(self, _):
        return self

    def abs(self):
        return Result(abs(self))

    max = item = abs

    def __sub__(self, other):
        return Result(float(self) - float(other))

    def __truediv__(self, other):
        return Result(float(self) / float(other))


def reference(*_):
    return (Result(1),)


def peer(when, act, result=1.0):
    """Acts where the hidden size is `when`."""

    def make(torch, tensors):
        if tensors.case.hidden == when:
            act(torch)
        return Run(lambda: (Result(result),))

    return make


def break_device(torch):
    torch.cuda.broken = True
    raise RuntimeError("launch failed")


PEERS = {
    "right": peer(None, None),
    "wrong": peer(None, None, 2.0),
    "hangs": peer(2, lambda _: time.sleep(1000)),
    "breaks": peer(4, break_device),
    "ends": peer(6, lambda _: os._exit(3)),
    "compile+": peer(None, None),
}
