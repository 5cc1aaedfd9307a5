# SPDX-License-Identifier: MIT
"""Times the libraries of gpu_peers.py on the cases of `norma bench --device cuda --json` files, and
prints them side by side. Measured as norma bench does: device events around a call that is queued
behind the clearing of memory, which empties the second-level cache and takes longer than the host
needs for the call. A library that fails is left out of a case, with its reason."""

import argparse
import concurrent.futures
import datetime
import importlib.metadata
import itertools
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import time

import gpu_peers
from gpu_cases import cases_of_benches, cases_of_results

SWEEP_BYTES = 1 << 30  # some 0.3 ms of an H100, and well over four times its cache
# The largest error of a result, of the reference's largest value.
TOLERANCE = {"f32": 1e-4, "f16": 1e-2, "bf16": 5e-2}
COLUMNS = ["norma", "copy", *gpu_peers.PEERS]


def complain(name, case, error):
    lines = str(error).strip().splitlines() or [""]
    text = " ".join(f"{case.op} {case.dtype} {case.rows}x{case.hidden}".split())
    print(f"{name} is left out of {text}: {type(error).__name__}: {lines[0][:300]}", flush=True)


class LostDevice(Exception):
    """After the named peer's error of the device, this process can use it no more."""


def measure_once(torch, run, sweep, events):
    """Nanoseconds of the device and of the host."""
    begin, end = events
    run.before()
    torch.cuda.synchronize()
    start = time.perf_counter_ns()
    sweep.zero_()
    begin.record()
    run.call()
    end.record()
    host = time.perf_counter_ns() - start
    end.synchronize()
    return 1e6 * begin.elapsed_time(end), host


def measure(torch, runs, sweep, seconds):
    """The times of all, run in rotation; the first two rounds warm up."""
    events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]
    times = {name: [] for name in runs}
    stop = time.monotonic() + seconds
    rounds = 0
    while rounds < 9 or time.monotonic() < stop:
        for name, run in runs.items():
            try:
                once = measure_once(torch, run, sweep, events)
            except Exception as error:
                raise LostDevice(name) from error
            if rounds >= 2:
                times[name].append(once)
        rounds += 1
    device, host = (
        {name: [once[which] for once in all_times] for name, all_times in times.items()}
        for which in range(2)
    )
    return device, host


def time_of(torch, call):
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    call()
    begin.record()
    call()
    end.record()
    end.synchronize()
    return 1e6 * begin.elapsed_time(end)


def errors_of(results, expected):
    """Of each result, in parts of the reference's largest value."""
    return [
        ((result.double().reshape(wanted.shape) - wanted).abs().max() / wanted.abs().max()).item()
        for result, wanted in zip(results, expected, strict=True)
    ]


def runs_of(torch, case, peers):
    """What to time by name, and the errors by name, of peers that can and do compute the case."""
    tensors = gpu_peers.Tensors(torch, case)
    expected = gpu_peers.reference(torch, tensors)
    runs, errors = {}, {}
    for name in peers:
        try:
            with torch.no_grad():
                run = gpu_peers.PEERS[name](torch, tensors)
                run.before()
                found = errors_of(run.call(), expected)
            if not max(found) < TOLERANCE[case.dtype]:
                raise ValueError(f"errors of {found}")
            runs[name], errors[name] = run, found
        except gpu_peers.NotThere:
            continue
        except Exception as error:  # noqa: BLE001 (a peer that fails is left out, not the others)
            complain(name, case, error)
            require_device(torch, name)
    return runs, errors


def require_device(torch, name):
    try:
        torch.cuda.synchronize()
    except Exception as error:
        raise LostDevice(name) from error


