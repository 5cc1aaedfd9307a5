# SPDX-License-Identifier: MIT
"""python -m norma.bench [numpy] [calls] [torch] [onnx]: what calls cost, and the norms of PyTorch
and of ONNX Runtime beside Norma's.

Candidates of a line take turns, and each time is the median of its turns; of what calls cost, the
fastest of many short ones, which other work on the machine disturbs least. Threads: as many as
OMP_NUM_THREADS says."""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import norma

SHAPES = [(1, 768), (32, 768), (512, 768), (512, 4096), (4096, 4096), (8192, 8192)]
TURNS = 9


class Candidate(NamedTuple):
    run: Callable[[], object]
    prepare: Callable[[], object] = int  # before each of its turns


def measure(
    *candidates: Candidate,
    seconds: float = 0.03,
    turns: int = TURNS,
    choose: Callable[[list[float]], float] = statistics.median,
) -> list[float]:
    """Seconds of a call of each: the median of its turns, or what else is chosen of them."""
    times: list[list[float]] = [[] for _ in candidates]
    batches = [1] * len(candidates)
    for turn in range(turns + 2):
        for i, (run, prepare) in enumerate(candidates):
            prepare()
            begin = time.perf_counter()
            for _ in range(batches[i]):
                run()
            one = (time.perf_counter() - begin) / batches[i]
            if turn < 2:  # the first warms up, and both say how many calls make a batch
                batches[i] = max(1, int(seconds / max(one, 1e-7)))
            else:
                times[i].append(one)
    return [choose(seen) for seen in times]


def print_calls(title: str, lines: dict[str, Callable[[], object]], **shares: int) -> None:
    print(f"\n| {title} | time |\n|---|---|")
    times = measure(*map(Candidate, lines.values()), seconds=0.002, turns=300, choose=min)
    for name, seconds in zip(lines, times, strict=True):
        print(f"| {name} | {text(seconds / shares.get(name, 1))} |")


