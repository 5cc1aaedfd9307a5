# SPDX-License-Identifier: MIT
"""norma-tune on local clusters of Ray, where nodes die, hang, come late and measure badly. With the
normagen of NORMA_NORMAGEN, beside norma and norma_measure."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("ray")
from ray.cluster_utils import Cluster

from norma.fleet import main
from norma.fleet.jobs import control_fails

NORMAGEN = os.environ.get("NORMA_NORMAGEN", "")
with_normagen = pytest.mark.skipif(not NORMAGEN, reason="NORMA_NORMAGEN is not set")

MANIFEST = {
    "schema": 1,
    "name": "fleet",
    "kernels": [
        {"op": "rms_norm_forward", "x": ["f32", "bf16"]},
        {"op": "rms_norm_forward", "x": "f32", "hidden": 256, "device": "cuda"},
    ],
}
JOBS = 4  # two kernels of two targets

# As NORMA_FAKE of its node says. The A/A control fails where it shall, however busy we are.
FAKE_MEASURE = """#!/bin/sh
[ "$NORMA_FAKE" != hang ] || exec sleep 1000
[ "$NORMA_FAKE" != freeze ] || { kill -STOP $PPID; exec sleep 1000; }
REAL "$@" || exit
[ "$NORMA_FAKE" = unsteady ] && low=1e14 || low=1
sed -i "s/\\"control_interval\\":[^]]*]/\\"control_interval\\":[$low,1e15]/" "$3"/*/*.jsonl
"""


class Machines:
    """A cluster whose head does nothing but lead."""

    def __init__(self):
        quick = {"health_check_period_ms": 500, "health_check_initial_delay_ms": 0}
        head = {"num_cpus": 0, "_system_config": quick}
        self.cluster = Cluster(initialize_head=True, head_node_args=head)
        self.nodes = {}

    def add(self, name: str, fake: str = ""):
        variables = {"NORMA_FAKE": fake}
        self.nodes[name] = self.cluster.add_node(num_cpus=1, node_name=name, env_vars=variables)

    def kill(self, name: str, graceful: bool = False):
        self.cluster.remove_node(self.nodes.pop(name), allow_graceful=graceful)


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """Where Ray keeps the token of its clusters."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def all_machines(home):
    machines = Machines()
    yield machines
    machines.cluster.shutdown()


@pytest.fixture
def machines(all_machines):
    yield all_machines
    for name in list(all_machines.nodes):
        all_machines.kill(name, graceful=True)


@pytest.fixture
def words(tmp_path):
    """Of a command over a folder of its own."""
    build = pathlib.Path(NORMAGEN).resolve().parent
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "norma").symlink_to(build / "norma")
    (programs / "norma_measure").write_text(
        FAKE_MEASURE.replace("REAL", str(build / "norma_measure"))
    )
    manifest = tmp_path / "m.json"
    manifest.write_text(json.dumps(MANIFEST))
    return (
        f"--manifest {manifest} --targets x86-64-v3,x86-64-v2 --out {tmp_path / 'out'} --normagen "
        f"{NORMAGEN} --programs {programs} --shapes 4x256 --candidates 1 --no-autoschedulers "
        "--seconds 0.2 --progress 0.5"
    ).split()


class Run:
    def __init__(self, *words):
        impatient = "from norma.fleet import fleet; fleet.GRACE = 1"
        command = [sys.executable, "-c", f"{impatient}; import norma.fleet as f; exit(f.main())"]
        command += map(str, words)
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.err = ""

    def wait_for(self, *texts: str):
        """A line with all of them."""
        for line in self.process.stderr:
            self.err += line
            if all(text in line for text in texts):
                return
        raise AssertionError(f"{texts} are not in {self.err}")

    def end(self, status: int) -> str:
        out, err = self.process.communicate(timeout=120)
        self.err += err
        assert self.process.returncode == status, out + self.err
        return out


def records(folder: pathlib.Path) -> list[dict]:
    files = folder.rglob("*.jsonl")
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@with_normagen
def test_a_node_dies(machines, words, tmp_path, monkeypatch, capsys):
    words += ["--cluster", machines.cluster.address]
    machines.add("dies", "hang")
    machines.add("works")
    run = Run(*words)
    run.wait_for(" s at rms_norm_forward.", "dies (")
    machines.kill("dies")
    out = run.end(0)
    assert "dies is set aside: died" in run.err
    assert f" s, 0 left; measured: {JOBS}, 0 left" in out
    assert "works (" in out and f"): {JOBS} measured\n" in out and "not done" not in out
    found = records(tmp_path / "out/records")
    assert {record["target"] for record in found} == {"x86-64-v3", "x86-64-v2"}
    assert len({(record["target"], record["variant"]) for record in found}) == JOBS
    assert "<html" in (tmp_path / "out/report.html").read_text()

    monkeypatch.setattr(sys, "argv", ["norma-tune", *words])
    assert main() == 2
    assert "which holds jobs that are done; expected --resume" in capsys.readouterr().err
    next((tmp_path / "out/jobs").iterdir()).unlink()
    out = Run(*words, "--resume").end(0)
    assert "kernels compiled: 1 in " in out and " s, 0 left; measured: 1, 0 left" in out


@with_normagen
def test_bad_nodes_are_set_aside_and_one_comes_late(machines, words, tmp_path):
    words += ["--cluster", machines.cluster.address, "--timeout", "5"]
    machines.add("stuck", "hang")
    machines.add("unsteady", "unsteady")
    machines.add("frozen", "freeze")
    run = Run(*words)
    out = run.end(1)
    assert "unsteady is set aside: the A/A control failed in " in run.err
    assert "stuck is set aside: two jobs in a row failed; the last: " in run.err
    assert "norma_measure was ended after 5 s" in run.err
    assert "frozen is set aside: does not answer" in run.err
    assert "not done: kernels for x86-64-v2 on " in out and ": 2; no node is left" in out
    assert not (tmp_path / "out/records").exists()

    for name in ("stuck", "unsteady", "frozen"):
        machines.kill(name, graceful=True)
    run = Run(*words, "--resume", "--wait", 60)
    run.wait_for("measured: 0, 0 left")
    machines.add("late")
    assert f"): {JOBS} measured" in run.end(0)


@with_normagen
def test_this_machine_alone(words):
    words[words.index("x86-64-v3,x86-64-v2")] = "x86-64-v2,cuda-sm80"
    out = Run(*words, "--dtype", "f32").end(1)
    assert "): 1 measured" in out and "report: " in out
    assert "not done: kernels for cuda-sm80: 1; no node runs it" in out


REFUSALS = {
    ("--seconds", "0"): "argument --seconds: is 0; expected more than 0",
    ("--wait", "-1"): "argument --wait: is -1; expected 0 or more",
    ("--tries", "0"): "argument --tries: is 0; expected 1 or more",
    ("--unsteady", "2"): "argument --unsteady: is 2; expected 0 to 1",
    ("--normagen", "none"): '--normagen is "none", which is not there; expected a normagen',
}


@pytest.mark.parametrize("wrong", REFUSALS)
def test_refusals(wrong, monkeypatch, capsys, tmp_path):
    out = str(tmp_path / "out")
    command = ["norma-tune", "--manifest", "m.json", "--targets", "host", "--out", out, *wrong]
    monkeypatch.setattr(sys, "argv", command)
    try:
        status = main()
    except SystemExit as exit:
        status = exit.code
    assert status == 2
    assert REFUSALS[wrong] in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@with_normagen
@pytest.mark.parametrize(
    "wrong, expected",
    [
        (("--programs", "/none"), "--programs is /none, whose norma cannot be read"),
        (("--target-files", "/none"), "--target-files is /none; expected a folder of target files"),
        (("--shapes", "16"), "tune failed with status 2"),
        (("--out", "/dev/null"), "--out is /dev/null, which cannot be made"),
        (("--cluster", "127.0.0.1:1"), "--cluster is 127.0.0.1:1, which does not answer"),
    ],
)
def test_refusals_of_what_is_there(wrong, expected, words, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["norma-tune", *words, *wrong])
    assert main() == 2
    assert expected in capsys.readouterr().err


def test_a_control_that_fails():
    steady = {"control_ns": 1, "control_interval": [9, 11], "default_interval": [10, 12]}
    unsteady = steady | {"control_interval": [13, 14]}
    lines = [json.dumps(trial) for trial in (steady, unsteady, unsteady, {"why": "wrong"})]
    assert control_fails(lines, 0.7) == ""
    assert control_fails(lines, 0.5) == "the A/A control failed in 2 of 3 trials"
    assert control_fails([], 0) == ""
