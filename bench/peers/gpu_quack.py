# SPDX-License-Identifier: MIT
"""Compiles QuACK's kernels for the cases of a file like gpu_benches.txt, on a machine without a
GPU, into one shared library for sm_90a that gpu_peers.py calls: their compiler is too large to be
carried. Needs a C compiler, CUDA's runtime and the packages of gpu-quack-requirements.txt."""

import argparse
import importlib
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ["CUTE_DSL_ARCH"] = os.environ["QUACK_ARCH"] = "sm_90a"

from gpu_cases import cases_of_benches
from gpu_peers import quack_name

# The one function that kernels want of the compiler's own runtime.
ERRORS = """
extern void TVMFFIErrorSetRaisedFromCStr(const char *kind, const char *message);
void CuteDSLRT_TVMFFISetRaisedCudaError(void) {
    TVMFFIErrorSetRaisedFromCStr("RuntimeError", "a call of CUDA failed");
}
"""


def compile_case(quack, case):
    import cutlass

    dtype = {"f32": cutlass.Float32, "f16": cutlass.Float16, "bf16": cutlass.BFloat16}[case.dtype]
    bias = dtype if case.centred else None
    residual = dtype if case.residual else None
    if case.backward:
        return quack._compile_rmsnorm_bwd.__wrapped__(
            case.hidden, dtype, dtype, dtype, dtype, case.centred, None, None, True,
            T_hint=quack._bucket_T_hint(case.rows), is_layernorm=case.centred,
        )  # fmt: skip
    return quack._compile_rmsnorm_fwd.__wrapped__(
        dtype, dtype, residual, dtype, bias, residual, case.hidden, False, False, case.centred,
        False,
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benches", help="a file like bench/gpu_benches.txt")
    parser.add_argument("library", help="where to write it")
    arguments = parser.parse_args()
    cases = cases_of_benches(arguments.benches)

    import nvidia_cutlass_dsl
    import tvm_ffi

    importlib.import_module("quack.rmsnorm")
    quack = sys.modules["quack.rmsnorm"]
    folder = pathlib.Path(nvidia_cutlass_dsl.__path__[0]) / "cu13" / "lib"
    with tempfile.TemporaryDirectory() as work:
        objects = {}
        for case in cases:
            name = quack_name(case)
            if name in objects:
                continue
            objects[name] = f"{work}/{name}.o"
            try:
                compile_case(quack, case).export_to_c(objects[name], function_name=name)
            except Exception as error:  # noqa: BLE001 (the other kernels are still worth having)
                print(f"{name} is left out: {str(error).strip().splitlines()[0]}")
                del objects[name]
        pathlib.Path(f"{work}/errors.c").write_text(ERRORS, encoding="utf-8")
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-s", "-o", arguments.library, f"{work}/errors.c"]
            + list(objects.values())
            + [str(folder / "libcuda_dialect_runtime_static.a"), "-l:libcudart.so.13"]
            + [str(next(pathlib.Path(tvm_ffi.__path__[0]).glob("lib/libtvm_ffi.so")))],
            check=True,
        )
    print(f"{len(objects)} kernels in {arguments.library}")


if __name__ == "__main__":
    main()
