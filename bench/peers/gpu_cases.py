# SPDX-License-Identifier: MIT
"""The cases that Norma and its peers are timed on, from what norma bench is told or has written."""

import itertools
import json
import shlex
import typing

# Before all others, should time run out.
FIRST = ("16384x4096", "8192x8192", "131072x128")


class Case(typing.NamedTuple):
    op: str
    dtype: str
    rows: int
    hidden: int
    residual: bool

    @property
    def backward(self):
        return self.op.endswith("_backward")

    @property
    def centred(self):
        return self.op.startswith("layer_norm")

    @property
    def name(self):
        op = self.op + ("+add" if self.residual else "")
        return f"{op:<20}{self.dtype:<6}{f'{self.rows}x{self.hidden}':>14}"


def by_importance(cases):
    def rank(case):
        shape = f"{case.rows}x{case.hidden}"
        place = FIRST.index(shape) if shape in FIRST else len(FIRST)
        return case.dtype != "bf16", place == len(FIRST), place, case.residual, case.backward

    return sorted(dict.fromkeys(cases), key=rank)


def cases_of_benches(path):
    """Those of a file like gpu_benches.txt that the peers have: one type."""
    cases = []
    with open(path, encoding="utf-8") as file:
        lines = [line for line in file if not line.startswith("#")]
    for line in lines:
        words = shlex.split(line)[1:]
        options = dict(itertools.pairwise(words))
        ops = options.get("--op", "layer_norm,rms_norm").split(",")
        shapes = [map(int, shape.split("x")) for shape in options["--shapes"].split(",")]
        dtype = options["--dtype"]
        if ":" not in dtype:
            shapes = [tuple(shape) for shape in shapes]
            cases += [
                Case(op, dtype, *shape, "--residual" in words) for op in ops for shape in shapes
            ]
    return by_importance(cases)


def cases_of_results(paths):
    """The same by what norma bench --json wrote of them."""
    results = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            lines = json.load(file)["results"]
        for line in lines:
            case = Case(
                line["op"], line["dtype"], line["rows"], line["hidden"], ".r_" in line["kernel"]
            )
            if ":" not in case.dtype:
                results[case] = line
    return {case: results[case] for case in by_importance(results)}
