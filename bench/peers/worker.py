# SPDX-License-Identifier: MIT
"""One peer in a process of its own, which does what lines of JSON ask for. So a peer that crashes,
or changes floating-point modes, does no harm to the others."""

import importlib
import json
import os
import sys

from .cases import Case
from .peer import LeftOut, Prepared
from .reference import error, expected, inputs

SHORTEST = 2_000_000  # nanoseconds of one timing; shorter calls are repeated


def calls_of(prepared: Prepared) -> int:
    """How many calls make one timing."""
    calls = 1
    if not prepared.repeats:
        return calls
    while (taken := prepared.nanoseconds(calls)) < SHORTEST / 2 and calls < 1 << 20:
        calls = min(max(2 * calls, int(calls * SHORTEST / max(taken, 1))), 16 * calls)
    return calls


def reason(problem: Exception) -> str:
    if isinstance(problem, LeftOut):
        return str(problem)
    lines = str(problem).splitlines() or [""]
    return f"{type(problem).__name__}: {lines[0][:200]}"


def main() -> None:
    name, threads = sys.argv[1], int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")  # since libraries print to theirs
    os.dup2(2, 1)

    def answer(**fields: object) -> None:
        print(json.dumps(fields), file=answers, flush=True)

    module, _, which = name.partition(".")
    try:
        package = importlib.import_module(f".libraries.{module}", __package__)
        peer = package.PEERS[which](threads)
    except Exception as problem:  # noqa: BLE001 (whatever a library raises)
        answer(left_out=reason(problem))
        return
    answer(version=peer.version, form=peer.form)
    prepared, calls = None, 1
    for line in sys.stdin:
        request = json.loads(line)
        if "case" not in request:
            if prepared.repeats:
                prepared.nanoseconds(max(calls // 2, 1))  # which fills the caches
            answer(ns=prepared.nanoseconds(calls) / calls)
            continue
        prepared = None  # before memory is needed for the next
        case = Case(**request["case"])
        try:
            tensors = inputs(case)
            prepared = peer.prepare(case, tensors)
            calls = calls_of(prepared)
            outputs = prepared.outputs()
            answer(error=error(case, outputs, expected(case, tensors)) if outputs else None)
        except Exception as problem:  # noqa: BLE001 (whatever a library raises)
            answer(left_out=reason(problem))


if __name__ == "__main__":
    main()