def text(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def calls_of_numpy() -> None:
    x, weight, bias = (np.ones(s, np.float32) for s in ((1, 768), 768, 768))
    y = np.empty_like(x)
    plan = norma.Plan("rms_norm", 768, weight="f32")
    bound = plan.bind(x=x, weight=weight, y=y)
    lines = {
        "bound call: call.run()": bound.run,
        "plan.run(x=, weight=, y=)": lambda: plan.run(x=x, weight=weight, y=y),
        "rms_norm(x, weight, out=y)": lambda: norma.rms_norm(x, weight, out=y),
        "rms_norm(x, weight)": lambda: norma.rms_norm(x, weight),
        "layer_norm(x, weight, bias)": lambda: norma.layer_norm(x, weight, bias),
        "numpy.empty": lambda: np.empty((1, 768), np.float32),
    }
    print_calls("call, NumPy, f32 1x768", lines)


def calls_of_torch() -> None:
    import torch
    from torch.nn import functional

    import norma.torch as ours

    x, weight = torch.ones(1, 768), torch.ones(768)
    op, repeats = torch.ops.norma.rms_norm.default, 64

    def chain(norm: Callable) -> Callable:
        def run(x):
            for _ in range(repeats):
                x = norm(x)
            return x

        return run

    compiled = torch.compile(chain(lambda x: op(x, weight, None, 1e-6)))
    in_graph = f"one of {repeats} torch.ops.norma.rms_norm in torch.compile"
    lines = {
        "torch.empty_like": lambda: torch.empty_like(x),
        "norma.torch.rms_norm": lambda: ours.rms_norm(x, weight),
        "torch.ops.norma.rms_norm": lambda: op(x, weight, None, 1e-6),
        "functional.rms_norm": lambda: functional.rms_norm(x, (768,), weight, 1e-6),
        "functional.layer_norm": lambda: functional.layer_norm(x, (768,), weight, weight),
        in_graph: lambda: compiled(x),
    }
    with torch.inference_mode():
        print_calls("call, PyTorch, f32 1x768", lines, **{in_graph: repeats})


def norms_of_torch() -> None:
    import torch

    print(f"\ntorch {torch.__version__}, {torch.get_num_threads()} threads\n")
    columns = ["norm", "type", "rows x hidden", *["PyTorch", "enable()", "ratio"] * 2]
    columns[6] = "backward, PyTorch"
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for name in ("rms_norm", "layer_norm"):
        for dtype in (torch.float32, torch.bfloat16):
            for rows, hidden in SHAPES:
                cells = [name, str(dtype).removeprefix("torch."), f"{rows} x {hidden}"]
                for theirs, mine in beside_pytorch(name, dtype, rows, hidden):
                    cells += [text(theirs), text(mine), f"{theirs / mine:.2g}"]
                print("| " + " | ".join(cells) + " |", flush=True)


def beside_pytorch(name: str, dtype, rows: int, hidden: int) -> list[list[float]]:
    """Seconds of PyTorch and of enable(): of a forward, and of a backward."""
    import torch
    from torch.nn import functional

    import norma.torch as ours

    count = 1 if name == "rms_norm" else 2
    x, *parameters = (
        torch.randn(s).to(dtype).requires_grad_() for s in [(rows, hidden), *[hidden] * count]
    )
    dy = torch.randn(rows, hidden).to(dtype)

    def forward():
        return getattr(functional, name)(x, (hidden,), *parameters, eps=1e-5)

    def backward_of(y):
        return lambda: torch.autograd.grad(y, [x, *parameters], dy, retain_graph=True)

    switches = (ours.disable, ours.enable)
    with torch.no_grad():
        forwards = measure(*(Candidate(forward, switch) for switch in switches))
    backwards = []
    for switch in switches:
        switch()
        backwards.append(Candidate(backward_of(forward()), switch))
    times = [forwards, measure(*backwards)]
    ours.disable()
    return times


def norms_of_onnx_runtime() -> None:
    import onnxruntime

    print(f"\nonnxruntime {onnxruntime.__version__}, {norma.get_num_threads()} threads\n")
    columns = ["op", "type", "rows x hidden", "ONNX Runtime", "rewritten", "ratio"]
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for op in ("RMSNormalization", "LayerNormalization", "SkipLayerNormalization"):
        for dtype in (np.float32, np.float16):
            for rows, hidden in SHAPES:
                theirs, mine = beside_onnx_runtime(op, np.dtype(dtype), rows, hidden)
                cells = [op, np.dtype(dtype).name, f"{rows} x {hidden}", text(theirs), text(mine)]
                print("| " + " | ".join([*cells, f"{theirs / mine:.2g}"]) + " |", flush=True)


def beside_onnx_runtime(op: str, dtype: np.dtype, rows: int, hidden: int) -> list[float]:
    """Seconds of a session of one node, and of the same rewritten; inputs and outputs bound."""
    import onnxruntime
    from onnx import helper

    import norma.onnx

    shapes = {"x": [rows, hidden], "skip": [rows, hidden], "w": [hidden], "b": [hidden]}
    names = {"RMSNormalization": "x w", "LayerNormalization": "x w b"}.get(op, "x skip w b").split()
    domain = "com.microsoft" if "skip" in names else ""
    element = helper.np_dtype_to_tensor_dtype(dtype)
    given = [helper.make_tensor_value_info(name, element, shapes[name]) for name in names]
    made = [helper.make_tensor_value_info("y", element, shapes["x"])]
    node = helper.make_node(op, names, ["y"], domain=domain, epsilon=1e-5)
    opsets = [helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)]
    graph = helper.make_graph([node], "norm", given, made)
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = norma.get_num_threads()
    options.register_custom_ops_library(norma.onnx.library_path())
    random = np.random.default_rng(0)
    values = {
        name: onnxruntime.OrtValue.ortvalue_from_numpy(
            np.ones(shape, dtype) if name == "y" else random.random(shape, np.float32).astype(dtype)
        )
        for name, shape in {**{name: shapes[name] for name in names}, "y": shapes["x"]}.items()
    }

    def candidate() -> Candidate:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        binding = session.io_binding()
        for name in names:
            binding.bind_ortvalue_input(name, values[name])
        binding.bind_ortvalue_output("y", values["y"])
        return Candidate(lambda: session.run_with_iobinding(binding))

    theirs = candidate()
    norma.onnx.rewrite(model)
    return measure(theirs, candidate())


def main() -> None:
    tables = {
        "numpy": [calls_of_numpy],
        "calls": [calls_of_torch],
        "torch": [norms_of_torch],
        "onnx": [norms_of_onnx_runtime],
    }
    parser = argparse.ArgumentParser(prog="python -m norma.bench", description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=", ".join(tables))
    for name in parser.parse_args().tables or tables:
        if name not in tables:
            parser.error(f'"{name}" is no table; expected one of {", ".join(tables)}')
        for table in tables[name]:
            table()


if __name__ == "__main__":
    main()
