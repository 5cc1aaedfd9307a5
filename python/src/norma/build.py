# SPDX-License-Identifier: MIT
"""python -m norma.build --manifest MANIFEST: a wheel of norma with a product's own kernels.

Needs what `normagen bundle` needs (docs/packaging.md), and an installed normagen or one of a build
tree: on PATH, or named by --normagen. The wheel takes the place of the one that is installed: it
has the same name."""

import argparse
import pathlib
import shutil
import subprocess
import sys
import tempfile


def build(manifest: str, targets: str, out: str, normagen: str) -> pathlib.Path:
    """Returns the wheel's path. Raises FileNotFoundError, or CalledProcessError of the step that
    failed."""
    program = shutil.which(normagen)
    if program is None:
        raise FileNotFoundError(
            f'"{normagen}" is not to be found; expected a normagen on PATH, or by --normagen'
        )
    share = pathlib.Path(program).resolve().parent.parent / "share/norma"
    if not (share / "python/pyproject.toml").is_file():
        raise FileNotFoundError(f"{share}/python does not exist; expected beside {program}")
    with tempfile.TemporaryDirectory(prefix="norma-") as folder:
        library = pathlib.Path(folder, "library")
        bundle = [program, "bundle", "--manifest", manifest, "--targets", targets, "--out", library]
        subprocess.run(bundle, check=True)
        made = pathlib.Path(folder, "wheel")
        # A copy: the folder of an installed compiler may be read-only. The package reads the
        # runtime's vocabulary, the adapters, and the version.
        for part in ("adapters", "python", "runtime"):
            shutil.copytree(share / part, pathlib.Path(folder, part))
        shutil.copy(share / "CMakeLists.txt", folder)
        wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", made]
        wheel += ["--config-settings", f"cmake.define.norma_ROOT={library}"]
        wheel.append(pathlib.Path(folder, "python"))
        subprocess.run(wheel, check=True)
        (path,) = made.glob("norma-*.whl")
        pathlib.Path(out).mkdir(parents=True, exist_ok=True)
        return pathlib.Path(shutil.copy(path, out))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m norma.build", description=__doc__)
    parser.add_argument("--manifest", required=True, help="the kernels (docs/manifest.md)")
    parser.add_argument(
        "--targets", default="all", help="as for normagen bundle: all, host, or names"
    )
    parser.add_argument("--out", default="dist", help="folder of the wheel")
    parser.add_argument("--normagen", default="normagen", help="the compiler")
    choice = parser.parse_args()
    try:
        print(build(**vars(choice)))
    except FileNotFoundError as error:
        print(f"norma.build: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"norma.build: {error.cmd[0]} failed with status {error.returncode}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
