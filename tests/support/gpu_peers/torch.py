# SPDX-License-Identifier: MIT
"""As much of torch as bench/peers/gpu.py asks for, without a device."""

import contextlib
import types

__version__ = "none"
int8, uint8 = "int8", "uint8"
no_grad = contextlib.nullcontext


class Tensor(float):
    """One number, whatever it is asked."""

    def zero_(self):
        return self

    def copy_(self, _):
        return self


def empty(*_, **__):
    return Tensor()


def empty_like(_):
    return Tensor()


class Event:
    def __init__(self, enable_timing):
        pass

    def record(self):
        pass

    def synchronize(self):
        pass

    def elapsed_time(self, _):
        return 1.0


class cuda:
    Event = Event
    broken = False

    @staticmethod
    def init():
        pass

    @staticmethod
    def get_device_name(_):
        return "a device that is not one"

    @staticmethod
    def synchronize():
        if cuda.broken:
            raise RuntimeError("an illegal memory access was encountered")


compiler = types.SimpleNamespace(reset=lambda: None)
backends = types.SimpleNamespace(cudnn=types.SimpleNamespace(version=lambda: 0))
