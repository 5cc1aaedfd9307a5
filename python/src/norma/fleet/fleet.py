# SPDX-License-Identifier: MIT
"""The fleet: which node measures what. Ray places compilations, moves candidates between nodes,
says which nodes died, and keeps everything else off a node that measures."""

import contextlib
import dataclasses
import json
import socket
import sys
import time

import ray
from ray.exceptions import (
    GetTimeoutError,
    NodeDiedError,
    ObjectLostError,
    RayError,
    RayTaskError,
    TaskUnschedulableError,
)
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from . import tasks
from .jobs import InputError, Job, Kernel, Results, control_fails
from .nodes import Node, device_text

PROBE = 60  # seconds for a node to say what it runs
DEATHS = (NodeDiedError, TaskUnschedulableError)  # of the node
GRACE = 30  # seconds beyond the limit of a job, until its node is taken to be stuck


@dataclasses.dataclass
class Options:
    normagen: str
    version: str
    norma: bytes
    norma_measure: bytes
    linker: str
    target_files: dict[str, str] | None
    seconds: float
    timeout: float
    tries: int
    unsteady: float
    wait: float
    progress: float


@contextlib.contextmanager
def connected(address: str | None):
    try:
        host, colon, port = (address or "").rpartition(":")
        if colon and "/" not in host:  # where nobody listens Ray would try for minutes
            socket.create_connection((host, int(port)), timeout=10).close()
        ray.init(address or "local", log_to_driver=False, include_dashboard=False)
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(
            f"--cluster is {address}, which does not answer ({one_line(error)}); expected the "
            "address of a Ray cluster with the versions of Ray and Python of this machine"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def one_line(error: Exception) -> str:
    if isinstance(error, RayTaskError) and error.cause is not None:
        error = error.cause
    return " ".join(str(error).split())[:300] or type(error).__name__


class Fleet:
    def __init__(self, kernels: list[Kernel], results: Results, options: Options):
        ray.cloudpickle.register_pickle_by_value(tasks)
        self.kernels, self.results, self.options = kernels, results, options
        self.targets = {kernel.target for kernel in kernels}
        self.to_compile = list(kernels)
        self.to_measure: dict[tuple[str, str], list[Job]] = {}  # by target and device
        self.failed: list[Job] = []
        self.nodes: dict[str, Node] = {}
        self.probing: dict[ray.ObjectRef, Node] = {}
        self.compiling: dict[ray.ObjectRef, Kernel] = {}
        self.measuring: dict[ray.ObjectRef, Node] = {}
        self.norma, self.norma_measure = ray.put(options.norma), ray.put(options.norma_measure)
        self.probe = ray.remote(num_cpus=0, max_retries=0)(tasks.probe)
        # Ray would try again where it did before, which may be gone.
        self.compile = ray.remote(num_cpus=1, num_returns=2, max_retries=0)(tasks.compile_job)
        self.measure = ray.remote(max_retries=0)(tasks.measure_job)
        self.begin = time.monotonic()
        self.compilations = 0
        self.compile_begin = self.compiled_in = self.looked = self.shown = 0.0

    def run(self):
        """Until all of it is done, or no node is left for the rest."""
        idle_since = None
        while True:
            self.look_for_nodes()
            self.start_compilations()
            self.start_measurements()
            if references := [*self.probing, *self.compiling, *self.measuring]:
                idle_since = None
                for reference in ray.wait(references, timeout=0.5, fetch_local=False)[0]:
                    self.ended(reference)
                self.give_up_on_stuck_nodes()
            else:
                idle_since = idle_since or time.monotonic()
                waited = time.monotonic() - idle_since >= self.options.wait
                if waited or not self.unserved():
                    return
                time.sleep(0.2)
            self.show()

    # Nodes

    def look_for_nodes(self):
        if time.monotonic() - self.looked < 0.5:
            return
        self.looked = time.monotonic()
        for found in ray.nodes():
            node = self.nodes.get(found["NodeID"])
            if node is None:
                if found["Alive"] and found["Resources"].get("CPU", 0) >= 1:
                    self.joins(found)
            elif not found["Alive"]:
                self.dies(node)

    def joins(self, found: dict):
        name = found["NodeName"]
        name = name if name != found["NodeManagerAddress"] else found["NodeManagerHostname"]
        if any(node.name == name for node in self.nodes.values()):
            name += "-" + found["NodeID"][:6]
        node = self.nodes[found["NodeID"]] = Node(found["NodeID"], name, found["Resources"])
        node.begins(None, 2 * PROBE + GRACE)
        where = self.only_on(node) | {"num_gpus": node.gpus}
        asked = self.probe.options(**where).remote(self.norma, self.options.normagen, PROBE)
        self.probing[asked] = node

    def dies_with(self, error: Exception, node: Node):
        """ray.nodes() says so seconds later."""
        if isinstance(error, DEATHS):
            self.dies(node)

    def dies(self, node: Node):
        if node.died:
            return
        node.died, node.compiles = True, False
        self.set_aside(node, "died")
        for kernel in self.kernels:
            if kernel.state == "compiled" and kernel.made_on == node.id:
                kernel.state = "waiting"  # its candidates died too
        self.compile_what_is_needed()

    @staticmethod
    def only_on(node: Node) -> dict:
        return {"scheduling_strategy": NodeAffinitySchedulingStrategy(node.id, soft=False)}

    def probed(self, node: Node, answer):
        if isinstance(answer, Exception):
            self.dies_with(answer, node)
            self.set_aside(node, f"does not say what it runs: {one_line(answer)}")
            return
        node.answered(answer, self.options.version, self.targets)
        for target, device in node.runs - self.to_measure.keys():
            jobs = [Job(kernel, device) for kernel in self.kernels if kernel.target == target]
            left = [job for job in jobs if not self.results.has(job.kernel, device)]
            self.to_measure[target, device] = left
            if len(left) < len(jobs):
                self.say(f"{len(jobs) - len(left)} of {len(jobs)} kernels of {target} are done")
        self.drop_what_does_not_compile()
        self.compile_what_is_needed()
        roles = sorted({target for target, _ in node.runs}) + ["compiles"] * node.compiles
        self.say(f"{node.name} ({node.device}): {', '.join(roles) or node.why_not}")

    def set_aside(self, node: Node, why: str):
        if not node.why_not:
            node.why_not = f"set aside: {why}"
            self.say(f"{node.name} is set aside: {why}")

    def give_up_on_stuck_nodes(self):
        now = time.monotonic()
        for running in (self.probing, self.measuring):
            for reference, node in list(running.items()):
                if node.stop < now:
                    ray.cancel(reference, force=True)
                    node.compiles = False
                    self.set_aside(node, "does not answer")
                    self.ended(reference, TimeoutError("does not answer"))
        for reference, kernel in list(self.compiling.items()):
            if kernel.stop < now:
                ray.cancel(reference, force=True)
                self.ended(reference, TimeoutError("does not answer"))

    # Compilation

    def compile_what_is_needed(self):
        """What is done on all devices of a run that goes on is not."""
        measured = {job.kernel for jobs in self.to_measure.values() for job in jobs}
        known = {target for target, _ in self.to_measure}
        self.to_compile = [
            kernel
            for kernel in self.kernels
            if kernel.state == "waiting" and (kernel in measured or kernel.target not in known)
        ]

    def start_compilations(self):
        compilers = [node for node in self.nodes.values() if node.compiles]
        if not compilers:  # nor will Ray find one
            for reference, kernel in self.compiling.items():
                ray.cancel(reference, force=True)
                kernel.state = "waiting"
            self.compiling.clear()
            self.compile_what_is_needed()
            return
        # Two for a CPU, so that a node that comes late has something left.
        where = {"ray.io/node-id": f"in({','.join(node.id for node in compilers)})"}
        slots = 2 * sum(int(node.cpus) for node in compilers) - len(self.compiling)
        for kernel in self.to_compile[: max(slots, 0)]:
            where_made, kernel.candidates = self.compile.options(label_selector=where).remote(
                kernel.lines,
                self.options.normagen,
                ["--linker", self.options.linker],
                self.options.target_files,
                self.options.timeout,
            )
            self.compile_begin = self.compile_begin or time.monotonic()
            kernel.state = "compiling"
            kernel.stop = time.monotonic() + 2 * self.options.timeout + GRACE  # behind another
            self.compiling[where_made] = kernel
        self.to_compile = self.to_compile[max(slots, 0) :]

    def compiled(self, kernel: Kernel, answer):
        if not isinstance(answer, Exception):
            kernel.state, kernel.made_on = "compiled", answer
            self.compilations += 1
            self.compiled_in = time.monotonic() - self.compile_begin
            return
        kernel.tries += not isinstance(answer, DEATHS)
        kernel.why = one_line(answer)
        kernel.state = "waiting" if kernel.tries < self.options.tries else "failed"
        self.say(f"{kernel} does not compile: {kernel.why}")
        self.drop_what_does_not_compile()
        self.compile_what_is_needed()

    def drop_what_does_not_compile(self):
        for where, jobs in self.to_measure.items():
            dropped = [job for job in jobs if job.kernel.state == "failed"]
            for job in dropped:
                job.why = job.kernel.why
            self.failed += dropped
            self.to_measure[where] = [job for job in jobs if job not in dropped]

    # Measurement

    def start_measurements(self):
        """A node that compiles does so until there is nothing left to compile: whatever else runs
        on a node would be measured too."""
        compiling = self.to_compile or self.compiling
        for node in self.nodes.values():
            if not node.idle or (compiling and node.compiles):
                continue
            job = self.next_job(node)
            if job is None:
                continue
            node.begins(job, self.options.timeout + GRACE)
            # All of its CPUs, so that nothing else of Ray's runs there.
            where = self.only_on(node) | {"num_cpus": node.cpus, "num_gpus": node.gpus}
            words = ["--budget", self.options.seconds]
            measured = self.measure.options(**where).remote(
                job.kernel.candidates, self.norma_measure, words, self.options.timeout
            )
            self.measuring[measured] = node

    def next_job(self, node: Node) -> Job | None:
        for run in sorted(node.runs):
            others = any(
                run in other.runs and not other.why_not and other is not node
                for other in self.nodes.values()
            )
            for job in self.to_measure[run]:
                # What failed here is tried elsewhere first.
                if job.kernel.state == "compiled" and not (others and job is node.failed):
                    self.to_measure[run].remove(job)
                    return job
        return None

    def measured(self, node: Node, answer):
        job, node.job = node.job, None
        if isinstance(answer, Exception):
            self.not_measured(job, node, answer)
        elif why := control_fails(answer, self.options.unsteady):
            self.to_measure[job.kernel.target, job.device].append(job)
            self.set_aside(node, why)
        else:
            self.results.add(job.kernel, job.device, answer)
            node.done += 1
            node.failed = None

    def not_measured(self, job: Job, node: Node, error: Exception):
        job.tries += 1
        job.why = f"on {node.name}: {one_line(error)}"
        self.say(f"{job.kernel} {job.why}")
        self.dies_with(error, node)
        if isinstance(error, ObjectLostError):
            job.kernel.state = "waiting"
        if job.tries < self.options.tries:
            self.to_measure[job.kernel.target, job.device].append(job)
        else:
            self.failed.append(job)
        self.compile_what_is_needed()
        if node.failed not in (None, job):  # one job may be at fault itself
            self.set_aside(node, f"two jobs in a row failed; the last: {one_line(error)}")
        node.failed = job

    # All of it

    def ended(self, reference, answer=None):
        if answer is None:
            try:
                answer = ray.get(reference, timeout=self.options.timeout)
            except (RayError, GetTimeoutError) as error:
                answer = error
        for running, handle in (
            (self.probing, self.probed),
            (self.compiling, self.compiled),
            (self.measuring, self.measured),
        ):
            if reference in running:
                handle(running.pop(reference), answer)

    def unserved(self) -> list[str]:
        """What no node does, a line each; those that come late may."""
        lines = []
        for target in sorted(self.targets - {target for target, _ in self.to_measure}):
            count = sum(kernel.target == target for kernel in self.kernels)
            lines.append(f"kernels for {target}: {count}; no node runs it")
        for (target, device), jobs in sorted(self.to_measure.items()):
            if jobs:
                name = device_text(json.loads(device))
                lines.append(f"kernels for {target} on {name}: {len(jobs)}; no node is left")
        return lines

    def left(self) -> list[str]:
        """What is not done, a line each."""
        return self.unserved() + [f"{job.kernel}, {job.why}" for job in self.failed]

    def summary(self) -> list[str]:
        measured = sum(node.done for node in self.nodes.values())
        to_compile = len(self.to_compile) + len(self.compiling)
        to_measure = sum(map(len, self.to_measure.values()))
        compiled = f"kernels compiled: {self.compilations} in {self.compiled_in:.1f} s"
        all_nodes = f"{compiled}, {to_compile} left; measured: {measured}, {to_measure} left"
        return [all_nodes, *(f"  {node.line()}" for node in self.nodes.values())]

    def show(self):
        if self.options.progress and time.monotonic() - self.shown >= self.options.progress:
            self.shown = time.monotonic()
            for line in self.summary():
                self.say(line)

    def say(self, text: str):
        print(f"norma-tune: {time.monotonic() - self.begin:6.1f} s: {text}", file=sys.stderr)
