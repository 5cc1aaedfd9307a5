# SPDX-License-Identifier: MIT
"""Times Norma beside its peers in one run: each in a process of its own, in rotation, on the same
inputs, its results compared with float64. Writes one JSON file, from which tables and plots are
made."""

import argparse
import os
import sys
from pathlib import Path

from .cases import Case, cases
from .machine import environment, pin
from .results import Results
from .rotation import Worker, measure

# Column in tables, and module of libraries with the way to call it.
PEERS = {
    "Norma": "norma",
    "copy": "plain.copy",
    "streaming copy": "plain.streaming",
    "hand-written": "yardstick",
    "gcc": "plain.plain",
    "gcc -ffast-math": "plain.fast",
    "oneDNN": "onednn.sycl",
    "oneDNN OpenMP": "onednn.openmp",
    "ONNX Runtime": "onnxruntime",
    "OpenVINO": "openvino",
    "ggml": "ggml",
    "PyTorch": "pytorch.eager",
    "torch.compile": "pytorch.compile",
    "JAX": "jax",
}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/peers/run", description=__doc__)
    parser.add_argument(
        "--json",
        type=Path,
        default=Path("build/peers.json"),
        metavar="FILE",
        help="default: %(default)s",
    )
    parser.add_argument(
        "--resume", action="store_true", help="keep what FILE has, and add what it lacks"
    )
    parser.add_argument(
        "--quick", action="store_true", help="three shapes, briefly: about three minutes"
    )
    parser.add_argument("--threads", default="1", metavar="N,...", help="default: 1")
    parser.add_argument(
        "--seconds",
        type=float,
        help="of each case, beyond its preparation (default: 2; quick: 0.5)",
    )
    parser.add_argument(
        "--peers",
        metavar="NAME,...",
        help=f"besides Norma and copies; default: all of {', '.join(PEERS)}",
    )
    parser.add_argument(
        "--only",
        default="",
        metavar="TEXT",
        help="cases with this in their names, as 'rms_norm bf16'",
    )
    parser.add_argument(
        "--build", type=Path, default=Path("build"), metavar="DIR", help="default: build"
    )
    return parser.parse_args()


def chosen(names: str | None) -> dict[str, str]:
    wanted = list(PEERS) if names is None else names.split(",")
    unknown = [name for name in wanted if name not in PEERS]
    if unknown:
        sys.exit(f"--peers has {unknown[0]}; expected some of {', '.join(PEERS)}")
    return {
        name: module
        for name, module in PEERS.items()
        if name in wanted or name in ("Norma", "copy", "streaming copy")
    }


def main() -> None:
    arguments = options()
    library = arguments.build / "lib" / "libnorma.so"
    if not library.exists():
        sys.exit(f"{library} is not there; expected a build (script/build)")
    os.environ.update(environment(arguments.build.resolve()))
    peers = chosen(arguments.peers)
    seconds = arguments.seconds or (0.5 if arguments.quick else 2)
    results = Results(arguments.json, arguments.resume, f"bench/peers/run --seconds {seconds}")
    try:
        threads = [int(number) for number in arguments.threads.split(",")]
    except ValueError:
        sys.exit(f"--threads is {arguments.threads}; expected numbers with commas between them")
    for number in threads:
        table = [
            case
            for case in cases(number, arguments.quick)
            if arguments.only in str(case) and not results.has(case)
        ]
        run(table, number, peers, results, seconds)
    results.show()


def run(
    table: list[Case], threads: int, peers: dict[str, str], results: Results, seconds: float
) -> None:
    if not table:
        return
    pin(threads)
    workers = [Worker(name, module, threads) for name, module in peers.items()]
    for worker in workers:
        outcome = worker.version if worker.runs else f"is left out: {worker.reason}"
        results.say(f"{worker.name} {outcome}")
        results.add_peer(worker)
    for done, case in enumerate(table):
        results.say(f"[{done + 1}/{len(table)}] {case}")
        times, left_out = measure(workers, case, seconds, threads)
        if "Norma" in left_out:
            sys.exit(f"{case}: Norma is left out: {left_out['Norma']}")
        results.add(case, times, left_out)
    for worker in workers:
        worker.end()


if __name__ == "__main__":
    main()
