# SPDX-License-Identifier: MIT
"""norma.build: with the normagen of NORMA_NORMAGEN, where it is set."""

import os
import subprocess
import sys
import zipfile

import pytest

BUILD = [sys.executable, "-m", "norma.build"]
NORMAGEN = os.environ.get("NORMA_NORMAGEN")
MANIFEST = '{"schema": 1, "name": "mine", "kernels": [{"op": "rms_norm_forward", "x": "f32"}]}'


def run(*arguments):
    return subprocess.run([*BUILD, *arguments], text=True, capture_output=True, check=False)


def test_refusals(tmp_path):
    result = run("--manifest", "m.json", "--normagen", "no-such-normagen", "--out", str(tmp_path))
    assert result.returncode == 1 and '"no-such-normagen" is not to be found' in result.stderr
    result = run("--manifest", "m.json", "--normagen", "ls", "--out", str(tmp_path))
    assert result.returncode == 1 and "share/norma/python does not exist" in result.stderr
    assert "required: --manifest" in run().stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not NORMAGEN, reason="NORMA_NORMAGEN is not set")
def test_wheel(tmp_path):
    manifest = tmp_path / "mine.json"
    manifest.write_text("{}")
    arguments = ["--manifest", str(manifest), "--targets", "host", "--normagen", NORMAGEN]
    result = run(*arguments, "--out", str(tmp_path / "dist"))
    assert (
        result.returncode == 1
        and "bundle" not in result.stdout
        and "failed with status" in result.stderr
    )
    manifest.write_text(MANIFEST)
    result = run(*arguments, "--out", str(tmp_path / "dist"))
    assert result.returncode == 0, result.stderr
    with zipfile.ZipFile(result.stdout.strip().splitlines()[-1]) as wheel:
        lock = wheel.read("norma/manifest.lock.json").decode()
    assert "rms_norm_forward.x_f32.y_f32" in lock
