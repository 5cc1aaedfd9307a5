// SPDX-License-Identifier: MIT
// Each way to misuse asynchronous copies that is planted in a correct kernel is caught.
#include "tests/support/catch.h"
#include "tools/ptx/ptx.h"
#include "tools/ptx/text.h"

namespace {

using Catch::Matchers::Contains;

// Two tiles, each of a word of each thread, copied ahead; each thread takes its neighbour's words of both.
std::string tiles() {
    return kernel_of(R"(mov.u32 %r1, dynamic; mad.lo.u32 %r1, %t, 16, %r1; xor.b32 %r2, %r1, 16;
mul.wide.u32 %rd1, %t, 16; add.u64 %rd1, %buffer, %rd1;
cp.async.cg.shared.global [%r1], [%rd1], 16;
cp.async.commit_group;
cp.async.cg.shared.global [%r1+1024], [%rd1+1024], 16;
cp.async.commit_group; // issued
cp.async.wait_group 1;
bar.sync 0;
ld.shared.b32 %r3, [%r2+4]; // first
cp.async.wait_group 0;
bar.sync 0;
ld.shared.b32 %r4, [%r2+1028]; // second
add.u32 %r3, %r3, %r4;
st.global.b32 [%rd1+2048], %r3;)");
}

std::string fault_of(const std::string &text) {
    ptx::Memory memory;
    auto *buffer = static_cast<uint32_t *>(memory.allocate(3072));
    for (uint32_t i = 0; i < 512; i++) {
        buffer[i] = i * i;
    }
    const void *args[] = {&buffer};
    try {
        ptx::run(ptx::parse(text), "test", {}, {64, 1, 1}, 2048, args, memory);
    } catch (const ptx::Fault &fault) {
        return fault.what();
    }
    for (uint32_t t = 0; t < 64; t++) {
        const uint32_t word = 4 * (t ^ 1) + 1;
        CHECK(buffer[512 + 4 * t] == word * word + (256 + word) * (256 + word));
    }
    return "no fault";
}

std::string fault_with(const std::string &from, const std::string &to) { return fault_of(edited(tiles(), from, to)); }

}  // namespace

TEST_CASE("a kernel that waits for its copies gets their data") {
    CHECK(fault_of(tiles()) == "no fault");
    CHECK(fault_with("cp.async.wait_group 0;", "cp.async.wait_all;") == "no fault");
    CHECK(fault_with("// second\n", "\ncp.async.cg.shared.global [%r1], [%rd1], 16;\n") ==
          "no fault");  // still pending
}

TEST_CASE("copies end with their block") {
    ptx::Memory memory;
    void *buffer = memory.allocate(4);
    const void *args[] = {&buffer};
    const ptx::Module module = ptx::parse(kernel_of(R"(mov.u32 %r1, %ctaid.x; setp.eq.u32 %p1, %r1, 0;
@%p1 cp.async.ca.shared.global [dynamic], [%buffer], 4;
@!%p1 cp.async.wait_all;
@!%p1 ld.shared.b32 %r1, [dynamic];)"));
    CHECK_THROWS_WITH(ptx::run(module, "test", {2, 1, 1}, {}, 4, args, memory),
                      Contains("of block (1, 0, 0) reads shared memory that nothing wrote"));
}

TEST_CASE("a wait for too few copies is caught") {
    const std::string pending = "reads shared memory that an asynchronous copy has still to write, at byte ";
    CHECK_THAT(fault_with("cp.async.wait_group 1;", "cp.async.wait_group 2;"), Contains(pending + "20"));
    CHECK_THAT(fault_with("cp.async.wait_group 0;", ""), Contains(pending + "1044"));
    CHECK_THAT(fault_with("cp.async.wait_group 1;", "setp.ne.u32 %p1, %t, 5; @%p1 cp.async.wait_group 1;"),
               Contains("thread (4, 0, 0)") && Contains(pending + "84"));
    CHECK_THAT(fault_with("cp.async.commit_group; // issued", ""), Contains(pending + "20"));
    CHECK_THAT(fault_with("// issued\n", "\nld.shared.b32 %r3, [%r1];\n"), Contains(pending + "0"));
    CHECK_THAT(fault_with("// issued\n", "\natom.shared.add.u32 %r3, [%r1], 1;\n"), Contains(pending + "0"));
}

TEST_CASE("a wait orders the copies of its own thread alone") {
    CHECK_THAT(fault_with("bar.sync 0;\nld.shared.b32 %r3", "ld.shared.b32 %r3"),
               Contains("reads shared memory written by thread 1, with no barrier between, at byte 20"));
    CHECK_THAT(fault_with("cp.async.wait_group 0;\nbar.sync 0;", "bar.sync 0;\ncp.async.wait_group 0;"),
               Contains("reads shared memory written by thread 1, with no barrier between, at byte 1044"));
}

TEST_CASE("what others do with the bytes that a copy writes is caught") {
    CHECK_THAT(fault_with("// first\n", "\ncp.async.cg.shared.global [%r1], [%rd1], 16;\n"),
               Contains("writes shared memory read by thread 1, with no barrier between, at byte 4"));
    CHECK_THAT(fault_with("// issued\n", "\nst.shared.b32 [%r1], 0;\n"),
               Contains("writes shared memory that an asynchronous copy has still to write, at byte 0"));
    CHECK_THAT(fault_with("// issued\n", "\ncp.async.cg.shared.global [%r1], [%rd1], 16;\n"),
               Contains("writes shared memory that an asynchronous copy has still to write, at byte 0"));
}

TEST_CASE("a copy whose source is overwritten before its wait is caught") {
    CHECK_THAT(fault_with("// issued\n", "\nst.global.b32 [%rd1+12], -1;\n"),
               Contains("line 15: cp.async.wait_group 1;") &&
                   Contains("waits for the copy of line 10, whose source was overwritten since"));
}

TEST_CASE("a copy's addresses are checked where it is issued") {
    const std::string to = "[%r1+1024], ", from = "[%rd1+1024], 16";
    CHECK_THAT(fault_with(to, "[%r1+1032], "), Contains("uses address 0x408, which is not a multiple of 16"));
    CHECK_THAT(fault_with(from, "[%rd1+1028], 16"), Contains("which is not a multiple of 16"));
    CHECK_THAT(fault_with(to, "[%r1+1040], "),
               Contains("line 12: cp.async") && Contains("byte 2063 of 2048 bytes of shared"));
    CHECK_THAT(fault_with(from, "[%rd1+2064], 16"),
               Contains("line 12: cp.async") && Contains("is out of bounds: 16 bytes"));
    CHECK_THAT(fault_with(to, "[%r9], "), Contains("reads register %r9, which nothing wrote"));
    CHECK_THAT(fault_with(from, "[%rd9], 16"), Contains("reads register %rd9, which nothing wrote"));
}
