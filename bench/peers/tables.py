# SPDX-License-Identifier: MIT
"""Tables of a file of results, in Markdown. In a page they are between
`<!-- peers: NAME FILE ARGUMENTS -->` and `<!-- /peers -->`."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from statistics import geometric_mean, median
from textwrap import fill

from .model import predicted_copy_ns, predicted_ns

Result = dict
Content = dict

COPIES = ("copy", "streaming copy")
# Of one name in the tables: the faster counts.
VARIANTS = {"oneDNN": "oneDNN OpenMP", "torch.compile": "torch.compile max-autotune"}
# Columns of tables that are to fit a page.
OTHERS = (
    "hand-written",
    "gcc",
    "gcc -ffast-math",
    "oneDNN",
    "ONNX Runtime",
    "OpenVINO",
    "ggml",
    "PyTorch",
    "torch.compile",
    "JAX",
    "Triton",
    "Liger-Kernel",
    "cuDNN",
    "QuACK",
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
    return min(result["times"][name]["ns"] for name in COPIES if name in result["times"])


def of(result: Result, name: str) -> float | None:
    """A peer's time, or that of its faster variant."""
    names = [each for each in (name, VARIANTS.get(name)) if each in result["times"]]
    return min((result["times"][each]["ns"] for each in names), default=None)


def title(op: str) -> str:
    name, _, direction = op.partition("_norm")
    return {"layer": "LayerNorm", "rms": "RMSNorm"}[name] + direction.replace("_", " ")


def direction_of(result: Result) -> str:
    return "backward" if result["op"].endswith("_backward") else "forward"


def shape(result: Result) -> str:
    return f"{result['rows']} x {result['hidden']}"


def dtype(result: Result) -> str:
    return result["x"] if result["scale"] == "none" else f"{result['x']} to {result['y']}"


def case(result: Result) -> list[str]:
    """What a table begins a row with that has all of it: CASE."""
    residual = ", residual" if result.get("residual") else ""
    threads = f", {result['threads']} threads" if result["threads"] > 1 else ""
    return [title(result["op"]) + residual, dtype(result), shape(result) + threads]


CASE = ["op", "type", "rows x hidden"]


def markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def select(content: Content, **fields: object) -> list[Result]:
    """Without residual unless asked for; files of CPUs have none."""
    fields = {"residual": False} | fields
    return [
        result
        for result in content["results"]
        if all(result.get(name, False) == value for name, value in fields.items())
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
            rows.append([" ".join(case(result)), duration(norma), *ratios])
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


def microseconds(content: Content, kind: str) -> str:
    """Times, the shortest bold, and Norma's over the copy's: the fewer, the better."""
    results = [
        result
        for result in content["results"]
        if kind == ("quantized" if result["scale"] != "none" else direction_of(result))
    ]
    names = ["Norma", *(name for name in OTHERS if any(of(result, name) for result in results))]
    rows = []
    for result in results:
        times = [of(result, name) for name in names]
        texts = [f"{time / 1e3:.1f}" if time else "" for time in times]
        best = times.index(min(time for time in times if time))
        texts[best] = f"**{texts[best]}**"
        copied = f"{times[0] / best_copy(result):.2f}"
        rows.append([*case(result), f"{best_copy(result) / 1e3:.1f}", copied, *texts])
    return markdown([*CASE, "copy", "Norma to copy", *names], rows)


def to_copy(content: Content, x: str, rows: str, hidden: str) -> str:
    """One shape of both ops in a sentence."""
    size = {"rows": int(rows), "hidden": int(hidden)}
    ops = [op for ops, _ in DIRECTIONS.values() for op in ops]
    found = [result for op in ops for result in select(content, op=op, x=x, y=x, **size)]
    ratios = (f"{title(each['op'])} {of(each, 'Norma') / best_copy(each):.2f}" for each in found)
    where = f"On an {content['machine']['gpu']}, {rows} x {hidden} in {x} takes"
    return fill(f"{where}, in times of a copy of the same bytes: {', '.join(ratios)}.", 100)


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
                rows.append([*case(result), name, rounded(ratio)])
    return markdown([*CASE, "faster peer", "Norma's time over the peer's"], rows)


def model(content: Content, x: str) -> str:
    """What was to be expected, and what was measured; fractions of the speed of a copy."""
    empty = content["machine"]["empty_ns"]
    rows = []
    for op in (op for ops, _ in DIRECTIONS.values() for op in ops):
        for result in select(content, op=op, x=x, scale="none"):
            ours, copied = of(result, "Norma"), best_copy(result)
            expected = predicted_ns(result, empty)
            fractions = (predicted_copy_ns(result, empty) / expected, copied / ours)
            times = (f"{time / 1e3:.1f}" for time in (expected, ours))
            numbers = [*times, *(f"{each:.2f}" for each in (ours / expected, *fractions))]
            rows.append([title(op), shape(result), *numbers])
    head = ["op", "rows x hidden", "predicted us", "measured us", "measured / predicted"]
    return markdown([*head, "predicted, of a copy", "measured, of a copy"], rows)


def layer_to_rms(content: Content, x: str) -> str:
    """LayerNorm's time over RMSNorm's, as Norma, peers and hand-written code have it."""
    names = [name for name in ("Norma", *OTHERS) if name in content["peers"]]
    rows = []
    for layer in select(content, op="layer_norm", x=x, scale="none", threads=1):
        same = {"rows": layer["rows"], "hidden": layer["hidden"], "threads": 1}
        for rms in select(content, op="rms_norm", x=x, scale="none", **same):
            pairs = [(of(layer, name), of(rms, name)) for name in names]
            rows.append([shape(layer), *(rounded(a / b) if a and b else "" for a, b in pairs)])
    return markdown(["rows x hidden", *names], rows)


def cpu(its: dict) -> str:
    caches = ", ".join(f"{name.upper()} {size}" for name, size in its["caches"].items())
    kind = "virtual machine" if its["virtual"] else "machine"
    name = f"{its['cpu']} (family {its['family']}, model {its['model']}), {its['cores']} cores"
    return f"A {kind} with {name}; {caches}; Linux {its['linux']}."


def gpu(its: dict) -> str:
    card = f"{its['gpu']}, driver {its['driver']}, CUDA {its['cuda']}"
    return f"{card}. A kernel that does nothing takes {duration(its['empty_ns'])}."


def machine(content: Content) -> str:
    """What was measured, where and with which versions."""
    its = content["machine"]
    spreads = [time["spread"] for result in content["results"] for time in result["times"].values()]
    head = f"{gpu(its) if 'gpu' in its else cpu(its)} Measured on {content['date']}. "
    head += f"Interquartile range of the rounds: {100 * median(spreads):.0f} % in the middle."
    rows = [[name, peer["version"], peer["form"]] for name, peer in content["peers"].items()]
    return f"{fill(head, 100)}\n\n{markdown(['peer', 'version', 'how it is called'], rows)}"


TABLES: dict[str, Callable[..., str]] = {
    table.__name__: table
    for table in (
        summary,
        times,
        microseconds,
        to_copy,
        errors,
        behind,
        model,
        layer_to_rms,
        machine,
    )
}
MARKED = re.compile(r"(<!-- peers: (\w+) (\S+)((?: \w+)*) -->\n).*?(<!-- /peers -->)", re.DOTALL)


def written(page: str, root: Path) -> str:
    def table(found: re.Match) -> str:
        begin, name, path, words, end = found.groups()
        content = json.loads((root / path).read_text(encoding="utf-8"))
        return f"{begin}\n{TABLES[name](content, *words.split())}\n\n{end}"

    return MARKED.sub(table, page)
