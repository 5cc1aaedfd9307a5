// SPDX-License-Identifier: MIT
// A correct kernel runs and gives the right numbers; each bug planted in it is caught.
#include <cmath>
#include <vector>

#include "tests/support/catch.h"
#include "tools/ptx/ptx.h"
#include "tools/ptx/text.h"

namespace {

constexpr unsigned hidden = 256;

std::string rms_norm() { return file_text(NORMA_SOURCE_DIR "/tests/tools/ptx/data/rms_norm.ptx"); }

float element(size_t i) { return (float)((i * 2654435761u >> 9) % 2001) / 1000.0f - 1.0f; }

// The largest error of y against float64. y has one row more than there are, which must stay as it was.
double worst_error(const std::string &text, unsigned rows, bool in_place = false) {
    ptx::Memory memory;
    auto *x = static_cast<float *>(memory.allocate(sizeof(float) * rows * hidden));
    auto *weight = static_cast<float *>(memory.allocate(sizeof(float) * hidden));
    auto *y = in_place ? x : static_cast<float *>(memory.allocate(sizeof(float) * rows * hidden));
    std::vector<float> x_before;
    for (size_t i = 0; i < (size_t)rows * hidden; i++) {
        x_before.push_back(x[i] = element(i));
    }
    for (size_t d = 0; d < hidden; d++) {
        weight[d] = 1 + element(d + 7);
    }
    const float eps = 1e-5f;
    const void *args[] = {&x, &weight, &y, &eps, &rows};
    ptx::run(ptx::parse(text), "rms_norm", {(rows + 1) / 2, 1, 1}, {64, 1, 1}, 0, args, memory);
    double worst = 0;
    for (size_t row = 0; row < rows; row++) {
        double squares = 0;
        for (size_t d = 0; d < hidden; d++) {
            squares += std::pow((double)x_before[row * hidden + d], 2);
        }
        for (size_t d = 0; d < hidden; d++) {
            const double expected = x_before[row * hidden + d] / std::sqrt(squares / hidden + (double)eps) * weight[d];
            worst = std::max(worst, std::fabs(expected - y[row * hidden + d]));
        }
    }
    return worst;
}

// What the run faults with: one line, which the test names a part of.
std::string fault_of(const std::string &text, unsigned rows = 4, bool in_place = false) {
    try {
        worst_error(text, rows, in_place);
    } catch (const ptx::Fault &fault) {
        CHECK(fault.kernel == "rms_norm");
        return fault.what();
    }
    return "no fault";
}

using Catch::Matchers::Contains;

}  // namespace

TEST_CASE("a correct kernel runs without a fault and gives the right numbers") {
    for (unsigned rows : {1u, 2u, 3u, 4u, 201u}) {
        CHECK(worst_error(rms_norm(), rows) < 2e-6);
    }
}

TEST_CASE("a dropped barrier is caught") {
    const std::string text = rms_norm();
    const size_t first = text.find("bar.sync 0;"), second = text.find("bar.sync 0;", first + 1);
    SECTION("before the sums are read") {
        CHECK_THAT(fault_of(std::string(text).erase(first, 11)),
                   Contains("line 67: ld.shared.f32") &&
                       Contains("reads shared memory written by thread 0, with no barrier between"));
    }
    SECTION("after they were read: the next row overwrites them") {
        CHECK_THAT(fault_of(std::string(text).erase(second, 11)), Contains("line 65: @%p2 st.shared.f32") &&
                                                                      Contains("read by several threads of warp 0") &&
                                                                      Contains("with no barrier between, at byte 0"));
        CHECK(worst_error(std::string(text).erase(second, 11), 1) < 2e-6);  // one row needs no second barrier
    }
}

TEST_CASE("the shrinking tree of shuffles is caught by its numbers") {
    // What Halide makes of s(l) + s(l + m) and a broadcast of lane 0: the last step reads lane 0 instead of lane 1.
    std::string text = edited(rms_norm(), "bfly", "down");
    text = edited(text, "shfl.sync.down.b32 %f11, %f10, 1, 31, -1;", "shfl.sync.idx.b32 %f11, %f10, 0, 31, -1;");
    CHECK(worst_error(text, 4) > 1e-2);
    CHECK(worst_error(edited(rms_norm(), "%f10, 1, 31, -1", "%f10, 2, 31, -1"), 4) > 1e-2);
    CHECK(worst_error(edited(rms_norm(), "bfly", "down"), 4) < 2e-6);  // lane 0 alone stores its sum
}

