# SPDX-License-Identifier: MIT
"""Plain C by gcc, and copies of the same bytes. The compiled file also times what ctypes calls."""

import ctypes
import functools
import hashlib
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from ..cases import Case
from ..peer import LeftOut, Prepared
from ..reference import Array, Tensors, empty

SOURCES = [Path(__file__).with_name(name) for name in ("plain.c", "plain.h")]
FLAGS = ["-O3", "-march=native"]


@functools.cache
def compiled(*flags: str) -> ctypes.CDLL:
    """plain.c with these flags, kept beside the sources' hash."""
    content = b"".join(source.read_bytes() for source in SOURCES) + " ".join(flags).encode()
    name = f"norma-peers-{hashlib.sha256(content).hexdigest()[:16]}.so"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / name
        subprocess.run(
            ["gcc", *FLAGS, *flags, "-shared", "-fPIC", SOURCES[0], "-o", out, "-lm"], check=True
        )
        return ctypes.CDLL(str(out))


def in_c(
    function: object, arguments: Sequence[int], then: object = None, then_argument: int = 0
) -> Callable[[int], float]:
    """The loop in C over a function of ctypes, and one that waits for it: no Python is timed."""
    timer = compiled().nanoseconds
    timer.restype = ctypes.c_double
    timer.argtypes = [
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
        ctypes.c_int64,
        ctypes.c_int64,
    ]
    words = (ctypes.c_int64 * 6)(*arguments)
    addresses = [ctypes.cast(each, ctypes.c_void_p) for each in (function, then)]
    return lambda calls: timer(addresses[0], words, addresses[1], then_argument, calls)


def address(array: Array | None) -> int:
    return 0 if array is None else array.ctypes.data


class Plain:
    """Straight loops in fp32."""

    def __init__(self, threads: int, flags: Sequence[str] = ()) -> None:
        if threads > 1:
            raise LeftOut("one thread")
        version = subprocess.run(
            ["gcc", "-dumpfullversion"], check=True, capture_output=True, text=True
        )
        self.library = compiled(*flags)
        self.version = version.stdout.strip()
        self.form = f"gcc {' '.join([*FLAGS, *flags])}, called from C"

    def prepare(self, case: Case, tensors: Tensors) -> Prepared:
        if case.backward or case.quantized or case.x == "f16":  # which gcc 12 converts by calls
            raise LeftOut("forwards in f32 and bf16")
        y = empty((case.rows, case.hidden), case.y)
        function = getattr(self.library, f"{case.op}_{case.x}")
        arrays = [tensors["x"], tensors["weight"], tensors.get("bias"), y]
        return Prepared(
            in_c(function, [case.rows, case.hidden, *map(address, arrays)]), lambda: {"y": y}
        )


class Fast(Plain):
    def __init__(self, threads: int) -> None:
        super().__init__(threads, ["-ffast-math"])


class Copy:
    """Half of the case's bytes read and half written; for a backward two thirds read."""

    stores = ""

    def __init__(self, threads: int) -> None:
        if threads > 1:
            raise LeftOut("one thread")
        self.version = ""
        self.form = "memcpy, of a backward a triad, called from C"

    def prepare(self, case: Case, tensors: Tensors) -> Prepared:
        bytes_ = case.bytes // (3 if case.backward else 2)
        x, second = (empty((case.bytes // 2 + 16,), "i8") for _ in range(2))
        x[:], second[:] = 1, 1
        y = empty((case.bytes // 2 + 16,), "i8")
        function = getattr(compiled(), ("triad" if case.backward else "copy") + self.stores)
        return Prepared(in_c(function, [bytes_, address(x), address(second), address(y)]), dict)


class StreamingCopy(Copy):
    stores = "_streaming"

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        self.form = "the same past the caches, with streaming stores"


PEERS = {"plain": Plain, "fast": Fast, "copy": Copy, "streaming": StreamingCopy}
