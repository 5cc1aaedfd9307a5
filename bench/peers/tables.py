# SPDX-License-Identifier: MIT
"""Tables of files of results, in Markdown.

python3 -m peers.tables [--check]: writes those of README.md and docs/*.md, between
`<!-- peers: NAME FILE -->` and `<!-- /peers -->`; with --check, says which ones differ."""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

Result = dict
Content = dict

COPIES = ("copy", "streaming copy")
NARROW = ("Norma", "gcc -ffast-math", "oneDNN", "ONNX Runtime", "PyTorch", "torch.compile", "JAX")


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


def times_of_norma(content: Content, op: str, x: str, threads: int = 1) -> str:
    """Peers' times over Norma's: above 1 Norma is faster."""
    results = select(content, op=op, x=x, scale="none", threads=threads)
    names = [name for name in NARROW[1:] if any(of(result, name) for result in results)]
    rows = []
    for result in results:
        norma = of(result, "Norma")
        times = [of(result, name) for name in names]
        ratios = ["-" if time is None else rounded(time / norma) for time in times]
        rows.append([shape(result), duration(norma), rounded(norma / best_copy(result)), *ratios])
    return markdown(["rows x hidden", "Norma", "to copy", *names], rows)


def errors(content: Content, op: str, x: str) -> str:
    """In units in the last place, beside the times over a copy's."""
    results = select(content, op=op, x=x, scale="none", threads=1)
    names = [
        name
        for name in content["peers"]
        if any(result["times"].get(name, {}).get("error") is not None for result in results)
    ]
    rows = [
        [
            shape(result),
            *(
                rounded(result["times"][name]["error"]) if name in result["times"] else "-"
                for name in names
            ),
        ]
        for result in results
    ]
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
                threads = str(result["threads"])
                rows.append(
                    [result["op"], dtype(result), shape(result), threads, name, rounded(ratio)]
                )
    return markdown(
        ["op", "type", "rows x hidden", "threads", "faster peer", "Norma's time over its"], rows
    )


def layer_to_rms(content: Content, x: str) -> str:
    """LayerNorm's time over RMSNorm's, as Norma, peers and hand-written code have it."""
    names = ("Norma", "hand-written", *NARROW[1:])
    rows = []
    for layer in select(content, op="layer_norm", x=x, scale="none", threads=1):
        shape_of = {"rows": layer["rows"], "hidden": layer["hidden"], "threads": 1}
        rms = select(content, op="rms_norm", x=x, scale="none", **shape_of)
        if rms:
            pairs = [(of(layer, name), of(rms[0], name)) for name in names]
            rows.append([shape(layer), *(rounded(a / b) if a and b else "-" for a, b in pairs)])
    return markdown(["rows x hidden", *names], rows)


TABLES: dict[str, Callable[..., str]] = {
    "times": times_of_norma,
    "errors": errors,
    "behind": behind,
    "layer_to_rms": layer_to_rms,
}
MARKED = re.compile(r"(<!-- peers: (\w+) (\S+)((?: \w+)*) -->\n).*?(<!-- /peers -->)", re.DOTALL)


def written(page: str, root: Path) -> str:
    def table(found: re.Match) -> str:
        begin, name, path, words, end = found.groups()
        content = json.loads((root / path).read_text(encoding="utf-8"))
        return f"{begin}\n{TABLES[name](content, *words.split())}\n\n{end}"

    return MARKED.sub(table, page)


def main() -> None:
    root = Path(__file__).parent.parent.parent
    stale = []
    for path in [root / "README.md", *sorted((root / "docs").glob("*.md"))]:
        page = path.read_text(encoding="utf-8")
        if written(page, root) != page:
            stale.append(str(path.relative_to(root)))
            if "--check" not in sys.argv:
                path.write_text(written(page, root), encoding="utf-8")
    if stale and "--check" in sys.argv:
        sys.exit(f"not of their results: {', '.join(stale)}; script/peers-figures writes them")


if __name__ == "__main__":
    main()
