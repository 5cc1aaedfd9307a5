// SPDX-License-Identifier: MIT
// Texts that cannot be executed, launches that cannot be, and the memory of a device.
#include <cstring>

#include "tests/support/catch.h"
#include "tools/ptx/ptx.h"
#include "tools/ptx/text.h"

namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;

std::string error_of(const std::string &text) {
    try {
        ptx::parse(text);
    } catch (const ptx::ParseError &error) {
        return error.what();
    }
    return "no error";
}

// The code begins in line 8.
std::string error_in(const std::string &code) { return error_of(kernel_of(code)); }

std::string launch(const std::string &text, ptx::Dim3 grid, ptx::Dim3 block, size_t shared_bytes = 0) {
    ptx::Memory memory;
    void *buffer = memory.allocate(1 << 16);
    const void *args[] = {&buffer};
    try {
        ptx::run(ptx::parse(text), "test", grid, block, shared_bytes, args, memory);
    } catch (const ptx::Fault &fault) {
        return fault.what();
    }
    return "no fault";
}

}  // namespace

TEST_CASE("what is no PTX is refused with its line") {
    CHECK_THAT(error_in("\nfrobnicate.b32 %r1, %r2;"), Equals("line 9: unknown instruction 'frobnicate.b32'"));
    CHECK_THAT(error_in("add.rn.u32 %r1, %r2, %r3;"), Contains("line 8: unknown instruction 'add.rn.u32'"));
    CHECK_THAT(error_in("ld.global.v3.b32 {%r1, %r2, %r3}, [%buffer];"),
               Contains("unknown instruction 'ld.global.v3.b32'"));
    CHECK_THAT(error_in("call.uni other, (%r1);"), Contains("line 8: unknown instruction 'call.uni'"));
    CHECK_THAT(error_in("add.u32 %r1, %r99, 1;"), Contains("unknown name '%r99'"));
    CHECK_THAT(error_in("add.u32 %r99, %r1, 1;"), Contains("unknown register '%r99'"));
    CHECK_THAT(error_in("add.u32 %r1, %rd1, 1;"), Contains("register %rd1 has 64 bits, expected 32"));
    CHECK_THAT(error_in("add.u32 %r1, %p1, 1;"), Contains("register %p1 has 0 bits, expected 32"));
    CHECK_THAT(error_in("selp.b32 %r1, 1, 2, %r2;"), Contains("register %r2 has 32 bits, expected 0"));
    CHECK_THAT(error_in("add.u32 %r1, %r2;"), Contains("expected 3 operands, found 2"));
    CHECK_THAT(error_in("add.u32 %r1|%p1, %r2, %r3;"), Contains("a second result is not supported here"));
    CHECK_THAT(error_in("ld.global.v2.b32 %r1, [%buffer];"), Contains("expected 2 values, found 1"));
    CHECK_THAT(error_in("ld.global.b32 %r1, %buffer;"), Contains("expected an address between brackets"));
    CHECK_THAT(error_in("ld.param.b32 %r1, [nothing];"), Contains("unknown parameter 'nothing'"));
    CHECK_THAT(error_in("add.f32 %f1, %f2, 1;"), Contains("'1' is no floating-point constant"));
    CHECK_THAT(error_in("add.f32 %f1, %f2, 0f3F8;"), Contains("'0f3F8' is no constant of 32 bits"));
    CHECK_THAT(error_in("add.f32 %f1, %f2, 0d3FF0000000000000;"), Contains("is no constant of 32 bits"));
    CHECK_THAT(error_in("bra $nowhere;"), Contains("unknown label '$nowhere'"));
    CHECK_THAT(error_in("bar.sync 0, 64;"), Contains("a barrier with a count of threads is not supported"));
    CHECK_THAT(error_in("cp.async.cg.shared.global [%r1], [%rd1], 8;"), Contains("copies 8 bytes, expected 16"));
    CHECK_THAT(error_in("cp.async.ca.shared.global [%r1], [%rd1], 2;"),
               Contains("copies 2 bytes, expected 4, 8 or 16"));
    CHECK_THAT(error_in("cp.async.ca.shared.global [%r1], [%rd1], 16, 8;"), Contains("expected 3 operands, found 4"));
    CHECK_THAT(error_in("cp.async.wait_group %r1;"), Contains("a constant that is not negative, found '%r1'"));
    CHECK_THAT(error_in("cp.async.wait_group -1;"), Contains("a constant that is not negative, found '-1'"));
    CHECK_THAT(error_in("cp.async.wait_all 0;"), Contains("expected 0 operands, found 1"));
    CHECK_THAT(error_in("mov.b64 %rd1, {%rs1, %rs2, %rs3};"), Contains("expected 2 or 4 parts, found 3"));
    CHECK_THAT(error_in("add.u32 %r1, %r2, #3;"), Contains("unknown character '#'"));
    CHECK_THAT(error_in(".reg .b13 %x;"), Contains("unknown type of registers '.b13'"));
    CHECK_THAT(error_in("add.u32 %r1, %r2, 3"), Contains("expected ',', found 'ret'"));
    CHECK_THAT(error_of(".version 8.0\n/* no end"), Equals("line 2: a comment without end"));
    CHECK_THAT(error_of(".version 8.0\n.frob x;"), Equals("line 2: unknown directive '.frob'"));
    CHECK_THAT(error_of(".visible .entry a() .frob 3 { ret; }"), Contains("unknown directive '.frob' of entry a"));
    CHECK_THAT(error_of(".visible .entry a() { ret;"), Contains("the text ends too early"));
    CHECK_THAT(error_of(".visible .entry a(.param .pred p) { ret; }"),
               Contains("expected the type of a variable, found '.pred'"));
}

