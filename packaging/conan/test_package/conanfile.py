# SPDX-License-Identifier: MIT
"""examples/consumer/c with the package, by CMake."""

from conan import ConanFile
from conan.tools.build import can_run
from conan.tools.cmake import CMake, cmake_layout


class Consumer(ConanFile):
    settings = "os", "arch", "compiler", "build_type"
    generators = "CMakeToolchain", "CMakeDeps"

    def requirements(self):
        self.requires(self.tested_reference_str)

    def layout(self):
        cmake_layout(self)

    def build(self):
        cmake = CMake(self)
        cmake.configure(build_script_folder="../../../examples/consumer/c")
        cmake.build()

    def test(self):
        if can_run(self):
            self.run("./rms_norm", cwd=self.cpp.build.bindir, env="conanrun")
