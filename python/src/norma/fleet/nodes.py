# SPDX-License-Identifier: MIT
"""A node of the cluster, as `norma info --json` there describes it."""

import dataclasses
import json
import time

from .jobs import Job


@dataclasses.dataclass(eq=False)
class Node:
    id: str
    name: str
    resources: dict[str, float]
    device: str = "not asked yet"
    runs: frozenset = frozenset()  # what it may measure: (target, device as JSON)
    compiles: bool = False
    died: bool = False
    why_not: str = ""  # it measures no more
    done: int = 0
    failed: Job | None = None  # that failed here last, unless another was done since
    job: Job | None = None  # that it measures
    since: float = 0
    stop: float = float("inf")  # when it is taken to be stuck

    @property
    def cpus(self) -> float:
        return self.resources["CPU"]

    @property
    def gpus(self) -> float:
        return self.resources.get("GPU", 0)

    @property
    def idle(self) -> bool:
        return not self.why_not and self.job is None

    def answered(self, answer: dict, version: str, targets: set[str]):
        """What tasks.probe found there; `version` is that of the driver's normagen."""
        self.compiles = answer.get("normagen") == version
        if "why" in answer:
            self.why_not = f"does not measure: {answer['why']}"
            return
        info = answer["info"]
        self.device = " and ".join(map(device_text, info["devices"].values()))
        self.runs = frozenset(
            (target["name"], json.dumps(info["devices"][target["device"]], sort_keys=True))
            for target in info["targets"]
            if target["runnable"] and target["name"] in targets
        )
        if not self.runs:
            self.why_not = f"does not measure: runs none of {', '.join(sorted(targets))}"

    def begins(self, job: Job | None, seconds: float):
        """`seconds` from now it should be done."""
        self.job, self.since = job, time.monotonic()
        self.stop = self.since + seconds

    def line(self) -> str:
        state = self.why_not
        if self.job is not None:
            seconds = time.monotonic() - self.since
            state = f"{seconds:.0f} s at {self.job.kernel}"
        return f"{self.name} ({self.device}): {self.done} measured" + (state and f"; {state}")


def device_text(device: dict) -> str:
    """As `normagen records` names it."""
    if "gpu" in device:
        kilobytes = device["l2"] // 1024
        return f"{device['gpu']}, sm_{device['sm']}, {kilobytes} KB, driver {device['driver']}"
    caches = "/".join(str(device[level] // 1024) for level in ("l1d", "l2", "l3"))
    return f"{device['cpu']}, {device['isa']}, {caches} KB"