TEST_CASE("a module tells its entries, their parameters and limits") {
    const ptx::Module module = ptx::parse(R"(.version 8.0
.target sm_90, debug
.address_size 64
.visible .entry one(.param .u64 .ptr .global .align 16 one_0, .param .f32 one_1, .param .align 8 .b8 one_2[24])
.maxntid 32, 8, 1
.minnctapersm 2
{ .shared .align 4 .b8 a[6]; .shared .b32 b; ret; }
.entry two() .reqntid 64 { .pragma "nounroll"; ret; })");
    REQUIRE(module.entries().size() == 2);
    const ptx::Entry &one = module.entry("one");
    REQUIRE(one.parameters.size() == 3);
    CHECK(one.parameters[0].offset == 0);
    CHECK(one.parameters[1].offset == 8);
    CHECK(one.parameters[1].bytes == 4);
    CHECK(one.parameters[2].offset == 16);
    CHECK(one.parameters[2].bytes == 24);
    CHECK(one.max_threads.count() == 256);
    CHECK(one.static_shared_bytes == 12);
    CHECK(module.entry("two").required_threads.x == 64);
    CHECK_THROWS_WITH(module.entry("three"), "the module has no entry 'three'");
}

TEST_CASE("a launch that a GPU would refuse is refused") {
    const std::string text = kernel_of("");
    CHECK(launch(text, {1, 1, 1}, {1024, 1, 1}) == "no fault");
    CHECK_THAT(launch(text, {0, 1, 1}, {32, 1, 1}), Contains("test: grid 0x1x1"));
    CHECK_THAT(launch(text, {1, 65536, 1}, {32, 1, 1}), Contains("grid 1x65536x1"));
    CHECK_THAT(launch(text, {1, 1, 1}, {1025, 1, 1}), Contains("block 1025x1x1, expected 1 to 1024 threads"));
    CHECK_THAT(launch(text, {1, 1, 1}, {1, 1, 65}), Contains("at most 64 in z"));
    CHECK_THAT(launch(text, {1, 1, 1}, {32, 1, 1}, 232449),
               Contains("232449 bytes of shared memory, expected at most 232448"));
    CHECK_THAT(launch(edited(text, "{\n.reg", ".maxntid 64\n{\n.reg"), {1, 1, 1}, {32, 3, 1}),
               Contains("block 32x3x1, expected at most .maxntid 64x1x1"));
    CHECK(launch(edited(text, "{\n.reg", ".maxntid 64\n{\n.reg"), {1, 1, 1}, {32, 2, 1}) == "no fault");
    CHECK_THAT(launch(edited(text, "{\n.reg", ".reqntid 64\n{\n.reg"), {1, 1, 1}, {32, 2, 1}),
               Contains("block 32x2x1, expected .reqntid 64x1x1"));
}

