# SPDX-License-Identifier: MIT
"""What nodes do. These functions travel to them by value and need Python and Ray: no norma, no
checkout."""

import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import tarfile
import tempfile

import ray

# Becomes a program that ends with its parent: where Ray's worker is killed, it does not go on.
BECOME = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def run(command, seconds: float, given: str = "") -> str:
    """Its standard output. Raises TimeoutError, or RuntimeError with the last line of what it said;
    what it started is ended with it."""
    command = [str(word) for word in command]
    name = pathlib.Path(command[0]).name
    with subprocess.Popen(
        [sys.executable, "-c", BECOME, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(given, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"{name} was ended after {seconds:g} s") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        said = (err or out).strip().splitlines()[-1:]
        raise RuntimeError(": ".join([f"{name} failed with status {process.returncode}", *said]))
    return out


def program(folder: str, name: str, content: bytes) -> pathlib.Path:
    path = pathlib.Path(folder, name)
    path.write_bytes(content)
    path.chmod(0o700)
    return path


def probe(norma: bytes, normagen: str, seconds: float) -> dict:
    """{"info": of `norma info --json`, or "why" there is none; "normagen": its version, if it is
    there}."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="norma-") as folder:
        try:
            command = [program(folder, "norma", norma), "info", "--json"]
            found["info"] = json.loads(run(command, seconds))
        except (OSError, RuntimeError) as error:
            found["why"] = str(error)
    try:
        found["normagen"] = run([normagen, "--version"], seconds).strip()
    except (OSError, RuntimeError):
        pass
    return found


def compile_job(lines: list[str], normagen: str, words: list[str], target_files, seconds: float):
    """The node that has them, and a tar file of the candidates."""
    with tempfile.TemporaryDirectory(prefix="norma-") as folder:
        made = pathlib.Path(folder, "made")
        command = [normagen, "worker", "--emit", made, "--jobs", 1, *words]
        if target_files is not None:
            command += ["--target-files", folder]
            for name, text in target_files.items():
                pathlib.Path(folder, name).write_text(text)
        run(command, seconds, "\n".join(lines))
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as tar:
            tar.add(made / "jobs.json", "jobs.json")
            for path in sorted(made.glob("objects/*.so")):
                tar.add(path, f"objects/{path.name}")
    return ray.get_runtime_context().get_node_id(), packed.getvalue()


def measure_job(candidates: bytes, norma_measure: bytes, words: list[str], seconds: float):
    """The records' lines."""
    with tempfile.TemporaryDirectory(prefix="norma-") as folder:
        with tarfile.open(fileobj=io.BytesIO(candidates)) as tar:
            # Python 3.11 may have no filters yet.
            tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
            tar.extractall(folder)
        records = pathlib.Path(folder, "records")
        command = [program(folder, "norma_measure", norma_measure), folder, "--records", records]
        run([*command, "--progress", "none", *words], seconds)
        files = sorted(records.rglob("*.jsonl"))
        return [line for file in files for line in file.read_text().splitlines()]
