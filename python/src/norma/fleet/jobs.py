# SPDX-License-Identifier: MIT
"""What is to be done, and what has been: a job is a kernel of a target on one kind of device."""

import dataclasses
import hashlib
import json
import pathlib
import subprocess


class InputError(Exception):
    """What the user can mend."""


def normagen(program: str, *words) -> str:
    """Its standard output; its errors are the user's to see."""
    command = [program, *map(str, words)]
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    except OSError as error:
        raise InputError(
            f"--normagen is {program}, which does not run ({error.strerror}); expected a normagen"
        ) from None
    except subprocess.CalledProcessError as error:
        raise InputError(f"{program} {command[1]} failed with status {error.returncode}") from None


@dataclasses.dataclass(eq=False)
class Kernel:
    """Of a target: the lines of `normagen tune --list` for it, which are compiled together."""

    variant: str
    target: str
    lines: list[str]
    candidates: object = None  # a reference to the compiled ones
    made_on: str = ""  # the node that has them
    state: str = "waiting"  # compiling, compiled, or failed
    tries: int = 0
    why: str = ""  # the last try failed
    stop: float = 0  # when its compilation is taken to be stuck

    def __str__(self) -> str:
        return f"{self.variant} for {self.target}"


@dataclasses.dataclass(eq=False)
class Job:
    kernel: Kernel
    device: str  # as JSON
    tries: int = 0
    why: str = ""  # the last try failed


def list_kernels(program: str, words: list[str]) -> list[Kernel]:
    kernels: dict[tuple[str, str], Kernel] = {}
    for line in normagen(program, "tune", "--list", *words).splitlines():
        job = json.loads(line)
        key = job["target"], job["variant"]
        kernels.setdefault(key, Kernel(key[1], key[0], [])).lines.append(line)
    return list(kernels.values())


class Results:
    """In a folder: `jobs`, a file of records for each job that is done, whole or not there;
    `records`, all of them merged; `report.html`."""

    def __init__(self, out: str, resume: bool, settings: str):
        self.out = pathlib.Path(out)
        self.jobs = self.out / "jobs"
        self.settings = settings
        if not resume and not self.empty():
            raise InputError(f"--out is {out}, which holds jobs that are done; expected --resume")
        try:
            self.jobs.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"--out is {out}, which cannot be made ({error.strerror}); expected a folder"
            ) from None

    def _path(self, kernel: Kernel, device: str) -> pathlib.Path:
        text = "\n".join([*kernel.lines, device, self.settings])
        return self.jobs / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.jsonl"

    def empty(self) -> bool:
        return not any(self.jobs.glob("*.jsonl"))

    def has(self, kernel: Kernel, device: str) -> bool:
        return self._path(kernel, device).exists()

    def add(self, kernel: Kernel, device: str, lines: list[str]):
        path = self._path(kernel, device)
        part = path.with_suffix(".part")
        part.write_text("".join(line + "\n" for line in lines))
        part.rename(path)

    def finish(self, program: str, target_files: str | None) -> pathlib.Path:
        """Merges the records. Returns the report."""
        words = ["--target-files", target_files] if target_files is not None else []
        records, report = self.out / "records", self.out / "report.html"
        normagen(program, "records", "merge", self.jobs, "--out", records, *words)
        normagen(program, "records", "report", records, "--out", report, *words)
        return report


def control_fails(lines: list[str], share: float) -> str:
    """Empty, unless the A/A control disagrees with the default in more than this share of the
    trials: what was measured there says nothing."""
    trials = [json.loads(line) for line in lines]
    trials = [trial for trial in trials if "control_ns" in trial]
    unsteady = 0
    for trial in trials:
        (low, high), (least, most) = trial["control_interval"], trial["default_interval"]
        unsteady += low > most or high < least
    if unsteady <= share * len(trials):
        return ""
    return f"the A/A control failed in {unsteady} of {len(trials)} trials"
