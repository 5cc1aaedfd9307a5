# SPDX-License-Identifier: MIT
"""What a library has to offer to be timed."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .cases import Case
from .reference import Tensors


class LeftOut(Exception):
    """Why a peer has no number for a case."""


@dataclass
class Prepared:
    """A call ready to be repeated: compiled, its outputs allocated where the library allows it."""

    nanoseconds: Callable[[int], float]  # of so many calls, one after the other
    outputs: Callable[[], Tensors]  # y, y_scale; or dx, dweight, dbias. {}: not compared
    repeats: bool = True  # short calls


class Peer(Protocol):
    version: str
    form: str  # how it is called, in a line

    def __init__(self, threads: int) -> None: ...

    def prepare(self, case: Case, tensors: Tensors) -> Prepared: ...


def loop(function: Callable[[], object]) -> Callable[[int], float]:
    """For a library that is called from Python: its users pay for that too."""

    def nanoseconds(calls: int) -> float:
        begin = time.perf_counter_ns()
        for _ in range(calls):
            function()
        return time.perf_counter_ns() - begin

    return nanoseconds
