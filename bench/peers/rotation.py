# SPDX-License-Identifier: MIT
"""Peers take turns, so that a disturbance of the machine meets all of them."""

import json
import statistics
import subprocess
import sys
import time

from .cases import Case, to_json

FEWEST, MOST = 5, 41  # rounds
WRONG = 1000  # units in the last place; of a step for int8
PAUSE = 0.02  # seconds for the threads of the one before to go to sleep


class Worker:
    """A peer's process."""

    def __init__(self, name: str, module: str, threads: int) -> None:
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.worker", module, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        said = self.answer()
        self.reason = said.get("left_out")
        self.version = said.get("version", "")
        self.form = said.get("form", "")

    @property
    def runs(self) -> bool:
        return self.reason is None

    def ask(self, **request: object) -> dict:
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass
        return self.answer()

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()

    def answer(self) -> dict:
        line = self.process.stdout.readline()
        if line:
            return json.loads(line)
        self.reason = f"ended with status {self.process.wait()}"
        return {"left_out": self.reason}


Times = dict[str, dict[str, float | None]]


def measure(
    workers: list[Worker], case: Case, seconds: float, threads: int
) -> tuple[Times, dict[str, str]]:
    """Median, spread and error of each peer that has the case, and why the others have not."""
    errors, left_out = {}, {}
    for worker in workers:  # all, before the first needs memory for its compiler
        if worker.runs:
            worker.ask(do="forget")
    for worker in workers:
        if worker.runs:
            said = worker.ask(do="prepare", case=to_json(case))
            if "left_out" in said:
                left_out[worker.name] = said["left_out"]
            elif said["error"] is not None and not said["error"] < WRONG:
                left_out[worker.name] = f"wrong by {said['error']:.3g} units in the last place"
            else:
                errors[worker.name] = said["error"]
        else:
            left_out[worker.name] = worker.reason
    turns = [worker for worker in workers if worker.name in errors]
    rounds: dict[str, list[float]] = {worker.name: [] for worker in turns}
    begin = time.monotonic()
    number = 0
    while turns and number < MOST and (number < FEWEST or time.monotonic() < begin + seconds):
        for worker in turns:
            if threads > 1:
                time.sleep(PAUSE)
            said = worker.ask(do="time")
            if "ns" in said:
                rounds[worker.name].append(said["ns"])
            else:
                left_out[worker.name] = said["left_out"]
        turns = [worker for worker in turns if worker.runs]
        number += 1
    times = {}
    for name, all_rounds in rounds.items():
        if name not in left_out:
            quarters = statistics.quantiles(all_rounds, n=4)
            median = statistics.median(all_rounds)
            times[name] = {
                "ns": round(median, 1),
                "spread": round((quarters[2] - quarters[0]) / median, 3),
                "error": None if errors[name] is None else round(errors[name], 3),
            }
    return times, left_out
