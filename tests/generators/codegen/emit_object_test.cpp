// SPDX-License-Identifier: MIT
// Objects of lowered code. This program links norma_emit and nothing else of the generators, as the cache relies on.
#include "generators/codegen/emit_object.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/catch.h"

using namespace norma;

namespace {

LoweredKernel lowered(float value) {
    Halide::Var i("i");
    Halide::Func f("f");
    f(i) = value;
    return {f.compile_to_module({}, "kernel", Halide::Target("x86-64-linux-no_runtime")), "", {}, {}};
}

std::string emitted(const LoweredKernel &kernel) {
    const auto path = std::filesystem::temp_directory_path() / ("emit_object_test." + std::to_string(getpid()) + ".o");
    emit_object(kernel, path.string());
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    std::filesystem::remove(path);
    return bytes;
}

}  // namespace

TEST_CASE("an object is made of lowered code, the same each time") {
    const LoweredKernel kernel = lowered(1.5f);
    const std::string object = emitted(kernel);
    CHECK(object.substr(1, 3) == "ELF");
    CHECK(object.find("kernel_argv") != std::string::npos);
    const bool same = emitted(kernel) == object, other = emitted(lowered(2.5f)) != object;
    CHECK(same);
    CHECK(other);
}

TEST_CASE("what Halide refuses to compile is an exception that names the kernel") {
    Halide::Module module("kernel", Halide::Target("x86-64-linux-no_runtime"));
    const Halide::Expr unknown = Halide::Internal::Variable::make(Halide::Int(32), "unknown");
    module.append(Halide::Internal::LoweredFunc("kernel", std::vector<Halide::Argument>(),
                                                Halide::Internal::Evaluate::make(unknown),
                                                Halide::LinkageType::External));
    CHECK_THROWS_WITH(emitted({module, "", {}, {}}), Catch::Contains("kernel: ") && Catch::Contains("unknown"));
}