TEST_CASE("threads know where they are") {
    ptx::Memory memory;
    auto *buffer = static_cast<uint32_t *>(memory.allocate(4 * 2 * 3 * 40 * 4));
    const void *args[] = {&buffer};
    const ptx::Module module = ptx::parse(kernel_of(R"(
mov.u32 %r1, %tid.y; mov.u32 %r2, %tid.z; mov.u32 %r3, %ntid.x; mov.u32 %r4, %ntid.y; mov.u32 %r5, %ntid.z;
mad.lo.u32 %r6, %r2, %r4, %r1; mad.lo.u32 %r6, %r6, %r3, %t;   // of the thread in its block
mov.u32 %r7, %ctaid.y; mov.u32 %r8, %nctaid.x; mad.lo.u32 %r7, %r7, %r8, %ctaid.x;
mul.lo.u32 %r9, %r3, %r4; mul.lo.u32 %r9, %r9, %r5;
mad.lo.u32 %r7, %r7, %r9, %r6; mul.wide.u32 %rd1, %r7, 4; add.u64 %rd1, %buffer, %rd1;
mov.u32 %r10, %laneid; mov.u32 %r11, %warpid; mad.lo.u32 %r10, %r11, 100, %r10; mad.lo.u32 %r10, %nwarpid, 1000, %r10;
mad.lo.u32 %r10, %nctaid.y, 10000, %r10;
st.global.u32 [%rd1], %r10;)"));
    ptx::run(module, "test", {2, 3, 1}, {5, 4, 2}, 0, args, memory);
    for (uint32_t block = 0; block < 6; block++) {
        for (uint32_t thread = 0; thread < 40; thread++) {
            CHECK(buffer[block * 40 + thread] == 32000 + thread / 32 * 100 + thread % 32);
        }
    }
}

TEST_CASE("variables of a module hold what the text says") {
    ptx::Memory memory;
    auto *buffer = static_cast<uint32_t *>(memory.allocate(256));
    const void *args[] = {&buffer};
    const std::string text =
        edited(kernel_of("mad.wide.u32 %rd1, %t, 4, %rd2; ld.const.u32 %r1, [%rd1+4]; st.global.u32 [%own], %r1;"),
               ".visible", ".const .align 4 .u32 numbers[4] = {7, 8, -9, 10};\n.visible");
    const std::string filled = edited(text, "mad.wide.u32 %rd1", "mov.u64 %rd2, numbers; mad.wide.u32 %rd1");
    ptx::run(ptx::parse(filled), "test", {}, {3, 1, 1}, 0, args, memory);
    CHECK(buffer[0] == 8);
    CHECK(buffer[1] == (uint32_t)-9);
    CHECK(buffer[2] == 10);
    CHECK_THROWS_WITH(ptx::run(ptx::parse(filled), "test", {}, {4, 1, 1}, 0, args, memory), Contains("out of bounds"));
    const std::string stored = edited(filled, "ld.const.u32 %r1, [%rd1+4];", "st.u32 [%rd1], %t; ld.u32 %r1, [%rd1];");
    CHECK_THROWS_WITH(ptx::run(ptx::parse(stored), "test", {}, {}, 0, args, memory),
                      Contains("writes constant memory"));
}

TEST_CASE("memory knows its live allocations") {
    ptx::Memory memory;
    auto *own = static_cast<char *>(memory.allocate(100));
    char callers[10];
    memory.add(callers, sizeof callers);
    const auto address = [](const void *p) { return (uint64_t)(uintptr_t)p; };
    REQUIRE(memory.find(address(own + 99)) != nullptr);
    CHECK(memory.find(address(own + 99))->holds(address(own + 96), 4));
    CHECK(!memory.find(address(own + 99))->holds(address(own + 97), 4));
    CHECK(memory.find(address(own + 100)) == nullptr);
    CHECK(memory.find(address(callers)) != nullptr);
    memory.release(callers);
    CHECK(memory.find(address(callers)) == nullptr);
    CHECK_THROWS_AS(memory.release(callers), std::invalid_argument);
    memory.release(own);
    CHECK(memory.find(address(own)) == nullptr);
}

TEST_CASE("what a launch wrote is there for the next one, and may be read through the read-only path") {
    ptx::Memory memory;
    auto *buffer = static_cast<uint32_t *>(memory.allocate(256));
    const void *args[] = {&buffer};
    ptx::run(ptx::parse(kernel_of("st.global.u32 [%own], %t;")), "test", {}, {32, 1, 1}, 0, args, memory);
    const std::string reader = kernel_of("ld.global.nc.u32 %r1, [%own]; st.global.u32 [%own+128], %r1;");
    ptx::run(ptx::parse(reader), "test", {}, {32, 1, 1}, 0, args, memory);
    CHECK(buffer[32 + 31] == 31);
}

TEST_CASE("blocks that share an address race unless all read it or all use atomics") {
    const auto of_two_blocks = [](const std::string &code) { return launch(kernel_of(code), {2, 1, 1}, {1, 1, 1}); };
    const std::string first = "mov.u32 %r1, %ctaid.x; setp.eq.u32 %p1, %r1, 0; mov.u32 %r2, 1;\n@%p1 bra $first;\n";
    const auto after = [&](const std::string &one, const std::string &two) {
        return of_two_blocks(first + two + "\nret;\n$first:\n" + one);
    };
    const std::string load = "ld.global.u32 %r3, [%own];", nc = "ld.global.nc.u32 %r3, [%own];",
                      store = "st.global.u32 [%own], %r2;", atomic = "red.global.add.u32 [%own], %r2;",
                      byte = "st.global.u8 [%own+1], %r2;", other_byte = "st.global.u8 [%own+2], %r2;";
    CHECK(after(load, load) == "no fault");
    CHECK(after(nc, load) == "no fault");
    CHECK(after(atomic, atomic) == "no fault");
    CHECK(after(byte, other_byte) == "no fault");
    CHECK_THAT(after(load, store), Contains("writes what block 0 reads"));
    CHECK_THAT(after(store, load), Contains("reads what block 0 writes"));
    CHECK_THAT(after(store, store), Contains("writes what block 0 writes"));
    CHECK_THAT(after(byte, load), Contains("reads what block 0 writes"));
    CHECK_THAT(after(nc, store), Contains("writes what this kernel reads through the read-only path"));
    CHECK_THAT(after(store, nc), Contains("reads through the read-only path what this kernel writes"));
    CHECK_THAT(after(atomic, load), Contains("reads what block 0 changes with atomics"));
    CHECK_THAT(after(atomic, store), Contains("writes what block 0 changes with atomics"));
    CHECK_THAT(after(store, atomic), Contains("changes with atomics what block 0 writes"));
    CHECK_THAT(after(load, atomic), Contains("changes with atomics what block 0 reads"));
    CHECK_THAT(after(nc, atomic), Contains("changes what this kernel reads through the read-only path"));
    CHECK(after(store + load + store, "") == "no fault");
}
