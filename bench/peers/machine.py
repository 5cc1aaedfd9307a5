# SPDX-License-Identifier: MIT
"""The machine, and how processes are set up on it."""

import os
import platform
import re
import sys
from pathlib import Path


def machine() -> dict[str, object]:
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")

    def field(name: str) -> str:
        found = re.search(rf"^{name}\s*: (.*)$", info, re.MULTILINE)
        return found[1] if found else ""

    caches = {}
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (
            (index / name).read_text().strip() for name in ("level", "type", "size")
        )
        if kind != "Instruction":
            caches[f"l{level}"] = size
    memory = re.search(r"MemTotal: *(\d+)", Path("/proc/meminfo").read_text())
    return {
        "cpu": field("model name"),
        "family": field("cpu family"),
        "model": field("model"),
        "virtual": "hypervisor" in field("flags").split(),
        "cores": os.cpu_count(),
        "caches": caches,
        "memory_gib": round(int(memory[1]) / 2**20),
        "linux": platform.release().split("-")[0],
        "python": platform.python_version(),
    }


def environment(build: Path) -> dict[str, str]:
    """Of all peers. Memory that a library frees after a call stays with the process, as with the
    allocators that servers use: else the kernel's clearing of pages would be most of the time."""
    return {
        "NORMA_BUILD": str(build),
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
        "LD_LIBRARY_PATH": f"{sys.prefix}/lib",  # what oneDNN's wheel needs
        "OCL_ICD_FILENAMES": f"{sys.prefix}/lib/libintelocl.so",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
    }


def pin(threads: int) -> None:
    """This process and those that it starts to the last processors, which others use least."""
    everything = sorted(range(os.cpu_count() or 1))
    if threads < 1 or threads > len(everything):
        sys.exit(f"--threads has {threads}; expected 1 to {len(everything)}")
    os.sched_setaffinity(0, everything[-threads:])
    os.environ["OMP_NUM_THREADS"] = str(threads)
