# SPDX-License-Identifier: MIT
"""Times PyTorch (eager, torch.compile) and a Triton kernel on the shapes of
`norma bench --device cuda --json` files, and prints them side by side. Measured as norma bench
does: device events, and memory of four times the second-level cache cleared before each run."""

import argparse
import json
import statistics
import time


def measure(torch, functions, seconds):
    """Median nanoseconds of each function, run in rotation."""
    cache = torch.cuda.get_device_properties(0).L2_cache_size
    sweep = torch.empty(4 * cache, dtype=torch.int8, device="cuda")
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    for function in functions.values():
        function()  # which may compile
    torch.cuda.synchronize()
    times = {name: [] for name in functions}
    stop = time.monotonic() + seconds
    while len(next(iter(times.values()))) < 5 or time.monotonic() < stop:
        for name, function in functions.items():
            sweep.zero_()
            begin.record()
            function()
            end.record()
            end.synchronize()
            times[name].append(1e6 * begin.elapsed_time(end))
    return {name: statistics.median(all_times) for name, all_times in times.items()}


def triton_norms(torch):
    """A row to a program, in registers: what a first Triton kernel of a norm looks like."""
    import triton
    import triton.language as tl

    @triton.jit
    def kernel(x, weight, bias, y, hidden, eps, centred: tl.constexpr, block: tl.constexpr):
        row = tl.program_id(0).to(tl.int64) * hidden
        columns = tl.arange(0, block)
        inside = columns < hidden
        values = tl.load(x + row + columns, mask=inside, other=0).to(tl.float32)
        if centred:
            mean = tl.sum(values, axis=0) / hidden
            values = tl.where(inside, values - mean, 0)
        rstd = 1 / tl.sqrt(tl.sum(values * values, axis=0) / hidden + eps)
        result = values * rstd * tl.load(weight + columns, mask=inside).to(tl.float32)
        if centred:
            result += tl.load(bias + columns, mask=inside).to(tl.float32)
        tl.store(y + row + columns, result.to(y.dtype.element_ty), mask=inside)

    def run(x, weight, bias, y, centred):
        hidden = x.shape[1]
        block = triton.next_power_of_2(hidden)
        warps = min(max(block // 256, 1), 16)
        kernel[(x.shape[0],)](x, weight, bias, y, hidden, 1e-5, centred, block, num_warps=warps)
        return y

    return run


def gradients(torch, forward, x, weight, bias, centred):
    """A function that takes dx, and the parameters' gradients, through a forward done before."""
    inputs = [x, weight] + ([bias] if centred else [])
    for tensor in inputs:
        tensor.requires_grad_()
    y = forward(x, weight, bias)
    dy = torch.ones_like(y)
    return lambda: torch.autograd.grad(y, inputs, dy, retain_graph=True)[0]


def peers_of(torch, triton_run, case):
    """Functions by name for one line of norma bench, checked against each other."""
    dtype = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[case["dtype"]]
    rows, hidden, centred = case["rows"], case["hidden"], case["op"].startswith("layer_norm")
    backward = case["op"].endswith("_backward")
    x = torch.randn(rows, hidden, device="cuda", dtype=dtype)
    weight, bias = (torch.randn(hidden, device="cuda", dtype=dtype) for _ in range(2))
    y = torch.empty_like(x)

    def eager(x, weight, bias):
        if centred:
            return torch.nn.functional.layer_norm(x, (hidden,), weight, bias, 1e-5)
        return torch.nn.functional.rms_norm(x, (hidden,), weight, 1e-5)

    compiled = torch.compile(eager, dynamic=False)
    if backward:
        functions = {
            name: gradients(torch, forward, x, weight, bias, centred)
            for name, forward in (("eager", eager), ("compile", compiled))
        }
    else:
        functions = {
            "eager": lambda: eager(x, weight, bias),
            "compile": lambda: compiled(x, weight, bias),
        }
    if triton_run is not None and not backward:
        functions["triton"] = lambda: triton_run(x, weight, bias, y, centred)
    expected = functions["eager"]().float()
    for name in list(functions):
        try:
            difference = (functions[name]().float() - expected).abs().max().item()
            if not difference < 0.1:
                raise ValueError(f"differs from eager by {difference}")
        except Exception as error:  # noqa: BLE001 (a peer that fails is left out, not the others)
            print(f"{name} is left out of {rows}x{hidden}: {str(error).splitlines()[0]}")
            del functions[name]
    return functions


def cases_of(paths):
    """Those that the peers have: one type, no residual."""
    cases = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            cases += json.load(file)["results"]
    return [case for case in cases if ":" not in case["dtype"] and ".r_" not in case["kernel"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", help="what norma bench --device cuda --json wrote")
    parser.add_argument("--seconds", type=float, default=0.5, help="of each shape")
    parser.add_argument("--json", required=True, help="where to write the times")
    arguments = parser.parse_args()
    cases = cases_of(arguments.files)

    import torch

    try:
        triton_run = triton_norms(torch)
    except ImportError:
        triton_run = None
    print(f"{torch.cuda.get_device_name(0)}, PyTorch {torch.__version__}; microseconds, medians")
    names = ["norma", "copy", "eager", "compile", "triton"]
    print(f"{'op':<20}{'dtype':<6}{'shape':>14}" + "".join(f"{name:>10}" for name in names))
    results = []
    for case in cases:
        torch.compiler.reset()
        times = {"norma": case["ns"], "copy": case["copy_ns"]}
        times.update(measure(torch, peers_of(torch, triton_run, case), arguments.seconds))
        shape = f"{case['rows']}x{case['hidden']}"
        texts = [f"{times[name] / 1e3:>10.1f}" if name in times else f"{'-':>10}" for name in names]
        print(f"{case['op']:<20}{case['dtype']:<6}{shape:>14}" + "".join(texts), flush=True)
        results.append(
            {key: case[key] for key in ("op", "dtype", "rows", "hidden", "bytes")} | {"ns": times}
        )
        with open(
            arguments.json, "w", encoding="utf-8"
        ) as file:  # what there is, should time run out
            json.dump(
                {
                    "gpu": torch.cuda.get_device_name(0),
                    "torch": torch.__version__,
                    "results": results,
                },
                file,
                indent=2,
            )


if __name__ == "__main__":
    main()
