# SPDX-License-Identifier: MIT
"""The hand-written kernel of `norma bench --yardstick`, which no other program has."""

import json
import os
import subprocess
from pathlib import Path

from ..cases import Case
from ..peer import LeftOut, Prepared
from ..reference import Tensors


class Yardstick:
    version = ""
    form = "norma bench --yardstick, a process for each round"

    def __init__(self, threads: int) -> None:
        self.program = Path(os.environ["NORMA_BUILD"]) / "bin" / "norma"
        self.threads = threads

    def prepare(self, case: Case, tensors: Tensors) -> Prepared:
        wanted = {"op": case.op, "dtype": case.x, "shapes": f"{case.rows}x{case.hidden}"}
        if case.quantized:
            wanted |= {"dtype": f"{case.x}:{case.y}", "scale": case.scale}
        command = [self.program, "bench", "--yardstick", "--json", "-", "--seconds", "0.02"]
        for option, value in (wanted | {"threads": str(self.threads)}).items():
            command += [f"--{option}", value]

        def nanoseconds(_calls: int) -> float:
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            return json.loads(said)["results"][0]["yardstick_ns"]

        try:
            nanoseconds(1)
        except KeyError:
            raise LeftOut("none is written") from None
        return Prepared(nanoseconds, dict, repeats=False)


PEERS = {"": Yardstick}