def versions(torch):
    found = {"torch": torch.__version__, "cudnn": torch.backends.cudnn.version()}
    for name in ("triton", "liger-kernel", "nvidia-cudnn-frontend", "apache-tvm-ffi"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine(torch):
    try:
        command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        driver = subprocess.check_output(command, text=True, timeout=20).strip()
    except (OSError, subprocess.SubprocessError):
        driver = ""
    date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    gpu = torch.cuda.get_device_name(0)
    return {"gpu": gpu, "driver": driver, "date": date, "versions": versions(torch)}


def row(case, times):
    texts = [f"{times[name] / 1e3:>10.1f}" if name in times else f"{'-':>10}" for name in COLUMNS]
    return case.name + "".join(texts)


def measure_case(torch, case, line, peers, sweep, seconds):
    torch.compiler.reset()
    runs, errors = runs_of(torch, case, peers)
    # The copy of as many bytes by torch: it tells whether this measures as norma bench does.
    source = torch.empty(line["bytes"] // 2, device=gpu_peers.DEVICE, dtype=torch.uint8)
    target = torch.empty_like(source)
    runs["torch_copy"] = gpu_peers.Run(lambda: target.copy_(source))
    with torch.no_grad():
        device, host = measure(torch, runs, sweep, seconds)
    swept = time_of(torch, sweep.zero_)
    for name, times in host.items():
        if statistics.median(times) > swept:
            print(f"{name} is bound by its host in {' '.join(case.name.split())}", flush=True)
    times = {"norma": line["ns"], "copy": line["copy_ns"]}
    times |= {name: statistics.median(all_times) for name, all_times in device.items()}
    print(row(case, times), flush=True)
    return {
        **{key: line[key] for key in ("op", "dtype", "rows", "hidden", "kernel", "bytes")},
        "ns": times,
        "quartiles": {name: statistics.quantiles(all_times) for name, all_times in device.items()},
        "host_ns": {name: statistics.median(all_times) for name, all_times in host.items()},
        "errors": errors,
    }


def restart(case, lost, deadline):
    """This program again, without the peer that broke the device's context."""
    name = str(lost)
    complain(name, case, lost.__cause__)
    print(f"going on without {name}, which broke the device's context", flush=True)
    left = str(max(deadline - time.monotonic(), 0))
    os.execv(
        sys.executable, [sys.executable, *sys.argv, "--resume", "--without", name, "--budget", left]
    )


def time_all(arguments):
    deadline = time.monotonic() + arguments.budget
    cases = cases_of_results(arguments.files)

    import torch

    written = machine(torch) | {"results": []}
    if arguments.resume and os.path.exists(arguments.json):
        with open(arguments.json, encoding="utf-8") as file:
            written = json.load(file)
    else:
        print(json.dumps({key: written[key] for key in written if key != "results"}))
        print(f"microseconds, medians\n{'':<40}" + "".join(f"{name:>10}" for name in COLUMNS))
    done = {(result["op"], result["dtype"], result["kernel"], result["rows"], result["hidden"])
            for result in written["results"]}  # fmt: skip
    sweep = torch.empty(SWEEP_BYTES, dtype=torch.int8, device=gpu_peers.DEVICE)
    for number, (case, line) in enumerate(cases.items()):
        if (case.op, case.dtype, line["kernel"], case.rows, case.hidden) in done:
            continue
        if time.monotonic() > deadline:
            print(f"no time is left for {len(cases) - number} cases")
            break
        peers = [name for name in gpu_peers.PEERS if name not in arguments.without]
        if number >= arguments.longer and "compile+" in peers:
            peers.remove("compile+")
        try:
            result = measure_case(torch, case, line, peers, sweep, arguments.seconds)
        except LostDevice as lost:
            restart(case, lost, deadline)
        except Exception as error:  # noqa: BLE001 (the other cases are still worth having)
            complain("every peer", case, error)
            continue
        written["results"].append(result)
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(written, file, indent=2)


def compile_cases(cases):
    import torch

    for case, name in itertools.product(cases, ("compile", "triton", "liger")):
        torch.compiler.reset()
        try:
            with torch.no_grad():  # as in runs_of, of which the caches take note
                gpu_peers.PEERS[name](torch, gpu_peers.Tensors(torch, case)).call()
        except gpu_peers.NotThere:
            continue
        except Exception as error:  # noqa: BLE001 (the others are still worth having)
            complain(name, case, error)


def prepare(path, processes):
    """Fills the caches of torch.compile and Triton on disk."""
    cases = cases_of_benches(path)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(processes, context) as pool:
        parts = [cases[first::processes] for first in range(processes)]
        for future in [pool.submit(compile_cases, part) for part in parts]:
            try:
                future.result()
            except Exception as error:  # noqa: BLE001 (what is not prepared is compiled later)
                print(f"{type(error).__name__}: {error}", flush=True)


def main():
    # One kernel a graph: a pool of compilers would only have to start. The same in both modes, as
    # the cache may tell them apart by it.
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", help="what norma bench --device cuda --json wrote")
    parser.add_argument("--json", help="where to write the times")
    parser.add_argument("--seconds", type=float, default=0.4, help="of each case")
    parser.add_argument("--budget", type=float, default=100, help="seconds, for all cases")
    parser.add_argument("--without", action="append", default=[], help="a peer to leave out")
    parser.add_argument(
        "--longer", type=int, default=4, metavar="N", help="first cases with torch.compile+"
    )
    parser.add_argument("--resume", action="store_true", help="go on with what --json has")
    parser.add_argument("--prepare", metavar="BENCHES", help="only compile gpu_benches.txt's cases")
    parser.add_argument("--processes", type=int, default=8, help="of --prepare")
    arguments = parser.parse_args()
    if arguments.prepare:
        prepare(arguments.prepare, arguments.processes)
    elif arguments.files and arguments.json:
        time_all(arguments)
    else:
        parser.error("expected --prepare BENCHES, or --json FILE and files of norma bench")


if __name__ == "__main__":
    main()
