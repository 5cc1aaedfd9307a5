# SPDX-License-Identifier: MIT
"""One peer in a process of its own, which does what lines of JSON ask for. So a peer that crashes,
or changes floating-point modes, does no harm to the others."""

import ctypes
import gc
import importlib
import json
import os
import sys

from .cases import Case
from .peer import LeftOut, Peer, Prepared
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


def prepare(peer: Peer, case: Case) -> tuple[Prepared, int, float | None]:
    """What is to be timed, how many calls at once, and the error of its results."""
    tensors = inputs(case)
    prepared = peer.prepare(case, tensors)
    calls = calls_of(prepared)
    outputs = prepared.outputs()
    return prepared, calls, error(case, outputs, expected(case, tensors)) if outputs else None


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
        if request["do"] == "time":
            if prepared.repeats:
                prepared.nanoseconds(max(calls // 2, 1))  # which fills the caches
            answer(ns=prepared.nanoseconds(calls) / calls)
        elif request["do"] == "forget":
            prepared = None
            gc.collect()
            ctypes.CDLL(None).malloc_trim(0)
            answer()
        else:
            try:
                prepared, calls, wrong_by = prepare(peer, Case(**request["case"]))
                answer(error=wrong_by)
            except Exception as problem:  # noqa: BLE001 (whatever a library raises)
                answer(left_out=reason(problem))


if __name__ == "__main__":
    main()
