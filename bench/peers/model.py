# SPDX-License-Identifier: MIT
"""How long a kernel should take on a GPU, by bytes, waves and latency alone. No number is fitted to
a measurement but that of the kernel that does nothing."""

import math

BYTES_PER_NS = 4300  # what a copy reaches of the 4800 of an H200's data sheet
PROCESSORS = 132
ELEMENTS = 32768  # that a processor has under way
LATENCY_NS = 1000  # from the first load of a row to its last store
LAUNCH_NS = 1500  # of a kernel after another in the same stream


def uneven(waves: float) -> float:
    """How much longer the last wave makes it, which is not full."""
    return math.ceil(waves) / waves if waves > 1 else 1


def strips(rows: int, hidden: int) -> int:
    """As in docs/cuda-kernels.md."""
    of_rows = min(rows // 128, 1 << 20)
    return max(1, min(rows // 8, max(128, min((1 << 20) // hidden, 4096), of_rows)))


def predicted_ns(result: dict, empty_ns: float) -> float:
    rows, hidden, moved = result["rows"], result["hidden"], result["bytes"]
    if not result["op"].endswith("_backward"):
        waves = rows * hidden / (PROCESSORS * ELEMENTS)
        return empty_ns + moved / BYTES_PER_NS * uneven(waves) + LATENCY_NS
    sums = 2 if result["op"] == "layer_norm_backward" else 1
    parts = strips(rows, hidden)
    moved += 2 * 4 * sums * parts * hidden  # written and read again
    row_ns = moved / BYTES_PER_NS * uneven(parts / PROCESSORS)
    return empty_ns + row_ns + LATENCY_NS + LAUNCH_NS + LATENCY_NS


def predicted_copy_ns(result: dict, empty_ns: float) -> float:
    return empty_ns + result["bytes"] / BYTES_PER_NS
