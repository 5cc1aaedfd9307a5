# SPDX-License-Identifier: MIT
"""The file of results, written after each case."""

import datetime
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from .cases import Case, to_json
from .machine import machine
from .rotation import Times, Worker
from .tables import overview

SCHEMA = 1


def commit() -> str:
    """The last one that changed more than pages and results; nothing outside of a repository."""
    sources = ["--", ".", ":!*.md", ":!bench/results", ":!docs"]

    def git(*arguments: str) -> str:
        command = ["git", *arguments, *sources]
        root = Path(__file__).parent.parent.parent
        said = subprocess.run(command, check=False, capture_output=True, text=True, cwd=root)
        return said.stdout.strip()

    return git("log", "-1", "--format=%h") + ("-dirty" if git("status", "--porcelain") else "")


class Results:
    def __init__(self, path: Path, resume: bool, command: str) -> None:
        self.path = path
        self.begin = time.monotonic()
        self.content = {
            "schema": SCHEMA,
            "date": datetime.date.today().isoformat(),
            "command": command,
            "commit": commit(),
            "machine": machine(),
            "peers": {},
            "results": [],
        }
        if resume and path.exists():
            kept = json.loads(path.read_text(encoding="utf-8"))
            for field in ("schema", "command", "commit", "machine"):
                if kept[field] != self.content[field]:
                    expected = self.content[field]
                    sys.exit(f"--resume: {path} has {field} {kept[field]}; expected {expected}")
            self.content = kept

    def has(self, case: Case) -> bool:
        wanted = to_json(case)
        return any(
            all(result[name] == value for name, value in wanted.items())
            for result in self.content["results"]
        )

    def add_peer(self, worker: Worker) -> None:
        if worker.runs:
            self.content["peers"][worker.name] = {"version": worker.version, "form": worker.form}

    def add(self, case: Case, times: Times, left_out: dict[str, str]) -> None:
        self.content["results"].append(
            to_json(case) | {"bytes": case.bytes, "times": times, "left_out": left_out}
        )
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_suffix(".tmp")
        unfinished.write_text(text_of(self.content), encoding="utf-8")
        os.replace(unfinished, self.path)

    def say(self, text: str) -> None:
        print(f"{time.monotonic() - self.begin:6.0f} s  {text}", file=sys.stderr, flush=True)

    def show(self) -> None:
        print(overview(self.content))
        self.say(f"{self.path} has {len(self.content['results'])} cases")


def text_of(content: dict) -> str:
    """JSON with a line for each result."""
    head = json.dumps(
        {name: value for name, value in content.items() if name != "results"}, indent=1
    )
    lines = ",\n".join(json.dumps(result) for result in content["results"])
    return f'{head[:-2]},\n "results": [\n{lines}\n]}}\n'
