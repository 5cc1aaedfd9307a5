# SPDX-License-Identifier: MIT
"""Makes a file of results of the folder that script/gpu wrote on a machine with a GPU: the times of
`norma bench` and, in the same cases, those of gpu.py."""

import argparse
import json
import re
import statistics
from pathlib import Path

from .results import SCHEMA, text_of

# Of each peer of gpu.py its name here, what has its version, and how it is called.
PEERS = {
    "eager": (
        "PyTorch",
        "torch",
        "functional.layer_norm, rms_norm; native_layer_norm_backward, _fused_rms_norm_backward",
    ),
    "compile": ("torch.compile", "torch", "torch.compile of the forward for the shape"),
    "compile+": ("torch.compile max-autotune", "torch", "the same, where time was left for it"),
    "triton": ("Triton", "triton", "a row a program, as in its tutorial; forward"),
    "liger": ("Liger-Kernel", "liger-kernel", "liger_kernel.ops, without autograd"),
    "cudnn": ("cuDNN", "cudnn", "a graph of one norm, the first plan of its heuristics"),
    "quack": ("QuACK", "quack-kernels", "its kernels, compiled before for sm_90a"),
}
OURS = {
    "Norma": {"version": "", "form": "norma_plan_run, norma bench --device cuda"},
    "copy": {"version": "", "form": "the driver's copy of half the bytes, device to device"},
}


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def time(ns: float, spread: float, **more: object) -> dict:
    return {"ns": round(ns, 1), "spread": round(spread / ns, 4), "error": None} | more


def case_of(line: dict) -> dict:
    x, _, y = line["dtype"].partition(":")
    scale = re.search(r"\.q_(\w+)\.", line["kernel"])
    return {
        "op": line["op"],
        "x": x,
        "y": y or x,
        "scale": scale[1] if scale else "none",
        "residual": ".r_" in line["kernel"],
        "rows": line["rows"],
        "hidden": line["hidden"],
        "threads": 1,
    }


def key_of(line: dict) -> tuple:
    return tuple(line[name] for name in ("op", "dtype", "rows", "hidden", "kernel"))


def host_bound(log: str) -> set[tuple[str, ...]]:
    """Of which peers in which cases gpu.py has found that the host takes longer than its queue."""
    return set(re.findall(r"^(\S+) is bound by its host in (\S+) (\S+) (\S+)$", log, re.MULTILINE))


def with_peers(result: dict, peers: dict, bound: set) -> None:
    """What the host decides is no time of the device's, and left out."""
    op = result["op"] + ("+add" if result["residual"] else "")
    shape = f"{result['rows']}x{result['hidden']}"
    for key, (name, _, _) in PEERS.items():
        if key not in peers["ns"]:
            continue
        if (key, op, result["x"], shape) in bound:
            host = peers["host_ns"][key] / 1e3
            result["left_out"][name] = f"bound by its host, which takes {host:.0f} us"
            continue
        low, _, high = peers["quartiles"][key]
        errors = [round(error, 7) for error in peers["errors"][key]]
        more = {"host_ns": round(peers["host_ns"][key]), "relative_errors": errors}
        result["times"][name] = time(peers["ns"][key], high - low, **more)


def content_of(folder: Path, quack: str) -> dict:
    benches = [read(path) for path in sorted(folder.glob("bench_*.json"))]
    measured = read(folder / "peers.json")
    by_case = {key_of(line): line for line in measured["results"]}
    bound = host_bound((folder / "peers.txt").read_text(encoding="utf-8"))
    lines = [line for bench in benches for line in bench["results"]]
    results = []
    for line in lines:
        result = case_of(line) | {"bytes": line["bytes"], "kernel": line["kernel"], "times": {}}
        result["times"]["Norma"] = time(line["ns"], line["ns_spread"])
        result["times"]["copy"] = time(line["copy_ns"], line["copy_ns_spread"])
        result["left_out"] = {}
        if key_of(line) in by_case:
            with_peers(result, by_case[key_of(line)], bound)
        results.append(result)
    host = benches[0]["machine"]
    cuda = re.search(r"CUDA Version: (\S+)", (folder / "machine.txt").read_text(encoding="utf-8"))
    versions = measured["versions"] | {"quack-kernels": quack}
    major, rest = divmod(versions["cudnn"], 10000)
    versions["cudnn"] = f"{major}.{rest // 100}.{rest % 100}"
    ours = OURS | {"Norma": OURS["Norma"] | {"version": host["norma"]}}
    return {
        "schema": SCHEMA,
        "date": measured["date"][:10],
        "command": "script/gpu --pack KIT; KIT/gpu OUT; bench/peers/run gpu OUT",
        "machine": {
            "gpu": measured["gpu"],
            "driver": measured["driver"],
            "cuda": cuda[1] if cuda else "",
            "cpu": host["cpu"],
            "empty_ns": round(statistics.median(line["empty_ns"] for line in lines), 1),
        },
        "peers": ours
        | {
            name: {"version": versions.get(of, ""), "form": form}
            for key, (name, of, form) in PEERS.items()
            if any(key in line["ns"] for line in measured["results"])
        },
        "results": results,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench/peers/run gpu", description=__doc__)
    parser.add_argument("folder", type=Path, help="what script/gpu wrote")
    parser.add_argument("json", type=Path, help="the file of results to write")
    arguments = parser.parse_args()
    for pattern in ("bench_*.json", "peers.json", "peers.txt", "machine.txt"):
        if not any(arguments.folder.glob(pattern)):
            parser.error(f"no {pattern} in {arguments.folder}; expected what script/gpu wrote")
    pinned = Path(__file__).with_name("gpu-quack-requirements.txt").read_text(encoding="utf-8")
    quack = re.search(r"quack-kernels==(\S+)", pinned)[1]
    arguments.json.write_text(text_of(content_of(arguments.folder, quack)), encoding="utf-8")


if __name__ == "__main__":
    main()
