// SPDX-License-Identifier: MIT
// A folder in which norma run is called, with its input and output files.
#pragma once

#include <sys/stat.h>

#include <cstring>

#include "catch.h"
#include "process.h"
#include "tools/reference/reference.h"
#include "tools/safetensors/safetensors.h"

namespace norma::test {

namespace st = norma::safetensors;
using norma::reference::Values;

inline Result norma_command(const std::string &arguments, const std::string &environment = "") {
    return shell(environment + " " NORMA_PROGRAM " " + arguments);
}

inline st::Tensor tensor(const std::string &dtype, const std::vector<int64_t> &shape, int seed) {
    st::Tensor t{dtype, shape, {}};
    t.bytes.resize((size_t)t.elements() * st::dtype_bytes(dtype));
    for (int64_t i = 0; i < t.elements(); i++) {
        const float value = (float)((i * 7919 + seed * 104729) % 2003) / 500.0f - 2.0f;
        const Eigen::bfloat16 bf16(value);
        const Eigen::half f16(value);
        const void *from = dtype == "F32"    ? (const void *)&value
                           : dtype == "BF16" ? (const void *)&bf16
                                             : (const void *)&f16;
        const size_t size = st::dtype_bytes(dtype);
        std::memcpy(t.bytes.data() + (size_t)i * size, from, size);
    }
    return t;
}

inline Values values_of(const st::Tensor &t) {
    const norma_dtype dtype = t.dtype == "F32" ? NORMA_F32 : t.dtype == "F16" ? NORMA_F16 : NORMA_BF16;
    return norma::reference::load(dtype, t.bytes.data(), t.elements());
}

// A folder with an input file, in which the command runs.
struct Session {
    Directory d;
    st::File input;
    std::string in = d / "in", out = d / "out";

    explicit Session(const std::string &dtype = "F32", const std::vector<int64_t> &shape = {3, 40}) {
        input.tensors["x"] = tensor(dtype, shape, 1);
        input.tensors["weight"] = tensor(dtype, {shape.back()}, 2);
    }
    Result run(const std::string &arguments, const std::string &environment = "") {
        st::write(in, input);
        return norma_command("run " + arguments + " --input " + in + " --output " + out, environment);
    }
    st::File outputs(const std::string &arguments) {
        const Result result = run(arguments);
        INFO(result.err);
        REQUIRE(result.status == 0);
        CHECK(result.err.empty());
        return st::read(out);
    }
    // With no file where the output would be, and with an older one.
    void refused(const std::string &arguments, const std::string &part) {
        check_refused("norma", run(arguments), part);
        CHECK(!fs::exists(out));
        d.write("out", "mine");
        check_refused("norma", run(arguments), part);
        CHECK(read(out) == "mine");
        fs::remove(out);
        CHECK(std::distance(fs::directory_iterator(d.path), fs::directory_iterator{}) == 1);  // the input
    }
};

inline void check_close(const Values &got, const Values &expected) {
    REQUIRE(got.size() == expected.size());
    for (size_t i = 0; i < got.size(); i++) {
        CHECK(got[i] == Approx(expected[i]).margin(1e-5));
    }
}

}  // namespace norma::test