TEST_CASE("a shuffle that names lanes which are elsewhere is caught") {
    const std::string skipped = edited(rms_norm(), "shfl.sync.bfly.b32 %f11, %f10, 8,",
                                       "setp.eq.s32 %p3, %r6, 5;\n@%p3 bra $done;\nshfl.sync.bfly.b32 %f11, %f10, 8,");
    CHECK_THAT(fault_of(skipped), Contains("waits for lane 5, which has left the kernel"));
    const std::string guarded = edited(rms_norm(), "shfl.sync.bfly.b32 %f11, %f10, 8,",
                                       "setp.ne.s32 %p3, %r6, 5;\n@%p3 shfl.sync.bfly.b32 %f11, %f10, 8,");
    CHECK_THAT(fault_of(guarded), Contains("waits for lane 5, which waits at line"));
}

TEST_CASE("a store beyond the end is caught") {
    CHECK_THAT(fault_of(edited(rms_norm(), "[%rd8],", "[%rd8+16],")),
               Contains("is out of bounds: 16 bytes at 0x") &&
                   Contains("4112 bytes from the beginning of an allocation of 4096") &&
                   Contains("thread (63, 0, 0) of block (1, 0, 0)"));
    CHECK_THAT(fault_of(edited(rms_norm(), "setp.ge.s32 %p1, %r4, %r5", "setp.gt.s32 %p1, %r4, %r5"), 2),
               Contains("ld.global.nc.v4.f32") && Contains("out of bounds"));
}

TEST_CASE("a misaligned access is caught") {
    CHECK_THAT(fault_of(edited(rms_norm(), "[%rd8],", "[%rd8+4],")), Contains("which is not a multiple of 16"));
}

TEST_CASE("a divergent barrier is caught") {
    const std::string barrier = "bar.sync 0;\n\tld.shared";
    CHECK_THAT(fault_of(edited(rms_norm(), barrier, "@%p2 bra $done;\n" + barrier)),
               Contains("waits at a divergent barrier for lane 0, which has left the kernel"));
    CHECK_THAT(fault_of(edited(rms_norm(), barrier,
                               "@%p2 bra $one;\nbar.sync 0;\nbra $both;\n$one:\nbar.sync 0;\n$both:\nld.shared")),
               Contains("line 67: bar.sync 0;") && Contains("divergent barrier for lane 0, which waits at line 70"));
    CHECK_THAT(fault_of(edited(rms_norm(), barrier, "setp.eq.s32 %p3, %r7, 0;\n@%p3 bra $done;\n" + barrier)),
               Contains("another warp of its block has left the kernel"));
    CHECK_THAT(fault_of(edited(rms_norm(), barrier,
                               "setp.eq.s32 %p3, %r7, 0;\n@%p3 bra $one;\nbar.sync 0;\nbra $both;\n"
                               "$one:\nbar.sync 0;\n$both:\nld.shared")),
               Contains("another warp of its block waits at line 71"));
}

TEST_CASE("two blocks that touch the same address are caught") {
    CHECK_THAT(
        fault_of(edited(rms_norm(), "mul.wide.s32 %rd6, %r4, 1024", "mul.wide.s32 %rd6, %r4, 0")),
        Contains("st.global.v4.f32") && Contains("of block (1, 0, 0)") && Contains("writes what block 0 writes"));
}

TEST_CASE("a read through the read-only path of what the kernel writes is caught") {
    CHECK_THAT(fault_of(rms_norm(), 2, true), Contains("writes what this kernel reads through the read-only path"));
    CHECK(worst_error(edited(rms_norm(), "ld.global.nc.v4.f32", "ld.global.v4.f32"), 4, true) < 2e-6);
}

TEST_CASE("a register that nothing wrote is caught") {
    CHECK_THAT(fault_of(edited(rms_norm(), "ld.param.f32 %f1, [eps];", "")),
               Contains("thread (0, 0, 0) of block (0, 0, 0) reads register %f1, which nothing wrote"));
    CHECK_THAT(fault_of(edited(rms_norm(), "ld.param.f32 %f1, [eps];",
                               "setp.lt.u32 %p3, %r2, 3;\n@%p3 ld.param.f32 %f1, [eps];")),
               Contains("reads register"));
}

TEST_CASE("a kernel that does not end is caught") {
    ptx::Memory memory;
    ptx::Limits limits;
    limits.instructions_per_warp = 1000;
    void *buffer = memory.allocate(4);
    const void *args[] = {&buffer};
    const ptx::Module module = ptx::parse(kernel_of("$again: bra $again;"));
    CHECK_THROWS_WITH(ptx::run(module, "test", {}, {}, 0, args, memory, limits), Contains("does not end"));
}
