# SPDX-License-Identifier: MIT
"""The library of a manifest, compiled by the normagen that is on PATH."""

import shutil
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanException, ConanInvalidConfiguration
from conan.tools.files import load


class Norma(ConanFile):
    name = "norma"
    description = "LayerNorm and RMSNorm kernels compiled ahead of time"
    license = "MIT"
    package_type = "library"
    settings = "os", "arch"  # no compiler: the interface is C, and the library needs libc alone
    options = {  # noqa: RUF012
        "manifest": ["ANY"],  # a file, or the name of one of normagen's own
        "targets": ["ANY"],  # as of normagen bundle
        "shared": [True, False],
    }
    default_options = {"manifest": "minimal", "targets": "all", "shared": False}  # noqa: RUF012

    def set_version(self):
        project = load(self, Path(self.recipe_folder, "../../CMakeLists.txt"))
        self.version = project.split("project(norma VERSION ")[1].split()[0]

    def validate(self):
        if self.settings.os != "Linux" or self.settings.arch not in ("x86_64", "armv8"):
            raise ConanInvalidConfiguration(
                f"os is {self.settings.os}, arch is {self.settings.arch}; "
                "expected Linux on x86_64 or armv8"
            )

    def package(self):
        normagen = shutil.which("normagen")
        if not normagen:
            raise ConanException(
                "normagen is not on PATH; docs/packaging.md says how it gets there"
            )
        manifest = str(self.options.manifest)
        own = Path(normagen).resolve().parent.parent / f"share/norma/manifests/{manifest}.json"
        command = [normagen, "bundle", "--out", f"{self.package_folder}/bundle"]
        command += ["--manifest", str(own) if own.exists() else manifest]
        command += ["--targets", str(self.options.targets)]
        command += ["--shared"] if self.options.shared else []
        self.run(" ".join(f'"{word}"' for word in command))
        bundle = Path(self.package_folder, "bundle")  # which normagen makes anew as a whole
        for part in bundle.iterdir():
            part.rename(bundle.parent / part.name)
        bundle.rmdir()

    def package_info(self):
        self.cpp_info.libs = ["norma"]
        self.cpp_info.system_libs = ["pthread", "dl"]
        # CMake takes the bundle's own package, with the targets that it has without Conan.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs = ["lib/cmake/norma"]
