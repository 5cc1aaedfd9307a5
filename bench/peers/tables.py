# SPDX-License-Identifier: MIT
"""Tables of a file of results, in Markdown. In a page they are between
`<!-- peers: NAME FILE ARGUMENTS -->` and `<!-- /peers -->`."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from statistics import geometric_mean, median
from textwrap import fill

Result = dict
Content = dict

COPIES = ("copy", "streaming copy")
# Columns of tables that are to fit a page; "oneDNN" is the faster of its builds.
OTHERS = (
    "hand-written",
    "gcc",
    "gcc -ffast-math",
    "oneDNN",
    "ONNX Runtime",
    "OpenVINO",
    "PyTorch",
    "torch.compile",
    "JAX",
)
DIRECTIONS = {
    "forward": (("layer_norm", "rms_norm"), ("f32", "bf16", "f16")),
    "backward": (("layer_norm_backward", "rms_norm_backward"), ("f32", "bf16")),
}


def rounded(number: float) -> str:
    """Two digits, as far as they say something."""
    if number >= 9.95:
        return f"{number:.0f}"
    return f"{number:.1f}" if number >= 0.995 else f"{number:.2f}"


def duration(ns: float) -> str:
    for limit, unit in ((1e3, "ns"), (1e6, "us"), (1e9, "ms")):
        if ns < 0.9995 * limit:
            number = ns / (limit / 1e3)
            digits = 2 if number < 9.995 else 1 if number < 99.95 else 0
            return f"{number:.{digits}f} {unit}" if unit != "ns" else f"{number:.0f} ns"
    return f"{ns / 1e9:.1f} s"


def best_copy(result: Result) -> float:
    return min(result["times"][name]["ns"] for name in COPIES)


def of(result: Result, name: str) -> float | None:
    """A peer's time; of oneDNN that of its faster build."""
    names = [each for each in result["times"] if each == name or each == f"{name} OpenMP"]
    return min((result["times"][each]["ns"] for each in names), default=None)


def title(op: str) -> str:
    name, _, direction = op.partition("_norm")
    return {"layer": "LayerNorm", "rms": "RMSNorm"}[name] + direction.replace("_", " ")


def shape(result: Result) -> str:
    return f"{result['rows']} x {result['hidden']}"


def dtype(result: Result) -> str:
    return result["x"] if result["scale"] == "none" else f"{result['x']} to {result['y']}"


def markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def select(content: Content, **fields: object) -> list[Result]:
    return [
        result
        for result in content["results"]
        if all(result[name] == value for name, value in fields.items())
    ]


def overview(content: Content) -> str:
    """All cases: Norma's time, and the others' relative to it."""
    names = [name for name in content["peers"] if name != "Norma"]
    rows = []
    for result in content["results"]:
        norma = of(result, "Norma")
        if norma is not None:
            others = [result["times"].get(name) for name in names]
            ratios = [rounded(other["ns"] / norma) if other else "" for other in others]
            threads = f", {result['threads']} threads" if result["threads"] > 1 else ""
            case = f"{result['op']} {dtype(result)} {shape(result)}{threads}"
            rows.append([case, duration(norma), *ratios])
    return markdown(["", "Norma", *names], rows)


def summary(content: Content, direction: str) -> str:
    """Means over the shapes of a peer's time over Norma's, and how often the peer is ahead."""
    ops, types = DIRECTIONS[direction]
    columns = [(op, x) for op in ops for x in types]

    def cell(name: str, op: str, x: str) -> str:
        results = select(content, op=op, x=x, scale="none", threads=1)
        pairs = [(of(result, name), of(result, "Norma")) for result in results]
        ratios = [theirs / ours for theirs, ours in pairs if theirs and ours]
        ahead = sum(ratio < 1 for ratio in ratios)
        if not ratios:
            return ""
        return rounded(geometric_mean(ratios)) + (f" (ahead in {ahead})" if ahead else "")

    cells = [[name, *(cell(name, op, x) for op, x in columns)] for name in OTHERS]
    heads = ["time over Norma's", *(f"{title(op)} {x}" for op, x in columns)]
    return markdown(heads, [row for row in cells if any(row[1:])])


