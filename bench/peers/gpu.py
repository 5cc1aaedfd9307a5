# SPDX-License-Identifier: MIT
"""Times the libraries of gpu_peers.py on the cases of `norma bench --device cuda --json` files, and
prints them side by side. Measured as norma bench does: device events around a call that is queued
behind the clearing of memory, which empties the second-level cache and takes longer than the host
needs for the call. A library that fails is left out of a case, with its reason."""

import argparse
import concurrent.futures
import datetime
import functools
import importlib.metadata
import itertools
import json
import multiprocessing
import os
import statistics
import subprocess
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


def runs_of(torch, case, peers, begin):
    """What to time by name, and the errors by name, of peers that can and do compute the case."""
    tensors = gpu_peers.Tensors(torch, case)
    expected = gpu_peers.reference(torch, tensors)
    runs, errors = {}, {}
    for name in peers:
        begin(name)
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


def measure_case(torch, case, line, peers, sweep, seconds, begin):
    """`begin` is told which peer is about to be made ready; None: all that are."""
    torch.compiler.reset()
    runs, errors = runs_of(torch, case, peers, begin)
    begin(None)
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


class Lost(Exception):
    """The worker can measure no more, because of the named peer if there is a name."""

    def __init__(self, peer, reason):
        super().__init__(reason)
        self.peer = peer


class Worker:
    """A process that measures one case after the other. A peer may break its device or hang, and
    there is no other way out of that than another process."""

    def __init__(self, seconds, limit, deadline):
        context = multiprocessing.get_context("spawn")
        self.limit, self.deadline = limit, deadline
        self.answers, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, seconds), daemon=True)
        self.process.start()
        theirs.close()
        self.machine = self.answer("machine", 60)

    def answer(self, wanted, limit):
        """The next answer of this kind; before it, the worker says with whom it begins."""
        peer = None
        while True:
            limit = max(min(limit, self.deadline - time.monotonic()), 0)
            if not self.answers.poll(limit):
                raise Lost(peer, f"no answer within {limit:.3g} s")
            try:
                kind, value = self.answers.recv()
            except EOFError:
                self.process.join()
                raise Lost(peer, f"exit status {self.process.exitcode}") from None
            if kind == wanted:
                return value
            if kind == "lost":
                raise Lost(*value)
            peer = value

    def measure(self, case, line, peers):
        self.answers.send((case, line, peers))
        return self.answer("result", self.limit)

    def end(self):
        self.process.kill()
        self.process.join(5)  # one that waits for its device may take longer to end


def work(answers, seconds):
    import torch

    sweep = torch.empty(SWEEP_BYTES, dtype=torch.int8, device=gpu_peers.DEVICE)
    answers.send(("machine", machine(torch)))
    while True:
        case, line, peers = answers.recv()
        try:
            result = measure_case(
                torch, case, line, peers, sweep, seconds, lambda name: answers.send(("peer", name))
            )
        except LostDevice as lost:
            answers.send(("lost", (str(lost), f"the device's context: {lost.__cause__}")))
            return
        except Exception as error:  # noqa: BLE001 (the other cases are still worth having)
            complain("every peer", case, error)
            result = None
        answers.send(("result", result))


def peers_of(case, number, arguments):
    """max-autotune takes too long for more than a few cases, and for a backward pass at all."""
    longer = number < arguments.longer and not case.backward
    return [name for name in gpu_peers.PEERS if name != "compile+" or longer]


def time_all(arguments):
    deadline = time.monotonic() + arguments.budget
    cases = cases_of_results(arguments.files)
    start = functools.partial(Worker, arguments.seconds, arguments.limit, deadline)
    worker = start()
    written = worker.machine | {"results": []}
    print(json.dumps(worker.machine))
    header = "".join(f"{name:>10}" for name in COLUMNS)
    print(f"microseconds, medians\n{'':<40}{header}", flush=True)
    left = [(*item, peers_of(item[0], n, arguments)) for n, item in enumerate(cases.items())]
    without = set()
    while left and time.monotonic() < deadline:
        case, line, peers = left[0]
        peers = [name for name in peers if name not in without]
        try:
            worker = worker or start()
            result = worker.measure(case, line, peers)
        except Lost as lost:
            if worker:
                worker.end()
                worker = None
            complain(lost.peer or "every peer", case, lost)
            if lost.peer in peers:
                print(f"going on without {lost.peer}", flush=True)
                without.add(lost.peer)
                continue
            result = None
        left.pop(0)
        if result:
            written["results"].append(result)
            with open(arguments.json, "w", encoding="utf-8") as file:
                json.dump(written, file, indent=2)
    if left:
        print(f"no time is left for {len(left)} cases")
    if worker:
        worker.end()


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
    parser.add_argument(
        "--limit", type=float, default=20, help="seconds for a peer to be ready, or a case timed"
    )
    parser.add_argument(
        "--longer", type=int, default=4, metavar="N", help="first cases with torch.compile+"
    )
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
