# SPDX-License-Identifier: MIT
"""norma-tune: tunes the kernels of a manifest on the machines of a Ray cluster, or on this one.

Options that it does not know are those of `normagen tune --list`: --op, --dtype, --shapes,
--candidates, --same-bits, ... docs/many-machines.md describes it."""

import argparse
import math
import pathlib
import shutil
import sys

from .jobs import InputError, Results, list_kernels, normagen


def positive(text: str) -> float:
    value = float(text)
    if not (0 < value < math.inf):
        raise argparse.ArgumentTypeError(f"is {text}; expected more than 0")
    return value


def not_negative(text: str) -> float:
    value = float(text)
    if not (0 <= value < math.inf):
        raise argparse.ArgumentTypeError(f"is {text}; expected 0 or more")
    return value


def share(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"is {text}; expected 0 to 1")
    return value


def count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"is {text}; expected 1 or more")
    return value


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="norma-tune", description=__doc__, allow_abbrev=False)
    add = made.add_argument
    add("--manifest", required=True, help="the kernels (docs/manifest.md)")
    add("--targets", "--target", required=True, help="names with commas between")
    add("--out", required=True, help="folder of results")
    add("--resume", action="store_true", help="take the jobs that are done in --out")
    add("--cluster", help="address of a Ray cluster [one of this machine, for this run]")
    add("--normagen", default="normagen", help="on PATH, or a path that nodes that compile have")
    add("--programs", help="folder of norma and norma_measure for the nodes [that of --normagen]")
    add("--target-files", help="folder of the target files [normagen's]")
    add("--linker", default="ld", help="for candidates of another architecture [ld]")
    add("--seconds", type=positive, default=10, help="to measure a kernel on a device [10]")
    add("--timeout", type=positive, default=600, help="seconds beyond which a job is ended [600]")
    add("--tries", type=count, default=3, help="of a job, on other nodes where there are any [3]")
    add(
        "--unsteady",
        type=share,
        default=0.5,
        help="share of a job's trials whose A/A control may fail, or the node is set aside [0.5]",
    )
    add(
        "--wait",
        type=not_negative,
        default=0,
        help="seconds to wait for nodes that run what is left [0]",
    )
    add("--progress", type=not_negative, default=10, help="seconds between tables; 0: none [10]")
    return made


def read(programs: str, name: str) -> bytes:
    try:
        return pathlib.Path(programs, name).read_bytes()
    except OSError as error:
        raise InputError(
            f"--programs is {programs}, whose {name} cannot be read ({error.strerror}); expected "
            "the folder of norma and norma_measure"
        ) from None


def read_target_files(folder: str | None) -> dict[str, str] | None:
    if folder is None:
        return None
    files = {path.name: path.read_text() for path in pathlib.Path(folder).glob("*.json")}
    if not files:
        raise InputError(f"--target-files is {folder}; expected a folder of target files")
    return files


def tune(choice: argparse.Namespace, more: list[str]) -> int:
    try:
        from . import fleet  # and with it Ray
    except ImportError:
        raise InputError("ray is not installed; expected norma[fleet]") from None
    program = shutil.which(choice.normagen)
    if program is None:
        raise InputError(
            f'--normagen is "{choice.normagen}", which is not there; expected a normagen on PATH, '
            "or a path"
        )
    program = str(pathlib.Path(program).absolute())
    words = ["--manifest", choice.manifest, "--target", choice.targets, *more]
    if choice.target_files is not None:
        words += ["--target-files", choice.target_files]
    programs = choice.programs or str(pathlib.Path(program).resolve().parent)
    kept = ("linker", "seconds", "timeout", "tries", "unsteady", "wait", "progress")
    options = fleet.Options(
        normagen=program if "/" in choice.normagen else choice.normagen,
        version=normagen(program, "--version").strip(),
        norma=read(programs, "norma"),
        norma_measure=read(programs, "norma_measure"),
        target_files=read_target_files(choice.target_files),
        **{name: getattr(choice, name) for name in kept},
    )
    kernels = list_kernels(program, words)
    results = Results(choice.out, choice.resume, f"{options.version}, {options.seconds} s")
    with fleet.connected(choice.cluster):
        tuning = fleet.Fleet(kernels, results, options)
        tuning.run()
    print("\n".join(tuning.summary()))
    for line in tuning.left():
        print(f"not done: {line}")
    if not results.empty():
        print(f"report: {results.finish(program, choice.target_files)}")
    return 1 if tuning.left() else 0


def main() -> int:
    choice, more = parser().parse_known_args()
    try:
        return tune(choice, more)
    except InputError as error:
        print(f"norma-tune: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"norma-tune: {error}; --resume goes on", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("norma-tune: interrupted; --resume goes on", file=sys.stderr)
        return 130