def times(content: Content, op: str, x: str, y: str = "", threads: str = "1") -> str:
    """Norma's times, and those of the others over Norma's: above 1 Norma is faster."""
    results = select(content, op=op, x=x, y=y or x, threads=int(threads))
    names = [name for name in OTHERS if any(of(result, name) for result in results)]
    rows = []
    for result in results:
        norma = of(result, "Norma")
        others = [of(result, name) for name in names]
        ratios = ["" if time is None else rounded(time / norma) for time in others]
        copied = rounded(norma / best_copy(result))
        rows.append([shape(result), duration(norma), copied, *ratios])
    return markdown(["rows x hidden", "Norma", "Norma to copy", *names], rows)


def errors(content: Content, op: str, x: str) -> str:
    """In units in the last place."""
    results = select(content, op=op, x=x, scale="none", threads=1)

    def error(result: Result, name: str) -> str:
        found = result["times"].get(name, {}).get("error")
        return "" if found is None else rounded(found)

    names = [name for name in content["peers"] if any(error(result, name) for result in results)]
    rows = [[shape(result), *(error(result, name) for name in names)] for result in results]
    return markdown(["rows x hidden", *names], rows)


def behind(content: Content) -> str:
    """Where a library, or plain C, is faster than Norma by more than a twentieth."""
    rows = []
    for result in content["results"]:
        norma = of(result, "Norma")
        for name in content["peers"]:
            if name in ("Norma", "hand-written", *COPIES) or name not in result["times"]:
                continue
            ratio = norma / result["times"][name]["ns"]
            if ratio > 1.05:
                case = [title(result["op"]), dtype(result), shape(result), str(result["threads"])]
                rows.append([*case, name, rounded(ratio)])
    head = ["op", "type", "rows x hidden", "threads", "faster peer", "Norma's time over the peer's"]
    return markdown(head, rows)


def layer_to_rms(content: Content, x: str) -> str:
    """LayerNorm's time over RMSNorm's, as Norma, peers and hand-written code have it."""
    rows = []
    for layer in select(content, op="layer_norm", x=x, scale="none", threads=1):
        same = {"rows": layer["rows"], "hidden": layer["hidden"], "threads": 1}
        for rms in select(content, op="rms_norm", x=x, scale="none", **same):
            pairs = [(of(layer, name), of(rms, name)) for name in ("Norma", *OTHERS)]
            rows.append([shape(layer), *(rounded(a / b) if a and b else "" for a, b in pairs)])
    return markdown(["rows x hidden", "Norma", *OTHERS], rows)


def machine(content: Content) -> str:
    """What was measured, where and with which versions."""
    its = content["machine"]
    caches = ", ".join(f"{name.upper()} {size}" for name, size in its["caches"].items())
    kind = "virtual machine" if its["virtual"] else "machine"
    cpu = f"{its['cpu']} (family {its['family']}, model {its['model']}), {its['cores']} cores"
    spreads = [time["spread"] for result in content["results"] for time in result["times"].values()]
    head = f"A {kind} with {cpu}; {caches}; Linux {its['linux']}. Measured on {content['date']}. "
    head += f"Interquartile range of the rounds: {100 * median(spreads):.0f} % in the middle."
    rows = [[name, peer["version"], peer["form"]] for name, peer in content["peers"].items()]
    return f"{fill(head, 100)}\n\n{markdown(['peer', 'version', 'how it is called'], rows)}"


TABLES: dict[str, Callable[..., str]] = {
    table.__name__: table for table in (summary, times, errors, behind, layer_to_rms, machine)
}
MARKED = re.compile(r"(<!-- peers: (\w+) (\S+)((?: \w+)*) -->\n).*?(<!-- /peers -->)", re.DOTALL)


def written(page: str, root: Path) -> str:
    def table(found: re.Match) -> str:
        begin, name, path, words, end = found.groups()
        content = json.loads((root / path).read_text(encoding="utf-8"))
        return f"{begin}\n{TABLES[name](content, *words.split())}\n\n{end}"

    return MARKED.sub(table, page)
